internal import Consensus
internal import MailModel

/// Notices that the cluster goes on without this node, and ends it.
///
/// Nodes may be behind, and not know yet that this one was taken back: most of those that vote on the directory must
/// say so, as far as this node knows who they are, and go on saying so for some seconds.
struct FarewellRoom {
    /// What was said longer ago counts no more.
    private static let memoryMilliseconds: Int64 = 30_000
    /// For so long a node must have said so. One that is behind hears the news before, and refuses this node no more.
    private static let insistenceMilliseconds: Int64 = 3_000

    private struct Word {
        let firstMilliseconds: Int64
        var lastMilliseconds: Int64
    }

    private var words: [NodeID: Word] = [:]
    private var hasEnded = false

    mutating func noteGone(by node: NodeID, _ desk: AgentDesk) {
        let members = desk.directory.now.group(.directory)?.members
        let others = (members?.voterNodes ?? []).filter { $0 != desk.node }
        guard isFinal(node, at: desk.nowMilliseconds, among: others), !hasEnded else { return }
        hasEnded = true
        desk.ways.failed(NodeIsGone(node: desk.node))
    }

    /// Notes that one node says so, and tells whether most of the others have gone on saying so for long enough.
    mutating func isFinal(_ node: NodeID, at now: Int64, among others: [NodeID]) -> Bool {
        words = words.filter { $0.value.lastMilliseconds >= now - Self.memoryMilliseconds }
        words[node, default: Word(firstMilliseconds: now, lastMilliseconds: now)].lastMilliseconds = now
        func insists(_ word: Word) -> Bool {
            word.lastMilliseconds - word.firstMilliseconds >= Self.insistenceMilliseconds
        }
        return others.count { words[$0].map(insists) ?? false } > others.count / 2
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
