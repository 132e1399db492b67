internal import Glibc
internal import NIOCore

/// A file of the operating system.
final class PosixFile: DiskFile {
    private let descriptor: Int32
    private let path: String

    /// The kernel's limit (`IOV_MAX`), which Glibc does not export as a constant.
    private static let piecesPerCall = 1024

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { _ = close(descriptor) }

    /// Sets space aside for a new file, where the file system cannot by writing zeros: a segment must not grow later.
    func allocate(_ bytes: Int) throws(DiskError) {
        while bytes > 0 {
            let code = posix_fallocate(descriptor, 0, bytes)
            if code == 0 { return }
            guard code == EINTR else { throw .system(code, call: "posix_fallocate", path: path) }
        }
    }

    func write(at offset: Int, pieces: [ByteBuffer]) throws(DiskError) {
        var vectors: [iovec] = unsafe []
        unsafe vectors.reserveCapacity(pieces.count)
        for piece in pieces where piece.readableBytes > 0 {
            // The storage outlives the calls below: `pieces` holds it.
            unsafe piece.withUnsafeReadableBytesWithStorageManagement { bytes, _ in
                unsafe vectors.append(iovec(iov_base: .init(mutating: bytes.baseAddress), iov_len: bytes.count))
            }
        }
        defer { withExtendedLifetime(pieces) {} }
        try unsafe write(&vectors, at: offset)
    }

    private func write(_ vectors: inout [iovec], at offset: Int) throws(DiskError) {
        var offset = offset
        var first = 0
        while unsafe first < vectors.count {
            let count = unsafe min(vectors.count - first, Self.piecesPerCall)
            let written = unsafe vectors.withUnsafeBufferPointer { vectors in
                unsafe pwritev(descriptor, vectors.baseAddress! + first, Int32(count), offset)
            }
            guard written > 0 else {
                if written < 0, errno == EINTR { continue }
                throw .system(written < 0 ? errno : EIO, call: "pwritev", path: path)
            }
            offset += written
            // A short write is continued behind its last byte.
            var rest = written
            while rest > 0 {
                let length = unsafe vectors[first].iov_len
                if rest < length {
                    unsafe vectors[first].iov_base += rest
                    unsafe vectors[first].iov_len -= rest
                    break
                }
                rest -= length
                first += 1
            }
        }
    }

    /// The call is never repeated, not even when it was interrupted: a second call may succeed although the first one
    /// lost data.
    func dataSync() throws(DiskError) {
        guard fdatasync(descriptor) == 0 else { throw .system(errno, call: "fdatasync", path: path) }
    }

    func read(at offset: Int, count: Int) throws(DiskError) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        var failure: Int32 = 0
        while buffer.readableBytes < count {
            let position = offset + buffer.readableBytes
            let wanted = count - buffer.readableBytes
            let taken = unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { bytes in
                let taken = unsafe pread(descriptor, bytes.baseAddress, wanted, position)
                if taken < 0 { failure = errno }
                return max(taken, 0)
            }
            if taken == 0 {
                if failure == EINTR {
                    failure = 0
                    continue
                }
                break
            }
        }
        guard failure == 0 else { throw .system(failure, call: "pread", path: path) }
        return buffer
    }

    func size() throws(DiskError) -> Int {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system(errno, call: "fstat", path: path) }
        return status.st_size
    }

    func truncate(to bytes: Int) throws(DiskError) {
        guard ftruncate(descriptor, bytes) == 0 else { throw .system(errno, call: "ftruncate", path: path) }
    }
}
