internal import CRocksCalls
internal import CRocksDB
internal import NIOCore
internal import Synchronization

/// An open RocksDB database and the read options all readers share: one column family of rows, and one of the values
/// that are kept apart, whose keys are positions (``ValuePosition``).
///
/// `@unchecked Sendable`: RocksDB's database handle may be used from many threads, and all else is never changed after
/// `init`. `users` turns a use during or after `close` into a trap instead of undefined behaviour.
@safe final class RocksDatabase: @unchecked Sendable {
    let path: String
    let handle: OpaquePointer
    /// Which rows say only where their value is.
    let apart: ValuesApart?
    let segments: ValueSegments
    let snapshots = OpenSnapshots()
    /// Whoever writes values shares it; whoever closes a segment, or moves values, goes alone.
    let gate = WriteGate()
    private let rows: OpaquePointer
    private let values: OpaquePointer
    private let options: RocksOptions
    private let valueOptions: RocksOptions
    private let readOptions: OpaquePointer
    private let persistedReadOptions: OpaquePointer
    private let writeOptions: OpaquePointer
    private let users = Atomic<Int>(0)

    /// Far below zero: entering a closed database cannot get the number of its users above zero again.
    private static let closedMark = Int.min / 2

    /// As of when a read sees the state.
    enum View {
        case latest, persisted
        case snapshot(RocksStateSnapshot)
    }

    /// Rows as they are stored, or values that are kept apart.
    enum Family {
        case rows, values
    }

    init(path: String, settings: RocksSettings) throws(StateError) {
        let options = try RocksOptions(rows: settings, path: path)
        let valueOptions = try RocksOptions(values: settings, path: path)
        var families: [OpaquePointer?] = unsafe [nil, nil]
        let handle = try unsafe Self.openFamilies(&families, of: path, rows: options, values: valueOptions)
        unsafe self.handle = handle
        unsafe rows = families[0]!
        unsafe values = families[1]!
        self.path = path
        self.options = options
        self.valueOptions = valueOptions
        apart = settings.valuesApart
        segments = ValueSegments(
            first: try Self.firstFreeSegment(among: unsafe Self.valueFiles(of: handle).map(\.segments), path),
            segmentBytes: settings.segmentBytes
        )
        unsafe readOptions = rocksdb_readoptions_create()!
        unsafe rocksdb_readoptions_set_verify_checksums(readOptions, 1)
        unsafe persistedReadOptions = rocksdb_readoptions_create()!
        unsafe rocksdb_readoptions_set_verify_checksums(persistedReadOptions, 1)
        unsafe rocksdb_readoptions_set_read_tier(persistedReadOptions, 2)
        unsafe writeOptions = rocksdb_writeoptions_create()!
        unsafe rocksdb_writeoptions_disable_WAL(writeOptions, 1)
    }

    deinit {
        if users.load(ordering: .acquiring) >= 0 { closeHandles() }
        unsafe rocksdb_readoptions_destroy(readOptions)
        unsafe rocksdb_readoptions_destroy(persistedReadOptions)
        unsafe rocksdb_writeoptions_destroy(writeOptions)
    }

    func close() {
        let (isIdle, _) = users.compareExchange(
            expected: 0,
            desired: Self.closedMark,
            ordering: .acquiringAndReleasing
        )
        precondition(isIdle, "The state store was closed twice, in use, or with open snapshots.")
        closeHandles()
    }

    private func closeHandles() {
        unsafe rocksdb_column_family_handle_destroy(rows)
        unsafe rocksdb_column_family_handle_destroy(values)
        unsafe rocksdb_close(handle)
    }

    private static func openFamilies(
        _ families: inout [OpaquePointer?],
        of path: String,
        rows options: RocksOptions,
        values valueOptions: RocksOptions
    ) throws(StateError) -> OpaquePointer {
        var familyOptions: [OpaquePointer?] = unsafe [options.handle, valueOptions.handle]
        return try rocksCall(path: path) { error in
            unsafe "default".withCString { rows in
                unsafe valuesName.withCString { values in
                    var names: [UnsafePointer<CChar>?] = unsafe [rows, values]
                    return unsafe rocksdb_open_column_families(
                        options.handle,
                        path,
                        2,
                        &names,
                        &familyOptions,
                        &families,
                        &error
                    )
                }
            }
        }!
    }

