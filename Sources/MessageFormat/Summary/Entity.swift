/// A message or a part of one: a header and a body (RFC 2045, section 2.4). Offsets are in the raw message.
struct Entity: Hashable, Sendable {
    enum Kind: UInt8, Hashable, Sendable {
        case leaf
        /// Its children are the parts.
        case multipart
        /// Its only child is the message within.
        case message
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

    /// Offsets are written as distances, so that they are short, and cannot be in the wrong order when read.
    func write(into writer: inout SummaryWriter, base: UInt64) {
        writer.tag(kind.rawValue | (envelope == nil ? 0 : 0x80))
        writer.number(headerStart - base)
        writer.number(bodyStart - headerStart)
        writer.number(bodyEnd - bodyStart)
        writer.number(lines)
        content.write(into: &writer)
        envelope?.write(into: &writer)
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
        guard let kind = Kind(rawValue: tag & 0x7f), isMessage == (tag & 0x80 != 0) else {
            throw reader.failure(.unknownTag(tag))
        }
        self.kind = kind
        headerStart = bounds.lowerBound + (try reader.number(maximum: bounds.upperBound - bounds.lowerBound))
        bodyStart = headerStart + (try reader.number(maximum: bounds.upperBound - headerStart))
        bodyEnd = bodyStart + (try reader.number(maximum: bounds.upperBound - bodyStart))
        lines = try reader.number(maximum: bodyEnd - bodyStart)
        content = try ContentFields(from: &reader)
        if isMessage { envelope = try EnvelopeFields(from: &reader) }
        let count = try reader.number(maximum: UInt64(FormatLimits.entities))
        switch kind {
        case .leaf: guard count == 0 else { throw reader.failure(.outOfRange) }
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

    /// Moves the entity and all in it towards the message's end.
    mutating func shift(by bytes: UInt64) {
        headerStart += bytes
        bodyStart += bytes
        bodyEnd += bytes
        for index in children.indices { children[index].shift(by: bytes) }
    }
}
