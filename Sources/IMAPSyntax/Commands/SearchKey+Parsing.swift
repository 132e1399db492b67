/// `search-key` (RFC 9051 section 9).
extension SearchKey {
    /// One key, with those that it holds.
    ///
    /// - Parameters:
    ///   - depth: containers around this key; bounds the recursion.
    ///   - budget: keys that the command may still have.
    static func parse(_ cursor: inout Cursor, depth: Int, _ budget: inout Int) throws(SyntaxError) -> SearchKey {
        guard depth <= cursor.limits.searchDepth else { throw cursor.tooMany("nested keys", cursor.limits.searchDepth) }
        guard budget > 0 else { throw cursor.tooMany("keys", cursor.limits.searchKeys) }
        budget -= 1
        switch cursor.next {
        case UInt8(ascii: "("): return try parseParenthesised(&cursor, depth: depth, &budget)
        case UInt8(ascii: "*"), UInt8(ascii: "$"): return .sequenceNumbers(try MessageSet.parse(&cursor))
        case let digit? where digit.isDigit: return .sequenceNumbers(try MessageSet.parse(&cursor))
        default: break
        }
        let start = cursor
        let name = cursor.word()
        switch name {
        case "NOT":
            try cursor.space(before: "a search key behind NOT")
            return .not(try parse(&cursor, depth: depth + 1, &budget))
        case "OR":
            try cursor.space(before: "a search key behind OR")
            let first = try parse(&cursor, depth: depth + 1, &budget)
            try cursor.space(before: "a second search key behind OR")
            return .or(first, try parse(&cursor, depth: depth + 1, &budget))
        default:
            if let key = try parseFlagKey(&cursor, named: name) { return key }
            if let key = try parseStringKey(&cursor, named: name) { return key }
            if let key = try parseDateKey(&cursor, named: name) { return key }
            if let key = try parseValueKey(&cursor, named: name) { return key }
            throw start.expected("a known search key")
        }
    }

    /// Keys in parentheses, all of which a message must fulfil.
    private static func parseParenthesised(_ cursor: inout Cursor, depth: Int, _ budget: inout Int) throws(SyntaxError)
        -> SearchKey
    {
        try cursor.require("(", "search keys")
        cursor.takeSpaces()
        var keys: [SearchKey] = []
        repeat { keys.append(try parse(&cursor, depth: depth + 1, &budget)) } while cursor.takeSpacesBeforeElement()
        try cursor.require(")", "a closing parenthesis behind search keys")
        return keys.count == 1 ? keys[0] : .and(keys)
    }

    /// A key that asks for a flag; nil when the name is of another kind, as below.
    private static func parseFlagKey(_ cursor: inout Cursor, named name: String) throws(SyntaxError) -> SearchKey? {
        switch name {
        case "ALL": return .all
        case "SEEN": return .flag(.seen)
        case "UNSEEN": return .not(.flag(.seen))
        case "ANSWERED": return .flag(.answered)
        case "UNANSWERED": return .not(.flag(.answered))
        case "DELETED": return .flag(.deleted)
        case "UNDELETED": return .not(.flag(.deleted))
        case "FLAGGED": return .flag(.flagged)
        case "UNFLAGGED": return .not(.flag(.flagged))
        case "DRAFT": return .flag(.draft)
        case "UNDRAFT": return .not(.flag(.draft))
        case "RECENT": return .flag(.recent)
        case "NEW": return .new
        case "OLD": return .old
        case "KEYWORD", "UNKEYWORD":
            try cursor.space(before: "a keyword")
            let key = SearchKey.flag(.keyword(try Keyword.parse(&cursor)))
            return name == "KEYWORD" ? key : .not(key)
        default: return nil
        }
    }

    /// A key that asks for text.
    private static func parseStringKey(_ cursor: inout Cursor, named name: String) throws(SyntaxError) -> SearchKey? {
        switch name {
        case "FROM": return .from(try parseString(&cursor, expecting: "a string"))
        case "TO": return .to(try parseString(&cursor, expecting: "a string"))
        case "CC": return .cc(try parseString(&cursor, expecting: "a string"))
        case "BCC": return .bcc(try parseString(&cursor, expecting: "a string"))
        case "SUBJECT": return .subject(try parseString(&cursor, expecting: "a string"))
        case "BODY": return .body(try parseString(&cursor, expecting: "a string"))
        case "TEXT": return .text(try parseString(&cursor, expecting: "a string"))
        case "HEADER":
            let field = try parseString(&cursor, expecting: "the name of a header field")
            return .header(name: field, value: try parseString(&cursor, expecting: "a string"))
        default: return nil
        }
    }

