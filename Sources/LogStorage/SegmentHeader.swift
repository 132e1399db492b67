internal import NIOCore

/// The first bytes of a segment file.
struct SegmentHeader: Hashable {
    var logID: UInt64
    /// Rises by one from segment to segment.
    var sequence: UInt64
    /// The size the file was made with.
    var capacity: Int
    var blockBytes: Int
    /// The last round of all segments before. That round was durable before this header was written, which is what
    /// proves that a bad round before it is damage, not a torn write.
    var precedingRound: UInt64

    func encoded() -> ByteBuffer {
        var body = ByteBuffer()
        body.writeInteger(Layout.formatVersion, endianness: .little)
        body.writeInteger(UInt16(0), endianness: .little)
        body.writeInteger(logID, endianness: .little)
        body.writeInteger(sequence, endianness: .little)
        body.writeInteger(UInt64(capacity), endianness: .little)
        body.writeInteger(precedingRound, endianness: .little)
        body.writeInteger(UInt32(blockBytes), endianness: .little)
        body.writeRepeatingByte(0, count: Layout.headerBytes - 12 - body.readableBytes)
        var header = ByteBuffer()
        header.writeInteger(Layout.segmentMagic, endianness: .little)
        header.writeInteger(Checksum.of(body), endianness: .little)
        header.writeImmutableBuffer(body)
        return header
    }

    static func decode(_ file: ByteBuffer) throws(FormatError) -> SegmentHeader {
        var decoder = try FormatDecoder(file, length: Layout.headerBytes, .segmentHeader)
        guard try decoder.integer(UInt64.self) == Layout.segmentMagic else { throw decoder.failure(.noMark) }
        let checksum: UInt32 = try decoder.integer()
        guard checksum == decoder.checksum else { throw decoder.failure(.checksum) }
        let version: UInt16 = try decoder.integer()
        guard version == Layout.formatVersion else { throw decoder.failure(.unknownVersion(version)) }
        _ = try decoder.integer(UInt16.self)
        let logID: UInt64 = try decoder.integer()
        let sequence: UInt64 = try decoder.number(upTo: Layout.maxNumber)
        let capacity: UInt64 = try decoder.number(upTo: 1 << 40)
        let precedingRound: UInt64 = try decoder.number(upTo: Layout.maxNumber)
        let blockBytes: UInt32 = try decoder.integer()
        guard blockBytes > 0, Int(blockBytes) % Layout.sectorBytes == 0 else { throw decoder.failure(.outOfRange) }
        return SegmentHeader(
            logID: logID,
            sequence: sequence,
            capacity: Int(capacity),
            blockBytes: Int(blockBytes),
            precedingRound: precedingRound
        )
    }

    /// The name of the segment's file: 16 hexadecimal digits, so that names sort like numbers.
    static func fileName(_ sequence: UInt64) -> String {
        let digits = String(sequence, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits + ".log"
    }

    static func sequence(ofFile name: String) -> UInt64? {
        guard name.utf8.count == 20, name.hasSuffix(".log") else { return nil }
        return UInt64(name.prefix(16), radix: 16).flatMap { $0 <= Layout.maxNumber ? $0 : nil }
    }
}
