internal import MailModel
internal import NIOCore

/// What a deleted mailbox or account has left behind: rows that no query reaches, and that are removed a bounded number
/// at a time.
struct RemnantRow {
    /// When the mailbox or account was deleted.
    let time: Timestamp
    /// The rows before this position in the order of keys are gone: a table, and what follows the account in its keys.
    /// A scan from here passes over no removed row.
    var position: [UInt8]

    var row: ByteBuffer {
        var row = newRow(capacity: 48)
        row.writeInteger(time.rawValue)
        row.writeLengthPrefixed(ByteBuffer(bytes: position))
        return row
    }

    init(time: Timestamp, position: [UInt8]) {
        self.time = time
        self.position = position
    }

    init(row: ByteBuffer) throws(DecodingError) {
        var decoder = try WireDecoder(row: row, subject: "remnant row")
        time = try decoder.timestamp()
        position = Array(try decoder.bytes(maximum: Self.maxPositionBytes).readableBytesView)
        try decoder.finish()
    }

    /// No position is longer: mailbox names are the longest part of a key.
    private static let maxPositionBytes = 4_096
}
