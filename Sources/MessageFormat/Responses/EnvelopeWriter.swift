import NIOCore

/// Writes the parenthesised list of ENVELOPE (RFC 3501, section 7.4.2).
enum EnvelopeWriter {
    static func write(_ envelope: EnvelopeFields, into pieces: inout ResponsePieces) {
        pieces.buffer.writeStaticString("(")
        pieces.buffer.writeNString(envelope.date)
        pieces.buffer.writeSpace()
        pieces.buffer.writeNString(envelope.subject)
        pieces.buffer.writeSpace()
        let from = AddressList(envelope.from)
        pieces.write(from)
        // The server fills in these two when they are absent or empty.
        write(envelope.sender, else: from, into: &pieces)
        write(envelope.replyTo, else: from, into: &pieces)
        let none = AddressList(nil)
        write(envelope.to, else: none, into: &pieces)
        write(envelope.cc, else: none, into: &pieces)
        write(envelope.bcc, else: none, into: &pieces)
        pieces.buffer.writeSpace()
        pieces.buffer.writeNString(envelope.inReplyTo)
        pieces.buffer.writeSpace()
        pieces.buffer.writeNString(envelope.messageID)
        pieces.buffer.writeStaticString(")")
    }

    private static func write(_ field: [UInt8]?, else other: AddressList, into pieces: inout ResponsePieces) {
        pieces.buffer.writeSpace()
        let list = field.map { AddressList($0) } ?? other
        pieces.write(list.isEmpty ? other : list)
    }
}

/// The addresses of one field: read already, or so many that they are read while they are written.
enum AddressList {
    /// Longer fields than a stored summary holds are not read at once.
    private static let shortBytes = HeaderLimits.stored.fieldBytes

    case short([Address])
    case long([UInt8])

    init(_ field: [UInt8]?) {
        guard let field else {
            self = .short([])
            return
        }
        self = field.count <= Self.shortBytes ? .short(AddressParser.parse(field)) : .long(field)
    }

    var isEmpty: Bool {
        switch self {
        case .short(let addresses): addresses.isEmpty
        // One that says nothing in so many bytes is told as NIL.
        case .long: false
        }
    }
}
