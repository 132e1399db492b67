internal import CRocksDB
internal import NIOCore
internal import Synchronization

/// An open RocksDB database and the read options all readers share.
///
/// `@unchecked Sendable`: RocksDB's database handle may be used from many threads, and all else is never changed after
/// `init`. `users` turns a use during or after `close` into a trap instead of undefined behaviour.
@safe final class RocksDatabase: @unchecked Sendable {
    let path: String
    let handle: OpaquePointer
    private let options: RocksOptions
    private let readOptions: OpaquePointer
    private let persistedReadOptions: OpaquePointer
    private let writeOptions: OpaquePointer
    private let flushOptions: OpaquePointer
    private let users = Atomic<Int>(0)

    /// Far below zero: entering a closed database cannot get the number of its users above zero again.
    private static let closedMark = Int.min / 2

    init(path: String, settings: RocksSettings) throws(StateError) {
        let options = try RocksOptions(settings, path: path)
        unsafe handle = try rocksCall(path: path) { error in
            unsafe rocksdb_open(options.handle, path, &error)
        }!
        self.path = path
        self.options = options
        unsafe readOptions = rocksdb_readoptions_create()!
        unsafe rocksdb_readoptions_set_verify_checksums(readOptions, 1)
        unsafe persistedReadOptions = rocksdb_readoptions_create()!
        unsafe rocksdb_readoptions_set_verify_checksums(persistedReadOptions, 1)
        unsafe rocksdb_readoptions_set_read_tier(persistedReadOptions, 2)
        unsafe writeOptions = rocksdb_writeoptions_create()!
        unsafe rocksdb_writeoptions_disable_WAL(writeOptions, 1)
        unsafe flushOptions = rocksdb_flushoptions_create()!
        unsafe rocksdb_flushoptions_set_wait(flushOptions, 1)
    }

    deinit {
        if users.load(ordering: .acquiring) >= 0 { unsafe rocksdb_close(handle) }
        unsafe rocksdb_readoptions_destroy(readOptions)
        unsafe rocksdb_readoptions_destroy(persistedReadOptions)
        unsafe rocksdb_writeoptions_destroy(writeOptions)
        unsafe rocksdb_flushoptions_destroy(flushOptions)
    }

    func close() {
        let (isIdle, _) = users.compareExchange(
            expected: 0,
            desired: Self.closedMark,
            ordering: .acquiringAndReleasing
        )
        precondition(isIdle, "The state store was closed twice, in use, or with open snapshots.")
        unsafe rocksdb_close(handle)
    }

    /// Keeps the database open until the matching ``leave()``.
    func enter() {
        let before = users.wrappingAdd(1, ordering: .acquiring).oldValue
        precondition(before >= 0, "The state store was used after close.")
    }

    func leave() { users.wrappingSubtract(1, ordering: .releasing) }

    func write(_ batch: RocksStateBatch) throws(StateError) {
        enter()
        defer { leave() }
        try rocksCall(path: path) { error in unsafe rocksdb_write(handle, writeOptions, batch.handle, &error) }
    }

    func flush() throws(StateError) {
        enter()
        defer { leave() }
        try rocksCall(path: path) { error in unsafe rocksdb_flush(handle, flushOptions, &error) }
    }

    func get(_ key: Span<UInt8>, tier: ReadTier) throws(StateError) -> ByteBuffer? {
        switch tier {
        case .latest: try unsafe get(key, options: readOptions)
        case .persisted: try unsafe get(key, options: persistedReadOptions)
        }
    }

    func get(_ key: Span<UInt8>, options: OpaquePointer? = nil) throws(StateError) -> ByteBuffer? {
        enter()
        defer { leave() }
        guard let slice = try unsafe pinned(key, options: options) else { return nil }
        defer { unsafe rocksdb_pinnableslice_destroy(slice) }
        var length = 0
        let start = unsafe rocksdb_pinnableslice_value(slice, &length)
        return unsafe ByteBuffer(bytes: UnsafeRawBufferPointer(start: start, count: length))
    }

    func withValue(
        _ key: Span<UInt8>,
        options: OpaquePointer? = nil,
        _ body: (Span<UInt8>) throws -> Void
    ) throws -> Bool {
        enter()
        defer { leave() }
        guard let slice = try unsafe pinned(key, options: options) else { return false }
        defer { unsafe rocksdb_pinnableslice_destroy(slice) }
        var length = 0
        let start = unsafe rocksdb_pinnableslice_value(slice, &length)
        try unsafe lendBytes(from: start, count: length, body)
        return true
    }

    private func pinned(_ key: Span<UInt8>, options: OpaquePointer?) throws(StateError) -> OpaquePointer? {
        try key.withChars { key, length throws(StateError) in
            try rocksCall(path: path) { error in
                unsafe rocksdb_get_pinned(handle, options ?? readOptions, key, length, &error)
            }
        }
    }

    /// Scans the latest state, or that of `snapshot`.
    func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        order: ScanOrder,
        snapshot: OpaquePointer? = nil,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws {
        if let end, start.span.compare(to: end.span) >= 0 { return }
        enter()
        defer { leave() }
        let upperBound = end ?? []
        // RocksDB keeps pointers to the bounds for as long as it iterates.
        try start.span.withChars { startBytes, startLength in
            try upperBound.span.withChars { endBytes, endLength in
                let options = unsafe rocksdb_readoptions_create()!
                defer { unsafe rocksdb_readoptions_destroy(options) }
                unsafe rocksdb_readoptions_set_verify_checksums(options, 1)
                if let snapshot = unsafe snapshot { unsafe rocksdb_readoptions_set_snapshot(options, snapshot) }
                unsafe rocksdb_readoptions_set_iterate_lower_bound(options, startBytes, startLength)
                if end != nil { unsafe rocksdb_readoptions_set_iterate_upper_bound(options, endBytes, endLength) }
                let iterator = unsafe rocksdb_create_iterator(handle, options)!
                defer { unsafe rocksdb_iter_destroy(iterator) }
                try unsafe iterate(iterator, order, body)
            }
        }
    }

    private func iterate(
        _ iterator: OpaquePointer,
        _ order: ScanOrder,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws {
        switch order {
        case .ascending: unsafe rocksdb_iter_seek_to_first(iterator)
        case .descending: unsafe rocksdb_iter_seek_to_last(iterator)
        }
        while unsafe rocksdb_iter_valid(iterator) != 0 {
            var keyLength = 0
            var valueLength = 0
            let key = unsafe rocksdb_iter_key(iterator, &keyLength)
            let value = unsafe rocksdb_iter_value(iterator, &valueLength)
            let goesOn = try unsafe lendBytes(from: key, count: keyLength) { key in
                try unsafe lendBytes(from: value, count: valueLength) { value in try body(key, value) }
            }
            guard goesOn else { return }
            switch order {
            case .ascending: unsafe rocksdb_iter_next(iterator)
            case .descending: unsafe rocksdb_iter_prev(iterator)
            }
        }
        // An iterator that met damage ends like one that met the last row.
        try rocksCall(path: path) { error in unsafe rocksdb_iter_get_error(iterator, &error) }
    }

    /// A number that RocksDB keeps; 0 when it does not know the name.
    func property(_ name: String) -> UInt64 {
        enter()
        defer { leave() }
        var value: UInt64 = 0
        return unsafe rocksdb_property_int(handle, name, &value) == 0 ? value : 0
    }
}
