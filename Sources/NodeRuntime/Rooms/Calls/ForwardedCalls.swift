internal import Consensus
internal import MailModel

/// Other nodes' calls that this node has proposed as their leader, and who wants the answers.
///
/// Calls are forgotten some time after the callers gave up: in two generations, so that no tick looks at each call.
struct ForwardedCalls {
    /// Sequence numbers of a node's calls are counted for each group: the same request ID may come for several of them.
    private struct Key: Hashable {
        let group: GroupID
        let request: RequestID
    }

    private struct Waiter {
        let node: NodeID
        let term: Term
    }

    /// What becomes of a call that another node has forwarded.
    enum Verdict {
        /// The call is to be proposed.
        case new
        /// The call is in the log of this leadership, and is answered when it is applied.
        case known
        /// ``ForwardedCalls/maximumCount`` calls are noted already.
        case full
    }

    /// Calls that a replica loop keeps in mind at once; the senders of others are told that it is busy.
    static let maximumCount = 65_536

    private var young: [Key: Waiter] = [:]
    private var old: [Key: Waiter] = [:]
    private var turnedMilliseconds: Int64 = 0

    var count: Int { young.count + old.count }

    /// Notes a call of another node, which this node leads the group for.
    mutating func note(_ request: RequestID, of group: GroupID, from node: NodeID, in term: Term) -> Verdict {
        let key = Key(group: group, request: request)
        let known = young[key] ?? old[key]
        guard known != nil || count < Self.maximumCount else { return .full }
        if known != nil { old[key] = nil }
        young[key] = Waiter(node: node, term: term)
        return known?.term == term ? .known : .new
    }

    /// Forgets a call that is answered now.
    ///
    /// - Returns: the node that wants the answer; nil where no other node does.
    mutating func remove(_ request: RequestID, of group: GroupID) -> NodeID? {
        guard !young.isEmpty || !old.isEmpty else { return nil }
        let key = Key(group: group, request: request)
        return (young.removeValue(forKey: key) ?? old.removeValue(forKey: key))?.node
    }

    /// Forgets the calls that were not forwarded since the last turn of the generations but one.
    mutating func forgetOld(every milliseconds: Int64, _ nowMilliseconds: Int64) {
        guard nowMilliseconds - turnedMilliseconds >= milliseconds else { return }
        turnedMilliseconds = nowMilliseconds
        old = young
        young = [:]
    }
}
