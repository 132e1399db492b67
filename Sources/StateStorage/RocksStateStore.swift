internal import CRocksDB
internal import NIOConcurrencyHelpers
public import NIOCore

/// A store over RocksDB: no write-ahead log; large values in a column family of their own, in the order in which they
/// came, written once, and moved only when most of what came with them is gone.
///
/// Every read verifies checksums.
public final class RocksStateStore: StateStore {
    let database: RocksDatabase
    private let collector: NIOLockedValueBox<ValueCollector>
    private let firstFailure = NIOLockedValueBox<StateError?>(nil)

    /// Opens the store in the directory `path`, whose parent must exist.
    ///
    /// - Throws: ``StateError``, when the directory cannot be used, is in use, or holds damage.
    public init(path: String, settings: RocksSettings = RocksSettings()) throws(StateError) {
        database = try Self.open(path, settings)
        collector = NIOLockedValueBox(ValueCollector())
    }

    /// Opens with the compression asked for, or else with the nearest that RocksDB was built with.
    private static func open(_ path: String, _ settings: RocksSettings) throws(StateError) -> RocksDatabase {
        var settings = settings
        while true {
            do throws(StateError) {
                return try RocksDatabase(path: path, settings: settings)
            } catch {
                guard error.kind == .unsupported else { throw error }
                if let fallback = settings.valueCompression.fallback {
                    settings.valueCompression = fallback
                } else if let fallback = settings.rowCompression.fallback {
                    settings.rowCompression = fallback
                } else {
                    throw error
                }
            }
        }
    }

    public func makeBatch() -> any StateBatch { RocksStateBatch(apart: database.apart) }

    public func write(_ batch: any StateBatch) throws(StateError) {
        guard let batch = batch as? RocksStateBatch else { preconditionFailure("A batch of another kind of store.") }
        if let failure { throw failure }
        do throws(StateError) { try database.write(batch) } catch { throw remember(error) }
    }

    public func flush() throws(StateError) {
        if let failure { throw failure }
        do throws(StateError) { try database.flush() } catch { throw remember(error) }
    }

    public func reclaimSpace(maximumBytes: Int) throws(StateError) -> Bool {
        if let failure { throw failure }
        do {
            return try collector.withLockedValue { try $0.step(database, maximumBytes: maximumBytes) }
        } catch let error as StateError {
            // A move or a flush that failed is as final as any other. Damage that was read is no failed write.
            throw error.kind == .corruption ? error : remember(error)
        } catch {
            preconditionFailure("only the store throws: \(error)")
        }
    }

    /// What the values that are kept apart take on disk, by segment, the oldest first.
    package func valueSegments() throws -> [ValueSegment] { try ValueCollector.segmentsOnDisk(database) }

    /// Keeps the first failure, and returns it.
    private func remember(_ error: StateError) -> StateError {
        firstFailure.withLockedValue { first in
            if let first { return first }
            first = error
            return error
        }
    }

    public var failure: StateError? { firstFailure.withLockedValue { $0 } }

    public func get(_ key: Span<UInt8>) throws(StateError) -> ByteBuffer? { try database.get(key, tier: .latest) }

    public func get(_ key: Span<UInt8>, tier: ReadTier) throws(StateError) -> ByteBuffer? {
        try database.get(key, tier: tier)
    }

    public func withValue(_ key: Span<UInt8>, _ body: (Span<UInt8>) throws -> Void) throws -> Bool {
        try database.withValue(key, body)
    }

    public func withReadableValues(_ keys: [[UInt8]], _ body: (_ index: Int, _ value: Span<UInt8>) -> Void) {
        database.withReadableValues(keys, in: nil, body)
    }

    public func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        order: ScanOrder,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws {
        try database.scan(from: start, to: end, order: order, body)
    }

    public func makeSnapshot() -> any StateSnapshot { RocksStateSnapshot(database) }

    public var approximateSize: UInt64 {
        database.property("rocksdb.live-sst-files-size")
            + database.property("rocksdb.cur-size-all-mem-tables")
    }

    public func close() { database.close() }
}
