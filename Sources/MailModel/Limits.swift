/// Limits that are part of the replicated contract: apply refuses what exceeds them, on every replica alike.
public enum MailLimits {
    /// Bytes of a body that travel in one log entry; a larger body goes as upload chunks. With what stands around them
    /// in the entry they fit a power of two, which is what buffers are made for: a byte more, and twice the memory is
    /// taken wherever an entry waits.
    public static let bodyChunkBytes = 255 * 1024
    /// No encoded command is larger.
    public static let commandBytes = 1024 * 1024
    /// No message claims to be larger, whatever gateways let through: sums of sizes stay far below 64 bits.
    public static let messageBytes: UInt64 = 1 << 40
    /// The stored summary (envelope and structure) of one message.
    public static let summaryBytes = 256 * 1024
    /// Different keywords that a mailbox's messages have. Of more, a message goes without, whatever brings it.
    public static let keywordsPerMailbox = 512
    /// Keywords that one command may name: at least what the grammar of gateways lets through, so that none of
    /// theirs is unreadable in apply.
    public static let keywordsPerCommand = 256
    /// Bytes of one keyword.
    public static let keywordBytes = 128
    /// Mailboxes that exist at once, INBOX among them.
    public static let mailboxesPerAccount = 10_000
    /// Names, of mailboxes or not: so many more rows than mailboxes may an account have.
    public static let subscriptionsPerAccount = 10_000
    /// Rows that one command reads or changes at most, so that no entry keeps the others waiting: what is larger is
    /// done piece by piece. Time is what matters, 4 ms, and rows are what can be tested. The limits below follow from
    /// both, as `staffetta-bench apply` measures them.
    public static let rowsPerCommand = 2_000
    /// Messages that one command may touch; gateways split larger sets. STORE touches a row of each message, EXPUNGE
    /// four, COPY five, MOVE seven.
    public static let messagesPerStore = 250
    /// Messages of one EXPUNGE; see ``messagesPerStore``.
    public static let messagesPerExpunge = 100
    /// Messages of one COPY; see ``messagesPerStore``.
    public static let messagesPerCopy = 75
    /// Messages of one MOVE; see ``messagesPerStore``.
    public static let messagesPerMove = 40
    /// Bytes of message rows that one command reads at most, unless it is a single one: the summaries in them may be
    /// large.
    public static let messageRowBytesPerCommand = 1_024 * 1_024
    /// Names below one that is renamed; five rows of each change, where its subscription stays behind and another one
    /// waits under the new name.
    public static let mailboxesPerRename = 100
    /// The keys of those names, in bytes.
    public static let nameBytesPerRename = 24 * 1_024
    /// Things of which one housekeeping command ends the retention; several rows of each.
    public static let purgedPerCommand = 250
    /// With so many rows, of whatever, such a command ends early: after one more body it is still bounded.
    public static let rowsPerPurge = 400
    /// A body of more chunks than this, 250 MB, is removed as a range.
    public static let chunksRemovedSingly = 1_000
    /// Messages whose states one query may ask for.
    public static let statesPerQuery = 20_000
    /// Accounts that one query may ask for.
    public static let accountsPerQuery = 1_000
    /// No address of an account has more bytes.
    public static let addressBytes = 400
    /// First bytes of a message that a query may ask for with its row.
    public static let leadingBytesPerMessage = 64 * 1024
    /// All first bytes that an answer brings with rows, but for those of its last message that has any.
    public static let leadingBytesPerQuery = 256 * 1024
    /// Bytes of a body that one query may ask for.
    public static let bodyBytesPerQuery = 1024 * 1024
    /// Ranges of one set of UIDs.
    public static let rangesPerSet = 20_000
    /// Requests of one session whose answers one command lets be forgotten; the next goes on.
    public static let answersForgottenPerCommand = 500
    /// How long expunged messages can be recovered.
    public static let expungedRetentionMilliseconds: Int64 = 14 * 86_400_000
    /// How long the answer to a request is remembered after it was given.
    public static let requestRetentionMilliseconds: Int64 = 86_400_000
    /// How long a delivery is recognised when an MTA repeats it.
    public static let deliveryRetentionMilliseconds: Int64 = 7 * 86_400_000
    /// How long the chunks of an unfinished upload are kept.
    public static let uploadRetentionMilliseconds: Int64 = 86_400_000
}
