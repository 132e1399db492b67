public import NIOCore

/// A summary as it is stored, of which only the front is decoded: the sizes at once, fields of the envelope when they
/// are asked for, and the structure never (``whole()`` decodes all of it).
public struct StoredSummary: Sendable {
    private let encoded: ByteBuffer
    private let front: SummaryFront
    /// Where the envelope begins in `encoded`, counted from its reader index.
    private let envelopeStart: Int

    /// Reads the front of an encoded summary.
    ///
    /// - Throws: `MessageFormatError` when the bytes do not begin like those of `MessageSummary.encoded()`. What stands
    ///   behind the envelope is not looked at.
    public init(_ encoded: ByteBuffer) throws(MessageFormatError) {
        var reader = SummaryReader(encoded)
        front = try SummaryFront(from: &reader)
        envelopeStart = reader.offset
        self.encoded = encoded
        for _ in EnvelopeField.allCases { try reader.skipOptionalBytes() }
        guard reader.offset - envelopeStart == front.envelopeBytes else { throw reader.failure(.outOfRange) }
    }

    /// Where the body starts, read from an encoded summary; nil where these bytes are none of this version.
    public static func headerBytes(in encoded: ByteBuffer) -> UInt64? {
        var reader = SummaryReader(encoded)
        guard let front = try? SummaryFront(from: &reader) else { return nil }
        return front.headerBytes
    }

    /// The message in bytes.
    public var sizeBytes: UInt64 { front.sizeBytes }
    /// Where the body starts.
    public var headerBytes: UInt64 { front.headerBytes }
    /// Whether the message's header says all of its ENVELOPE that is kept here.
    public var isEnvelopeWhole: Bool { !front.isEnvelopeCut }
    /// The same for BODYSTRUCTURE.
    public var isStructureWhole: Bool { !front.isStructureCut }
    /// Whether a field of the envelope stands in the header more than once: the envelope has one of them, or has them
    /// joined.
    var hasRepeatedFields: Bool { front.isEnvelopeRepeated }

    /// The day of the Date field in its own zone, as days since 1970; nil when it cannot be read.
    public var sentDay: Int? {
        withValue(of: .date) { $0.flatMap { MessageDate(field: Array($0)) }?.day }
    }

    /// Decodes all of the summary.
    ///
    /// - Throws: `MessageFormatError` when what stands behind the envelope is not what `MessageSummary.encoded()`
    ///   gives.
    public func whole() throws(MessageFormatError) -> MessageSummary { try MessageSummary(decoding: encoded) }

    /// Writes the parenthesised list of ENVELOPE (RFC 3501, section 7.4.2).
    public func writeEnvelope(into buffer: inout ByteBuffer) {
        var pieces = envelopePieces()
        pieces.writeAll(into: &buffer)
    }

    /// The same as `writeEnvelope`, piece by piece.
    public func envelopePieces() -> ResponsePieces {
        var pieces = ResponsePieces()
        EnvelopeWriter.write(envelope, into: &pieces)
        return pieces
    }

    private var envelope: EnvelopeFields {
        var reader = SummaryReader(encoded)
        do throws(MessageFormatError) {
            try reader.skip(envelopeStart)
            return try EnvelopeFields(from: &reader)
        } catch {
            preconditionFailure("The envelope was read before: \(error)")
        }
    }

    /// Hands over the bytes of one field of the envelope where they stand; nil when the header has no such field.
    func withValue<Result>(of field: EnvelopeField, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        encoded.withUnsafeReadableBytes { bytes in
            var offset = envelopeStart
            // The lengths were checked when the front was read.
            for _ in 0..<field.rawValue {
                let length = EnvelopeField.length(in: bytes, at: &offset) ?? 0
                offset += length
            }
            guard let length = EnvelopeField.length(in: bytes, at: &offset) else { return body(nil) }
            return body(UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)]))
        }
    }
}
