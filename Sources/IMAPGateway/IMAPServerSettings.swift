public import IMAPSession

/// How an IMAP server behaves.
public struct IMAPServerSettings: Sendable {
    /// What sessions are allowed; whether STARTTLS is offered follows from the mode.
    public var session = SessionSettings()
    /// A connection without a command for so long is ended (RFC 3501, section 5.4: at least 30 minutes).
    public var idleSeconds: Int64 = 30 * 60
    /// A connection that has not logged in by then is ended.
    public var loginSeconds: Int64 = 60
    /// How often a client that idles is told that the connection lives.
    public var heartbeatSeconds: Int64 = 120
    /// Connections at the same time; more are turned away with BYE.
    public var maximumSessions = 10_000
    /// How many of them an account and an address have; servers with the same object count together.
    public var clients = ClientLimits()
    /// The rows of mailboxes that sessions share; servers with the same object share them together.
    public var sharedRows = SharedRows()
    /// How long a stop waits for commands under way.
    public var stopSeconds: Int64 = 10

    public init() {}
}

/// How the connections of a server become private.
public enum IMAPServerMode: Hashable, Sendable {
    /// Connections begin in plain text. STARTTLS is offered when there is a certificate.
    case plain
    /// TLS from the first byte (RFC 8314).
    case implicitTLS
}

/// Sizes that bound what one connection holds in memory.
enum GatewayLimits {
    /// Bytes received and not yet taken: nothing more is read beyond.
    static let inputBytes = 256 * 1024
    /// Bytes on their way to a client: no more are produced beyond `high`, until there are fewer than `low`.
    static let outputBytesLow = 128 * 1024
    static let outputBytesHigh = 512 * 1024
    /// Events of one connection before others on its loop get a turn.
    static let eventsPerTurn = 64
    /// How long the last bytes may take to go out before a close.
    static let closeSeconds: Int64 = 5
    /// After how long a client that idles is brought up to date again when the store did not answer.
    static let retrySeconds: Int64 = 2
}
