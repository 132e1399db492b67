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

extension Cursor {
    mutating func listCommand() throws(SyntaxError) -> ListCommand {
        try space(before: "a reference")
        var command = ListCommand(reference: "", patterns: [])
        if isNext("(") {
            command.isExtended = true
            command.selection = try selectionOptions()
            try space(before: "a reference")
        }
        let reference = try reference()
        command.reference = reference ?? ""
        try space(before: "a mailbox pattern")
        if isNext("(") {
            command.isExtended = true
            try list("mailbox patterns", limit: limits.listPatterns) { (cursor) throws(SyntaxError) in
                command.patterns.append(try cursor.pattern())
            }
        } else {
            command.patterns = [try pattern()]
        }
        if reference == nil { command.patterns = [.nothing] }
        guard nextBehindSpaces?.isLetter == true else { return command }
        takeSpaces()
        guard word() == "RETURN" else { throw expected("RETURN or the end of the command") }
        command.isExtended = true
        try space(before: "return options")
        try returnOptions(of: &command)
        return command
    }

    mutating func lsubCommand() throws(SyntaxError) -> Command {
        try space(before: "a reference")
        let reference = try reference()
        try space(before: "a mailbox pattern")
        let pattern = try pattern()
        return .lsub(reference: reference ?? "", pattern: reference == nil ? .nothing : pattern)
    }

    /// Unlike other mailbox names, often empty; nil when it is not in the encoding of names, so that nothing is below.
    private mutating func reference() throws(SyntaxError) -> String? {
        let start = index
        let raw = try astring("a reference")
        return try? mailboxText(raw, from: start)
    }

    /// A pattern that is not in the encoding of names matches none of them. To clients that try such patterns, the
    /// empty answer is right and an error is not.
    private mutating func pattern() throws(SyntaxError) -> MailboxPattern {
        let start = index
        let raw = try listMailbox()
        return (try? mailboxText(raw, from: start)).map { MailboxPattern($0) } ?? .nothing
    }

    private mutating func selectionOptions() throws(SyntaxError) -> ListCommand.SelectionOptions {
        let start = self
        var options: ListCommand.SelectionOptions = []
        try require("(", "selection options")
        takeSpaces()
        if take(")") { return options }
        repeat {
            let option = self
            switch word() {
            case "SUBSCRIBED": options.insert(.subscribed)
            case "REMOTE": options.insert(.remote)
            case "RECURSIVEMATCH": options.insert(.recursiveMatch)
            case "SPECIAL-USE": options.insert(.specialUse)
            default: throw option.expected("a known selection option")
            }
        } while takeSpacesBeforeElement()
        try require(")", "a closing parenthesis behind selection options")
        // RFC 5258 section 3.1.
        guard options != [.recursiveMatch], options != [.recursiveMatch, .remote] else {
            throw start.expected("another selection option beside RECURSIVEMATCH")
        }
        return options
    }

    private mutating func returnOptions(of command: inout ListCommand) throws(SyntaxError) {
        try require("(", "return options")
        takeSpaces()
        if take(")") { return }
        repeat {
            let option = self
            switch word() {
            case "SUBSCRIBED": command.returns.insert(.subscribed)
            case "CHILDREN": command.returns.insert(.children)
            case "SPECIAL-USE": command.returns.insert(.specialUse)
            case "STATUS":
                try space(before: "status items")
                command.statusItems = try statusItems()
            default: throw option.expected("a known return option")
            }
        } while takeSpacesBeforeElement()
        try require(")", "a closing parenthesis behind return options")
    }
}