    /// The segment behind the last one that has values. What a crash has taken was nowhere named.
    private static func firstFreeSegment(
        among files: [ClosedRange<UInt32>],
        _ path: String
    ) throws(StateError) -> UInt32 {
        let last = files.map(\.upperBound).max() ?? 0
        guard last < .max else {
            throw StateError(kind: .corruption, message: "a value has a position that none gets", path: path)
        }
        return last + 1
    }

    /// A file of values that are kept apart.
    struct ValueFile {
        /// 0: the file was flushed, and is not settled yet.
        let level: Int
        let positions: ClosedRange<ValuePosition>
        /// As RocksDB calls the file.
        let name: String

        /// The segments whose values the file has; of those in the middle there may be none.
        var segments: ClosedRange<UInt32> { positions.lowerBound.segment...positions.upperBound.segment }
    }

    /// The files of values, as RocksDB's list of files has them, so that no value is read.
    private static func valueFiles(of handle: OpaquePointer) -> [ValueFile] {
        let files = unsafe rocksdb_livefiles(handle)!
        defer { unsafe rocksdb_livefiles_destroy(files) }
        let count = unsafe rocksdb_livefiles_count(files)
        return (0..<count).compactMap { index in
            let family = unsafe String(cString: rocksdb_livefiles_column_family_name(files, index))
            guard family == valuesName else { return nil }
            var length = 0
            let smallest = unsafe rocksdb_livefiles_smallestkey(files, index, &length)
            let first = try? unsafe lendBytes(from: smallest, count: length) { try ValuePosition(key: $0) }
            let largest = unsafe rocksdb_livefiles_largestkey(files, index, &length)
            let last = try? unsafe lendBytes(from: largest, count: length) { try ValuePosition(key: $0) }
            guard let first, let last, first <= last else { return nil }
            return ValueFile(
                level: Int(unsafe rocksdb_livefiles_level(files, index)),
                positions: first...last,
                name: unsafe String(cString: rocksdb_livefiles_name(files, index))
            )
        }
    }

    /// The files that values lie in.
    func valueFiles() -> [ValueFile] {
        enter()
        defer { leave() }
        return unsafe Self.valueFiles(of: handle)
    }

    /// The segments that files of values may have values of, in order.
    var segmentsOfValues: [UInt32] { Set(valueFiles().map(\.segments).joined()).sorted() }

    /// Has RocksDB take files of values that were flushed, and that it looks at one by one, to where they are found by
    /// their keys, and may be dropped. They are not copied, unless two of them overlap: those that threads wrote to at
    /// the same moment as RocksDB flushed by itself.
    func settleValues() throws(StateError) {
        enter()
        defer { leave() }
        let flushed = unsafe Self.valueFiles(of: handle).filter { $0.level == 0 }
        guard let first = flushed.map(\.positions.lowerBound).min(),
            let last = flushed.map(\.positions.upperBound).max()
        else { return }
        try first.key.span.withChars { first, firstLength throws(StateError) in
            try last.key.span.withChars { last, lastLength throws(StateError) in
                try rocksCall(path: path) { error in
                    unsafe staffetta_rocks_settle(
                        UnsafeMutableRawPointer(handle),
                        UnsafeMutableRawPointer(values),
                        first,
                        firstLength,
                        last,
                        lastLength,
                        &error
                    )
                }
            }
        }
    }

    /// Where a value lies that a scan of values has found.
    ///
    /// - Throws: ``StateError`` for a key that is no position.
    func position(ofKey key: Span<UInt8>) throws -> ValuePosition {
        do {
            return try ValuePosition(key: key)
        } catch {
            throw StateError(kind: .corruption, message: "a value has a key that is no position", path: path)
        }
    }

    private static let valuesName = "values"

    private func readOptions(of view: View) -> OpaquePointer {
        switch view {
        case .latest: unsafe readOptions
        case .persisted: unsafe persistedReadOptions
        case .snapshot(let snapshot): unsafe snapshot.readOptions
        }
    }

    func handle(of family: Family) -> OpaquePointer {
        switch family {
        case .rows: unsafe rows
        case .values: unsafe values
        }
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
        // What removes such rows shares the gate too: a value that is being moved must not come back.
        guard batch.hasValuesApart || batch.removedApart > 0 else { return try writeBatch(batch) }
        try gate.share { () throws(StateError) in
            unsafe batch.placeValues(in: segments, of: values)
            try writeBatch(batch)
        }
        if segments.isFull { try closeSegment() }
    }

