internal import Consensus
internal import MailModel
internal import NIOCore

/// A client's call that is not answered yet.
struct PendingCall {
    let sequence: UInt64
    /// The encoded envelope: the same bytes however often it is sent.
    let payload: ByteBuffer
    let deadlineMilliseconds: Int64
    let completion: Completion<MailOutcome>
    /// When it was last proposed or forwarded; nil when it has to be.
    var sentMilliseconds: Int64?
}

/// The calls of this node's clients to one group, in the order of their sequence numbers.
final class CallTable {
    private(set) var calls: [PendingCall] = []
    private var nextSequence: UInt64 = 1

    var count: Int { calls.count }

    /// The session has the answers of everything below: nothing below will be asked again.
    var settledBelow: UInt64 { calls.first?.sequence ?? nextSequence }

    func takeSequence() -> UInt64 {
        defer { nextSequence += 1 }
        return nextSequence
    }

    func append(_ call: PendingCall) { calls.append(call) }

    func remove(_ sequence: UInt64) -> PendingCall? {
        index(of: sequence).map { calls.remove(at: $0) }
    }

    func markUnsent(_ sequence: UInt64) {
        if let index = index(of: sequence) { calls[index].sentMilliseconds = nil }
    }

    func markAllUnsent() {
        for index in calls.indices { calls[index].sentMilliseconds = nil }
    }

    func markUnsent(sentBefore milliseconds: Int64) {
        for index in calls.indices {
            if let sent = calls[index].sentMilliseconds, sent <= milliseconds { calls[index].sentMilliseconds = nil }
        }
    }

    func markSent(at index: Int, _ milliseconds: Int64) { calls[index].sentMilliseconds = milliseconds }

    /// Takes out what nobody waits for any more.
    func removeExpired(_ nowMilliseconds: Int64) -> [PendingCall] {
        guard calls.contains(where: { $0.deadlineMilliseconds <= nowMilliseconds }) else { return [] }
        let expired = calls.filter { $0.deadlineMilliseconds <= nowMilliseconds }
        calls.removeAll { $0.deadlineMilliseconds <= nowMilliseconds }
        return expired
    }

    private func index(of sequence: UInt64) -> Int? {
        var low = 0
        var high = calls.count
        while low < high {
            let middle = (low + high) / 2
            if calls[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low < calls.count && calls[low].sequence == sequence ? low : nil
    }
}

/// Commands that this turn proposes to a group, as one batch.
struct ProposalBatch {
    enum Origin {
        case own(sequence: UInt64)
        case forwarded(RequestID, from: NodeID)
        /// Housekeeping, which nobody waits for.
        case housekeeping
    }

    var payloads: [ByteBuffer] = []
    var origins: [Origin] = []
}