    /// A key that asks for a day.
    private static func parseDateKey(_ cursor: inout Cursor, named name: String) throws(SyntaxError) -> SearchKey? {
        switch name {
        case "BEFORE": return .before(try parseDate(&cursor))
        case "ON": return .on(try parseDate(&cursor))
        case "SINCE": return .since(try parseDate(&cursor))
        case "SENTBEFORE": return .sentBefore(try parseDate(&cursor))
        case "SENTON": return .sentOn(try parseDate(&cursor))
        case "SENTSINCE": return .sentSince(try parseDate(&cursor))
        case "SAVEDBEFORE": return .savedBefore(try parseDate(&cursor))
        case "SAVEDON": return .savedOn(try parseDate(&cursor))
        case "SAVEDSINCE": return .savedSince(try parseDate(&cursor))
        case "SAVEDATESUPPORTED": return .saveDateSupported
        default: return nil
        }
    }

    /// A key that asks for UIDs, a size, an age, a mod-sequence or an ID.
    private static func parseValueKey(_ cursor: inout Cursor, named name: String) throws(SyntaxError) -> SearchKey? {
        switch name {
        case "UID":
            try cursor.space(before: "a UID set")
            return .uids(try MessageSet.parse(&cursor))
        case "LARGER", "SMALLER":
            try cursor.space(before: "a size")
            let size = try cursor.number64("a size")
            return name == "LARGER" ? .larger(size) : .smaller(size)
        case "OLDER", "YOUNGER":
            try cursor.space(before: "seconds")
            let seconds = try cursor.nonZeroNumber("seconds")
            return name == "OLDER" ? .older(seconds: seconds) : .younger(seconds: seconds)
        case "MODSEQ": return try parseModSeqKey(&cursor)
        case "EMAILID":
            try cursor.space(before: "an object ID")
            return .emailID(try parseObjectID(&cursor))
        case "THREADID":
            try cursor.space(before: "an object ID")
            return .threadID(try parseObjectID(&cursor))
        default: return nil
        }
    }

    /// `"MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer` (RFC 7162 section 7).
    private static func parseModSeqKey(_ cursor: inout Cursor) throws(SyntaxError) -> SearchKey {
        try cursor.space(before: "a mod-sequence")
        guard cursor.isNext("\"") else { return .modSeq(try cursor.number64("a mod-sequence"), entry: nil) }
        let name = try cursor.string("the name of a metadata item")
        try cursor.space(before: "all, priv or shared")
        let start = cursor
        let kind: ModSeqEntry.Kind
        switch cursor.word() {
        case "ALL": kind = .all
        case "PRIV": kind = .private
        case "SHARED": kind = .shared
        default: throw start.expected("all, priv or shared")
        }
        try cursor.space(before: "a mod-sequence")
        return .modSeq(try cursor.number64("a mod-sequence"), entry: ModSeqEntry(name: name, kind: kind))
    }

    /// `objectid`: 1 to 255 letters, digits, `_` and `-` (RFC 8474 section 7).
    private static func parseObjectID(_ cursor: inout Cursor) throws(SyntaxError) -> String {
        let start = cursor
        let id = cursor.takeBytes { $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
        guard !id.isEmpty, id.count <= 255 else { throw start.expected("an object ID") }
        return String(decoding: id, as: UTF8.self)
    }

    /// `SP astring`.
    private static func parseString(_ cursor: inout Cursor, expecting what: String) throws(SyntaxError) -> [UInt8] {
        try cursor.space(before: what)
        return try cursor.astring(what)
    }

    /// `SP date`.
    private static func parseDate(_ cursor: inout Cursor) throws(SyntaxError) -> CalendarDate {
        try cursor.space(before: "a date")
        return try CalendarDate.parse(&cursor)
    }
}
