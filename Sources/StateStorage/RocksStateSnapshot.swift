internal import CRocksDB
internal import NIOCore

/// A RocksDB snapshot with read options that select it.
///
/// `@unchecked Sendable`: both handles may be used from many threads and are not changed after `init`.
@safe final class RocksStateSnapshot: StateSnapshot, @unchecked Sendable {
    private let database: RocksDatabase
    let handle: OpaquePointer
    let readOptions: OpaquePointer
    private let epoch: UInt64

    init(_ database: RocksDatabase) {
        database.enter()
        epoch = database.snapshots.begin()
        self.database = database
        unsafe handle = rocksdb_create_snapshot(database.handle)!
        unsafe readOptions = rocksdb_readoptions_create()!
        unsafe rocksdb_readoptions_set_verify_checksums(readOptions, 1)
        unsafe rocksdb_readoptions_set_snapshot(readOptions, handle)
    }

    deinit {
        unsafe rocksdb_readoptions_destroy(readOptions)
        unsafe rocksdb_release_snapshot(database.handle, handle)
        database.snapshots.end(epoch)
        database.leave()
    }

    func get(_ key: Span<UInt8>) throws(StateError) -> ByteBuffer? {
        try database.get(key, in: .snapshot(self))
    }

    func withValue(_ key: Span<UInt8>, _ body: (Span<UInt8>) throws -> Void) throws -> Bool {
        try database.withValue(key, in: .snapshot(self), body)
    }

    func withReadableValues(_ keys: [[UInt8]], _ body: (_ index: Int, _ value: Span<UInt8>) -> Void) {
        database.withReadableValues(keys, in: self, body)
    }

    func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        order: ScanOrder,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws {
        try database.scan(from: start, to: end, order: order, snapshot: self, body)
    }
}
