/// LIST, plain and extended (RFC 5258, RFC 5819, RFC 6154).
public struct ListCommand: Hashable, Sendable {
    /// Which names are listed (RFC 5258 section 3.1).
    public struct SelectionOptions: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Names that are subscribed, mailboxes or not.
        public static let subscribed = SelectionOptions(rawValue: 1)
        /// Mailboxes of other servers too; there are none.
        public static let remote = SelectionOptions(rawValue: 2)
        /// Also names above a selected one that the pattern leaves out.
        public static let recursiveMatch = SelectionOptions(rawValue: 4)
        /// Mailboxes with a special use (RFC 6154).
        public static let specialUse = SelectionOptions(rawValue: 8)
    }

    /// What is told of a name besides its attributes (RFC 5258 section 3.2).
    public struct ReturnOptions: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Whether the name is subscribed.
        public static let subscribed = ReturnOptions(rawValue: 1)
        /// Whether there are names below it.
        public static let children = ReturnOptions(rawValue: 2)
        /// What the mailbox is used for (RFC 6154).
        public static let specialUse = ReturnOptions(rawValue: 4)
    }

    /// Which names are listed; none: all mailboxes.
    public var selection: SelectionOptions = []
    /// What stands in front of every pattern.
    public var reference: String
    /// The patterns, one of which a name must match.
    public var patterns: [MailboxPattern]
    /// What is told besides.
    public var returns: ReturnOptions = []
    /// What `RETURN (STATUS (...))` asks for; empty when it does not.
    public var statusItems: [StatusItem] = []
    /// Whether selection options, several patterns or RETURN were there: such a LIST is answered with extended data.
    public var isExtended = false

    public init(reference: String, patterns: [MailboxPattern]) {
        self.reference = reference
        self.patterns = patterns
    }
}

extension ListCommand {
    /// What follows LIST.
    static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> ListCommand {
        try cursor.space(before: "a reference")
        var command = ListCommand(reference: "", patterns: [])
        if cursor.isNext("(") {
            command.isExtended = true
            command.selection = try SelectionOptions.parse(&cursor)
            try cursor.space(before: "a reference")
        }
        let reference = try parseReference(&cursor)
        command.reference = reference ?? ""
        try cursor.space(before: "a mailbox pattern")
        if cursor.isNext("(") {
            command.isExtended = true
            try cursor.list("mailbox patterns", limit: cursor.limits.listPatterns) { (cursor) throws(SyntaxError) in
                command.patterns.append(try MailboxPattern.parse(&cursor))
            }
        } else {
            command.patterns = [try MailboxPattern.parse(&cursor)]
        }
        if reference == nil { command.patterns = [.nothing] }
        guard cursor.nextBehindSpaces?.isLetter == true else { return command }
        cursor.takeSpaces()
        guard cursor.word() == "RETURN" else { throw cursor.expected("RETURN or the end of the command") }
        command.isExtended = true
        try cursor.space(before: "return options")
        try parseReturnOptions(&cursor, of: &command)
        return command
    }

    /// Unlike other mailbox names, often empty; nil when it is not in the encoding of names, so that nothing is below.
    fileprivate static func parseReference(_ cursor: inout Cursor) throws(SyntaxError) -> String? {
        let start = cursor.index
        let raw = try cursor.astring("a reference")
        return try? cursor.mailboxText(raw, from: start)
    }

    /// `list-return-opts`, in parentheses: the status items go to the command too.
    private static func parseReturnOptions(_ cursor: inout Cursor, of command: inout ListCommand) throws(SyntaxError) {
        try cursor.require("(", "return options")
        cursor.takeSpaces()
        if cursor.takeIfNext(")") { return }
        repeat {
            let option = cursor
            switch cursor.word() {
            case "SUBSCRIBED": command.returns.insert(.subscribed)
            case "CHILDREN": command.returns.insert(.children)
            case "SPECIAL-USE": command.returns.insert(.specialUse)
            case "STATUS":
                try cursor.space(before: "status items")
                command.statusItems = try StatusItem.parseList(&cursor)
            default: throw option.expected("a known return option")
            }
        } while cursor.takeSpacesBeforeElement()
        try cursor.require(")", "a closing parenthesis behind return options")
    }
}

extension ListCommand.SelectionOptions {
    /// `list-select-opts`, in parentheses.
    fileprivate static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> ListCommand.SelectionOptions {
        let start = cursor
        var options: ListCommand.SelectionOptions = []
        try cursor.require("(", "selection options")
        cursor.takeSpaces()
        if cursor.takeIfNext(")") { return options }
        repeat {
            let option = cursor
            switch cursor.word() {
            case "SUBSCRIBED": options.insert(.subscribed)
            case "REMOTE": options.insert(.remote)
            case "RECURSIVEMATCH": options.insert(.recursiveMatch)
            case "SPECIAL-USE": options.insert(.specialUse)
            default: throw option.expected("a known selection option")
            }
        } while cursor.takeSpacesBeforeElement()
        try cursor.require(")", "a closing parenthesis behind selection options")
        // RFC 5258 section 3.1.
        guard options != [.recursiveMatch], options != [.recursiveMatch, .remote] else {
            throw start.expected("another selection option beside RECURSIVEMATCH")
        }
        return options
    }
}

extension Command {
    /// What follows LSUB.
    static func parseLsub(_ cursor: inout Cursor) throws(SyntaxError) -> Command {
        try cursor.space(before: "a reference")
        let reference = try ListCommand.parseReference(&cursor)
        try cursor.space(before: "a mailbox pattern")
        let pattern = try MailboxPattern.parse(&cursor)
        return .lsub(reference: reference ?? "", pattern: reference == nil ? .nothing : pattern)
    }
}
