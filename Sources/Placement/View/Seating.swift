internal import Consensus
internal import MailModel

/// Where the replicas of one group lie, with nodes by their number in the view.
struct Seating: Sendable {
    struct Seat: Hashable, Sendable {
        let replica: ReplicaID
        let node: Int
        let isQuarantined: Bool
    }

    let voters: [Seat]
    let learners: [Seat]
    /// The number of the leader's node; nil where no leader is known, or it can lead no more: its node is gone, or its
    /// replica is in quarantine.
    let leader: Int?

    init(_ group: GroupView, nodeNumbers: [NodeID: Int], nodes: [NodeView]) {
        var voters: [Seat] = []
        var learners: [Seat] = []
        for replica in group.replicas {
            guard let node = nodeNumbers[replica.node] else { continue }
            let seat = Seat(replica: replica.replica, node: node, isQuarantined: replica.isQuarantined)
            switch replica.role {
            case .voter: voters.append(seat)
            case .learner: learners.append(seat)
            }
        }
        self.voters = voters
        self.learners = learners
        let leader = group.leader.flatMap { nodeNumbers[$0] }
        self.leader = leader.flatMap { node in
            nodes[node].liveness == .alive && voters.contains { $0.node == node && !$0.isQuarantined } ? node : nil
        }
    }

    /// Whether a learner that need not copy anything lies on the node.
    func hasSoundLearner(on node: Int) -> Bool { learners.contains { $0.node == node && !$0.isQuarantined } }
}
