/// Builds the tree of a message's entities from its lines.
struct StructureBuilder {
    /// An entity whose end has not been seen.
    private struct Open {
        var entity: Entity
        /// The boundary between the entity's parts; nil where there is none, or the last part has ended.
        var boundary: [UInt8]?
        /// A part of a multipart/digest.
        var isOfDigest = false
        /// The line ends before its body.
        var lineEndsBefore: UInt64 = 0
    }
    /// The message, its part, the part's part, and so on to the one being read.
    private var open: [Open]
    private var header: HeaderCollector
    private var kept: KeptBytes
    private var isInHeader = true
    /// The decoder for the header of the message that was opened last, while that is encoded and has not ended.
    private var encoded: EncodedHeader?
    private var entityCount = 1
    private var boundaryCount = 0
    private var position: UInt64 = 0
    private var lineEnds: UInt64 = 0
    /// Bytes of the last line's end.
    private var lastEndBytes: UInt64 = 0

    init(_ limits: HeaderLimits) {
        header = HeaderCollector(limits)
        kept = KeptBytes(limits)
        var entity = Entity(headerStart: 0)
        entity.envelope = EnvelopeFields()
        open = [Open(entity: entity)]
    }

    /// Whether nothing that follows can change the structure: its lines need only be counted.
    var isPastStructure: Bool { !isInHeader && boundaryCount == 0 && encoded == nil }

    /// Counts bytes that come when the structure is complete.
    mutating func skip(bytes: Int, lineEnds count: Int) {
        position += UInt64(bytes)
        lineEnds += UInt64(count)
    }

    /// Takes in one line.
    /// - Parameters:
    ///   - content: The line without its end; of a long one the first `HeaderLimits.lineBytes`.
    ///   - contentBytes: How long it is.
    ///   - endBytes: 2 for CRLF, 1 for LF, 0 for the message's last line when it has no end.
    mutating func line(_ content: UnsafeRawBufferPointer, contentBytes: Int, endBytes: Int) {
        let start = position
        let lineEndsBefore = lineEnds
        position += UInt64(contentBytes + endBytes)
        if endBytes > 0 { lineEnds += 1 }
        defer { lastEndBytes = UInt64(endBytes) }
        if boundaryCount > 0, contentBytes >= 3, contentBytes == content.count, content[0] == UInt8(ascii: "-"),
            content[1] == UInt8(ascii: "-"), let match = delimiter(content)
        {
            if match.isLast || entityCount < FormatLimits.entities {
                return pass(delimiterOf: match.index, isLast: match.isLast, at: start, lineEndsBefore: lineEndsBefore)
            }
        }
        if encoded != nil {
            let isWhole = contentBytes == content.count && endBytes > 0
            if encoded?.append(content, isWhole: isWhole, to: &header) == false { endEncodedHeader() }
            return
        }
        guard isInHeader else { return }
        if contentBytes == content.count, ASCII.isEmptyLine(content) {
            endHeader(bodyStart: position)
        } else {
            header.line(content)
        }
    }

    /// Ends everything that is open.
    mutating func finish() -> MessageSummary {
        while isInHeader { endHeader(bodyStart: position) }
        endEncodedHeader()
        while open.count > 1 { close(end: position, lineEnds: lineEnds) }
        var root = open[0]
        root.entity.bodyEnd = position
        root.entity.lines = lineEnds - root.lineEndsBefore
        return MessageSummary(root: root.entity)
    }

    // MARK: Delimiters

    /// The innermost multipart this line is a delimiter of (RFC 2046, section 5.1.1): two hyphens, the boundary,
    /// two more behind the last part, and blanks.
    private func delimiter(_ content: UnsafeRawBufferPointer) -> (index: Int, isLast: Bool)? {
        var count = content.count
        while ASCII.isSpace(content[count - 1]) { count -= 1 }
        let text = UnsafeRawBufferPointer(rebasing: content[2..<max(count, 2)])
        for index in open.indices.reversed() {
            guard let boundary = open[index].boundary else { continue }
            guard text.count == boundary.count || text.count == boundary.count + 2, text.starts(with: boundary) else {
                continue
            }
            if text.count == boundary.count { return (index, false) }
            if text[text.count - 1] == UInt8(ascii: "-"), text[text.count - 2] == UInt8(ascii: "-") {
                return (index, true)
            }
        }
        return nil
    }

