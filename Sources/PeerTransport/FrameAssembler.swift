internal import MailModel
internal import NIOCore

/// Puts frames together from what a socket has read.
///
/// A frame that comes in several reads gets a buffer of its own, once, of the size that it names: its payloads are
/// slices that live on, and nothing that comes behind them has to be copied out of the same buffer.
struct FrameAssembler {
    /// The begin of a frame.
    private var begun = ByteBuffer()

    /// Takes bytes from what was read, up to the end of a frame, and returns the frame's body; nil when more bytes are
    /// needed, and all that were there are taken.
    mutating func next(
        from read: inout ByteBuffer,
        maximumBytes: Int,
        allocator: ByteBufferAllocator
    ) throws(DecodingError) -> ByteBuffer? {
        if begun.readableBytes == 0 {
            if let body = try Frame.next(from: &read, maximumBytes: maximumBytes) { return body }
            guard read.readableBytes > 0 else { return nil }
            begun = allocator.buffer(capacity: Frame.bytes(of: read) ?? Frame.headerBytes)
            begun.writeBuffer(&read)
            return nil
        }
        if Frame.bytes(of: begun) == nil { take(Frame.lengthBytes - begun.readableBytes, from: &read) }
        guard let whole = Frame.bytes(of: begun) else { return nil }
        // An impossible length is refused before memory is given for it.
        if let body = try Frame.next(from: &begun, maximumBytes: maximumBytes) { return body }
        begun.reserveCapacity(whole)
        take(whole - begun.readableBytes, from: &read)
        guard let body = try Frame.next(from: &begun, maximumBytes: maximumBytes) else { return nil }
        begun = ByteBuffer()
        return body
    }

    private mutating func take(_ bytes: Int, from read: inout ByteBuffer) {
        if var part = read.readSlice(length: min(bytes, read.readableBytes)) { begun.writeBuffer(&part) }
    }
}
