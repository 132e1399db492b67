internal import MailModel
internal import NIOCore

/// Payloads that are not copied into the buffer that is being encoded: the socket writes them from where they are.
///
/// A payload that goes to several peers, or waits for one, is in memory once, and shares it with the log's entry.
struct PayloadsApart {
    /// Smaller payloads are copied: a buffer of its own costs more.
    let minimumBytes: Int
    /// The payloads in their order, and how many encoded bytes come before each.
    private(set) var payloads: [(offset: Int, payload: ByteBuffer)] = []
    private(set) var bytes = 0

    init(minimumBytes: Int) { self.minimumBytes = minimumBytes }

    /// Copies all payloads.
    static var none: PayloadsApart { PayloadsApart(minimumBytes: .max) }

    fileprivate mutating func add(_ payload: ByteBuffer, at offset: Int) {
        payloads.append((offset, payload))
        bytes += payload.readableBytes
    }
}

extension ByteBuffer {
    /// Appends the payload's length, and the payload or the place for it.
    mutating func writeLengthPrefixed(_ payload: ByteBuffer, apart: inout PayloadsApart) {
        guard payload.readableBytes >= apart.minimumBytes else { return writeLengthPrefixed(payload) }
        writeCount(payload.readableBytes)
        apart.add(payload, at: readableBytes)
    }
}
