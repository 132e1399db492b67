internal import Consensus
internal import NIOConcurrencyHelpers

/// Keeps reads from being answered by rows of a group that were replaced meanwhile (by a snapshot, or by nothing). No
/// thread waits for another: the result of a read that began before is thrown away when the read ends.
final class ReadGate: Sendable {
    private struct State {
        var closed: Set<GroupID> = []
        /// How often each group was closed.
        var closings: [GroupID: UInt64] = [:]
    }

    private let state = NIOLockedValueBox(State())

    /// A pass for the rows that are there now. What a read was promised of these rows says nothing of rows that take
    /// their place, which may be older, or none.
    func pass(_ group: GroupID) -> UInt64 { state.withLockedValue { $0.closings[group, default: 0] } }

    /// Whether the rows are still those for which the pass was given. A read asks before it begins, to spare the work,
    /// and when it ends: only then what it found may be told.
    func isGood(_ pass: UInt64, for group: GroupID) -> Bool {
        state.withLockedValue { state in
            !state.closed.contains(group) && state.closings[group, default: 0] == pass
        }
    }

    /// The rows of the group are being replaced: no pass for them is good any more.
    func close(_ group: GroupID) {
        state.withLockedValue { state in
            if state.closed.insert(group).inserted { state.closings[group, default: 0] += 1 }
        }
    }

    /// The rows of the group may be read again.
    func open(_ group: GroupID) {
        state.withLockedValue { _ = $0.closed.remove(group) }
    }
}
