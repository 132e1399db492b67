internal import NIOConcurrencyHelpers
package import NIOCore
internal import Synchronization

/// Passes all calls on to another store, and notes which rows they read and change while ``isCounting`` is set: for
/// tests of bounds, and for the measurement of commands.
package final class CountingStateStore: StateStore {
    /// The rows that were touched. A row that is touched twice counts once, its bytes count each time.
    package struct Touched: Hashable, Sendable {
        /// Different keys that were read or changed. The two bounds of a range that is deleted count as keys.
        package var rows = 0
        /// Bytes of keys and values, read and written.
        package var bytes = 0

        package init() {}
    }

    private struct State {
        var keys: Set<[UInt8]> = []
        var bytes = 0
    }

    private let inner: any StateStore
    private let state = NIOLockedValueBox(State())
    private let isOn: Synchronization.Atomic<Bool>

    /// Puts itself in front of `inner`.
    ///
    /// - Parameter counting: whether the store counts from the start.
    package init(over inner: any StateStore, counting: Bool = true) {
        self.inner = inner
        isOn = Synchronization.Atomic(counting)
    }

    /// Whether calls are noted. Where not, a call costs next to nothing more.
    package var isCounting: Bool {
        get { isOn.load(ordering: .relaxed) }
        set { isOn.store(newValue, ordering: .relaxed) }
    }

    /// The rows that were touched since the last call.
    package func takeTouched() -> Touched {
        state.withLockedValue { state in
            defer { state = State() }
            var touched = Touched()
            touched.rows = state.keys.count
            touched.bytes = state.bytes
            return touched
        }
    }

    fileprivate func note(_ key: Span<UInt8>, _ valueBytes: Int) {
        guard isCounting else { return }
        let bytes = key.copied()
        state.withLockedValue { state in
            state.keys.insert(bytes)
            state.bytes += bytes.count + valueBytes
        }
    }

    package func makeBatch() -> any StateBatch { CountingStateBatch(inner.makeBatch(), self) }

    package func write(_ batch: any StateBatch) throws(StateError) {
        guard let batch = batch as? CountingStateBatch else {
            preconditionFailure("A batch of another kind of store.")
        }
        try inner.write(batch.inner)
    }

    package func get(_ key: Span<UInt8>) throws(StateError) -> ByteBuffer? {
        let value = try inner.get(key)
        note(key, value?.readableBytes ?? 0)
        return value
    }

    package func get(_ key: Span<UInt8>, tier: ReadTier) throws(StateError) -> ByteBuffer? {
        let value = try inner.get(key, tier: tier)
        note(key, value?.readableBytes ?? 0)
        return value
    }

    package func withValue(_ key: Span<UInt8>, _ body: (Span<UInt8>) throws -> Void) throws -> Bool {
        note(key, 0)
        return try inner.withValue(key) { value in
            note(key, value.count)
            try body(value)
        }
    }

    package func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        order: ScanOrder,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws {
        try inner.scan(from: start, to: end, order: order) { key, value in
            note(key, value.count)
            return try body(key, value)
        }
    }

    package func makeSnapshot() -> any StateSnapshot { inner.makeSnapshot() }
    package func flush() throws(StateError) { try inner.flush() }
    package var approximateSize: UInt64 { inner.approximateSize }
    package var failure: StateError? { inner.failure }
    package func close() { inner.close() }
}

private final class CountingStateBatch: StateBatch {
    let inner: any StateBatch
    private let store: CountingStateStore

    init(_ inner: any StateBatch, _ store: CountingStateStore) {
        self.inner = inner
        self.store = store
    }

    var count: Int { inner.count }
    var byteCount: Int { inner.byteCount }

    func put(_ key: Span<UInt8>, _ value: Span<UInt8>) {
        store.note(key, value.count)
        inner.put(key, value)
    }

    func put(_ key: Span<UInt8>, prefix: Span<UInt8>, pieces: [ByteBuffer]) {
        store.note(key, pieces.reduce(prefix.count) { $0 + $1.readableBytes })
        inner.put(key, prefix: prefix, pieces: pieces)
    }

    func delete(_ key: Span<UInt8>) {
        store.note(key, 0)
        inner.delete(key)
    }

    func deleteRange(_ start: Span<UInt8>, _ end: Span<UInt8>) {
        store.note(start, 0)
        inner.deleteRange(start, end)
    }

    func clear() { inner.clear() }
}
