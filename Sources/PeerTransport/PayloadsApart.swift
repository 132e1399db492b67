internal import MailModel
internal import NIOCore

/// Payloads that are not copied into the buffer that is being encoded: they are written to the socket as they lie.
///
/// What is sent to several peers, or waits for one, is so in memory once, beside the entries of the log.
struct PayloadsApart {
    /// Smaller ones are copied: a buffer of its own costs more.
    let minimumBytes: Int
    /// In order: how many encoded bytes come before the payload.
    private(set) var payloads: [(offset: Int, payload: ByteBuffer)] = []
    private(set) var bytes = 0

    init(minimumBytes: Int) { self.minimumBytes = minimumBytes }

    /// All are copied.
    static var none: PayloadsApart { PayloadsApart(minimumBytes: .max) }

    fileprivate mutating func add(_ payload: ByteBuffer, at offset: Int) {
        payloads.append((offset, payload))
        bytes += payload.readableBytes
    }
}

extension ByteBuffer {
    /// Its length, and the payload, or the place for it.
    mutating func writeLengthPrefixed(_ payload: ByteBuffer, apart: inout PayloadsApart) {
        guard payload.readableBytes >= apart.minimumBytes else { return writeLengthPrefixed(payload) }
        writeCount(payload.readableBytes)
        apart.add(payload, at: readableBytes)
    }
}
