import NIOCore

/// Writes the parenthesised list of ENVELOPE (RFC 3501, section 7.4.2).
enum EnvelopeWriter {
    static func write(_ envelope: EnvelopeFields, into buffer: inout ByteBuffer) {
        let from = addresses(envelope.from)
        let sender = addresses(envelope.sender)
        let replyTo = addresses(envelope.replyTo)
        buffer.writeStaticString("(")
        buffer.writeNString(envelope.date)
        buffer.writeSpace()
        buffer.writeNString(envelope.subject)
        buffer.writeSpace()
        write(from, into: &buffer)
        buffer.writeSpace()
        // The server fills in these two when they are absent or empty.
        write(sender.isEmpty ? from : sender, into: &buffer)
        buffer.writeSpace()
        write(replyTo.isEmpty ? from : replyTo, into: &buffer)
        for field in [envelope.to, envelope.cc, envelope.bcc] {
            buffer.writeSpace()
            write(addresses(field), into: &buffer)
        }
        buffer.writeSpace()
        buffer.writeNString(envelope.inReplyTo)
        buffer.writeSpace()
        buffer.writeNString(envelope.messageID)
        buffer.writeStaticString(")")
    }

    private static func addresses(_ field: [UInt8]?) -> [Address] { field.map(AddressParser.parse) ?? [] }

    private static func write(_ addresses: [Address], into buffer: inout ByteBuffer) {
        guard !addresses.isEmpty else {
            buffer.writeStaticString("NIL")
            return
        }
        buffer.writeStaticString("(")
        for address in addresses {
            switch address {
            case .mailbox(let name, let route, let mailbox, let host):
                buffer.writeStaticString("(")
                buffer.writeNString(name)
                buffer.writeSpace()
                buffer.writeNString(route)
                buffer.writeSpace()
                buffer.writeIMAPString(mailbox)
                buffer.writeSpace()
                buffer.writeIMAPString(host)
                buffer.writeStaticString(")")
            case .groupStart(let name):
                buffer.writeStaticString("(NIL NIL ")
                buffer.writeIMAPString(name)
                buffer.writeStaticString(" NIL)")
            case .groupEnd:
                buffer.writeStaticString("(NIL NIL NIL NIL)")
            }
        }
        buffer.writeStaticString(")")
    }
}
