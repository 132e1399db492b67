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
    /// The checksum of the head without this header.
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

    /// The header of a round in this segment of this log, and its checksum.
    static func decode(
        _ file: ByteBuffer,
        at offset: Int,
        segment: SegmentHeader
    ) throws(FormatError) -> (RoundHeader, checksum: UInt32) {
        var decoder = try FormatDecoder(file, at: offset, length: Layout.headerBytes, .roundHeader)
        guard try decoder.integer(UInt32.self) == Layout.roundMagic else { throw decoder.failure(.noMark) }
        let checksum: UInt32 = try decoder.integer()
        guard checksum == decoder.checksum else { throw decoder.failure(.checksum) }
        let logID: UInt64 = try decoder.integer()
        let sequence: UInt64 = try decoder.integer()
        guard logID == segment.logID, sequence == segment.sequence else { throw decoder.failure(.foreign) }
        let number: UInt64 = try decoder.number(upTo: Layout.maxNumber)
        let recordCount = Int(try decoder.number(upTo: UInt32(Layout.maxRecordsPerRound)))
        let headBytes = Int(try decoder.integer(UInt32.self))
        let dataBytes = Int(try decoder.number(upTo: UInt32(Layout.maxRoundBytes)))
        guard headBytes == Self.headBytes(recordCount: recordCount, dataBytes: dataBytes) else {
            throw decoder.failure(.outOfRange)
        }
        let header = RoundHeader(
            logID: logID,
            segment: sequence,
            number: number,
            recordCount: recordCount,
            headBytes: headBytes,
            dataBytes: dataBytes,
            headChecksum: try decoder.integer(),
            precedingChecksum: try decoder.integer()
        )
        return (header, checksum)
    }
}
