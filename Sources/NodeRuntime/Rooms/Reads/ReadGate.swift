internal import Consensus
internal import NIOConcurrencyHelpers

/// Keeps what was read from a group whose rows were being replaced meanwhile (by a snapshot, or by nothing) from being
/// answered. Nobody waits for anybody: a read that began before is thrown away when it ends.
final class ReadGate: Sendable {
    private struct State {
        var closed: Set<GroupID> = []
        /// How often each group was closed.
        var closings: [GroupID: UInt64] = [:]
    }

    private let state = NIOLockedValueBox(State())

    /// Good for the rows that are there now. What a read was promised of them says nothing of those that take their
    /// place, which may be older, or none.
    func pass(_ group: GroupID) -> UInt64 { state.withLockedValue { $0.closings[group, default: 0] } }

    /// Whether the rows are still those for which the pass was given. To be asked before a read, to spare it, and
    /// behind it: only then what it found may be told.
    func isGood(_ pass: UInt64, for group: GroupID) -> Bool {
        state.withLockedValue { state in
            !state.closed.contains(group) && state.closings[group, default: 0] == pass
        }
    }

    func close(_ group: GroupID) {
        state.withLockedValue { state in
            if state.closed.insert(group).inserted { state.closings[group, default: 0] += 1 }
        }
    }

    func open(_ group: GroupID) {
        state.withLockedValue { _ = $0.closed.remove(group) }
    }
}
