public import GatewaySupport
public import MailModel
public import NIOSSL

/// What an operator decides about LMTP, and limits.
public struct LMTPSettings: Sendable {
    /// What an MTA is told of a recipient without room.
    public enum OverQuota: Sendable {
        /// 552 5.2.2: the sender learns of it.
        case reject
        /// 452 4.2.2: the MTA tries again.
        case `defer`
    }

    /// The name by which the server greets, and which `Received` fields name.
    public var hostName = "localhost"
    /// Bytes of one message; announced by SIZE (RFC 1870).
    public var maxMessageBytes = 50 << 20
    /// Recipients of one message: RFC 5321, section 4.5.3.1.8, asks for 100 at least.
    public var maxRecipients = 100
    /// Recipients of one transaction that have no account or cannot be looked up. Later ones are told to try again
    /// (452, as section 4.5.3.1.10 has it) without a look-up, which costs the store as much as a read.
    public var maxRefusedRecipients = 100
    /// Recipients of one transaction beyond these two limits: another one ends the session. An MTA that knows no limit
    /// and sends all its recipients at once is to get its 452 for each.
    public var maxExcessRecipients = 1_000
    /// Connections at once.
    public var maxSessions = 1_000
    /// How many of them an address has; servers with the same object count together. A mail gateway opens many at once,
    /// and one that opens too many leaves room for the others.
    public var addresses = AddressLimit(sessionsPerAddress: 500)
    /// What is said where a recipient's account has no room.
    public var overQuota = OverQuota.reject
    /// The byte between a name and its detail: `user+detail@domain` reaches `user@domain`, unless an account has the
    /// whole name; nil: there are no details.
    public var detailSeparator: UInt8? = UInt8(ascii: "+")
    /// The account that gets mail for `<postmaster>` without a domain; nil: such recipients are refused.
    public var postmaster: AccountAddress?
    /// How long a client may say nothing.
    public var commandTimeoutSeconds: Int64 = 300
    /// For STARTTLS; nil: not offered.
    public var tls: NIOSSLContext?

    #if Mutants
        /// A bug put in on purpose: the replies after a message are in the order in which look-ups ended.
        package var answersByLookUp = false
    #endif

    public init() {}

    /// RFC 5321, section 4.5.3.1.4 asks for 512 and what extensions add; paths may have 64 + 255 bytes, and UTF-8.
    static let maxLineBytes = 4_096
    /// Wrong commands in a row that end the session.
    static let maxErrors = 10
    /// Commands and pieces of messages that one connection takes in before others on its event loop get a turn.
    static let stepsPerTurn = 64
    /// Bytes of a message taken in from the socket while the store is behind.
    static let windowBytes = 1 << 20
}
