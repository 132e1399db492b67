package import Consensus
internal import MailStore
internal import NIOConcurrencyHelpers
package import ReplicaCore

/// Where an applier is to keep the state of a group as it is.
package struct DigestMark: Hashable, Sendable {
    /// The verification that the state is kept for.
    package let id: VerificationID
    /// The entry behind which the state is kept.
    package let index: LogIndex

    package init(id: VerificationID, index: LogIndex) {
        self.id = id
        self.index = index
    }
}

/// All states that this node keeps for comparisons: a bounded number, closed before the store is.
final class KeptStates: Sendable {
    /// Beyond what ``VerificationSettings/maximumKept`` asks for: those on their way between applier and loop.
    static let maximumOpen = 64

    private struct State {
        var states: [MarkedState] = []
        var isClosed = false
    }

    private let state = NIOLockedValueBox(State())

    /// - Returns: whether there was room; a state that does not fit is closed.
    func add(_ marked: MarkedState) -> Bool {
        let isAdmitted = state.withLockedValue { state in
            guard !state.isClosed, state.states.count < Self.maximumOpen else { return false }
            state.states.append(marked)
            return true
        }
        if !isAdmitted { marked.close() }
        return isAdmitted
    }

    func close(_ marked: MarkedState) {
        state.withLockedValue { state in state.states.removeAll { $0 === marked } }
        marked.close()
    }

    /// The node ends: nothing is kept any more.
    func closeAll() {
        let states = state.withLockedValue { state in
            state.isClosed = true
            defer { state.states.removeAll() }
            return state.states
        }
        for marked in states { marked.close() }
    }
}
