/// FETCH and UID FETCH (RFC 9051 section 6.4.5, RFC 7162).
public struct FetchCommand: Hashable, Sendable {
    /// What the numbers of `messages` are.
    public var numberSpace: NumberSpace
    /// The messages that are asked for.
    public var messages: MessageSet
    /// Macros are replaced by what they stand for; repeated items are there once.
    public var items: [FetchItem]
    /// `CHANGEDSINCE`: only messages with a higher mod-sequence are answered (RFC 7162 section 3.1.4.1).
    public var changedSince: UInt64?
    /// `VANISHED` (RFC 7162 section 3.2.6); the parser lets it through with CHANGEDSINCE and UID FETCH only.
    public var wantsVanished: Bool

    public init(
        _ numberSpace: NumberSpace,
        _ messages: MessageSet,
        _ items: [FetchItem],
        changedSince: UInt64? = nil,
        wantsVanished: Bool = false
    ) {
        self.numberSpace = numberSpace
        self.messages = messages
        self.items = items
        self.changedSince = changedSince
        self.wantsVanished = wantsVanished
    }
}

/// A data item of FETCH.
public enum FetchItem: Hashable, Sendable {
    case uid
    case flags
    case internalDate
    /// `RFC822.SIZE`
    case size
    case envelope
    /// `BODY` without a section: BODYSTRUCTURE without extension data.
    case body
    case bodyStructure
    /// `BODY[...]` and, as peek, `BODY.PEEK[...]`, which leaves `\Seen` alone.
    case section(BodySection, BytePartial?, isPeek: Bool)
    /// `BINARY[...]` and `BINARY.PEEK[...]` (RFC 3516).
    case binary(part: [UInt32], BytePartial?, isPeek: Bool)
    /// `BINARY.SIZE[...]`
    case binarySize(part: [UInt32])
    /// `RFC822`: as `BODY[]`, but answered under its own name (RFC 3501).
    case rfc822
    /// `RFC822.HEADER`: as `BODY.PEEK[HEADER]`.
    case rfc822Header
    /// `RFC822.TEXT`: as `BODY[TEXT]`.
    case rfc822Text
    /// RFC 7162.
    case modSeq
    /// RFC 8474.
    case emailID
    /// RFC 8474.
    case threadID
    /// RFC 8514.
    case saveDate
    /// RFC 8970.
    case preview(isLazy: Bool)
}

extension FetchCommand {
    /// What follows FETCH: a set, items and modifiers.
    static func parse(_ cursor: inout Cursor, in numberSpace: NumberSpace) throws(SyntaxError) -> FetchCommand {
        try cursor.space(before: "a message set")
        let messages = try MessageSet.parse(&cursor)
        try cursor.space(before: "items")
        var command = FetchCommand(numberSpace, messages, try FetchItem.parseAll(&cursor))
        guard cursor.nextBehindSpaces == UInt8(ascii: "(") else { return command }
        cursor.takeSpaces()
        let start = cursor
        try cursor.list("modifiers", limit: 8) { (cursor) throws(SyntaxError) in
            let start = cursor
            switch cursor.word() {
            case "CHANGEDSINCE":
                try cursor.space(before: "a mod-sequence")
                command.changedSince = try cursor.number64("a mod-sequence")
            case "VANISHED": command.wantsVanished = true
            default: throw start.expected("CHANGEDSINCE or VANISHED")
            }
        }
        guard !command.wantsVanished || (command.changedSince != nil && numberSpace == .uid) else {
            throw start.failure(.malformed, "VANISHED needs UID FETCH and CHANGEDSINCE")
        }
        return command
    }
}

extension FetchItem {
    /// The items of a FETCH: a macro, a single one, or several in parentheses.
    fileprivate static func parseAll(_ cursor: inout Cursor) throws(SyntaxError) -> [FetchItem] {
        switch cursor.peekWord() {
        case "ALL":
            cursor.advance(by: 3)
            return [.flags, .internalDate, .size, .envelope]
        case "FAST":
            cursor.advance(by: 4)
            return [.flags, .internalDate, .size]
        case "FULL":
            cursor.advance(by: 4)
            return [.flags, .internalDate, .size, .envelope, .body]
        case "":
            var items: [FetchItem] = []
            try cursor.list("items", limit: cursor.limits.fetchItems) { (cursor) throws(SyntaxError) in
                let item = try parse(&cursor)
                if !items.contains(item) { items.append(item) }
            }
            return items
        default: return [try parse(&cursor)]
        }
    }

    /// `fetch-att`, with the items of extensions.
    private static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> FetchItem {
        let start = cursor
        switch cursor.word() {
        case "FLAGS": return .flags
        case "UID": return .uid
        case "INTERNALDATE": return .internalDate
        case "RFC822.SIZE": return .size
        case "ENVELOPE": return .envelope
        case "BODYSTRUCTURE": return .bodyStructure
        case "BODY" where !cursor.isNext("["): return .body
        case "BODY": return try parseSection(&cursor, isPeek: false)
        case "BODY.PEEK": return try parseSection(&cursor, isPeek: true)
        case "BINARY": return try parseBinary(&cursor, isPeek: false)
        case "BINARY.PEEK": return try parseBinary(&cursor, isPeek: true)
        case "BINARY.SIZE": return .binarySize(part: try BodySection.parsePart(&cursor))
        case "RFC822": return .rfc822
        case "RFC822.HEADER": return .rfc822Header
        case "RFC822.TEXT": return .rfc822Text
        case "MODSEQ": return .modSeq
        case "EMAILID": return .emailID
        case "THREADID": return .threadID
        case "SAVEDATE": return .saveDate
        case "PREVIEW": return .preview(isLazy: try parseLaziness(&cursor))
        default: throw start.expected("a known item")
        }
    }

    /// What follows `BODY` or `BODY.PEEK`.
    private static func parseSection(_ cursor: inout Cursor, isPeek: Bool) throws(SyntaxError) -> FetchItem {
        let section = try BodySection.parse(&cursor)
        return .section(section, try BytePartial.parseIfPresent(&cursor), isPeek: isPeek)
    }

    /// What follows `BINARY` or `BINARY.PEEK`.
    private static func parseBinary(_ cursor: inout Cursor, isPeek: Bool) throws(SyntaxError) -> FetchItem {
        let part = try BodySection.parsePart(&cursor)
        return .binary(part: part, try BytePartial.parseIfPresent(&cursor), isPeek: isPeek)
    }

    /// What follows `PREVIEW`: whether `(LAZY)` stands there.
    private static func parseLaziness(_ cursor: inout Cursor) throws(SyntaxError) -> Bool {
        // Where PREVIEW is not in a list, a parenthesis behind it may also open the modifiers.
        guard cursor.nextBehindSpaces == UInt8(ascii: "(") else { return false }
        var ahead = cursor
        ahead.takeSpaces()
        ahead.advance()
        ahead.takeSpaces()
        guard ahead.word() == "LAZY" else { return false }
        ahead.takeSpaces()
        guard ahead.takeIfNext(")") else { return false }
        cursor = ahead
        return true
    }
}
