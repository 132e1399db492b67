import NIOCore

/// Writes the parenthesised list of BODYSTRUCTURE, or of BODY when not extended (RFC 3501, section 7.4.2).
struct BodyStructureWriter {
    let isExtended: Bool

    func write(_ entity: Entity, into buffer: inout ByteBuffer) {
        switch entity.kind {
        case .multipart: writeMultipart(entity, into: &buffer)
        case .leaf, .message, .closed: writeSingle(entity, into: &buffer)
        }
    }

    private func writeMultipart(_ entity: Entity, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("(")
        for child in entity.children { write(child, into: &buffer) }
        if entity.children.isEmpty {
            // The grammar wants one part at least; BODY[1] is as empty as this one.
            write(Entity.emptyPart(at: entity.bodyEnd), into: &buffer)
        }
        buffer.writeSpace()
        buffer.writeIMAPString(entity.content.type.subtype)
        if isExtended {
            buffer.writeSpace()
            write(entity.content.type.parameters, into: &buffer)
            writeCommonExtension(entity.content, into: &buffer)
        }
        buffer.writeStaticString(")")
    }

    private func writeSingle(_ entity: Entity, into buffer: inout ByteBuffer) {
        let content = entity.content
        buffer.writeStaticString("(")
        buffer.writeIMAPString(content.type.type)
        buffer.writeSpace()
        buffer.writeIMAPString(content.type.subtype)
        buffer.writeSpace()
        write(content.type.parameters, into: &buffer)
        buffer.writeSpace()
        buffer.writeNString(content.id)
        buffer.writeSpace()
        buffer.writeNString(content.description)
        buffer.writeSpace()
        if let name = content.encoding.name {
            buffer.writeStaticString("\"")
            buffer.writeStaticString(name)
            buffer.writeStaticString("\"")
        } else {
            buffer.writeIMAPString(content.encodingName ?? [])
        }
        buffer.writeSpace()
        buffer.writeDecimal(entity.bodyBytes)
        switch entity.kind {
        // A message/global is one of the basic types but in IMAP4rev2 (RFC 9051, section 7.5.2), and a client of
        // IMAP4rev1 that finds an envelope there cannot read the response. Its parts have numbers all the same.
        case .message where content.type.isMessageRFC822:
            let inner = entity.children[0]
            buffer.writeSpace()
            EnvelopeWriter.write(inner.envelope ?? EnvelopeFields(), into: &buffer)
            buffer.writeSpace()
            write(inner, into: &buffer)
            buffer.writeSpace()
            buffer.writeDecimal(entity.lines)
        case .leaf, .multipart, .message, .closed:
            if content.type.type == "text" {
                buffer.writeSpace()
                buffer.writeDecimal(entity.lines)
            }
        }
        if isExtended {
            buffer.writeSpace()
            buffer.writeNString(content.md5)
            writeCommonExtension(content, into: &buffer)
        }
        buffer.writeStaticString(")")
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
        write(scanner.parameters(), into: &buffer)
        buffer.writeStaticString(")")
    }

    /// RFC 3282: tags with commas between them.
    private func writeLanguages(_ field: [UInt8]?, into buffer: inout ByteBuffer) {
        var scanner = FieldScanner(field ?? [])
        var tags: [[UInt8]] = []
        scanner.skipSpace()
        while scanner.next != nil {
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
