/// A message flag (RFC 9051 section 2.3.2).
public enum Flag: Hashable, Sendable {
    case seen
    case answered
    case flagged
    case deleted
    case draft
    /// `\Recent` (RFC 3501): the server's to set, never the client's.
    case recent
    case keyword(Keyword)
}

/// A flag that clients define. Its spelling is kept, but two spellings that differ in case only are the same keyword.
public struct Keyword: Sendable {
    /// The keyword as it was written: an atom.
    public let name: String

    /// The keyword of that name.
    ///
    /// - Returns: nil when the name is empty or not an atom.
    public init?(_ name: String) {
        guard !name.isEmpty, name.utf8.allSatisfy(\.isAtomCharacter) else { return nil }
        self.name = name
    }
}

extension Keyword: Hashable {
    public static func == (one: Keyword, other: Keyword) -> Bool {
        one.name.utf8.elementsEqual(other.name.utf8) { $0.lowercased == $1.lowercased }
    }

    public func hash(into hasher: inout Hasher) {
        for byte in name.utf8 { hasher.combine(byte.lowercased) }
    }
}

extension Flag: CustomStringConvertible {
    /// As on the wire.
    public var description: String {
        switch self {
        case .seen: "\\Seen"
        case .answered: "\\Answered"
        case .flagged: "\\Flagged"
        case .deleted: "\\Deleted"
        case .draft: "\\Draft"
        case .recent: "\\Recent"
        case .keyword(let keyword): keyword.name
        }
    }
}

extension Flag {
    /// `flag-list`: in parentheses, possibly empty.
    static func parseList(_ cursor: inout Cursor) throws(SyntaxError) -> [Flag] {
        try cursor.require("(", "flags in parentheses")
        cursor.takeSpaces()
        var flags: [Flag] = []
        if cursor.takeIfNext(")") { return flags }
        repeat {
            let limit = cursor.limits.flagsPerCommand
            guard flags.count < limit else { throw cursor.tooMany("flags", limit) }
            flags.append(try parse(&cursor))
        } while cursor.takeSpacesBeforeElement()
        try cursor.require(")", "a flag or a closing parenthesis")
        return flags
    }

    /// `flag`, as a client may set it.
    static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> Flag {
        guard cursor.isNext("\\") else { return .keyword(try Keyword.parse(&cursor)) }
        let start = cursor
        cursor.advance()
        switch cursor.word() {
        case "SEEN": return .seen
        case "ANSWERED": return .answered
        case "FLAGGED": return .flagged
        case "DELETED": return .deleted
        case "DRAFT": return .draft
        case "RECENT": throw start.failure(.malformed, "\\Recent is set by the server only")
        default: throw start.failure(.malformed, "\(cursor.commandName) names a system flag that does not exist")
        }
    }
}

extension Keyword {
    /// `flag-keyword`.
    static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> Keyword {
        let start = cursor
        guard let keyword = Keyword(try cursor.atom("a flag")) else { throw start.expected("a flag") }
        guard keyword.name.utf8.count <= cursor.limits.keywordBytes else {
            throw start.failure(.limitExceeded, "A keyword has at most \(cursor.limits.keywordBytes) bytes")
        }
        return keyword
    }
}
