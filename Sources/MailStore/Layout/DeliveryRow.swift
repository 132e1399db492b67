internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// The row of a delivery: when it was, and how it was answered.
enum DeliveryRow {
    static func row(at time: Timestamp, _ outcome: MailOutcome) -> ByteBuffer {
        var row = newRow(capacity: 32)
        row.writeInteger(time.rawValue)
        outcome.encode(into: &row)
        return row
    }

    static func outcome(_ row: ByteBuffer) throws(DecodingError) -> MailOutcome {
        var decoder = try WireDecoder(row: row, subject: "delivery row")
        _ = try decoder.timestamp()
        return try MailOutcome(from: &decoder)
    }

    static func id(_ key: Span<UInt8>) throws(DecodingError) -> DeliveryID {
        guard key.count == Key.afterAccount + 16 else {
            throw DecodingError(.truncated, offset: key.count, subject: "delivery key")
        }
        return DeliveryID(
            high: try Key.integer(key, at: Key.afterAccount, as: UInt64.self),
            low: try Key.integer(key, at: Key.afterAccount + 8, as: UInt64.self)
        )
    }
}
