internal import Consensus
internal import Glibc
internal import NIOConcurrencyHelpers

/// Keeps reads away from a group whose rows are being replaced by a snapshot.
final class ReadGate: Sendable {
    private struct State {
        var readers: [GroupID: Int] = [:]
        var closed: Set<GroupID> = []
        /// How often each group was closed.
        var closings: [GroupID: UInt64] = [:]
    }

    private let state = NIOLockedValueBox(State())

    /// Good for the rows that are there now. What a read was promised of them says nothing of those that take their
    /// place, which may be older, or none.
    func pass(_ group: GroupID) -> UInt64 { state.withLockedValue { $0.closings[group, default: 0] } }

    /// - Returns: false when the group is closed, or was since `pass` was given; otherwise ``leave(_:)`` must follow.
    func enter(_ group: GroupID, _ pass: UInt64) -> Bool {
        state.withLockedValue { state in
            guard !state.closed.contains(group), state.closings[group, default: 0] == pass else { return false }
            state.readers[group, default: 0] += 1
            return true
        }
    }

    func leave(_ group: GroupID) {
        state.withLockedValue { $0.readers[group, default: 0] -= 1 }
    }

    /// Lets nobody in any more, and waits until those inside have left: reads are short, installs are rare.
    func close(_ group: GroupID) {
        while true {
            let isEmpty = state.withLockedValue { state in
                if state.closed.insert(group).inserted { state.closings[group, default: 0] += 1 }
                return state.readers[group, default: 0] == 0
            }
            if isEmpty { return }
            usleep(200)
        }
    }

    func open(_ group: GroupID) {
        state.withLockedValue { _ = $0.closed.remove(group) }
    }
}
