public import NIOCore

/// A message on its way into a mailbox.
public struct NewMessage: Hashable, Sendable {
    /// Where the bytes of the message are.
    public enum Body: Hashable, Sendable {
        /// The whole message, at most `MailLimits.bodyChunkBytes`.
        case inline(ByteBuffer)
        /// The message was sent ahead as this many upload chunks under `bodyID`.
        case uploaded(chunks: UInt32)
    }

    /// The name under which the body is stored, in every mailbox that gets the message.
    public var bodyID: BodyID
    /// What FETCH INTERNALDATE tells.
    public var internalDate: InternalDate
    /// The flags that the message begins with.
    public var flags: FlagNames
    /// Size of the message in bytes, as `RFC822.SIZE` reports it.
    public var sizeBytes: UInt64
    /// What the gateway computed from the message once (module MessageFormat); opaque here.
    public var summary: ByteBuffer
    /// The bytes, or where they went ahead.
    public var body: Body

    public init(
        bodyID: BodyID,
        internalDate: InternalDate,
        flags: FlagNames = FlagNames(),
        sizeBytes: UInt64,
        summary: ByteBuffer,
        body: Body
    ) {
        self.bodyID = bodyID
        self.internalDate = internalDate
        self.flags = flags
        self.sizeBytes = sizeBytes
        self.summary = summary
        self.body = body
    }
}

/// What an account lets in.
public enum AccountState: UInt8, Hashable, Sendable {
    case active = 0
    /// The account takes mail in, and refuses logins.
    case suspended = 1
}

/// Every change that the mail state machine can make. Each case is one atomic step of its group.
public enum MailCommand: Hashable, Sendable {
    // Accounts. The address decides the group; the others name the account by ID.
    /// Creates the account with INBOX and `mailboxes`. Their UIDVALIDITY comes from the command's timestamp.
    case createAccount(
        address: AccountAddress,
        credential: CredentialHash?,
        quotaBytes: UInt64,
        mailboxes: [DefaultMailbox]
    )
    case setAccountState(AccountState)
    /// Removes the account with all its mail, at once and for good. Its rows go in the background (``purgeRemnant``).
    case deleteAccount
    case setCredential(CredentialHash?)
    /// 0 means without limit.
    case setQuota(bytes: UInt64)

    // Mailboxes.
    case createMailbox(MailboxName, specialUse: SpecialUse?)
    /// The mailbox's messages are kept for the retention time, and no client sees them.
    case deleteMailbox(MailboxName)
    /// Renames with all children; renaming INBOX hands its messages over (RFC 3501, section 6.3.5).
    case renameMailbox(from: MailboxName, to: MailboxName)
    case setSubscribed(MailboxName, Bool)

    // Messages.
    /// LMTP: into INBOX of the account; a delivery ID seen before gives the first answer again.
    case deliver(NewMessage, id: DeliveryID?)
    case append(NewMessage, to: MailboxName)
    /// `unchangedSince` as in RFC 7162, section 3.1.3; nil stores unconditionally.
    case storeFlags(MailboxID, UIDSet, FlagOperation, FlagNames, unchangedSince: ModSeq?)
    /// Expunges those of the set that are marked `\Deleted`.
    case expunge(MailboxID, UIDSet)
    /// Expunges those of the set, whatever their flags: takes back what a COPY did before it failed.
    case remove(MailboxID, UIDSet)
    case copy(MailboxID, UIDSet, to: MailboxName)
    case move(MailboxID, UIDSet, to: MailboxName)

    // Large bodies.
    case uploadChunk(BodyID, index: UInt32, bytes: ByteBuffer)

    // Housekeeping, proposed by the group's leader; a bounded piece each time.
    case purgeExpunged(before: Timestamp, limit: UInt32)
    case purgeRequests(before: Timestamp, limit: UInt32)
    case purgeDeliveries(before: Timestamp, limit: UInt32)
    /// Looks at uploads of accounts from `from` on.
    case purgeUploads(before: Timestamp, from: AccountID, limit: UInt32)
    /// Removes what a deleted mailbox or account has left behind, piece by piece.
    case purgeRemnant(ContentsID, limit: UInt32)

    // Group 0.
    case directory(DirectoryCommand)
}

/// A mailbox that a new account begins with.
public struct DefaultMailbox: Hashable, Sendable {
    /// The name of the mailbox.
    public let name: MailboxName
    /// What clients are told that it is for (RFC 6154).
    public let use: SpecialUse?
    public init(_ name: MailboxName, use: SpecialUse?) {
        self.name = name
        self.use = use
    }

    /// What a new account has besides INBOX.
    public static let standard: [DefaultMailbox] = [
        ("Archive", SpecialUse.archive), ("Drafts", .drafts), ("Junk", .junk), ("Sent", .sent), ("Trash", .trash),
    ].compactMap { name, use in (try? MailboxName(name)).map { DefaultMailbox($0, use: use) } }
}

/// What travels in a log entry.
public struct CommandEnvelope: Hashable, Sendable {
    /// Names the call, so that its repetition has no second effect.
    public var request: RequestID
    /// The session has the answers of all its requests below this sequence: they may be forgotten.
    public var settledBelow: UInt64
    /// The time at which the command takes effect: the proposer's clock.
    public var timestamp: Timestamp
    /// The account concerned; 0 where there is none yet, or in the directory.
    public var account: AccountID
    /// The change.
    public var command: MailCommand

    public init(
        request: RequestID,
        settledBelow: UInt64,
        timestamp: Timestamp,
        account: AccountID,
        command: MailCommand
    ) {
        self.request = request
        self.settledBelow = settledBelow
        self.timestamp = timestamp
        self.account = account
        self.command = command
    }
}
