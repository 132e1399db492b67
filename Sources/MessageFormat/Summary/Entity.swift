/// A message or a part of one: a header and a body (RFC 2045, section 2.4). Offsets are in the raw message.
struct Entity: Hashable, Sendable {
    enum Kind: UInt8, Hashable, Sendable {
        case leaf
        /// Its children are the parts.
        case multipart
        /// Its only child is the message within.
        case message
        /// A multipart or a message that is not looked into: too deep, or one too many.
        case closed
    }
    /// The bits of an encoded entity's first byte beside its kind.
    private enum Mark {
        static let envelope: UInt8 = 0x80
        static let cutEnvelope: UInt8 = 0x40
        static let cutContent: UInt8 = 0x20
        static let repeatedFields: UInt8 = 0x10
        static let kind: UInt8 = 0x0f
    }
    var kind: Kind = .leaf
    var headerStart: UInt64
    var bodyStart: UInt64 = 0
    var bodyEnd: UInt64 = 0
    /// Line ends in the body.
    var lines: UInt64 = 0
    var content = ContentFields()
    /// Of a message: the whole, or one within.
    var envelope: EnvelopeFields?
    var children: [Entity] = []

    var bodyBytes: UInt64 { bodyEnd - bodyStart }
    var bodyRange: Range<UInt64> { bodyStart..<bodyEnd }
    var headerRange: Range<UInt64> { headerStart..<bodyStart }

    init(headerStart: UInt64) { self.headerStart = headerStart }

    /// What stands for the part that a multipart without parts does not have.
    static func emptyPart(at offset: UInt64) -> Entity {
        var part = Entity(headerStart: offset)
        part.bodyStart = offset
        part.bodyEnd = offset
        return part
    }

    /// Offsets are written as distances, so that they are short, and cannot be in the wrong order when read.
    func write(into writer: inout SummaryWriter, base: UInt64) {
        var tag = kind.rawValue
        if envelope != nil { tag |= Mark.envelope }
        if envelope?.isCut == true { tag |= Mark.cutEnvelope }
        if envelope?.isRepeated == true { tag |= Mark.repeatedFields }
        if content.isCut { tag |= Mark.cutContent }
        writer.tag(tag)
        writer.number(headerStart - base)
        writer.number(bodyStart - headerStart)
        writer.number(bodyEnd - bodyStart)
        writer.number(lines)
        content.write(into: &writer)
        envelope?.write(into: &writer)
        writeChildren(into: &writer)
    }

    /// Writes of the message itself what its summary's front does not say.
    func writeAsRoot(into writer: inout SummaryWriter) {
        writer.tag(kind.rawValue | (content.isCut ? Mark.cutContent : 0))
        writer.number(lines)
        content.write(into: &writer)
        writeChildren(into: &writer)
    }

    private func writeChildren(into writer: inout SummaryWriter) {
        writer.number(UInt64(children.count))
        var base = bodyStart
        for child in children {
            child.write(into: &writer, base: base)
            base = child.bodyEnd
        }
    }

    init(
        from reader: inout SummaryReader,
        within bounds: Range<UInt64>,
        depth: Int,
        isMessage: Bool
    ) throws(MessageFormatError) {
        reader.entityCount += 1
        guard reader.entityCount <= FormatLimits.entities, depth <= FormatLimits.nesting else {
            throw reader.failure(.tooLong)
        }
        let tag = try reader.tag()
        guard let kind = Kind(rawValue: tag & Mark.kind), isMessage == (tag & Mark.envelope != 0),
            isMessage || tag & (Mark.cutEnvelope | Mark.repeatedFields) == 0
        else { throw reader.failure(.unknownTag(tag)) }
        self.kind = kind
        headerStart = bounds.lowerBound + (try reader.number(maximum: bounds.upperBound - bounds.lowerBound))
        bodyStart = headerStart + (try reader.number(maximum: bounds.upperBound - headerStart))
        bodyEnd = bodyStart + (try reader.number(maximum: bounds.upperBound - bodyStart))
        lines = try reader.number(maximum: bodyEnd - bodyStart)
        content = try ContentFields(from: &reader)
        content.isCut = tag & Mark.cutContent != 0
        if isMessage {
            envelope = try EnvelopeFields(from: &reader)
            envelope?.isCut = tag & Mark.cutEnvelope != 0
            envelope?.isRepeated = tag & Mark.repeatedFields != 0
        }
        try readChildren(from: &reader, depth: depth)
    }

    /// Reads what `writeAsRoot` wrote.
    init(rootFrom reader: inout SummaryReader, front: SummaryFront) throws(MessageFormatError) {
        reader.entityCount += 1
        let tag = try reader.tag()
        guard let kind = Kind(rawValue: tag & Mark.kind), tag & ~(Mark.kind | Mark.cutContent) == 0 else {
            throw reader.failure(.unknownTag(tag))
        }
        self.kind = kind
        headerStart = 0
        bodyStart = front.headerBytes
        bodyEnd = front.sizeBytes
        lines = try reader.number(maximum: bodyEnd - bodyStart)
        content = try ContentFields(from: &reader)
        content.isCut = tag & Mark.cutContent != 0
        try readChildren(from: &reader, depth: 1)
    }

    private mutating func readChildren(from reader: inout SummaryReader, depth: Int) throws(MessageFormatError) {
        let count = try reader.number(maximum: UInt64(FormatLimits.entities))
        switch kind {
        case .leaf, .closed: guard count == 0 else { throw reader.failure(.outOfRange) }
        case .multipart: break
        case .message: guard count == 1 else { throw reader.failure(.outOfRange) }
        }
        var rest = bodyStart..<bodyEnd
        for _ in 0..<count {
            let child = try Entity(
                from: &reader,
                within: rest,
                depth: depth + 1,
                isMessage: kind == .message
            )
            // A message within fills its part.
            guard kind != .message || (child.headerStart == bodyStart && child.bodyEnd == bodyEnd) else {
                throw reader.failure(.outOfRange)
            }
            rest = child.bodyEnd..<bodyEnd
            children.append(child)
        }
    }

    /// Whether the header of this entity, or of one within it, says more than is kept here.
    var isCut: Bool { content.isCut || envelope?.isCut == true || children.contains(where: \.isCut) }

    /// Moves the entity and all in it towards the message's end.
    mutating func shift(by bytes: UInt64) {
        headerStart += bytes
        bodyStart += bytes
        bodyEnd += bytes
        for index in children.indices { children[index].shift(by: bytes) }
    }
}
