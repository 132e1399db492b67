internal import CRocksDB

/// A way through rows of rising keys: where they lie near each other, the step from one to the next costs a fraction of
/// looking each of them up.
@safe final class RocksCursor {
    /// So many rows that were removed may lie in between: to pass over more of them could take any time.
    private static let maximumSkipped: UInt64 = 64

    private let database: RocksDatabase
    private let options: OpaquePointer
    private let iterator: OpaquePointer
    private var isPlaced = false

    /// - Parameter snapshot: nil for the latest state.
    init(_ database: RocksDatabase, over family: RocksDatabase.Family, in snapshot: RocksStateSnapshot?) {
        database.enter()
        self.database = database
        unsafe options = rocksdb_readoptions_create()!
        unsafe rocksdb_readoptions_set_verify_checksums(options, 1)
        unsafe rocksdb_readoptions_set_max_skippable_internal_keys(options, Self.maximumSkipped)
        if let snapshot { unsafe rocksdb_readoptions_set_snapshot(options, snapshot.handle) }
        unsafe iterator = rocksdb_create_iterator_cf(database.handle, options, database.handle(of: family))!
    }

    deinit {
        unsafe rocksdb_iter_destroy(iterator)
        unsafe rocksdb_readoptions_destroy(options)
        database.leave()
    }

    /// Lends the row of a key that is not before those asked for until now.
    ///
    /// - Returns: whether there is one; nil where this way does not tell: the disk does not give it, or much was
    ///   removed just here.
    func withRow(_ key: Span<UInt8>, _ body: (Span<UInt8>) throws -> Void) rethrows -> Bool? {
        var place = comparison(with: key)
        if place == .before {
            unsafe rocksdb_iter_next(iterator)
            place = comparison(with: key)
        }
        if place == .before || place == .nowhere {
            seek(key)
            place = comparison(with: key)
        }
        switch place {
        case .same:
            var length = 0
            let start = unsafe rocksdb_iter_value(iterator, &length)
            try unsafe lendBytes(from: start, count: length, body)
            return true
        case .behind: return false
        case .before, .nowhere:
            let isEnd: Void? = try? rocksCall(path: database.path) { unsafe rocksdb_iter_get_error(iterator, &$0) }
            return isEnd == nil ? nil : false
        }
    }

    private enum Comparison {
        case before, same, behind, nowhere
    }

    /// Where the iterator stands, seen from a key.
    private func comparison(with key: Span<UInt8>) -> Comparison {
        guard isPlaced, unsafe rocksdb_iter_valid(iterator) != 0 else { return .nowhere }
        var length = 0
        let start = unsafe rocksdb_iter_key(iterator, &length)
        let order = unsafe lendBytes(from: start, count: length) { $0.compare(to: key) }
        return order < 0 ? .before : order == 0 ? .same : .behind
    }

    private func seek(_ key: Span<UInt8>) {
        isPlaced = true
        key.withChars { start, length in unsafe rocksdb_iter_seek(iterator, start, length) }
    }
}

extension RocksDatabase {
    /// Fewer keys are looked up one by one: to begin a way costs as much as some look-ups.
    private static let keysForCursor = 6

    /// See ``StateReader/withReadableValues(_:_:)``.
    func withReadableValues(
        _ keys: [[UInt8]],
        in snapshot: RocksStateSnapshot?,
        _ body: (_ index: Int, _ value: Span<UInt8>) -> Void
    ) {
        func lookUp(_ index: Int) {
            let key = keys[index]
            _ = try? withValue(key.span, in: snapshot.map { .snapshot($0) } ?? .latest) { body(index, $0) }
        }
        guard keys.count >= Self.keysForCursor else { return keys.indices.forEach(lookUp) }
        var places: [(index: Int, position: ValuePosition)] = []
        let rows = RocksCursor(self, over: .rows, in: snapshot)
        for (index, key) in keys.enumerated() {
            guard let apart, apart.contains(key.span) else {
                if rows.withRow(key.span, { body(index, $0) }) == nil { lookUp(index) }
                continue
            }
            var place: ValuePlace?
            switch rows.withRow(key.span, { place = try? decodePlace($0) }) {
            case false: continue
            case nil: lookUp(index)
            case true:
                if let place { places.append((index, place.position)) } else { lookUp(index) }
            }
        }
        places.sort { $0.position.rawValue < $1.position.rawValue }
        let values = RocksCursor(self, over: .values, in: snapshot)
        for (index, position) in places {
            let (key, place) = (keys[index], position.key)
            var isThere = false
            _ = values.withRow(place.span) { record in
                isThere = ValueHeader.value(of: key.span, in: record) { body(index, $0) }
            }
            // It may have been moved meanwhile.
            if !isThere { lookUp(index) }
        }
    }
}
