internal import Consensus
internal import MailModel

/// Notices that the cluster goes on without this node, and ends it.
///
/// One node may be behind, and not know yet that this one was taken back: most of those that vote on the directory must
/// say so, as far as this node knows who they are.
struct FarewellRoom {
    /// What was said longer ago counts no more.
    private static let memoryMilliseconds: Int64 = 10_000

    private var saidMilliseconds: [NodeID: Int64] = [:]
    private var hasEnded = false

    mutating func noteGone(by node: NodeID, _ desk: AgentDesk) {
        saidMilliseconds[node] = desk.nowMilliseconds
        let since = desk.nowMilliseconds - Self.memoryMilliseconds
        saidMilliseconds = saidMilliseconds.filter { $0.value >= since }
        let members = desk.directory.now.group(.directory)?.members
        let others = (members?.voterNodes ?? []).filter { $0 != desk.node }
        guard !hasEnded, !others.isEmpty, others.count(where: { saidMilliseconds[$0] != nil }) > others.count / 2 else {
            return
        }
        hasEnded = true
        desk.ways.failed(NodeIsGone(node: desk.node))
    }
}

/// The node was decommissioned.
struct NodeIsGone: Error, CustomStringConvertible {
    let node: NodeID

    var description: String {
        "node \(node.rawValue) was decommissioned: the cluster goes on without it. To take it back, run "
            + "`staffettactl node recommission \(node.rawValue)` and start it again. To use the machine anew, start it "
            + "with another data directory and --join."
    }
}
