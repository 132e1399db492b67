internal import CRocksDB
internal import NIOCore

/// A batch for ``RocksStateStore``: RocksDB's own, one call per operation.
@safe final class RocksStateBatch: StateBatch {
    let handle: OpaquePointer
    /// Scratch space for ``put(_:prefix:pieces:)``, kept to spare allocations.
    private var starts: [UnsafePointer<CChar>?] = unsafe []
    private var lengths: [Int] = []

    init() { unsafe handle = rocksdb_writebatch_create()! }

    deinit { unsafe rocksdb_writebatch_destroy(handle) }

    var count: Int { Int(unsafe rocksdb_writebatch_count(handle)) }

    var byteCount: Int {
        var size = 0
        _ = unsafe rocksdb_writebatch_data(handle, &size)
        return size
    }

    func put(_ key: Span<UInt8>, _ value: Span<UInt8>) {
        key.withChars { key, keyLength in
            value.withChars { value, valueLength in
                unsafe rocksdb_writebatch_put(handle, key, keyLength, value, valueLength)
            }
        }
    }

    func put(_ key: Span<UInt8>, prefix: Span<UInt8>, pieces: [ByteBuffer]) {
        key.withChars { key, keyLength in
            prefix.withChars { prefix, prefixLength in
                unsafe starts.removeAll(keepingCapacity: true)
                lengths.removeAll(keepingCapacity: true)
                unsafe starts.append(prefix)
                lengths.append(prefixLength)
                for piece in pieces {
                    // The storage outlives the call below: `pieces` holds it.
                    unsafe piece.withUnsafeReadableBytesWithStorageManagement { bytes, _ in
                        unsafe starts.append(bytes.baseAddress?.assumingMemoryBound(to: CChar.self))
                        lengths.append(bytes.count)
                    }
                }
                var key = unsafe key
                var keyLength = keyLength
                withExtendedLifetime(pieces) {
                    unsafe rocksdb_writebatch_putv(
                        handle,
                        1,
                        &key,
                        &keyLength,
                        Int32(lengths.count),
                        starts,
                        lengths
                    )
                }
            }
        }
    }

    func delete(_ key: Span<UInt8>) {
        key.withChars { key, length in unsafe rocksdb_writebatch_delete(handle, key, length) }
    }

    func deleteRange(_ start: Span<UInt8>, _ end: Span<UInt8>) {
        // RocksDB takes a reversed range for an error, and that only at the write.
        guard start.compare(to: end) < 0 else { return }
        start.withChars { start, startLength in
            end.withChars { end, endLength in
                unsafe rocksdb_writebatch_delete_range(handle, start, startLength, end, endLength)
            }
        }
    }

    func clear() { unsafe rocksdb_writebatch_clear(handle) }
}
