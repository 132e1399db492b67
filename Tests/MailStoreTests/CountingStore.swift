import NIOConcurrencyHelpers
import NIOCore
import StateStorage

/// A store in memory that notes which rows are read and changed.
final class CountingStore: StateStore {
    private let memory = MemoryStateStore()
    private let touched = NIOLockedValueBox<Set<[UInt8]>>([])

    /// The rows touched since the last call; one that is touched twice counts once.
    func takeTouched() -> Int {
        touched.withLockedValue { touched in
            defer { touched = [] }
            return touched.count
        }
    }

    fileprivate func note(_ key: Span<UInt8>) {
        var bytes: [UInt8] = []
        for index in key.indices { bytes.append(key[index]) }
        touched.withLockedValue { _ = $0.insert(bytes) }
    }

    func makeBatch() -> any StateBatch { CountingBatch(memory.makeBatch(), self) }

    func write(_ batch: any StateBatch) throws(StateError) {
        guard let batch = batch as? CountingBatch else { preconditionFailure("a batch of this store") }
        try memory.write(batch.inner)
    }

    func get(_ key: Span<UInt8>) throws(StateError) -> ByteBuffer? {
        note(key)
        return try memory.get(key)
    }

    func get(_ key: Span<UInt8>, tier: ReadTier) throws(StateError) -> ByteBuffer? { try memory.get(key, tier: tier) }

    func withValue(_ key: Span<UInt8>, _ body: (Span<UInt8>) throws -> Void) throws -> Bool {
        note(key)
        return try memory.withValue(key, body)
    }

    func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        order: ScanOrder,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws {
        try memory.scan(from: start, to: end, order: order) { key, value in
            note(key)
            return try body(key, value)
        }
    }

    func makeSnapshot() -> any StateSnapshot { memory.makeSnapshot() }
    func flush() throws(StateError) { try memory.flush() }
    var approximateSize: UInt64 { memory.approximateSize }
    var failure: StateError? { memory.failure }
    func close() { memory.close() }
}

private final class CountingBatch: StateBatch {
    let inner: any StateBatch
    private let store: CountingStore

    init(_ inner: any StateBatch, _ store: CountingStore) {
        self.inner = inner
        self.store = store
    }

    var count: Int { inner.count }
    var byteCount: Int { inner.byteCount }

    func put(_ key: Span<UInt8>, _ value: Span<UInt8>) {
        store.note(key)
        inner.put(key, value)
    }

    func put(_ key: Span<UInt8>, prefix: Span<UInt8>, pieces: [ByteBuffer]) {
        store.note(key)
        inner.put(key, prefix: prefix, pieces: pieces)
    }

    func delete(_ key: Span<UInt8>) {
        store.note(key)
        inner.delete(key)
    }

    func deleteRange(_ start: Span<UInt8>, _ end: Span<UInt8>) {
        store.note(start)
        inner.deleteRange(start, end)
    }

    func clear() { inner.clear() }
}
