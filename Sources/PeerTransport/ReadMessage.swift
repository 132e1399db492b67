public import Consensus
internal import MailModel
public import NIOCore

/// How a node without a replica that could answer has another one read for it.
public enum ReadMessage: Hashable, Sendable {
    /// "What does this query say?" `id` is never used twice; `epoch` is that of the group by which the sender has found
    /// it. The query is an encoded `GroupQuery`.
    case ask(id: UInt64, epoch: UInt64, query: ByteBuffer)
    /// Bytes of an encoded `GroupAnswer`, from an offset on, and how many it has in all. The first piece answers the
    /// question, every other one asks for more.
    case piece(id: UInt64, offset: UInt32, total: UInt32, ByteBuffer)
    /// "I have all bytes before this offset: what comes next?"
    case more(id: UInt64, from: UInt32)
    /// The answer has come as a whole, or nobody waits for it any more.
    case end(id: UInt64)
    /// There is no answer here.
    case refused(id: UInt64, ReadRefusal)
}

/// Why a node does not read for another one.
public enum ReadRefusal: Hashable, Sendable {
    /// Not now: no replica that could answer, too much under way, or a directory that is older than the question's.
    case busy
    /// The group was routed to by an older epoch, or is gone. Who has the directory as of this index knows better.
    case moved(asOf: LogIndex)
    /// The answer has more bytes than ``ReadMessage/maximumAnswerBytes``.
    case tooLarge
}

extension ReadMessage {
    static let formatVersion: UInt8 = 1
    /// Bytes of an encoded query.
    public static let maximumQueryBytes = 256 << 10
    /// Bytes of the first piece of an answer, which comes without the asker having made room: a piece of a body, and
    /// what stands around it, fits in.
    public static let firstPieceBytes = 256 << 10
    /// Bytes of every other piece.
    public static let pieceBytes = 1 << 20
    /// Bytes of an answer, in all its pieces.
    public static let maximumAnswerBytes = 64 << 20

    var approximateBytes: Int {
        switch self {
        case .ask(_, _, let query): 96 + query.readableBytes
        case .piece(_, _, _, let bytes): 96 + bytes.readableBytes
        case .more, .end, .refused: 64
        }
    }
}

extension ByteBuffer {
    mutating func write(_ message: ReadMessage, apart: inout PayloadsApart) {
        func begin(_ tag: UInt8, _ id: UInt64) {
            writeInteger(ReadMessage.formatVersion)
            writeInteger(tag)
            writeInteger(id)
        }
        switch message {
        case .ask(let id, let epoch, let query):
            begin(1, id)
            writeInteger(epoch)
            writeLengthPrefixed(query, apart: &apart)
        case .piece(let id, let offset, let total, let bytes):
            begin(2, id)
            writeInteger(offset)
            writeInteger(total)
            writeLengthPrefixed(bytes, apart: &apart)
        case .more(let id, let offset):
            begin(3, id)
            writeInteger(offset)
        case .end(let id): begin(4, id)
        case .refused(let id, let refusal):
            begin(5, id)
            switch refusal {
            case .busy: writeInteger(1, as: UInt8.self)
            case .moved(let index):
                writeInteger(2, as: UInt8.self)
                writeInteger(index.rawValue)
            case .tooLarge: writeInteger(3, as: UInt8.self)
            }
        }
    }
}

extension WireDecoder {
    mutating func readMessage() throws(DecodingError) -> ReadMessage {
        let version: UInt8 = try integer()
        guard version == ReadMessage.formatVersion else { throw failure(.unknownVersion(UInt64(version))) }
        let tag: UInt8 = try integer()
        let id: UInt64 = try integer()
        switch tag {
        case 1:
            let epoch: UInt64 = try integer()
            return .ask(id: id, epoch: epoch, query: try bytes(maximum: ReadMessage.maximumQueryBytes))
        case 2:
            let offset: UInt32 = try integer()
            let total: UInt32 = try integer()
            let bytes = try bytes(maximum: ReadMessage.pieceBytes)
            guard total <= ReadMessage.maximumAnswerBytes, bytes.readableBytes > 0,
                Int(offset) + bytes.readableBytes <= Int(total)
            else { throw failure(.outOfRange) }
            return .piece(id: id, offset: offset, total: total, bytes)
        case 3: return .more(id: id, from: try integer())
        case 4: return .end(id: id)
        case 5: return .refused(id: id, try readRefusal())
        default: throw failure(.unknownTag(UInt64(tag)))
        }
    }

    private mutating func readRefusal() throws(DecodingError) -> ReadRefusal {
        switch try integer(as: UInt8.self) {
        case 1: return .busy
        case 2: return .moved(asOf: try logIndex())
        case 3: return .tooLarge
        case let other: throw failure(.unknownTag(UInt64(other)))
        }
    }
}
