internal import NIOCore

extension ByteBuffer {
    /// Copies a lent value.
    init(copying span: Span<UInt8>) {
        self = ByteBufferAllocator().buffer(capacity: span.count)
        writeBytes(span.bytes)
    }
}
