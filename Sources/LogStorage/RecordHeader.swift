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
    /// Of entries: 0 command, 1 noop, 2 configuration. Of snapshots: 1 when the entries behind the point stay, else 0.
    var entryKind: UInt8 = 0
    var group: GroupID
    /// The checksum of the group's record before, 0 for the first.
    var chain: UInt32
    var index: UInt64 = 0
    var term: UInt64 = 0
    /// Of hard states the vote, of creations the replica.
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
        head.writeInteger(UInt32(0), endianness: .little)
        head.writeInteger(type.rawValue)
        head.writeInteger(entryKind)
        head.writeInteger(UInt16(vote == nil ? 0 : 1), endianness: .little)
        head.writeInteger(group.rawValue, endianness: .little)
        head.writeInteger(chain, endianness: .little)
        head.writeInteger(index, endianness: .little)
        head.writeInteger(term, endianness: .little)
        head.writeInteger(vote ?? 0, endianness: .little)
        head.writeInteger(UInt32(dataOffset), endianness: .little)
        head.writeInteger(UInt32(dataBytes), endianness: .little)
        head.writeInteger(dataChecksum, endianness: .little)
        head.writeInteger(UInt32(configurationBytes), endianness: .little)
        head.writeInteger(UInt64(0), endianness: .little)
        let checksum = Checksum.of(head, start - head.readerIndex + 4..<head.readableBytes)
        head.setInteger(checksum, at: start, endianness: .little)
        return checksum
    }

    /// - Returns: the header and its checksum; nil when the bytes at `offset` are no record header.
    static func decode(_ file: ByteBuffer, at offset: Int) -> (header: RecordHeader, checksum: UInt32)? {
        guard var body = file.getSlice(at: offset, length: Layout.headerBytes),
            let checksum = body.readInteger(endianness: .little, as: UInt32.self),
            checksum == Checksum.of(body),
            let type = body.readInteger(as: UInt8.self).flatMap(RecordType.init),
            let entryKind = body.readInteger(as: UInt8.self),
            let flags = body.readInteger(endianness: .little, as: UInt16.self), flags <= 1,
            let group = body.readInteger(endianness: .little, as: UInt32.self),
            let chain = body.readInteger(endianness: .little, as: UInt32.self),
            let index = body.readInteger(endianness: .little, as: UInt64.self),
            let term = body.readInteger(endianness: .little, as: UInt64.self),
            let vote = body.readInteger(endianness: .little, as: UInt64.self),
            let dataOffset = body.readInteger(endianness: .little, as: UInt32.self),
            let dataBytes = body.readInteger(endianness: .little, as: UInt32.self),
            let dataChecksum = body.readInteger(endianness: .little, as: UInt32.self),
            let configurationBytes = body.readInteger(endianness: .little, as: UInt32.self),
            configurationBytes <= dataBytes,
            group <= GroupID.maximum.rawValue, index <= LogIndex.maximum.rawValue, term <= Term.maximum.rawValue
        else { return nil }
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