    private mutating func pass(delimiterOf index: Int, isLast: Bool, at start: UInt64, lineEndsBefore: UInt64) {
        if open.count > index + 1 { closeChild(of: index, at: start, lineEndsBefore: lineEndsBefore) }
        if isLast {
            open[index].boundary = nil
            boundaryCount -= 1
            isInHeader = false
        } else {
            let type = open[index].entity.content.type
            add(Open(entity: Entity(headerStart: position), isOfDigest: type.subtype == "digest"))
        }
    }

    /// Ends the part that is open in a multipart, and all in it. The line end before the delimiter is not the part's.
    private mutating func closeChild(of index: Int, at start: UInt64, lineEndsBefore: UInt64) {
        while isInHeader {
            // A header without an end: the part's own reaches to the delimiter, that of a message in it stays within.
            endHeader(bodyStart: start)
        }
        endEncodedHeader()
        let child = open[index + 1]
        let end = max(child.entity.bodyStart, start - lastEndBytes)
        let isEndTaken = lastEndBytes > 0 && end < start
        while open.count > index + 1 { close(end: end, lineEnds: lineEndsBefore - (isEndTaken ? 1 : 0)) }
    }

    private mutating func close(end: UInt64, lineEnds: UInt64) {
        guard var last = open.popLast() else { return }
        if last.boundary != nil { boundaryCount -= 1 }
        last.entity.headerStart = min(last.entity.headerStart, end)
        last.entity.bodyStart = min(last.entity.bodyStart, end)
        last.entity.bodyEnd = end
        last.entity.lines = lineEnds > last.lineEndsBefore ? lineEnds - last.lineEndsBefore : 0
        open[open.count - 1].entity.children.append(last.entity)
    }

    private mutating func add(_ child: Open) {
        entityCount += 1
        header.start(isOfMessage: child.entity.envelope != nil)
        open.append(child)
        isInHeader = true
    }

    // MARK: Headers

    /// Gives a message that is encoded, which RFC 2046 (section 5.2.1) forbids and mailers do, an empty header.
    ///
    /// The type must be told as it is, or clients do not offer the message as one; and a message/rfc822 has an
    /// envelope and a body (RFC 3501, section 9, body-type-msg). What would be decoded has no offsets in
    /// the message, so all that is encoded becomes the body: a text, which under its encoding is the message's source.
    /// The envelope is decoded.
    private mutating func closeHeader(ofMessageEncodedAs outer: ContentFields, bodyStart: UInt64) {
        isInHeader = false
        let top = open.count - 1
        open[top].entity.content.encoding = outer.encoding
        open[top].entity.content.encodingName = outer.encodingName
        open[top].entity.bodyStart = bodyStart
        open[top].lineEndsBefore = lineEnds
        encoded = EncodedHeader(outer.encoding)
    }

    private mutating func endEncodedHeader() {
        guard encoded != nil else { return }
        encoded?.finish(&header)
        encoded = nil
        kept.startEntity()
        open[open.count - 1].entity.envelope = header.envelope(keeping: &kept)
    }

    /// Takes over the header's fields, and goes on to the body.
    private mutating func endHeader(bodyStart: UInt64) {
        isInHeader = false
        let top = open.count - 1
        var content = header.content(isOfDigest: open[top].isOfDigest)
        let mayHoldMore = entityCount < FormatLimits.entities && open.count < FormatLimits.nesting
        let boundary = content.type.isMultipart && mayHoldMore ? content.type.boundary : nil
        var kind = Entity.Kind.leaf
        if boundary != nil {
            kind = .multipart
        } else if content.type.isMultipart && mayHoldMore {
            // A multipart without a boundary is text (RFC 2045, section 5.2).
            content.type = .plainText
        } else if content.type.isMessage && mayHoldMore {
            kind = .message
        } else if content.type.isMultipart || content.type.isMessage {
            // Beyond the limits, the part is told as opaque data: only that has no structure.
            kind = .closed
            content.type = .opaque
        }
        kept.startEntity()
        if open[top].entity.envelope != nil { open[top].entity.envelope = header.envelope(keeping: &kept) }
        kept.keepContent(&content)
        open[top].entity.content = content
        open[top].entity.kind = kind
        open[top].entity.bodyStart = bodyStart
        open[top].boundary = boundary
        open[top].lineEndsBefore = lineEnds
        if boundary != nil { boundaryCount += 1 }
        if kind == .message {
            var message = Entity(headerStart: bodyStart)
            message.envelope = EnvelopeFields()
            add(Open(entity: message))
            if !content.encoding.isIdentity { closeHeader(ofMessageEncodedAs: content, bodyStart: bodyStart) }
        }
    }
}
