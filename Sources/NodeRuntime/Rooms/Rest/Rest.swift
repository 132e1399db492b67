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
    /// The tick up to which the replica's clock has counted.
    var sinceTick: UInt64
    var role: Role
}

/// Which replicas of a loop rest, and what other nodes' loops know of it.
struct RestState {
    /// Ticks since the start of this run.
    var tick: UInt64 = 0
    var rests: [GroupID: Rest] = [:]
    var awake = GroupSet()
    /// Loops of other nodes that have groups in common with this one; sorted by node and lane.
    var neighbors: [Neighbor] = []
    /// How many loops each node has, as it said last; one where it has said nothing.
    private(set) var laneCounts: [NodeID: UInt8] = [:]
    var sleepCount = 0
    var wakeCount = 0

    /// Which loop of another node has a group.
    func lane(of group: GroupID, on node: NodeID) -> UInt8 {
        UInt8(group.rawValue % UInt32(laneCounts[node, default: 1]))
    }

    /// The position in ``neighbors`` of the other node's loop that has a group. A loop that is not there yet is put
    /// there.
    mutating func position(of node: NodeID, for group: GroupID) -> Int {
        position(of: node, lane: lane(of: group, on: node))
    }

    /// The position of another node's loop in ``neighbors``; nil where it has no group in common with this one.
    func knownPosition(of node: NodeID, lane: UInt8) -> Int? {
        neighbors.firstIndex { $0.node == node && $0.lane == lane }
    }

    private mutating func position(of node: NodeID, lane: UInt8) -> Int {
        let position = neighbors.firstIndex { ($0.node, $0.lane) >= (node, lane) } ?? neighbors.endIndex
        if position == neighbors.endIndex || neighbors[position].node != node || neighbors[position].lane != lane {
            neighbors.insert(Neighbor(node: node, lane: lane, tick: tick), at: position)
        }
        return position
    }

    /// Notes that another node has another number of loops. Nothing that rests may count on what its former loops said.
    mutating func changeLanes(of node: NodeID, to count: UInt8) {
        let groups = neighbors.filter { $0.node == node }
        precondition(
            groups.allSatisfy { $0.leading.isEmpty && $0.following.isEmpty && $0.forsaken.isEmpty },
            "whatever rests with a node wakes before its lanes change"
        )
        neighbors.removeAll { $0.node == node }
        laneCounts[node] = count
    }
}
