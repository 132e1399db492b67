import NIOCore

/// Writes the compact encoding of summaries: numbers of seven bits a byte, lowest first, and runs of bytes behind their
/// length.
struct SummaryWriter {
    var buffer = ByteBuffer()

    mutating func tag(_ value: UInt8) { buffer.writeInteger(value) }

    mutating func number(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            buffer.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        buffer.writeInteger(UInt8(truncatingIfNeeded: rest))
    }

    mutating func bytes(_ value: [UInt8]) {
        number(UInt64(value.count))
        buffer.writeBytes(value)
    }

    /// One more than the length, or zero for none.
    mutating func optionalBytes(_ value: [UInt8]?) {
        guard let value else { return tag(0) }
        number(UInt64(value.count) + 1)
        buffer.writeBytes(value)
    }

    mutating func string(_ value: String) {
        number(UInt64(value.utf8.count))
        buffer.writeString(value)
    }
}
