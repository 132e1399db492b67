internal import NIOConcurrencyHelpers
public import NIOCore

/// A store in memory that behaves like ``RocksStateStore`` and does the same for the same calls, every time: the
/// simulator's disk-less state.
///
/// The store crashes on request: ``crash()`` forgets what was not flushed.
public final class MemoryStateStore: StateStore {
    private struct State {
        var rows = SortedRows()
        var flushed = SortedRows()
        var failure: StateError?
        var injected: StateError?
        var isClosed = false
    }

    private let state = NIOLockedValueBox(State())

    public init() {}

    public func makeBatch() -> any StateBatch { MemoryStateBatch() }

    public func write(_ batch: any StateBatch) throws(StateError) {
        guard let batch = batch as? MemoryStateBatch else { preconditionFailure("A batch of another kind of store.") }
        let failure = state.withLockedValue { state -> StateError? in
            if let failure = Self.admit(&state) { return failure }
            for operation in batch.operations {
                switch operation {
                case .put(let key, let value): state.rows.set(key, value)
                case .delete(let key): state.rows.removeRow(key)
                case .deleteRange(let start, let end): state.rows.removeRange(from: start, to: end)
                }
            }
            return nil
        }
        if let failure { throw failure }
    }

    public func flush() throws(StateError) {
        let failure = state.withLockedValue { state -> StateError? in
            if let failure = Self.admit(&state) { return failure }
            state.flushed = state.rows
            return nil
        }
        if let failure { throw failure }
    }

    /// Why a write or flush must be refused now. An injected failure becomes the first and final one.
    private static func admit(_ state: inout State) -> StateError? {
        precondition(!state.isClosed, "The state store was used after close.")
        if state.failure == nil, let injected = state.injected { state.failure = injected }
        return state.failure
    }

    public func get(_ key: Span<UInt8>) throws(StateError) -> ByteBuffer? { rows(.latest)[key] }

    public func get(_ key: Span<UInt8>, tier: ReadTier) throws(StateError) -> ByteBuffer? { rows(tier)[key] }

    public func withValue(_ key: Span<UInt8>, _ body: (Span<UInt8>) throws -> Void) throws -> Bool {
        try rows(.latest).withValue(key, body)
    }

    public func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        order: ScanOrder,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws {
        try rows(.latest).scan(from: start, to: end, order: order, body)
    }

    public func makeSnapshot() -> any StateSnapshot { MemoryStateSnapshot(rows: rows(.latest)) }

    public var approximateSize: UInt64 { UInt64(rows(.latest).byteCount) }

    public var failure: StateError? { state.withLockedValue { $0.failure } }

    public func close() {
        state.withLockedValue { state in
            precondition(!state.isClosed, "The state store was closed twice.")
            state.isClosed = true
        }
    }

    /// Goes back to the last flushed state, opened afresh: also after a failure or a close.
    public func crash() {
        state.withLockedValue { $0 = State(rows: $0.flushed, flushed: $0.flushed) }
    }

    /// All that is flushed, as it was at a moment.
    public struct Image: Sendable {
        fileprivate let rows: SortedRows

        /// An empty disk.
        public init() { rows = SortedRows() }
        fileprivate init(rows: SortedRows) { self.rows = rows }
    }

    /// All that is flushed now.
    public var image: Image { Image(rows: rows(.persisted)) }

    /// Goes to what an image holds, opened afresh.
    public func restore(_ image: Image) {
        state.withLockedValue { $0 = State(rows: image.rows, flushed: image.rows) }
    }

    /// Lets the next write or flush, and so all after it, fail with `error`; nil takes an injection back that no call
    /// has met yet.
    public func injectFailure(_ error: StateError?) {
        state.withLockedValue { $0.injected = error }
    }

    /// What a crash would leave, as a snapshot.
    public var flushedView: any StateSnapshot { MemoryStateSnapshot(rows: rows(.persisted)) }

    private func rows(_ tier: ReadTier) -> SortedRows {
        state.withLockedValue { state in
            precondition(!state.isClosed, "The state store was used after close.")
            switch tier {
            case .latest: return state.rows
            case .persisted: return state.flushed
            }
        }
    }
}
