internal import NIOCore
internal import StateStorage

/// A node's state: a store in memory that, like RocksDB, may make durable what was written at any moment, not only when
/// it is told to.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimStateStore: StateStore, @unchecked Sendable {
    let memory = MemoryStateStore()
    private var random: SimRandom
    /// How often a write is followed by a flush of the store itself.
    private let flushesPerMillion: Int
    private(set) var ownFlushes = 0
    /// So many reads from now, one fails. Who watches reads from `memory`.
    var readsUntilFailure: Int?

    init(random: SimRandom, flushesPerMillion: Int) {
        self.random = random
        self.flushesPerMillion = flushesPerMillion
    }

    func makeBatch() -> any StateBatch { memory.makeBatch() }

    func write(_ batch: any StateBatch) throws(StateError) {
        try memory.write(batch)
        if random.chance(perMillion: flushesPerMillion) {
            ownFlushes += 1
            try memory.flush()
        }
    }

    func flush() throws(StateError) { try memory.flush() }

    func get(_ key: Span<UInt8>) throws(StateError) -> ByteBuffer? {
        try countRead()
        return try memory.get(key)
    }

    func get(_ key: Span<UInt8>, tier: ReadTier) throws(StateError) -> ByteBuffer? {
        try countRead()
        return try memory.get(key, tier: tier)
    }

    private func countRead() throws(StateError) {
        guard let left = readsUntilFailure else { return }
        readsUntilFailure = left > 0 ? left - 1 : nil
        if left == 0 { throw Self.injected }
    }

    func withValue(_ key: Span<UInt8>, _ body: (Span<UInt8>) throws -> Void) throws -> Bool {
        try countRead()
        return try memory.withValue(key, body)
    }

    func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        order: ScanOrder,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws {
        try countRead()
        try memory.scan(from: start, to: end, order: order, body)
    }

    func makeSnapshot() -> any StateSnapshot { memory.makeSnapshot() }
    var approximateSize: UInt64 { memory.approximateSize }
    var failure: StateError? { memory.failure }
    func close() {}

    /// Loses what was not flushed.
    func crash() {
        readsUntilFailure = nil
        memory.crash()
    }

    /// Lets nothing fail that has not failed yet.
    func endFaults() {
        readsUntilFailure = nil
        memory.injectFailure(nil)
    }
}

extension SimStateStore {
    static let injected = StateError(kind: .inputOutput, message: "injected", path: "")
}
