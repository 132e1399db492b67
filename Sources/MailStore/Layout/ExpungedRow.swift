internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// The row of a message that was expunged, and where it stood.
enum ExpungedRow {
    struct Position {
        let contents: ContentsID
        let modSeq: ModSeq
        let uid: UID
    }

    static func row(at time: Timestamp, flags: SystemFlags, of message: MessageRow) -> ByteBuffer {
        var row = newRow(capacity: 96 + message.summary.readableBytes)
        row.writeInteger(time.rawValue)
        // Not the keywords: their numbers may have other names when the message is recovered.
        row.writeInteger(flags.rawValue)
        message.write(into: &row)
        return row
    }

    static func time(_ row: Span<UInt8>) throws(DecodingError) -> Timestamp {
        guard row.count > 9, row[0] == rowVersion else {
            throw DecodingError(.truncated, offset: row.count, subject: "expunged row")
        }
        return Timestamp(milliseconds: Int64(bitPattern: try Key.integer(row, at: 1, as: UInt64.self)))
    }

    static func message(_ row: ByteBuffer) throws(DecodingError) -> MessageRow {
        var decoder = try WireDecoder(row: row, subject: "expunged row")
        _ = try decoder.timestamp()
        _ = try decoder.systemFlags()
        let message = try MessageRow(from: &decoder)
        try decoder.finish()
        return message
    }

    /// The position that a key of the table `expunged` names.
    static func position(_ key: Span<UInt8>) throws(DecodingError) -> Position {
        guard key.count == Key.afterMailbox + 12 else {
            throw DecodingError(.truncated, offset: key.count, subject: "expunged key")
        }
        return Position(
            contents: ContentsID(try Key.integer(key, at: Key.afterAccount, as: UInt32.self)),
            modSeq: ModSeq(try Key.integer(key, at: Key.afterMailbox, as: UInt64.self)),
            uid: UID(try Key.integer(key, at: Key.afterMailbox + 8, as: UInt32.self))
        )
    }
}
