internal import CRocksDB
internal import NIOCore

/// A batch for ``RocksStateStore``: RocksDB's own, one call per operation. Values that are kept apart get their
/// positions when the batch is written.
@safe final class RocksStateBatch: StateBatch {
    let handle: OpaquePointer
    private let apart: ValuesApart?
    /// Values that are kept apart, in the order in which they came; nil: another operation on the key came later.
    private var values: [ValueToCome?] = []
    private var valueOfKey: [[UInt8]: Int] = [:]
    private var valueBytes = 0
    /// Rows of values kept apart that the batch removes; of a range, a guess.
    private(set) var removedApart = 0
    /// Scratch space for puts of several pieces, kept to spare allocations.
    private var starts: [UnsafePointer<CChar>?] = unsafe []
    private var lengths: [Int] = []

    private struct ValueToCome {
        let header: [UInt8]
        let key: [UInt8]
        let prefix: [UInt8]
        let pieces: [ByteBuffer]

        var bytes: Int { pieces.reduce(prefix.count) { $0 + $1.readableBytes } }
    }

    /// For how many rows a range counts that is removed: it makes a look due.
    private static let rowsOfRange = 1_000

    init(apart: ValuesApart?) {
        unsafe handle = rocksdb_writebatch_create()!
        self.apart = apart
    }

    deinit { unsafe rocksdb_writebatch_destroy(handle) }

    var count: Int { Int(unsafe rocksdb_writebatch_count(handle)) + valueOfKey.count }

    var byteCount: Int {
        var size = 0
        _ = unsafe rocksdb_writebatch_data(handle, &size)
        return size + valueBytes
    }

    /// Whether the batch has values to be placed.
    var hasValuesApart: Bool { !valueOfKey.isEmpty }

    func put(_ key: Span<UInt8>, _ value: Span<UInt8>) {
        guard let apart, apart.contains(key) else { return putRow(key, value) }
        putApart(key, prefix: value.copied(), pieces: [])
    }

    func put(_ key: Span<UInt8>, prefix: Span<UInt8>, pieces: [ByteBuffer]) {
        if let apart, apart.contains(key) { return putApart(key, prefix: prefix.copied(), pieces: pieces) }
        beginPieces()
        prefix.withChars { prefix, prefixLength in
            unsafe addPiece(prefix, prefixLength)
            unsafe put(key, in: nil, pieces)
        }
    }

    func putRow(_ key: Span<UInt8>, _ value: Span<UInt8>) {
        key.withChars { key, keyLength in
            value.withChars { value, valueLength in
                unsafe rocksdb_writebatch_put(handle, key, keyLength, value, valueLength)
            }
        }
    }

    private func putApart(_ key: Span<UInt8>, prefix: [UInt8], pieces: [ByteBuffer]) {
        let key = key.copied()
        takeBack(key)
        let value = ValueToCome(header: ValueHeader(key: key).bytes, key: key, prefix: prefix, pieces: pieces)
        valueOfKey[key] = values.count
        values.append(value)
        valueBytes += key.count + value.bytes
    }

    /// Forgets a value to come: a later operation is on the same key.
    private func takeBack(_ key: [UInt8]) {
        guard let index = valueOfKey.removeValue(forKey: key), let value = values[index] else { return }
        valueBytes -= key.count + value.bytes
        values[index] = nil
    }

    /// Gives the values of the batch their positions. With the store's gate shared; the batch is written next.
    ///
    /// - Parameter family: the column family of values.
    func placeValues(in segments: ValueSegments, of family: OpaquePointer) {
        for case let value? in values {
            let bytes = value.bytes
            let place = segments.take(recordBytes: value.header.count + bytes, valueBytes: bytes)
            putRow(value.key.span, place.row.span)
            beginPieces()
            value.header.span.withChars { header, headerLength in
                value.prefix.span.withChars { prefix, prefixLength in
                    unsafe addPiece(header, headerLength)
                    unsafe addPiece(prefix, prefixLength)
                    unsafe put(place.position.key.span, in: family, value.pieces)
                }
            }
        }
        forgetValues()
    }

    private func beginPieces() {
        unsafe starts.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
    }

    private func addPiece(_ start: UnsafePointer<CChar>?, _ length: Int) {
        unsafe starts.append(start)
        lengths.append(length)
    }

    /// Puts the pieces that were added, and then those of `pieces`.
    private func put(_ key: Span<UInt8>, in family: OpaquePointer?, _ pieces: [ByteBuffer]) {
        key.withChars { key, keyLength in
            for piece in pieces {
                // The storage outlives the call below: `pieces` holds it.
                unsafe piece.withUnsafeReadableBytesWithStorageManagement { bytes, _ in
                    unsafe addPiece(bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
                }
            }
            var key = unsafe key
            var keyLength = keyLength
            let count = Int32(lengths.count)
            withExtendedLifetime(pieces) {
                if let family = unsafe family {
                    unsafe rocksdb_writebatch_putv_cf(
                        handle,
                        family,
                        1,
                        &key,
                        &keyLength,
                        count,
                        starts,
                        lengths
                    )
                } else {
                    unsafe rocksdb_writebatch_putv(handle, 1, &key, &keyLength, count, starts, lengths)
                }
            }
        }
    }

    func delete(_ key: Span<UInt8>) {
        if let apart, apart.contains(key) {
            if hasValuesApart { takeBack(key.copied()) }
            removedApart += 1
        }
        key.withChars { key, length in unsafe rocksdb_writebatch_delete(handle, key, length) }
    }

    func deleteRange(_ start: Span<UInt8>, _ end: Span<UInt8>) {
        // RocksDB takes a reversed range for an error, and that only at the write.
        guard start.compare(to: end) < 0 else { return }
        if let apart, apart.mayMeet(from: start.copied(), to: end.copied()) {
            for key in Array(valueOfKey.keys)
            where key.span.compare(to: start) >= 0 && key.span.compare(to: end) < 0 {
                takeBack(key)
            }
            removedApart += Self.rowsOfRange
        }
        start.withChars { start, startLength in
            end.withChars { end, endLength in
                unsafe rocksdb_writebatch_delete_range(handle, start, startLength, end, endLength)
            }
        }
    }

    func clear() {
        unsafe rocksdb_writebatch_clear(handle)
        forgetValues()
        removedApart = 0
    }

    private func forgetValues() {
        values.removeAll(keepingCapacity: true)
        valueOfKey.removeAll(keepingCapacity: true)
        valueBytes = 0
    }
}
