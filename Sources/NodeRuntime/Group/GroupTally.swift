internal import Consensus

/// What the replicas of a loop say of the nodes: how many groups each leads, and has a replica of. Kept up to date with
/// every change, so that whoever asks need not look at all groups.
struct GroupTally: Equatable {
    /// What one group counts for.
    struct Entry: Equatable {
        let leader: NodeID?
        let nodes: [NodeID]
    }

    /// What a node has.
    struct Share: Equatable {
        /// The groups whose replicas here take the node for the leader's.
        var led = 0
        /// The groups whose configurations here name the node.
        var replicas = 0
    }

    /// How many groups have a replica here.
    private(set) var groups = 0
    /// How many of them know a leader.
    private(set) var withLeader = 0
    private(set) var shares: [NodeID: Share] = [:]

    /// A group counts for something else than before.
    ///
    /// - Parameters:
    ///   - old: nil where the group had no replica here.
    ///   - new: nil where the group has none any more.
    mutating func replace(_ old: Entry?, with new: Entry?) {
        if let old { count(old, by: -1) }
        if let new { count(new, by: 1) }
    }

    private mutating func count(_ entry: Entry, by number: Int) {
        groups += number
        if let leader = entry.leader {
            withLeader += number
            change(leader) { $0.led += number }
        }
        for node in Set(entry.nodes) { change(node) { $0.replicas += number } }
    }

    private mutating func change(_ node: NodeID, _ body: (inout Share) -> Void) {
        body(&shares[node, default: Share()])
        if shares[node] == Share() { shares[node] = nil }
    }
}
