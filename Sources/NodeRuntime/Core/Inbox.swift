internal import NIOConcurrencyHelpers

/// Hands batches to a thread that may be asleep. Any thread may put; one drains.
package final class Inbox<Item: Sendable>: Sendable {
    private struct State {
        var items: [Item] = []
        var isStopped = false
    }

    /// 0: nothing to do; 1: something.
    private let condition = ConditionLock<Int>(value: 0)
    private let state = NIOLockedValueBox(State())

    package func put(_ item: Item) { put(contentsOf: CollectionOfOne(item)) }

    package func put(contentsOf items: some Collection<Item>) {
        guard !items.isEmpty else { return }
        let wasEmpty = state.withLockedValue { state in
            defer { state.items.append(contentsOf: items) }
            return state.items.isEmpty
        }
        if wasEmpty { wake() }
    }

    /// What came since the last call, without waiting.
    package func drain() -> [Item] {
        state.withLockedValue { state in
            var items: [Item] = []
            swap(&items, &state.items)
            return items
        }
    }

    package var isEmpty: Bool { state.withLockedValue { $0.items.isEmpty } }

    /// Waits until something comes or the time is over.
    func wait(milliseconds: Double) {
        if condition.lock(whenValue: 1, timeoutSeconds: milliseconds / 1_000) { condition.unlock(withValue: 0) }
    }

    func stop() {
        state.withLockedValue { $0.isStopped = true }
        wake()
    }

    var isStopped: Bool { state.withLockedValue { $0.isStopped } }

    private func wake() {
        condition.lock()
        condition.unlock(withValue: 1)
    }
}
