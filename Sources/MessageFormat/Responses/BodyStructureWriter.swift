import NIOCore

/// Writes the parenthesised list of BODYSTRUCTURE, or of BODY when not extended (RFC 3501, section 7.4.2).
struct BodyStructureWriter {
    let isExtended: Bool

    func write(_ entity: Entity, into pieces: inout ResponsePieces) {
        switch entity.kind {
        case .multipart: writeMultipart(entity, into: &pieces)
        case .leaf, .message, .closed: writeSingle(entity, into: &pieces)
        }
    }

    private func writeMultipart(_ entity: Entity, into pieces: inout ResponsePieces) {
        pieces.buffer.writeStaticString("(")
        for child in entity.children { write(child, into: &pieces) }
        if entity.children.isEmpty {
            // The grammar wants one part at least; BODY[1] is as empty as this one.
            write(Entity.emptyPart(at: entity.bodyEnd), into: &pieces)
        }
        pieces.buffer.writeSpace()
        pieces.buffer.writeIMAPString(entity.content.type.subtype)
        if isExtended {
            pieces.buffer.writeSpace()
            write(entity.content.type.parameters, into: &pieces.buffer)
            writeCommonExtension(entity.content, into: &pieces.buffer)
        }
        pieces.buffer.writeStaticString(")")
    }

    private func writeSingle(_ entity: Entity, into pieces: inout ResponsePieces) {
        let content = entity.content
        pieces.buffer.writeStaticString("(")
        pieces.buffer.writeIMAPString(content.type.type)
        pieces.buffer.writeSpace()
        pieces.buffer.writeIMAPString(content.type.subtype)
        pieces.buffer.writeSpace()
        write(content.type.parameters, into: &pieces.buffer)
        pieces.buffer.writeSpace()
        pieces.buffer.writeNString(content.id)
        pieces.buffer.writeSpace()
        pieces.buffer.writeNString(content.description)
        pieces.buffer.writeSpace()
        if let name = content.encoding.name {
            pieces.buffer.writeStaticString("\"")
            pieces.buffer.writeStaticString(name)
            pieces.buffer.writeStaticString("\"")
        } else {
            pieces.buffer.writeIMAPString(content.encodingName ?? [])
        }
        pieces.buffer.writeSpace()
        pieces.buffer.writeDecimal(entity.bodyBytes)
        switch entity.kind {
        // A message/global is one of the basic types but in IMAP4rev2 (RFC 9051, section 7.5.2), and a client of
        // IMAP4rev1 that finds an envelope there cannot read the response. Its parts have numbers all the same.
        case .message where content.type.isMessageRFC822:
            let inner = entity.children[0]
            pieces.buffer.writeSpace()
            EnvelopeWriter.write(inner.envelope ?? EnvelopeFields(), into: &pieces)
            pieces.buffer.writeSpace()
            write(inner, into: &pieces)
            pieces.buffer.writeSpace()
            pieces.buffer.writeDecimal(entity.lines)
        case .leaf, .multipart, .message, .closed:
            if content.type.type == "text" {
                pieces.buffer.writeSpace()
                pieces.buffer.writeDecimal(entity.lines)
            }
        }
        if isExtended {
            pieces.buffer.writeSpace()
            pieces.buffer.writeNString(content.md5)
            writeCommonExtension(content, into: &pieces.buffer)
        }
        pieces.buffer.writeStaticString(")")
    }

    private func write(_ parameters: [Parameter], into buffer: inout ByteBuffer) {
        guard !parameters.isEmpty else {
            buffer.writeStaticString("NIL")
            return
        }
        buffer.writeStaticString("(")
        for (index, parameter) in parameters.enumerated() {
            if index > 0 { buffer.writeSpace() }
            buffer.writeIMAPString(parameter.name)
            buffer.writeSpace()
            buffer.writeIMAPString(parameter.value)
        }
        buffer.writeStaticString(")")
    }

    /// Disposition, language, location.
    private func writeCommonExtension(_ content: ContentFields, into buffer: inout ByteBuffer) {
        buffer.writeSpace()
        writeDisposition(content.disposition, into: &buffer)
        buffer.writeSpace()
        writeLanguages(content.language, into: &buffer)
        buffer.writeSpace()
        buffer.writeNString(content.location)
    }

    /// RFC 2183: a type and parameters.
    private func writeDisposition(_ field: [UInt8]?, into buffer: inout ByteBuffer) {
        var scanner = FieldScanner(field ?? [])
        let type = scanner.value()
        guard !type.isEmpty else {
            buffer.writeStaticString("NIL")
            return
        }
        buffer.writeStaticString("(")
        buffer.writeIMAPString(ASCII.lowercased(type))
        buffer.writeSpace()
        write(scanner.parameters(maximum: HeaderLimits.toldEntries), into: &buffer)
        buffer.writeStaticString(")")
    }

    /// RFC 3282: tags with commas between them.
    private func writeLanguages(_ field: [UInt8]?, into buffer: inout ByteBuffer) {
        var scanner = FieldScanner(field ?? [])
        var tags: [[UInt8]] = []
        scanner.skipSpace()
        while scanner.next != nil, tags.count < HeaderLimits.toldEntries {
            let tag = scanner.value()
            if tag.isEmpty { scanner.skip() } else { tags.append(tag) }
            scanner.skipSpace()
        }
        switch tags.count {
        case 0: buffer.writeStaticString("NIL")
        case 1: buffer.writeIMAPString(tags[0])
        default:
            buffer.writeStaticString("(")
            for (index, tag) in tags.enumerated() {
                if index > 0 { buffer.writeSpace() }
                buffer.writeIMAPString(tag)
            }
            buffer.writeStaticString(")")
        }
    }
}
