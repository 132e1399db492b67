internal import Consensus
internal import PeerTransport

/// A replica at rest: its clock stands still, and its node speaks for it.
struct Rest {
    enum Role {
        /// `peers` are spoken for by beats; those on the nodes of `forsaken` were given up.
        case leader(peers: [Member], forsaken: [NodeID])
        /// `proofs`: how often the leader's node had proven that it leads, when the rest began.
        case follower(of: NodeID, proofs: UInt64)
    }

    let resting: RestingGroup
    /// Up to here, the replica's clock has counted.
    var sinceTick: UInt64
    var role: Role
}

/// Which replicas of a node rest, and what its neighbours know of it.
struct RestState {
    /// Ticks since the start of this run.
    var tick: UInt64 = 0
    var rests: [GroupID: Rest] = [:]
    var awake = GroupSet()
    /// When something other than the clock and heartbeats last reached a group.
    var touched: [GroupID: UInt64] = [:]
    /// Sorted by node.
    var neighbors: [Neighbor] = []
    var sleepCount = 0
    var wakeCount = 0

    /// Where a neighbour is; those unknown so far are counted from now on.
    mutating func position(of node: NodeID) -> Int {
        let position = neighbors.firstIndex { $0.node >= node } ?? neighbors.endIndex
        if position == neighbors.endIndex || neighbors[position].node != node {
            neighbors.insert(Neighbor(node: node, tick: tick), at: position)
        }
        return position
    }
}
