/// What stands in front of an encoded summary: all that most commands ask of a message is found here and in the
/// envelope behind it, so that nothing else has to be decoded for a list of messages.
struct SummaryFront: Hashable, Sendable {
    /// Raised whenever the bytes, or what they mean, change. A summary of another version is not read: the message is
    /// parsed again where it is asked for.
    static let version: UInt8 = 3

    /// The bits of the byte behind the version.
    private enum Mark {
        static let cutEnvelope: UInt8 = 0x01
        static let repeatedFields: UInt8 = 0x02
        static let cutStructure: UInt8 = 0x04
        static let all: UInt8 = 0x07
    }

    let sizeBytes: UInt64
    let headerBytes: UInt64
    /// How long the envelope's ten fields are, which follow.
    let envelopeBytes: Int
    let isEnvelopeCut: Bool
    let isEnvelopeRepeated: Bool
    let isStructureCut: Bool

    init(of summary: MessageSummary, envelopeBytes: Int) {
        sizeBytes = summary.sizeBytes
        headerBytes = summary.headerBytes
        self.envelopeBytes = envelopeBytes
        isEnvelopeCut = !summary.isEnvelopeWhole
        isEnvelopeRepeated = summary.root.envelope?.isRepeated == true
        isStructureCut = !summary.isStructureWhole
    }

    func write(into writer: inout SummaryWriter) {
        writer.tag(Self.version)
        var marks: UInt8 = 0
        if isEnvelopeCut { marks |= Mark.cutEnvelope }
        if isEnvelopeRepeated { marks |= Mark.repeatedFields }
        if isStructureCut { marks |= Mark.cutStructure }
        writer.tag(marks)
        writer.number(sizeBytes)
        writer.number(headerBytes)
        writer.number(UInt64(envelopeBytes))
    }

    /// Reads up to where the envelope begins.
    ///
    /// - Throws: `MessageFormatError` for another version, and for bytes that are no front.
    init(from reader: inout SummaryReader) throws(MessageFormatError) {
        let version = try reader.tag()
        guard version == Self.version else { throw reader.failure(.unknownVersion(version)) }
        guard reader.readableBytes < FormatLimits.encodedBytes else { throw reader.failure(.tooLong) }
        let marks = try reader.tag()
        guard marks & ~Mark.all == 0 else { throw reader.failure(.unknownTag(marks)) }
        sizeBytes = try reader.number(maximum: FormatLimits.messageBytes)
        headerBytes = try reader.number(maximum: sizeBytes)
        envelopeBytes = Int(try reader.number(maximum: UInt64(FormatLimits.encodedBytes)))
        guard envelopeBytes <= reader.readableBytes else { throw reader.failure(.truncated) }
        isEnvelopeCut = marks & Mark.cutEnvelope != 0
        isEnvelopeRepeated = marks & Mark.repeatedFields != 0
        isStructureCut = marks & Mark.cutStructure != 0
    }
}
