/// A field of an ENVELOPE, by its place in an encoded summary.
public enum EnvelopeField: Int, Hashable, Sendable, CaseIterable {
    case date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageID

    /// The field's name in a header, in lower case.
    var name: StaticString {
        switch self {
        case .date: "date"
        case .subject: "subject"
        case .from: "from"
        case .sender: "sender"
        case .replyTo: "reply-to"
        case .to: "to"
        case .cc: "cc"
        case .bcc: "bcc"
        case .inReplyTo: "in-reply-to"
        case .messageID: "message-id"
        }
    }

    /// Whether several such fields of a header make one list, of which the envelope has all.
    var isAddressList: Bool {
        switch self {
        case .from, .sender, .replyTo, .to, .cc, .bcc: true
        case .date, .subject, .inReplyTo, .messageID: false
        }
    }

    /// Nil for the name of a field that an envelope has not.
    /// - Parameter name: In lower case.
    init?(name: [UInt8]) {
        guard let field = Self.allCases.first(where: { ASCII.equal(name, $0.name) }) else { return nil }
        self = field
    }

    /// Reads the length of a field's value that was checked before, and moves behind it; nil where there is no field.
    static func length(in bytes: UnsafeRawBufferPointer, at offset: inout Int) -> Int? {
        var value = 0
        var shift = 0
        while true {
            let byte = bytes[offset]
            offset += 1
            value |= Int(byte & 0x7f) << shift
            shift += 7
            guard byte & 0x80 != 0 else { return value == 0 ? nil : value - 1 }
        }
    }
}
