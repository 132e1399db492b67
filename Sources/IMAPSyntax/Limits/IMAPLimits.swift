/// Every bound of the grammar, by name. What is hit is refused with a `SyntaxError`, never cut short in silence.
public struct IMAPLimits: Hashable, Sendable {
    /// All bytes of one command except its literals (RFC 7162 section 4 asks for 8,192 at least).
    public var commandLineBytes = 65_536

    /// All literals of one command together, the messages of an APPEND not counted.
    public var commandLiteralBytes = 65_536

    /// One message of an APPEND; what APPENDLIMIT announces (RFC 7889).
    public var appendLiteralBytes = 50 * 1024 * 1024

    /// The largest literal without synchronisation; 4,096 is LITERAL-, `nil` is LITERAL+ (RFC 7888).
    public var nonSynchronisingLiteralBytes: Int? = nil

    /// A refused LITERAL+ literal up to this size is skipped; behind a larger one the connection is given up.
    public var skippedLiteralBytes = 1024 * 1024 * 1024

    /// One line of an AUTHENTICATE exchange, in base64.
    public var authenticationLineBytes = 16_384

    /// Bytes of a tag.
    public var tagBytes = 128

    /// Nested parentheses, NOT and OR of a SEARCH.
    public var searchDepth = 64

    /// Search keys of one SEARCH, containers included.
    public var searchKeys = 2_048

    /// Comma-separated ranges of one sequence set.
    public var sequenceSetRanges = 16_384

    /// One keyword (user-defined flag).
    public var keywordBytes = 128

    /// Flags in one STORE or APPEND.
    public var flagsPerCommand = 256

    /// Data items of one FETCH.
    public var fetchItems = 256

    /// Numbers of one body section, as in `BODY[1.2.3]`.
    public var sectionDepth = 64

    /// Header fields named in all sections of one FETCH.
    public var headerFields = 512

    /// Mailbox patterns of one LIST.
    public var listPatterns = 64

    /// Letters and wildcards of all patterns of one LIST that a name could match, runs of wildcards counted once: what
    /// a byte of a name costs is in proportion to them.
    public var listPatternParts = 4_096

    /// Fields of one ID command (RFC 2971 section 3.3 says 30).
    public var idFields = 30

    /// One name of a mailbox, in UTF-8.
    public var mailboxNameBytes = 1_000

    /// Levels of hierarchy in a mailbox name.
    public var mailboxDepth = 32

    public init() {}
}
