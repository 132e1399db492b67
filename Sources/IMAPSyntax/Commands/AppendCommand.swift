/// APPEND up to its first message literal.
public struct AppendStart: Hashable, Sendable {
    /// The tag that the answer carries.
    public var tag: String
    /// The mailbox that the messages go to.
    public var mailbox: MailboxName
    /// What stands in front of the first literal.
    public var message: AppendMessage

    public init(tag: String, mailbox: MailboxName, message: AppendMessage) {
        self.tag = tag
        self.mailbox = mailbox
        self.message = message
    }
}

/// What stands in front of one message literal; MULTIAPPEND (RFC 3502) has several in one command.
public struct AppendMessage: Hashable, Sendable {
    /// The flags that the message is to have.
    public var flags: [Flag]
    /// The date that the client gives the message; nil leaves it to the server.
    public var internalDate: DateTime?
    /// Whether the literal stands in `UTF8 (...)` (RFC 6855 section 4).
    public var isUTF8: Bool
    /// The announcement of the message's bytes.
    public var literal: LiteralHeader

    public init(flags: [Flag] = [], internalDate: DateTime? = nil, isUTF8: Bool = false, literal: LiteralHeader) {
        self.flags = flags
        self.internalDate = internalDate
        self.isUTF8 = isUTF8
        self.literal = literal
    }
}

/// What a line that ends in a literal's announcement turned out to be.
enum AppendPrefix {
    case notAppend
    /// The mailbox itself is the literal.
    case mailboxLiteral
    case message(AppendStart)
}

extension CommandParser {
    /// Looks whether a message literal of APPEND follows.
    ///
    /// - Parameter bytes: the command so far, up to the announcement of the literal.
    static func appendPrefix(
        _ bytes: [UInt8],
        limits: IMAPLimits,
        acceptsUTF8: Bool
    ) throws(SyntaxError) -> AppendPrefix {
        var cursor = Cursor(bytes, limits: limits, acceptsUTF8: acceptsUTF8)
        guard let tag = try? cursor.tag(), cursor.takeSpaces(), cursor.word() == "APPEND", cursor.takeSpaces() else {
            return .notAppend
        }
        cursor.commandName = "APPEND"
        do throws(SyntaxError) {
            if cursor.isNext("{"),
                LiteralHeader(endOf: bytes[cursor.index...])?.headerBytes == bytes.count - cursor.index
            {
                return .mailboxLiteral
            }
            let mailbox = try MailboxName.parse(&cursor)
            try cursor.space(before: "a message as literal")
            return .message(AppendStart(tag: tag, mailbox: mailbox, message: try AppendMessage.parse(&cursor)))
        } catch {
            var tagged = error
            tagged.tag = tag
            throw tagged
        }
    }

    /// The flags and date of a further message (RFC 3502), from the line behind the message before.
    static func furtherMessage(_ line: [UInt8], limits: IMAPLimits) throws(SyntaxError) -> AppendMessage {
        var cursor = Cursor(line, limits: limits)
        cursor.commandName = "APPEND"
        try cursor.space(before: "the end of the command or another message")
        return try AppendMessage.parse(&cursor)
    }
}

extension AppendMessage {
    /// `[flag-list SP] [date-time SP] literal`, up to the announcement of the literal.
    fileprivate static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> AppendMessage {
        var flags: [Flag] = []
        var internalDate: DateTime?
        if cursor.isNext("(") {
            flags = try Flag.parseList(&cursor)
            try cursor.space(before: "a message as literal")
        }
        if cursor.isNext("\"") {
            internalDate = try DateTime.parse(&cursor)
            try cursor.space(before: "a message as literal")
        }
        var isUTF8 = false
        if cursor.peekWord() == "UTF8" {
            cursor.advance(by: 4)
            try cursor.space(before: "a message as literal")
            try cursor.require("(", "a message as literal in parentheses")
            isUTF8 = true
        }
        let announcement = cursor.bytes[cursor.index...]
        guard let literal = LiteralHeader(endOf: announcement), literal.headerBytes == announcement.count else {
            throw cursor.expected("a message as literal")
        }
        return AppendMessage(flags: flags, internalDate: internalDate, isUTF8: isUTF8, literal: literal)
    }
}
