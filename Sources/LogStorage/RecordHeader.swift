internal import Consensus
internal import NIOCore

/// What a record is for. The numbers are part of the format.
enum RecordType: UInt8 {
    case hardState = 1
    case entry = 2
    case snapshot = 3
    case create = 4
    case remove = 5
    /// All of a group but its entries, at the start of a segment.
    case checkpoint = 6
    /// An entry copied forward from an old segment; it truncates nothing.
    case rewrittenEntry = 7
}

/// One record in a round's head. What the numbers mean depends on the type.
struct RecordHeader: Hashable {
    var type: RecordType
    /// For entries: 0 command, 1 noop, 2 configuration. For snapshots: 1 when the entries behind the point stay, else
    /// 0.
    var entryKind: UInt8 = 0
    var group: GroupID
    /// The checksum of the group's record before, 0 for the first.
    var chain: UInt32
    var index: UInt64 = 0
    var term: UInt64 = 0
    /// For hard states the vote, for creations the replica.
    var vote: UInt64?
    /// Where the record's data starts in the round's data.
    var dataOffset = 0
    var dataBytes = 0
    var dataChecksum: UInt32 = 0
    /// How much of the data is an encoded configuration, before the payload.
    var configurationBytes = 0

    /// Appends the header to `head` and returns its checksum.
    func encode(into head: inout ByteBuffer) -> UInt32 {
        let start = head.writerIndex
        // At once: written one by one, each number costs what all of them cost.
        head.writeMultipleIntegers(
            UInt32(0),
            type.rawValue,
            entryKind,
            UInt16(vote == nil ? 0 : 1),
            group.rawValue,
            chain,
            index,
            term,
            vote ?? 0,
            UInt32(dataOffset),
            UInt32(dataBytes),
            dataChecksum,
            UInt32(configurationBytes),
            UInt64(0),
            endianness: .little
        )
        let checksum = Checksum.of(head, start - head.readerIndex + 4..<head.readableBytes)
        head.setInteger(checksum, at: start, endianness: .little)
        return checksum
    }

    /// - Returns: the header and its checksum.
    static func decode(_ file: ByteBuffer, at offset: Int) throws(FormatError) -> (RecordHeader, checksum: UInt32) {
        var decoder = try FormatDecoder(file, at: offset, length: Layout.headerBytes, .recordHeader)
        let checksum: UInt32 = try decoder.integer()
        guard checksum == decoder.checksum else { throw decoder.failure(.checksum) }
        let number: UInt8 = try decoder.integer()
        guard let type = RecordType(rawValue: number) else { throw decoder.failure(.unknownType(number)) }
        let entryKind: UInt8 = try decoder.integer()
        let flags: UInt16 = try decoder.number(upTo: 1)
        let group: UInt32 = try decoder.number(upTo: GroupID.maximum.rawValue)
        let chain: UInt32 = try decoder.integer()
        let index: UInt64 = try decoder.number(upTo: LogIndex.maximum.rawValue)
        let term: UInt64 = try decoder.number(upTo: Term.maximum.rawValue)
        let vote: UInt64 = try decoder.integer()
        let dataOffset: UInt32 = try decoder.integer()
        let dataBytes: UInt32 = try decoder.integer()
        let dataChecksum: UInt32 = try decoder.integer()
        let configurationBytes: UInt32 = try decoder.number(upTo: dataBytes)
        let header = RecordHeader(
            type: type,
            entryKind: entryKind,
            group: GroupID(group),
            chain: chain,
            index: index,
            term: term,
            vote: flags == 1 ? vote : nil,
            dataOffset: Int(dataOffset),
            dataBytes: Int(dataBytes),
            dataChecksum: dataChecksum,
            configurationBytes: Int(configurationBytes)
        )
        return (header, checksum)
    }
}
