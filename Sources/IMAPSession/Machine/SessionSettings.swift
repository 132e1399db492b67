public import IMAPSyntax

/// What a session is allowed and says about itself.
public struct SessionSettings: Hashable, Sendable {
    /// Whether STARTTLS can be had while the connection is plain.
    public var offersStartTLS = false
    /// Whether passwords may be sent without TLS; otherwise LOGINDISABLED.
    public var allowsPlaintextLogin = false
    public var limits = IMAPLimits()
    /// What the greeting calls this server.
    public var serverName = "Staffetta"
    /// What ID tells beside the name (RFC 2971); nil tells nothing.
    public var serverVersion: String?
    /// Refused commands in a row that end the session.
    public var maximumBadCommands = 10
    /// Refused logins that end the session.
    public var maximumLoginFailures = 5

    public init() {}
}

/// Sizes of the pieces in which long commands proceed.
enum SessionLimits {
    /// Messages that one query of the view brings.
    static let messagesPerPage = 20_000
    /// Message rows that one query brings at most.
    static let detailsPerPage = 500
    /// Message rows that the first query of a command brings.
    static let firstDetails = 100
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
    /// Bytes of a message that are searched before others get a turn: 0.3 ms of text, a few milliseconds of the header
    /// fields that take the longest.
    static let searchedBytesPerSlice = 16 * 1024
    /// Conditions of a SEARCH, times messages, before others get a turn.
    static let conditionsPerSlice = 65_536
    /// A header longer than this is not looked through for fields beyond it.
    static let headerBytes = 4 << 20
}