    /// Writes a batch as it is.
    func writeBatch(_ batch: RocksStateBatch) throws(StateError) {
        try rocksCall(path: path) { error in unsafe rocksdb_write(handle, writeOptions, batch.handle, &error) }
        if batch.removedApart > 0 { segments.noteRemoved(rows: batch.removedApart) }
    }

    /// Ends a full segment and has RocksDB write it: so files of values do not overlap, and no compaction has to copy
    /// them. Values may be durable before the rows that name them, never the other way round.
    ///
    /// Where RocksDB flushes by itself, or ``flush()`` does while others write, a file has the end of one segment and
    /// the beginning of the next: it is dropped when both are gone.
    private func closeSegment() throws(StateError) {
        try gate.goAlone { () throws(StateError) in
            guard segments.isFull else { return }
            segments.close()
            var families: [UnsafeMutableRawPointer?] = unsafe [UnsafeMutableRawPointer(values)]
            try rocksCall(path: path) { error in
                // Nobody can write meanwhile: it must not wait.
                unsafe staffetta_rocks_flush(UnsafeMutableRawPointer(handle), &families, 1, 0, &error)
            }
        }
    }

    /// Writes values once more, at the end, where rows still name the places that they had.
    func move(_ moved: [(key: [UInt8], from: ValuePosition, value: [UInt8])]) throws {
        enter()
        defer { leave() }
        let batch = RocksStateBatch(apart: apart)
        try gate.goAlone {
            for value in moved where try place(of: value.key.span)?.position == value.from {
                batch.put(value.key.span, value.value.span)
            }
            guard batch.hasValuesApart else { return }
            unsafe batch.placeValues(in: segments, of: values)
            try writeBatch(batch)
        }
        if segments.isFull { try closeSegment() }
    }

    func flush() throws(StateError) {
        enter()
        defer { leave() }
        gate.goAlone { segments.close() }
        var families: [UnsafeMutableRawPointer?] = unsafe [
            UnsafeMutableRawPointer(rows), UnsafeMutableRawPointer(values),
        ]
        try rocksCall(path: path) { error in
            unsafe staffetta_rocks_flush(UnsafeMutableRawPointer(handle), &families, 2, 1, &error)
        }
    }

    func get(_ key: Span<UInt8>, tier: ReadTier) throws(StateError) -> ByteBuffer? {
        switch tier {
        case .latest: try get(key, in: .latest)
        case .persisted: try get(key, in: .persisted)
        }
    }

    func get(_ key: Span<UInt8>, in view: View = .latest) throws(StateError) -> ByteBuffer? {
        var value: ByteBuffer?
        do {
            _ = try withValue(key, in: view) { bytes in
                value = unsafe bytes.withUnsafeBytes { unsafe ByteBuffer(bytes: $0) }
            }
        } catch let error as StateError {
            throw error
        } catch {
            preconditionFailure("only the store throws: \(error)")
        }
        return value
    }

    func withValue(
        _ key: Span<UInt8>,
        in view: View = .latest,
        _ body: (Span<UInt8>) throws -> Void
    ) throws -> Bool {
        guard let apart, apart.contains(key) else { return try withRow(key, in: view, body) }
        for _ in 0..<Self.looksForMovedValue {
            guard let place = try place(of: key, in: view) else { return false }
            if try lendValue(of: key, at: place, in: view, body) { return true }
            // The value may have been moved, and its segment dropped, since the row was read: not under a snapshot.
        }
        throw StateError(kind: .corruption, message: "a value is not where its row says", path: path)
    }

    /// How often a row is read again whose value is not where it said.
    private static let looksForMovedValue = 3

    /// Lends a row as it is stored.
    func withRow(
        _ key: Span<UInt8>,
        in view: View = .latest,
        family: Family = .rows,
        _ body: (Span<UInt8>) throws -> Void
    ) throws -> Bool {
        enter()
        defer { leave() }
        let (options, family) = unsafe (readOptions(of: view), handle(of: family))
        let slice = try key.withChars { key, length throws(StateError) in
            try rocksCall(path: path) { error in
                unsafe rocksdb_get_pinned_cf(handle, options, family, key, length, &error)
            }
        }
        guard let slice = unsafe slice else { return false }
        defer { unsafe rocksdb_pinnableslice_destroy(slice) }
        var length = 0
        let start = unsafe rocksdb_pinnableslice_value(slice, &length)
        try unsafe lendBytes(from: start, count: length, body)
        return true
    }

