package import Consensus
internal import ReplicaCore

extension NodeLoop {
    /// Entries that a replica may lack to be given a leadership: it gets them before it campaigns.
    private static let maximumSuccessorLag = 8

    /// Hands every leadership to the best follower, and takes no new calls.
    ///
    /// - Returns: how many groups this node still leads.
    package func resign() -> Int {
        isStopping = true
        var leading = 0
        for replica in replicas where replica.isLeader && replica.raft.configuration.voters.count > 1 {
            leading += 1
            if replica.raft.status.transferTarget == nil { _ = transfer(replica.group, to: nil) }
        }
        return leading
    }

    /// Hands every leadership to one node, where it has a vote.
    package func handOverLeaderships(to target: NodeID) {
        for replica in replicas where replica.isLeader { _ = transfer(replica.group, to: target) }
    }

    /// Hands a leadership over.
    ///
    /// - Parameter target: nil for the follower that has most of the log.
    func transfer(_ group: GroupID, to target: NodeID?) -> Rejection? {
        guard let replica = replica(group) else { return .notLeader(leader: nil) }
        // What it knows of the others is up to date once it is awake.
        withReplica(group) { _, _ in }
        let status = replica.raft.status
        let candidates = status.peers.filter { peer in
            guard let member = status.configuration.member(peer.replica), member.node != node else { return false }
            return target == nil ? peer.isActive : member.node == target
        }
        guard let best = candidates.max(by: { $0.matchIndex < $1.matchIndex }) else {
            return replica.isLeader ? .notAVoter : .notLeader(leader: status.leader)
        }
        return withReplica(group) { $0.control(.transferLeadership(to: best.replica), source, into: &$1) } ?? nil
    }

    /// Gives groups back to the replica that is to lead them, when it is up to date: leaderships stay spread.
    ///
    /// - Parameter onlyToReturned: only to those that were away while this node led. What an operator has moved stays
    ///   where it was put.
    package func balanceLeaderships(onlyToReturned: Bool) {
        guard !isStopping else { return }
        for replica in replicas where replica.isLeader {
            let status = replica.raft.status
            guard status.transferTarget == nil, let own = status.configuration.member(status.id) else { continue }
            for peer in status.peers where peer.isActive && peer.lag <= Self.maximumSuccessorLag {
                if onlyToReturned, !peer.wasAway { continue }
                guard let member = status.configuration.member(peer.replica), member.priority > own.priority,
                    status.configuration.isVoter(peer.replica)
                else { continue }
                _ = withReplica(replica.group) {
                    $0.control(.transferLeadership(to: peer.replica), source, into: &$1)
                }
                break
            }
        }
    }
}
