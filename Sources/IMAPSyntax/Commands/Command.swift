/// A command with the tag that its answer carries.
public struct TaggedCommand: Hashable, Sendable {
    /// The tag that the answer carries.
    public var tag: String
    /// What the client asks for.
    public var command: Command

    public init(tag: String, command: Command) {
        self.tag = tag
        self.command = command
    }
}

/// Every command of the grammar, except APPEND, which the framer announces as `AppendStart`.
public enum Command: Hashable, Sendable {
    // Any state (RFC 9051 section 6.1).
    case capability
    case noop
    case logout
    /// ID (RFC 2971); nil is `ID NIL`.
    case id([IDField]?)

    // Not authenticated (section 6.2).
    case startTLS
    /// The mechanism in upper case. With SASL-IR (RFC 4959), an initial response, decoded; `=` is an empty one.
    case authenticate(mechanism: String, initialResponse: Secret?)
    case login(userName: [UInt8], password: Secret)

    // Authenticated (section 6.3).
    /// The names in upper case.
    case enable([String])
    case select(MailboxName, SelectParameters)
    case examine(MailboxName, SelectParameters)
    /// CREATE, with the uses of CREATE-SPECIAL-USE (RFC 6154).
    case create(MailboxName, uses: [SpecialUse])
    case delete(MailboxName)
    case rename(MailboxName, to: MailboxName)
    case subscribe(MailboxName)
    case unsubscribe(MailboxName)
    case list(ListCommand)
    /// LSUB (RFC 3501 section 6.3.9).
    case lsub(reference: String, pattern: MailboxPattern)
    case namespace
    case status(MailboxName, [StatusItem])
    case idle
    /// COMPRESS (RFC 4978), the mechanism in upper case.
    case compress(mechanism: String)

    // Selected (section 6.4).
    case check
    case close
    case unselect
    case expunge
    /// UID EXPUNGE (RFC 4315).
    case uidExpunge(MessageSet)
    case search(SearchCommand)
    case fetch(FetchCommand)
    case store(StoreCommand)
    case copy(CopyCommand)
    case move(CopyCommand)
}

/// Whether a command's message set holds sequence numbers or UIDs; the latter are the `UID` forms of commands.
public enum NumberSpace: Hashable, Sendable {
    case sequenceNumber
    case uid
}

/// COPY and MOVE.
public struct CopyCommand: Hashable, Sendable {
    /// What the numbers of `messages` are.
    public var numberSpace: NumberSpace
    /// The messages to copy or move.
    public var messages: MessageSet
    /// The mailbox that they go to.
    public var mailbox: MailboxName

    public init(_ numberSpace: NumberSpace, _ messages: MessageSet, to mailbox: MailboxName) {
        self.numberSpace = numberSpace
        self.messages = messages
        self.mailbox = mailbox
    }
}

extension CopyCommand {
    /// What follows COPY and MOVE: `SP sequence-set SP mailbox`.
    static func parse(_ cursor: inout Cursor, in numberSpace: NumberSpace) throws(SyntaxError) -> CopyCommand {
        try cursor.space(before: "a message set")
        let messages = try MessageSet.parse(&cursor)
        try cursor.space(before: "a mailbox name")
        return CopyCommand(numberSpace, messages, to: try MailboxName.parse(&cursor))
    }
}
