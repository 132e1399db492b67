internal import MailModel
internal import NIOConcurrencyHelpers

/// Calls whose answer is being read from the state. A disk that does not answer, or a pool whose threads all wait for
/// one, must not keep clients waiting for ever: at its deadline a call fails, whatever becomes of the read.
package final class StateReads: Sendable {
    private struct Waiting {
        let deadlineMilliseconds: Int64
        let fail: @Sendable (ServiceFailure) -> Void
    }

    private struct State {
        var waiting: [UInt64: Waiting] = [:]
        var next: UInt64 = 0
        /// No deadline of those that wait is over before.
        var earliestMilliseconds = Int64.max
    }

    private let state = NIOLockedValueBox(State())

    init() {}

    /// Notes a call.
    ///
    /// - Parameter fail: called when its deadline is over.
    /// - Returns: what ``end(_:)`` wants.
    func begin(
        deadlineMilliseconds: Int64,
        fail: @escaping @Sendable (ServiceFailure) -> Void
    ) -> UInt64 {
        state.withLockedValue { state in
            state.next += 1
            state.earliestMilliseconds = min(state.earliestMilliseconds, deadlineMilliseconds)
            state.waiting[state.next] = Waiting(deadlineMilliseconds: deadlineMilliseconds, fail: fail)
            return state.next
        }
    }

    /// Notes that a read is over.
    ///
    /// - Returns: whether the client still waits for the read; otherwise the call has failed, and must not be answered
    ///   again.
    func end(_ id: UInt64) -> Bool { state.withLockedValue { $0.waiting.removeValue(forKey: id) != nil } }

    /// Fails the calls whose deadline is over; looks at all only when one may be.
    func expire(_ nowMilliseconds: Int64) {
        let expired = state.withLockedValue { state -> [Waiting] in
            guard nowMilliseconds >= state.earliestMilliseconds else { return [] }
            defer { state.earliestMilliseconds = state.waiting.values.map(\.deadlineMilliseconds).min() ?? .max }
            let ids = state.waiting.filter { $0.value.deadlineMilliseconds <= nowMilliseconds }.keys.sorted()
            return ids.compactMap { state.waiting.removeValue(forKey: $0) }
        }
        for waiting in expired { waiting.fail(.unavailable) }
    }
}
