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

    /// The version is not known to this program.
    struct UnknownVersion: Error { let version: UInt16 }

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

    /// - Returns: nil when the bytes are not a header.
    static func decode(_ file: ByteBuffer) throws(UnknownVersion) -> SegmentHeader? {
        guard var body = file.getSlice(at: file.readerIndex, length: Layout.headerBytes),
            body.readInteger(endianness: .little, as: UInt64.self) == Layout.segmentMagic,
            let checksum = body.readInteger(endianness: .little, as: UInt32.self),
            checksum == Checksum.of(body),
            let version = body.readInteger(endianness: .little, as: UInt16.self)
        else { return nil }
        guard version == Layout.formatVersion else { throw UnknownVersion(version: version) }
        guard body.readInteger(endianness: .little, as: UInt16.self) != nil,
            let logID = body.readInteger(endianness: .little, as: UInt64.self),
            let sequence = body.readInteger(endianness: .little, as: UInt64.self),
            let capacity = body.readInteger(endianness: .little, as: UInt64.self),
            let precedingRound = body.readInteger(endianness: .little, as: UInt64.self),
            let blockBytes = body.readInteger(endianness: .little, as: UInt32.self),
            sequence <= Layout.maxNumber, precedingRound <= Layout.maxNumber,
            blockBytes > 0, Int(blockBytes) % Layout.sectorBytes == 0, capacity < 1 << 40
        else { return nil }
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