    /// Where the value of a row lies that is kept apart; nil where there is no such row.
    func place(of key: Span<UInt8>, in view: View = .latest) throws -> ValuePlace? {
        var place: ValuePlace?
        _ = try withRow(key, in: view) { place = try decodePlace($0) }
        return place
    }

    /// - Throws: ``StateError`` where the row is none that names a place.
    func decodePlace(_ row: Span<UInt8>) throws -> ValuePlace {
        do {
            return try ValuePlace(row: row)
        } catch {
            throw StateError(kind: .corruption, message: "a row does not say where its value is", path: path)
        }
    }

    /// Lends the value at a place.
    ///
    /// - Returns: false when there is none of that key.
    private func lendValue(
        of key: Span<UInt8>,
        at place: ValuePlace,
        in view: View,
        _ body: (Span<UInt8>) throws -> Void
    ) throws -> Bool {
        var isThere = false
        _ = try withRow(place.position.key.span, in: view, family: .values) { record in
            isThere = try ValueHeader.value(of: key, in: record, body)
        }
        return isThere
    }

    /// Scans the latest state, or that of `snapshot`.
    func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        order: ScanOrder,
        snapshot: RocksStateSnapshot? = nil,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws {
        if let end, start.span.compare(to: end.span) >= 0 { return }
        guard let apart, apart.mayMeet(from: start, to: end) else {
            return try scanRows(from: start, to: end, order: order, snapshot: snapshot, body)
        }
        // A value must not go away between the look at its row and the look at itself.
        let state = snapshot ?? RocksStateSnapshot(self)
        try scanRows(from: start, to: end, order: order, snapshot: state) { key, row in
            guard apart.contains(key) else { return try body(key, row) }
            let place = try decodePlace(row)
            var goesOn = false
            let isThere = try lendValue(of: key, at: place, in: .snapshot(state)) { value in
                goesOn = try body(key, value)
            }
            guard isThere else {
                throw StateError(kind: .corruption, message: "a value is not where its row says", path: path)
            }
            return goesOn
        }
    }

    /// Scans rows as they are stored: those whose values are kept apart say where these lie.
    func scanRows(
        from start: [UInt8],
        to end: [UInt8]?,
        order: ScanOrder = .ascending,
        snapshot: RocksStateSnapshot? = nil,
        family: Family = .rows,
        fillsCache: Bool = true,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws {
        enter()
        defer { leave() }
        let upperBound = end ?? []
        // RocksDB keeps pointers to the bounds for as long as it iterates.
        try start.span.withChars { startBytes, startLength in
            try upperBound.span.withChars { endBytes, endLength in
                let options = unsafe rocksdb_readoptions_create()!
                defer { unsafe rocksdb_readoptions_destroy(options) }
                unsafe rocksdb_readoptions_set_verify_checksums(options, 1)
                unsafe rocksdb_readoptions_set_fill_cache(options, fillsCache ? 1 : 0)
                if let snapshot { unsafe rocksdb_readoptions_set_snapshot(options, snapshot.handle) }
                unsafe rocksdb_readoptions_set_iterate_lower_bound(options, startBytes, startLength)
                if end != nil { unsafe rocksdb_readoptions_set_iterate_upper_bound(options, endBytes, endLength) }
                let iterator = unsafe rocksdb_create_iterator_cf(handle, options, handle(of: family))!
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

    /// A number that RocksDB keeps of both column families, summed up; 0 when it does not know the name.
    func property(_ name: String) -> UInt64 {
        enter()
        defer { leave() }
        var (ofRows, ofValues): (UInt64, UInt64) = (0, 0)
        guard unsafe rocksdb_property_int_cf(handle, rows, name, &ofRows) == 0,
            unsafe rocksdb_property_int_cf(handle, values, name, &ofValues) == 0
        else { return 0 }
        return ofRows + ofValues
    }

    /// Removes the files that have nothing but values of some segments. Nobody may read these any more.
    func dropFiles(of segments: ClosedRange<UInt32>) throws(StateError) {
        enter()
        defer { leave() }
        let first = ValuePosition(segment: segments.lowerBound).key
        let last = ValuePosition(segment: segments.upperBound, offset: .max).key
        try first.span.withChars { first, firstLength throws(StateError) in
            try last.span.withChars { last, lastLength throws(StateError) in
                try rocksCall(path: path) { error in
                    unsafe rocksdb_delete_file_in_range_cf(
                        handle,
                        values,
                        first,
                        firstLength,
                        last,
                        lastLength,
                        &error
                    )
                }
            }
        }
    }
}
