internal import Consensus
public import MailModel
public import NIOCore

/// How a node gets the bytes of a message that its own disk has spoiled.
public enum BodyMessage: Hashable, Sendable {
    /// "Which bytes do you have there?" `id` is never used twice.
    case ask(id: UInt64, BodyChunk)
    /// The bytes; nil where the node has none that are whole.
    case answer(id: UInt64, ByteBuffer?)
}

extension ByteBuffer {
    mutating func write(_ message: BodyMessage, apart: inout PayloadsApart) {
        writeInteger(PeerMessage.bodyVersion)
        switch message {
        case .ask(let id, let chunk):
            writeInteger(1, as: UInt8.self)
            writeInteger(id)
            writeInteger(chunk.account.rawValue)
            write(chunk.body)
            writeInteger(chunk.index)
        case .answer(let id, let bytes):
            writeInteger(2, as: UInt8.self)
            writeInteger(id)
            writeBool(bytes != nil)
            writeLengthPrefixed(bytes ?? ByteBuffer(), apart: &apart)
        }
    }
}

extension WireDecoder {
    mutating func bodyMessage() throws(DecodingError) -> BodyMessage {
        let version: UInt8 = try integer()
        guard version == PeerMessage.bodyVersion else { throw failure(.unknownVersion(UInt64(version))) }
        let tag: UInt8 = try integer()
        let id: UInt64 = try integer()
        switch tag {
        case 1:
            let account = AccountID(try integer())
            return .ask(id: id, BodyChunk(account: account, body: try bodyID(), index: try integer()))
        case 2:
            let isThere = try bool()
            let bytes = try bytes(maximum: MailLimits.bodyChunkBytes)
            guard isThere || bytes.readableBytes == 0 else { throw failure(.outOfRange) }
            return .answer(id: id, isThere ? bytes : nil)
        default: throw failure(.unknownTag(UInt64(tag)))
        }
    }
}
