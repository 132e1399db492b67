public import NIOCore

/// The structure of a message and what its header says: everything a mail client asks for without reading the message.
/// The summary is stored beside the message, in at most 200 KiB.
public struct MessageSummary: Hashable, Sendable {
    var root: Entity

    init(root: Entity) { self.root = root }

    /// The message in bytes, as it was given.
    public var sizeBytes: UInt64 { root.bodyEnd }

    /// Where the body starts: behind the empty line, or at the end when there is none.
    public var headerBytes: UInt64 { root.bodyStart }

    /// Whether the message's header says all of its ENVELOPE that is kept here; otherwise there is more in the message.
    public var isEnvelopeWhole: Bool { root.envelope?.isCut != true }

    /// The same for BODYSTRUCTURE.
    public var isStructureWhole: Bool { !root.content.isCut && !root.children.contains(where: \.isCut) }

    /// The Subject field, unfolded, not decoded; nil when there is none.
    public var subject: [UInt8]? { root.envelope?.subject }

    /// The Message-ID field as it is written; nil when there is none.
    public var messageID: [UInt8]? { root.envelope?.messageID }

    /// The instant of the Date field and the zone it is told in; nil when it cannot be read.
    public var sentDate: (unixSeconds: Int64, zoneMinutes: Int)? {
        guard let date = root.envelope?.date.flatMap(MessageDate.init(field:)) else { return nil }
        return (date.unixSeconds, date.zoneMinutes)
    }

    /// The day of the Date field in its own zone, as days since 1970; nil when it cannot be read.
    public var sentDay: Int? { root.envelope?.date.flatMap(MessageDate.init(field:))?.day }

    // MARK: Encoding

    /// The encoding of a summary that was made with the limits of stored ones.
    public func encoded() -> ByteBuffer {
        var envelope = SummaryWriter()
        (root.envelope ?? EnvelopeFields()).write(into: &envelope)
        var writer = SummaryWriter()
        SummaryFront(of: self, envelopeBytes: envelope.buffer.readableBytes).write(into: &writer)
        writer.buffer.writeImmutableBuffer(envelope.buffer)
        root.writeAsRoot(into: &writer)
        return writer.buffer
    }

    /// Reads an encoded summary.
    ///
    /// - Throws: `MessageFormatError` when these bytes are not what `encoded()` gives.
    public init(decoding buffer: ByteBuffer) throws(MessageFormatError) {
        var reader = SummaryReader(buffer)
        let front = try SummaryFront(from: &reader)
        let envelopeStart = reader.offset
        var envelope = try EnvelopeFields(from: &reader)
        guard reader.offset - envelopeStart == front.envelopeBytes else { throw reader.failure(.outOfRange) }
        envelope.isCut = front.isEnvelopeCut
        envelope.isRepeated = front.isEnvelopeRepeated
        root = try Entity(rootFrom: &reader, front: front)
        root.envelope = envelope
        guard isStructureWhole != front.isStructureCut else { throw reader.failure(.outOfRange) }
        try reader.finish()
    }

    // MARK: Changing

    /// The summary of the message with that many bytes of header lines put before it; what these lines say is not
    /// looked at.
    public func prefixed(by bytes: Int) -> MessageSummary {
        precondition(bytes >= 0 && sizeBytes + UInt64(bytes) <= FormatLimits.messageBytes)
        var root = root
        root.shift(by: UInt64(bytes))
        root.headerStart = 0
        return MessageSummary(root: root)
    }
}
