internal import Consensus
internal import Glibc
internal import NIOConcurrencyHelpers

/// Keeps reads away from a group whose rows are being replaced by a snapshot.
final class ReadGate: Sendable {
    private struct State {
        var readers: [GroupID: Int] = [:]
        var closed: Set<GroupID> = []
    }

    private let state = NIOLockedValueBox(State())

    /// - Returns: false when the group is closed; otherwise ``leave(_:)`` must follow.
    func enter(_ group: GroupID) -> Bool {
        state.withLockedValue { state in
            guard !state.closed.contains(group) else { return false }
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
                state.closed.insert(group)
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
