/// The name of a mailbox in UTF-8, levels separated by `/`, INBOX in capitals.
public struct MailboxName: Hashable, Sendable {
    /// What stands between levels.
    public static let delimiter: Character = "/"
    /// The mailbox that every user has.
    public static let inbox = MailboxName("INBOX")

    /// The name in UTF-8.
    public let text: String

    /// Takes a decoded name as it is, except that a first level of `inbox` in any case becomes `INBOX`
    /// (RFC 9051 section 5.1).
    public init(_ text: String) {
        let firstLevel = text.utf8.prefix { $0 != UInt8(ascii: "/") }
        guard firstLevel.count == 5, firstLevel.map(\.uppercased).elementsEqual("INBOX".utf8) else {
            self.text = text
            return
        }
        self.text = "INBOX" + text.dropFirst(5)
    }

    /// Whether this is INBOX itself, not a mailbox below it.
    public var isInbox: Bool { text == "INBOX" }

    /// The levels, the outermost first; an empty one where two delimiters meet.
    public var levels: [Substring] { text.split(separator: Self.delimiter, omittingEmptySubsequences: false) }

    /// Without a delimiter at its end, with which CREATE may announce children (RFC 9051 section 6.3.4).
    public var withoutTrailingDelimiter: MailboxName {
        text.utf8.count > 1 && text.hasSuffix("/") ? MailboxName(String(text.dropLast())) : self
    }
}

/// Why a name cannot be given to a mailbox.
public enum MailboxNameError: Error, Hashable, Sendable {
    case empty
    case tooLong(limitBytes: Int)
    case tooDeep(limit: Int)
    /// Two delimiters in a row, or one at the start or the end.
    case emptyLevel
    /// A level that is `.` or `..`.
    case dotLevel
    case controlCharacter

    /// What a user is told.
    public var sentence: String {
        switch self {
        case .empty: "A mailbox name must not be empty"
        case .tooLong(let limit): "A mailbox name has at most \(limit) bytes in UTF-8"
        case .tooDeep(let limit): "A mailbox name has at most \(limit) levels"
        case .emptyLevel: "A mailbox name must not have an empty level"
        case .dotLevel: "A level of a mailbox name must not be . or .."
        case .controlCharacter: "A mailbox name must not hold control characters"
        }
    }
}

extension MailboxName {
    /// Whether a mailbox may be created under this name. `%` and `*` are allowed: folders called "100%" exist, and a
    /// pattern of LIST that is such a name matches it as well.
    public func validate(_ limits: IMAPLimits = IMAPLimits()) throws(MailboxNameError) {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= limits.mailboxNameBytes else { throw .tooLong(limitBytes: limits.mailboxNameBytes) }
        for scalar in text.unicodeScalars {
            switch scalar.value {
            // C0, DEL, C1 and the separators that RFC 5198 section 2 rules out.
            case 0..<0x20, 0x7F...0x9F, 0x2028, 0x2029: throw .controlCharacter
            default: continue
            }
        }
        let levels = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard levels.count <= limits.mailboxDepth else { throw .tooDeep(limit: limits.mailboxDepth) }
        for level in levels {
            guard !level.isEmpty else { throw .emptyLevel }
            guard !level.elementsEqual(".".utf8), !level.elementsEqual("..".utf8) else { throw .dotLevel }
        }
    }
}

extension MailboxName: CustomStringConvertible {
    public var description: String { text }
}

extension MailboxName {
    /// `mailbox`: an astring in modified UTF-7, or UTF-8 where that is enabled; INBOX in any case. An atom may hold `%`
    /// and `*`: folders of such names exist, and not every client quotes them.
    static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> MailboxName {
        let start = cursor.index
        let raw = try cursor.listMailbox("a mailbox name")
        let name = try cursor.mailboxText(raw, from: start)
        guard !name.isEmpty else {
            let message = "\(cursor.commandName) needs a mailbox name, found none"
            throw SyntaxError(.malformed, offset: start, message: message)
        }
        return MailboxName(name)
    }

    /// `SP mailbox`, as behind the name of a command.
    static func parseArgument(_ cursor: inout Cursor) throws(SyntaxError) -> MailboxName {
        try cursor.space(before: "a mailbox name")
        return try parse(&cursor)
    }
}
