public import IMAPSyntax
internal import MailModel

/// What a session is allowed and says about itself.
public struct SessionSettings: Hashable, Sendable {
    /// Whether STARTTLS can be had while the connection is plain.
    public var offersStartTLS = false
    /// Whether passwords may be sent without TLS; otherwise LOGINDISABLED.
    public var allowsPlaintextLogin = false
    /// What the client's commands may need at most.
    public var limits = IMAPLimits()
    /// What the greeting calls this server.
    public var serverName = "Staffetta"
    /// What ID tells beside the name (RFC 2971); nil tells nothing.
    public var serverVersion: String?
    /// The domain that login names without one get behind an `@`; nil leaves them as they are.
    public var defaultDomain: String?
    /// Refused commands in a row that end the session.
    public var maximumBadCommands = 10
    /// Refused logins that end the session.
    public var maximumLoginFailures = 5

    public init() {}
}

/// Sizes of the pieces in which long commands proceed.
enum SessionLimits {
    /// Messages that one query of the view brings.
    static let messagesPerPage = MailLimits.statesPerQuery
    /// Message rows that one query brings at most.
    static let detailsPerPage = 500
    /// Message rows that the first query of a command brings.
    static let firstDetails = 100
    /// The same with first bytes of the messages.
    static let firstDetailsWithBytes = 20
    /// First bytes of a message that are read with its row when its header is needed,
    static let leadingHeaderBytes = 16 * 1024
    /// and when its text is.
    static let leadingBodyBytes = MailLimits.leadingBytesPerMessage
    /// About how many bytes of summaries one query brings.
    static let detailBytesPerPage = 1 << 20
    /// Bytes of one piece of a body.
    static let bodyPieceBytes = 256 * 1024
    /// Pieces up to this size are copied between the responses around them; larger ones are sent as they are.
    static let copiedPieceBytes = 16 * 1024
    /// Responses gathered before they are sent.
    static let writeBytes = 64 * 1024
    /// Messages looked at before others get a turn.
    static let messagesPerSlice = 4_096
    /// Conditions that SEARCH looks at in one turn, over all messages: each message costs as many as the search has.
    static let searchStepsPerTurn = 32_768
    /// Numbers of a search result that are written in one turn.
    static let foundPerTurn = 8_192
    /// Ranges of UIDs that one session holds as `\Recent`.
    static let recentRanges = 4_096
    /// Steps of LIST in one turn, each of a few nanoseconds.
    static let listStepsPerTurn = 200_000
    /// Steps that a level of a name takes.
    static let listNodeSteps = 64
    /// Steps that a response takes.
    static let listWriteSteps = 256
    /// Bytes of a message that are searched before others get a turn: 0.3 ms of text, a few milliseconds of the header
    /// fields that take the longest.
    static let searchedBytesPerSlice = 16 * 1024
    /// A header longer than this is not looked through for fields beyond it.
    static let headerBytes = 4 << 20
}
