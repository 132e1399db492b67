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

/// What a loop tells of its groups in all, without a look at those that have nothing to do.
package struct LoopSummary: Sendable {
    /// What the replicas of the loop say of each node.
    let tally: GroupTally
    /// Groups that know no leader, in order.
    let leaderless: [GroupID]
    /// Members of groups that are led here which do not answer.
    let silent: [(group: GroupID, node: NodeID)]
    /// How long housekeeping of groups that are led here has been behind, in seconds.
    let behind: [(group: GroupID, seconds: Int64)]
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
    func reports(of selection: GroupSelection) -> [HostedGroupReport] {
        let replicas =
            switch selection {
            case .one(let group): [floor.replica(group)].compactMap(\.self)
            case .behind(let group, let limit): floor.groups.replicas(after: group, limit: limit)
            }
        return replicas.map { replica in
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

    /// What is so now: only groups that are not well, are awake, or miss a neighbor are looked at.
    package var summary: LoopSummary {
        LoopSummary(
            tally: floor.groups.tally,
            leaderless: floor.groups.takeStockOfUnwell().filter { $0.replica != nil && $0.replica?.leaderNode == nil }
                .map(\.id),
            silent: silentMembers,
            behind: rooms.housekeeping.backlogMilliseconds.keys.sorted().compactMap { group in
                guard let replica = floor.replica(group) else { return nil }
                return rooms.housekeeping.backlogSeconds(of: replica).map { (group, $0) }
            }
        )
    }

    /// Where all members of a group that rests are spoken for, they answer.
    private var silentMembers: [(group: GroupID, node: NodeID)] {
        var suspects = floor.rest.awake
        for neighbor in floor.rest.neighbors { for group in neighbor.forsaken { suspects.insert(group) } }
        return suspects.flatMap { group -> [(group: GroupID, node: NodeID)] in
            guard let raft = floor.replica(group)?.raft, raft.role == .leader else { return [] }
            return raft.peerStatus.lazy.filter { !$0.isActive }
                .compactMap { raft.configuration.member($0.replica).map { (group, $0.node) } }
        }
    }

    /// A snapshot of what is wrong: only groups that are not well are looked at.
    package var problems: LoopProblems {
        let unwell = floor.groups.takeStockOfUnwell()
        return LoopProblems(
            membership: membershipProblems(unwell),
            unready: unwell.compactMap(\.unreadyReason),
            doubted: unwell.filter { $0.doubt == .suspected }.map(\.id)
        )
    }

    private func membershipProblems(_ unwell: [HostedGroup]) -> [String] {
        let name = "node \(floor.node.rawValue)"
        let standing = unwell.compactMap { group in
            if case .stopped(let stop) = group.standing {
                "\(name): group \(group.id.rawValue) stands still before entry \(stop.index.rawValue), which this "
                    + "program cannot apply: \(stop.reason)"
            } else {
                nil as String?
            }
        }
        let unreadable = rooms.trouble.unreadable.sorted { $0.key < $1.key }.map { group, noted in
            "\(name): \(noted.count) reads of group \(group.rawValue) have failed since it started, the last: "
                + noted.reason
        }
        let absent = unwell.filter { group in
            switch group.standing {
            case .absent, .replacing: true
            case .remote, .recalling, .rebuilding, .installing, .live, .leaving, .stopped: false
            }
        }
        let learning = unwell.filter { group in
            group.replica.map { !$0.raft.configuration.isVoter($0.id) } ?? false
        }
        let refused = rooms.membership.refusals.sorted { $0.key < $1.key }.map { group, reason in
            "\(name): group \(group.rawValue): \(reason)"
        }
        return standing + unreadable + refused
            + absent.map { "\(name): the replica of group \($0.id.rawValue) was given up and is made anew" }
            + learning.map { "\(name): the replica of group \($0.id.rawValue) is built from the others" }
    }
}

extension HostedGroup {
    /// Why clients of this group cannot be served now; nil when they can: its leader is known, and its state is here. A
    /// node that is cut off, or one of a cluster without a quorum, stops knowing a leader within an election timeout.
    fileprivate var unreadyReason: String? {
        let name = "group \(id.rawValue)"
        switch standing {
        case .absent, .replacing: return "\(name) has no replica here yet"
        case .stopped: return "\(name) stands still here"
        case .remote, .leaving: return nil
        case .recalling, .rebuilding, .installing, .live: break
        }
        guard replica?.leaderNode != nil else { return "\(name) has no leader that this node knows" }
        return standing.hasState ? nil : "\(name) is being built from the others"
    }
}
