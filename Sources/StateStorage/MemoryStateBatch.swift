internal import NIOCore

/// A batch for ``MemoryStateStore``: the operations as they came.
final class MemoryStateBatch: StateBatch {
    enum Operation {
        case put([UInt8], ByteBuffer)
        case delete([UInt8])
        case deleteRange([UInt8], [UInt8])
    }

    private(set) var operations: [Operation] = []
    private(set) var byteCount = 0

    var count: Int { operations.count }

    func put(_ key: Span<UInt8>, _ value: Span<UInt8>) {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(value.count)
        unsafe buffer.writeBytes(value.bytes)
        operations.append(.put(key.copied(), buffer))
        byteCount += key.count + value.count
    }

    func put(_ key: Span<UInt8>, prefix: Span<UInt8>, pieces: [ByteBuffer]) {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(pieces.reduce(prefix.count) { $0 + $1.readableBytes })
        unsafe buffer.writeBytes(prefix.bytes)
        for piece in pieces { buffer.writeImmutableBuffer(piece) }
        operations.append(.put(key.copied(), buffer))
        byteCount += key.count + buffer.readableBytes
    }

    func delete(_ key: Span<UInt8>) {
        operations.append(.delete(key.copied()))
        byteCount += key.count
    }

    func deleteRange(_ start: Span<UInt8>, _ end: Span<UInt8>) {
        operations.append(.deleteRange(start.copied(), end.copied()))
        byteCount += start.count + end.count
    }

    func clear() {
        operations.removeAll(keepingCapacity: true)
        byteCount = 0
    }
}
