internal import NIOConcurrencyHelpers

/// Who still reads an older state: segments of values that were in it are kept until nobody does.
final class OpenSnapshots: Sendable {
    private struct State {
        var epoch: UInt64 = 0
        var counts: [UInt64: Int] = [:]
    }

    private let state = NIOLockedValueBox(State())

    /// Notes a reader of the state as it is now.
    ///
    /// - Returns: what ``end(_:)`` wants.
    func begin() -> UInt64 {
        state.withLockedValue { state in
            state.counts[state.epoch, default: 0] += 1
            return state.epoch
        }
    }

    func end(_ epoch: UInt64) {
        state.withLockedValue { state in
            let left = (state.counts[epoch] ?? 0) - 1
            precondition(left >= 0, "a snapshot ended twice")
            state.counts[epoch] = left == 0 ? nil : left
        }
    }

    /// Tells apart those who read from before from those who come from now on.
    ///
    /// - Returns: what ``areOver(before:)`` wants.
    func mark() -> UInt64 {
        state.withLockedValue { state in
            state.epoch += 1
            return state.epoch
        }
    }

    /// Whether nobody reads any more of those who began before a mark.
    func areOver(before mark: UInt64) -> Bool { state.withLockedValue { $0.counts.keys.allSatisfy { $0 >= mark } } }
}
