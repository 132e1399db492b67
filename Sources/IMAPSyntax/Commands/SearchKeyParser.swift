extension Cursor {
    /// `search-key`.
    ///
    /// - Parameters:
    ///   - depth: containers around this key; bounds the recursion.
    ///   - budget: keys that the command may still have.
    mutating func searchKey(depth: Int, _ budget: inout Int) throws(SyntaxError) -> SearchKey {
        guard depth <= limits.searchDepth else { throw tooMany("nested keys", limits.searchDepth) }
        guard budget > 0 else { throw tooMany("keys", limits.searchKeys) }
        budget -= 1
        switch next {
        case UInt8(ascii: "("): return try parenthesisedKeys(depth: depth, &budget)
        case UInt8(ascii: "*"), UInt8(ascii: "$"): return .sequenceNumbers(try messageSet())
        case let digit? where digit.isDigit: return .sequenceNumbers(try messageSet())
        default: break
        }
        let start = self
        let name = word()
        switch name {
        case "NOT":
            try space(before: "a search key behind NOT")
            return .not(try searchKey(depth: depth + 1, &budget))
        case "OR":
            try space(before: "a search key behind OR")
            let first = try searchKey(depth: depth + 1, &budget)
            try space(before: "a second search key behind OR")
            return .or(first, try searchKey(depth: depth + 1, &budget))
        default:
            if let key = try flagKey(name) { return key }
            if let key = try stringKey(name) { return key }
            if let key = try dateKey(name) { return key }
            if let key = try valueKey(name) { return key }
            throw start.expected("a known search key")
        }
    }

    private mutating func parenthesisedKeys(depth: Int, _ budget: inout Int) throws(SyntaxError) -> SearchKey {
        try require("(", "search keys")
        takeSpaces()
        var keys: [SearchKey] = []
        repeat { keys.append(try searchKey(depth: depth + 1, &budget)) } while takeSpacesBeforeElement()
        try require(")", "a closing parenthesis behind search keys")
        return keys.count == 1 ? keys[0] : .and(keys)
    }

    private mutating func flagKey(_ name: String) throws(SyntaxError) -> SearchKey? {
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
            try space(before: "a keyword")
            let key = SearchKey.flag(.keyword(try keyword()))
            return name == "KEYWORD" ? key : .not(key)
        default: return nil
        }
    }

    private mutating func stringKey(_ name: String) throws(SyntaxError) -> SearchKey? {
        switch name {
        case "FROM": return .from(try argument("a string"))
        case "TO": return .to(try argument("a string"))
        case "CC": return .cc(try argument("a string"))
        case "BCC": return .bcc(try argument("a string"))
        case "SUBJECT": return .subject(try argument("a string"))
        case "BODY": return .body(try argument("a string"))
        case "TEXT": return .text(try argument("a string"))
        case "HEADER":
            let field = try argument("the name of a header field")
            return .header(name: field, value: try argument("a string"))
        default: return nil
        }
    }

    private mutating func dateKey(_ name: String) throws(SyntaxError) -> SearchKey? {
        switch name {
        case "BEFORE": return .before(try dateArgument())
        case "ON": return .on(try dateArgument())
        case "SINCE": return .since(try dateArgument())
        case "SENTBEFORE": return .sentBefore(try dateArgument())
        case "SENTON": return .sentOn(try dateArgument())
        case "SENTSINCE": return .sentSince(try dateArgument())
        case "SAVEDBEFORE": return .savedBefore(try dateArgument())
        case "SAVEDON": return .savedOn(try dateArgument())
        case "SAVEDSINCE": return .savedSince(try dateArgument())
        case "SAVEDATESUPPORTED": return .saveDateSupported
        default: return nil
        }
    }

    private mutating func valueKey(_ name: String) throws(SyntaxError) -> SearchKey? {
        switch name {
        case "UID":
            try space(before: "a UID set")
            return .uids(try messageSet())
        case "LARGER", "SMALLER":
            try space(before: "a size")
            let size = try number64("a size")
            return name == "LARGER" ? .larger(size) : .smaller(size)
        case "OLDER", "YOUNGER":
            try space(before: "seconds")
            let seconds = try nonZeroNumber("seconds")
            return name == "OLDER" ? .older(seconds: seconds) : .younger(seconds: seconds)
        case "MODSEQ": return try modSeqKey()
        case "EMAILID":
            try space(before: "an object ID")
            return .emailID(try objectID())
        case "THREADID":
            try space(before: "an object ID")
            return .threadID(try objectID())
        default: return nil
        }
    }

    /// `"MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer` (RFC 7162 section 7).
    private mutating func modSeqKey() throws(SyntaxError) -> SearchKey {
        try space(before: "a mod-sequence")
        guard isNext("\"") else { return .modSeq(try number64("a mod-sequence"), entry: nil) }
        let name = try string("the name of a metadata item")
        try space(before: "all, priv or shared")
        let start = self
        let kind: ModSeqEntry.Kind
        switch word() {
        case "ALL": kind = .all
        case "PRIV": kind = .private
        case "SHARED": kind = .shared
        default: throw start.expected("all, priv or shared")
        }
        try space(before: "a mod-sequence")
        return .modSeq(try number64("a mod-sequence"), entry: ModSeqEntry(name: name, kind: kind))
    }

    /// `objectid`: 1 to 255 letters, digits, `_` and `-` (RFC 8474 section 7).
    private mutating func objectID() throws(SyntaxError) -> String {
        let start = self
        let id = take { $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
        guard !id.isEmpty, id.count <= 255 else { throw start.expected("an object ID") }
        return String(decoding: id, as: UTF8.self)
    }

    private mutating func argument(_ what: String) throws(SyntaxError) -> [UInt8] {
        try space(before: what)
        return try astring(what)
    }

    private mutating func dateArgument() throws(SyntaxError) -> CalendarDate {
        try space(before: "a date")
        return try date()
    }
}
