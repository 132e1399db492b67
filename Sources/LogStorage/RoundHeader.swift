internal import NIOCore

/// The first bytes of a round.
struct RoundHeader: Hashable {
    var logID: UInt64
    var segment: UInt64
    /// Rises by one from round to round, over all segments.
    var number: UInt64
    var recordCount: Int
    /// Size of the head: this header, the record headers, the sector checksums, a trailer; a multiple of a sector.
    var headBytes: Int
    /// Size of the data behind the head, without the zeros that fill up the last sector.
    var dataBytes: Int
    /// Of the head without this header.
    var headChecksum: UInt32
    /// The checksum of the header before, 0 for the first round of a log.
    var precedingChecksum: UInt32

    var sectorCount: Int { dataBytes.roundedUp(toMultipleOf: Layout.sectorBytes) / Layout.sectorBytes }

    /// Head and data, up to the block where the next round starts.
    func extent(blockBytes: Int) -> Int { (headBytes + dataBytes).roundedUp(toMultipleOf: blockBytes) }

    static func headBytes(recordCount: Int, dataBytes: Int) -> Int {
        let sectors = dataBytes.roundedUp(toMultipleOf: Layout.sectorBytes) / Layout.sectorBytes
        return (Layout.headerBytes * (1 + recordCount) + 4 * sectors + 8).roundedUp(toMultipleOf: Layout.sectorBytes)
    }

    /// - Returns: the header's bytes, and its checksum, to which the next round's header refers.
    func encoded() -> (bytes: ByteBuffer, checksum: UInt32) {
        var body = ByteBuffer()
        body.writeInteger(logID, endianness: .little)
        body.writeInteger(segment, endianness: .little)
        body.writeInteger(number, endianness: .little)
        body.writeInteger(UInt32(recordCount), endianness: .little)
        body.writeInteger(UInt32(headBytes), endianness: .little)
        body.writeInteger(UInt32(dataBytes), endianness: .little)
        body.writeInteger(headChecksum, endianness: .little)
        body.writeInteger(precedingChecksum, endianness: .little)
        body.writeRepeatingByte(0, count: Layout.headerBytes - 8 - body.readableBytes)
        let checksum = Checksum.of(body)
        var header = ByteBuffer()
        header.writeInteger(Layout.roundMagic, endianness: .little)
        header.writeInteger(checksum, endianness: .little)
        header.writeImmutableBuffer(body)
        return (header, checksum)
    }

    /// - Returns: nil when the bytes at `offset` are not a header of a round in this segment of this log.
    static func decode(
        _ file: ByteBuffer,
        at offset: Int,
        segment: SegmentHeader
    ) -> (header: RoundHeader, checksum: UInt32)? {
        guard file.getInteger(at: offset, endianness: .little, as: UInt32.self) == Layout.roundMagic,
            var body = file.getSlice(at: offset + 4, length: Layout.headerBytes - 4),
            let checksum = body.readInteger(endianness: .little, as: UInt32.self),
            checksum == Checksum.of(body),
            let logID = body.readInteger(endianness: .little, as: UInt64.self), logID == segment.logID,
            let sequence = body.readInteger(endianness: .little, as: UInt64.self), sequence == segment.sequence,
            let number = body.readInteger(endianness: .little, as: UInt64.self),
            let recordCount = body.readInteger(endianness: .little, as: UInt32.self),
            let headBytes = body.readInteger(endianness: .little, as: UInt32.self),
            let dataBytes = body.readInteger(endianness: .little, as: UInt32.self),
            let headChecksum = body.readInteger(endianness: .little, as: UInt32.self),
            let precedingChecksum = body.readInteger(endianness: .little, as: UInt32.self),
            number <= Layout.maxNumber,
            recordCount <= Layout.maxRecordsPerRound, dataBytes <= Layout.maxRoundBytes,
            Int(headBytes) == Self.headBytes(recordCount: Int(recordCount), dataBytes: Int(dataBytes))
        else { return nil }
        let header = RoundHeader(
            logID: logID,
            segment: sequence,
            number: number,
            recordCount: Int(recordCount),
            headBytes: Int(headBytes),
            dataBytes: Int(dataBytes),
            headChecksum: headChecksum,
            precedingChecksum: precedingChecksum
        )
        return (header, checksum)
    }
}
