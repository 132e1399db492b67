internal import Crypto
internal import MailModel
internal import NIOCore

/// Names the deliveries of one message, as its bytes come in, so that the store recognises one that an MTA repeats.
///
/// Hand-made messages get no name: two of them that are alike may be meant as two.
struct DeliveryIdentity {
    private var trace = TraceScanner()
    private var hash = SHA256()

    /// Takes in the next bytes of the message, as the client sent them: what we put before them would differ.
    mutating func append(_ bytes: ByteBuffer) {
        trace.append(bytes)
        guard trace.verdict != .hasNone else { return }
        bytes.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
    }

    /// The message is complete.
    ///
    /// - Returns: what names its deliveries, or nil when no MTA has left its trace on it.
    consuming func finish() -> Complete? {
        trace.finish()
        switch trace.verdict {
        case .hasID: return Complete(digest: hash.finalize())
        case .undecided, .hasNone: return nil
        }
    }

    /// A message that an MTA may repeat.
    struct Complete {
        fileprivate let digest: SHA256Digest

        /// The identity of the delivery to one recipient: the first 128 bits of a SHA-256 over sender, recipient as the
        /// client named it (with its detail), and message. Every node must come to the same, whatever its version.
        func delivery(from reversePath: String, to recipient: RecipientName) -> DeliveryID {
            var hash = SHA256()
            hash.update(data: Array("staffetta delivery 1\0".utf8))
            for text in [reversePath, recipient.text] {
                // The text with its length: no other pair of texts gives the same bytes.
                withUnsafeBytes(of: UInt32(text.utf8.count).bigEndian) { hash.update(bufferPointer: $0) }
                hash.update(data: Array(text.utf8))
            }
            digest.withUnsafeBytes { hash.update(bufferPointer: $0) }
            return hash.finalize().withUnsafeBytes { bytes in
                DeliveryID(
                    high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                )
            }
        }
    }
}
