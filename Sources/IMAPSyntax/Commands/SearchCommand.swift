/// SEARCH and UID SEARCH (RFC 9051 section 6.4.4).
public struct SearchCommand: Hashable, Sendable {
    /// The charset of the search strings.
    public enum Charset: Hashable, Sendable {
        case usASCII
        case utf8
        /// Another one, as the client wrote it: whether it is known is not of the grammar.
        case named(String)
    }

    /// What the numbers of the answer are.
    public var numberSpace: NumberSpace
    /// Nil without RETURN: the answer is then SEARCH in IMAP4rev1, ESEARCH with ALL in IMAP4rev2.
    public var returns: SearchReturn?
    /// Nil when none was named.
    public var charset: Charset?
    /// What a message must fulfil.
    public var key: SearchKey

    public init(
        _ numberSpace: NumberSpace,
        _ key: SearchKey,
        returns: SearchReturn? = nil,
        charset: Charset? = nil
    ) {
        self.numberSpace = numberSpace
        self.key = key
        self.returns = returns
        self.charset = charset
    }
}

/// What `RETURN (...)` asks for (RFC 4731, RFC 5182, RFC 9394). `RETURN ()` stands for ALL.
public struct SearchReturn: Hashable, Sendable {
    /// The result options, which may come together.
    public struct Options: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// The lowest number.
        public static let min = Options(rawValue: 1)
        /// The highest number.
        public static let max = Options(rawValue: 2)
        /// All numbers.
        public static let all = Options(rawValue: 4)
        /// How many there are.
        public static let count = Options(rawValue: 8)
        /// The result is kept as `$` (RFC 5182).
        public static let save = Options(rawValue: 16)
    }

    /// `PARTIAL first:last`: positions in the result from 1 on, or -1 for its last number and so on backwards.
    /// `first` is the nearer one to the end that is counted from.
    public struct Partial: Hashable, Sendable {
        /// The position of the first number that is wanted.
        public var first: Int64
        /// The position of the last one.
        public var last: Int64

        public init(first: Int64, last: Int64) {
            self.first = first
            self.last = last
        }
    }

    /// What is asked for.
    public var options: Options
    /// The part of the result that is asked for, if only a part is.
    public var partial: Partial?

    public init(_ options: Options, partial: Partial? = nil) {
        self.options = options
        self.partial = partial
    }
}

extension SearchCommand {
    /// What follows SEARCH.
    static func parse(_ cursor: inout Cursor, in numberSpace: NumberSpace) throws(SyntaxError) -> SearchCommand {
        try cursor.space(before: "a search key")
        var returns: SearchReturn?
        var charset: SearchCommand.Charset?
        if cursor.peekWord() == "RETURN" {
            cursor.advance(by: 6)
            try cursor.space(before: "return options")
            returns = try SearchReturn.parse(&cursor)
            try cursor.space(before: "a search key")
        }
        if cursor.peekWord() == "CHARSET" {
            cursor.advance(by: 7)
            try cursor.space(before: "a charset")
            charset = try Charset.parse(&cursor)
            try cursor.space(before: "a search key")
        }
        var budget = cursor.limits.searchKeys
        var keys = [try SearchKey.parse(&cursor, depth: 0, &budget)]
        while cursor.takeSpacesBeforeElement() { keys.append(try SearchKey.parse(&cursor, depth: 0, &budget)) }
        return SearchCommand(numberSpace, keys.count == 1 ? keys[0] : .and(keys), returns: returns, charset: charset)
    }
}

extension SearchReturn {
    /// `"(" [search-return-opt *(SP search-return-opt)] ")"`
    fileprivate static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> SearchReturn {
        var result = SearchReturn([])
        try cursor.require("(", "return options in parentheses")
        cursor.takeSpaces()
        if cursor.takeIfNext(")") { return SearchReturn(.all) }
        repeat {
            let start = cursor
            switch cursor.word() {
            case "MIN": result.options.insert(.min)
            case "MAX": result.options.insert(.max)
            case "ALL": result.options.insert(.all)
            case "COUNT": result.options.insert(.count)
            case "SAVE": result.options.insert(.save)
            case "PARTIAL":
                try cursor.space(before: "a range")
                result.partial = try Partial.parse(&cursor)
            default: throw start.expected("a known return option")
            }
        } while cursor.takeSpacesBeforeElement()
        try cursor.require(")", "a closing parenthesis behind return options")
        // RFC 9394 section 3.1.
        guard result.partial == nil || !result.options.contains(.all) else {
            throw cursor.expected("either ALL or PARTIAL")
        }
        return result
    }
}

extension SearchReturn.Partial {
    /// `partial-range`: both ends from the start, or both from the end.
    fileprivate static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> SearchReturn.Partial {
        let isFromEnd = cursor.takeIfNext("-")
        let first = Int64(try cursor.nonZeroNumber("a position"))
        try cursor.require(":", "a range of positions")
        guard cursor.takeIfNext("-") == isFromEnd else { throw cursor.expected("a range that counts from one end") }
        let last = Int64(try cursor.nonZeroNumber("a position"))
        let sign: Int64 = isFromEnd ? -1 : 1
        return .init(first: sign * Swift.min(first, last), last: sign * Swift.max(first, last))
    }
}

extension SearchCommand.Charset {
    /// `charset`: the names of those that are known in any case.
    fileprivate static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> SearchCommand.Charset {
        let name = String(decoding: try cursor.astring("a charset"), as: UTF8.self)
        switch name.asciiUppercased {
        case "US-ASCII", "ASCII": return .usASCII
        case "UTF-8", "UTF8": return .utf8
        default: return .named(name)
        }
    }
}
