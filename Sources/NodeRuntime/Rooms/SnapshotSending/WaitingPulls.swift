internal import Consensus
internal import PeerTransport

/// Pulls that wait for the rate, in the order of their first asking; one for each group of each node.
struct WaitingPulls {
    /// Pulls that wait at once. Others are dropped: the node that asked asks again.
    static let maximumCount = 64

    private var pulls: [(pull: SnapshotPull, node: NodeID)] = []

    var isEmpty: Bool { pulls.isEmpty }

    /// Has a pull wait, in the place of an earlier one for the same.
    mutating func add(_ pull: SnapshotPull, from node: NodeID) {
        if let known = pulls.firstIndex(where: { $0.node == node && $0.pull.group == pull.group }) {
            pulls[known].pull = pull
        } else if pulls.count < Self.maximumCount {
            pulls.append((pull, node))
        }
    }

    /// The pull that has waited longest.
    mutating func next() -> (pull: SnapshotPull, node: NodeID)? { pulls.isEmpty ? nil : pulls.removeFirst() }
}
