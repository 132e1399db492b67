import NIOCore

/// Reads what `SummaryWriter` wrote; every read checks that the bytes are there.
struct SummaryReader {
    private var buffer: ByteBuffer
    private let start: Int
    /// Entities read so far, in all.
    var entityCount = 0

    init(_ buffer: ByteBuffer) {
        self.buffer = buffer
        self.start = buffer.readerIndex
    }

    /// How many bytes are left.
    var readableBytes: Int { buffer.readableBytes }
    /// How many bytes were read.
    var offset: Int { buffer.readerIndex - start }

    func failure(_ reason: MessageFormatError.Reason) -> MessageFormatError {
        MessageFormatError(reason, offset: offset)
    }

    mutating func tag() throws(MessageFormatError) -> UInt8 {
        guard let value = buffer.readInteger(as: UInt8.self) else { throw failure(.truncated) }
        return value
    }

    mutating func number() throws(MessageFormatError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try tag()
            // Ten bytes at most, and the tenth may hold the last bit only.
            guard shift < 63 || (shift == 63 && byte <= 1) else { throw failure(.outOfRange) }
            value |= UInt64(byte & 0x7f) << shift
            guard byte & 0x80 != 0 else { return value }
            shift += 7
        }
    }

    mutating func number(maximum: UInt64) throws(MessageFormatError) -> UInt64 {
        let value = try number()
        guard value <= maximum else { throw failure(.outOfRange) }
        return value
    }

    mutating func skip(_ count: Int) throws(MessageFormatError) {
        guard count <= buffer.readableBytes else { throw failure(.truncated) }
        buffer.moveReaderIndex(forwardBy: count)
    }

    mutating func bytes() throws(MessageFormatError) -> [UInt8] {
        try take(try number())
    }

    mutating func optionalBytes() throws(MessageFormatError) -> [UInt8]? {
        let length = try number()
        return length == 0 ? nil : try take(length - 1)
    }

    mutating func skipOptionalBytes() throws(MessageFormatError) {
        let length = try number(maximum: UInt64(FormatLimits.encodedBytes))
        if length > 0 { try skip(Int(length) - 1) }
    }

    mutating func string() throws(MessageFormatError) -> String {
        let value = try bytes()
        guard let text = String(validating: value, as: UTF8.self) else { throw failure(.notUTF8) }
        return text
    }

    mutating func finish() throws(MessageFormatError) {
        guard buffer.readableBytes == 0 else { throw failure(.trailingBytes) }
    }

    private mutating func take(_ length: UInt64) throws(MessageFormatError) -> [UInt8] {
        guard length <= UInt64(buffer.readableBytes), let value = buffer.readBytes(length: Int(length)) else {
            throw failure(.truncated)
        }
        return value
    }
}
