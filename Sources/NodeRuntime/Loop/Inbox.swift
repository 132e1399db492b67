package import NIOConcurrencyHelpers
package import Synchronization

/// Hands batches to a thread that may be asleep. Any thread may put; one drains.
///
/// Inlinable where the simulator calls it all the time: a generic type of another module is not specialized otherwise.
package final class Inbox<Item: Sendable>: Sendable {
    @usableFromInline
    struct State {
        @usableFromInline var items: [Item] = []
        @usableFromInline var isStopped = false

        init() {}
    }

    private let parking = ThreadParking()
    @usableFromInline let state = NIOLockedValueBox(State())
    /// Whether items wait. Changed under the lock, and asked without it: the simulator asks after every event.
    @usableFromInline let isFilled = Atomic<Bool>(false)

    /// Adds an item behind all others, and wakes the thread that sleeps in ``wait(milliseconds:)``.
    @inlinable
    package func put(_ item: Item) {
        let wasEmpty = state.withLockedValue { state in
            state.items.append(item)
            isFilled.store(true, ordering: .releasing)
            return state.items.count == 1
        }
        if wasEmpty { wake() }
    }

    /// Adds items behind all others, in their order, and wakes the thread that sleeps in ``wait(milliseconds:)``.
    package func put(contentsOf items: [Item]) {
        guard !items.isEmpty else { return }
        let wasEmpty = state.withLockedValue { state in
            defer { state.items.append(contentsOf: items) }
            isFilled.store(true, ordering: .releasing)
            return state.items.isEmpty
        }
        if wasEmpty { wake() }
    }

    /// Takes out all items, in the order in which they were put, without waiting.
    @inlinable
    package func drain() -> [Item] {
        state.withLockedValue { state in
            var items: [Item] = []
            swap(&items, &state.items)
            isFilled.store(false, ordering: .releasing)
            return items
        }
    }

    /// Whether nothing was put since the last ``drain()``.
    @inlinable package var isEmpty: Bool { !isFilled.load(ordering: .acquiring) }

    /// Waits until an item is put, ``stop()`` is called, or the time is over.
    func wait(milliseconds: Double) { parking.wait(milliseconds: milliseconds) }

    /// Wakes the thread that drains, which is to end: ``isStopped``. Items that are put later are kept.
    func stop() {
        state.withLockedValue { $0.isStopped = true }
        wake()
    }

    /// Whether ``stop()`` was called.
    var isStopped: Bool { state.withLockedValue { $0.isStopped } }

    @usableFromInline
    func wake() { parking.wake() }
}
