internal import Consensus
internal import ReplicaCore

/// What a loop tells of one of its replicas.
package struct HostedGroupReport: Sendable {
    let group: GroupID
    let status: RaftStatus
    let leaderNode: NodeID?
    let verification: VerificationNote?
    let isInDoubt: Bool
    /// Nil for a replica that does not lead.
    let housekeepingBacklogSeconds: Int64?
}

/// What is wrong with the groups of a loop, a sentence each.
package struct LoopProblems: Sendable {
    /// What keeps this node from having a voting replica of every group.
    let membership: [String]
    /// Why this node cannot serve every account now.
    let unready: [String]
    /// Groups whose replica here is not copied, because it is not known whether it is right.
    let doubted: [GroupID]
}

extension ReplicaLoop {
    var groupReports: [HostedGroupReport] {
        floor.groups.replicas.map { replica in
            HostedGroupReport(
                group: replica.group,
                status: replica.raft.status,
                leaderNode: replica.leaderNode,
                verification: floor.groups[replica.group]?.verificationNote,
                isInDoubt: floor.groups[replica.group]?.doubt == .suspected,
                housekeepingBacklogSeconds: rooms.housekeeping.backlogSeconds(of: replica)
            )
        }
    }

    package var problems: LoopProblems {
        LoopProblems(membership: membershipProblems, unready: unreadyReasons, doubted: floor.groups.doubted)
    }

    private var membershipProblems: [String] {
        let node = floor.node.rawValue
        let standing = floor.groups.stopped.map { group, stop in
            "node \(node): group \(group.rawValue) stands still before entry \(stop.index.rawValue), which this "
                + "program cannot apply: \(stop.reason)"
        }
        let unreadable = rooms.trouble.unreadable.sorted { $0.key < $1.key }.map { group, noted in
            "node \(node): \(noted.count) reads of group \(group.rawValue) have failed since it started, the last: "
                + noted.reason
        }
        let absent = floor.groups.ids.filter { group in
            switch floor.standing(of: group) {
            case .absent, .replacing: true
            case .recalling, .rebuilding, .installing, .live, .stopped: false
            }
        }
        let learning = floor.groups.replicas.filter { !$0.raft.configuration.isVoter($0.raft.id) }.map(\.group)
        return standing + unreadable
            + absent.map { "node \(node): the replica of group \($0.rawValue) was given up and is made anew" }
            + learning.map { "node \(node): the replica of group \($0.rawValue) is built from the others" }
    }

    /// Empty when this node knows a leader of every group and has its state. A node that is cut off, or one of a
    /// cluster without a quorum, stops knowing a leader within an election timeout.
    private var unreadyReasons: [String] {
        floor.groups.ids.compactMap { group in
            let name = "group \(group.rawValue)"
            switch floor.standing(of: group) {
            case .absent, .replacing: return "\(name) has no replica here yet"
            case .stopped: return "\(name) stands still here"
            case .recalling, .rebuilding, .installing, .live: break
            }
            guard floor.replica(group)?.leaderNode != nil else { return "\(name) has no leader that this node knows" }
            return floor.standing(of: group).hasState ? nil : "\(name) is being built from the others"
        }
    }
}
