internal import Consensus
internal import MailModel
internal import ReplicaCore

/// What the loop can tell an operator of its groups.
extension NodeLoop {
    /// What keeps this node from having a voting replica of every group, a sentence each.
    var membershipProblems: [String] {
        let node = node.rawValue
        guard identity.isFounded else {
            return ["node \(node): the cluster has not begun; all its nodes have to be there"]
        }
        let standing = groups.stopped.map { group, stop in
            "node \(node): group \(group.rawValue) stands still before entry \(stop.index.rawValue), which this "
                + "program cannot apply: \(stop.reason)"
        }
        let unreadable = rooms.trouble.unreadable.sorted { $0.key < $1.key }.map { group, noted in
            "node \(node): \(noted.count) reads of group \(group.rawValue) have failed since it started, the last: "
                + noted.reason
        }
        let absent = identity.groups.filter { group in
            switch self.standing(of: group) {
            case .absent, .replacing: true
            case .recalling, .rebuilding, .installing, .live, .stopped: false
            }
        }
        let learning = replicas.filter { !$0.raft.configuration.isVoter($0.raft.id) }.map(\.group)
        return standing + unreadable
            + absent.map { "node \(node): the replica of group \($0.rawValue) was given up and is made anew" }
            + learning.map { "node \(node): the replica of group \($0.rawValue) is built from the others" }
    }

    /// Why this node cannot serve every account now, a sentence each; empty when it can: the cluster has begun, and
    /// this node knows a leader of every group and has its state. A node that is cut off, or one of a cluster without
    /// a quorum, stops knowing a leader within an election timeout.
    var unreadyReasons: [String] {
        guard identity.isFounded else { return ["the cluster has not begun"] }
        return identity.groups.compactMap { group in
            let name = "group \(group.rawValue)"
            switch standing(of: group) {
            case .absent, .replacing: return "\(name) has no replica here yet"
            case .stopped: return "\(name) stands still here"
            case .recalling, .rebuilding, .installing, .live: break
            }
            guard replica(group)?.leaderNode != nil else { return "\(name) has no leader that this node knows" }
            return standing(of: group).hasState ? nil : "\(name) is being built from the others"
        }
    }
}
