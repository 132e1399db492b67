public import NIOCore

/// Everything that can be read of an account.
public enum MailQuery: Hashable, Sendable {
    case account
    case mailboxes
    case mailbox(MailboxName)
    /// The mailbox with UID, flags and MODSEQ of its messages from `fromUID` on, at most `limit` of them.
    case messages(MailboxID, fromUID: UID, limit: Int)
    /// What changed in a mailbox after `since`: flags, expunges; new messages are those from `newFrom` on.
    case changes(MailboxID, since: ModSeq, newFrom: UID)
    /// The immutable rows of these messages; those that do not exist are left out. With the first bytes of each,
    /// as far as ``MailLimits/leadingBytesPerQuery`` reaches.
    case details(MailboxID, UIDSet, leading: LeadingBytes = .none)
    /// A piece of a body. Bodies never change, so this needs no quorum.
    case body(BodyID, offset: UInt64, maximumBytes: Int)
}

/// How many of a message's first bytes are wanted with its row.
public struct LeadingBytes: Hashable, Sendable {
    /// At most so many.
    public let maximum: Int
    /// None behind the header.
    public let isHeaderOnly: Bool

    private init(_ maximum: Int, isHeaderOnly: Bool) {
        self.maximum = maximum
        self.isHeaderOnly = isHeaderOnly
    }

    /// No bytes.
    public static let none = LeadingBytes(0, isHeaderOnly: true)

    /// Of the header, at most so many.
    public static func header(upTo maximum: Int) -> LeadingBytes { LeadingBytes(maximum, isHeaderOnly: true) }

    /// Header or not, at most so many.
    public static func bytes(upTo maximum: Int) -> LeadingBytes { LeadingBytes(maximum, isHeaderOnly: false) }

    /// What both ask for.
    public func union(_ other: LeadingBytes) -> LeadingBytes {
        LeadingBytes(max(maximum, other.maximum), isHeaderOnly: isHeaderOnly && other.isHeaderOnly)
    }
}

/// What a query found.
public enum MailAnswer: Hashable, Sendable {
    case missing
    case account(AccountRecord)
    case mailboxes([MailboxRecord])
    case mailbox(MailboxRecord)
    case messages(MailboxRecord, [MessageState])
    case changes(MailboxChanges)
    case details([MessageDetails])
    case body(ByteBuffer)
}

/// What is stored of an account.
public struct AccountRecord: Hashable, Sendable {
    /// The account.
    public var id: AccountID
    /// The address by which it is found.
    public var address: AccountAddress
    /// Whether its user can log in.
    public var state: AccountState
    /// The hash of its password; nil where the account has no password.
    public var credential: CredentialHash?
    /// 0: without limit.
    public var quotaBytes: UInt64
    /// The sizes of all its messages, as they count against the quota.
    public var usedBytes: UInt64
    /// How many messages it has.
    public var usedMessages: UInt64
    /// When the account was created.
    public var created: Timestamp
    /// The ID that the next mailbox gets.
    public var nextMailboxID: UInt32
    /// Mailboxes that exist; names that are subscribed only do not count.
    public var mailboxCount: UInt32
    /// Subscribed names, whether mailboxes or not.
    public var subscriptionCount: UInt32
    /// Every new mailbox gets a higher UIDVALIDITY than this (RFC 9051, section 2.3.1.1).
    public var uidValidityFloor: UInt32

    /// A new, empty account. Its UIDVALIDITYs begin above `created` in seconds.
    public init(
        id: AccountID,
        address: AccountAddress,
        credential: CredentialHash?,
        quotaBytes: UInt64,
        created: Timestamp
    ) {
        self.id = id
        self.address = address
        self.state = .active
        self.credential = credential
        self.quotaBytes = quotaBytes
        self.usedBytes = 0
        self.usedMessages = 0
        self.created = created
        self.nextMailboxID = 1
        self.mailboxCount = 0
        self.subscriptionCount = 0
        self.uidValidityFloor = 1
    }
}

/// What is stored of a mailbox, with the counts that STATUS and SELECT tell.
public struct MailboxRecord: Hashable, Sendable {
    /// The mailbox.
    public var id: MailboxID
    /// Its present name.
    public var name: MailboxName
    /// What clients are told that it is for (RFC 6154).
    public var specialUse: SpecialUse?
    /// Whether its name is subscribed.
    public var subscribed: Bool
    /// Otherwise there is no such mailbox: only a subscription of its name, which belongs to the name (RFC 3501,
    /// section 6.3.6).
    public var selectable: Bool
    /// Its UIDVALIDITY, which never changes.
    public var uidValidity: UInt32
    /// The UID that the next message gets.
    public var uidNext: UID
    /// MODSEQ of the newest change of any message (RFC 7162: HIGHESTMODSEQ).
    public var highestModSeq: ModSeq
    /// MODSEQ of the newest change of an existing message's flags: nothing to look for after it.
    public var flagsModSeq: ModSeq
    /// MODSEQ of the newest expunge.
    public var expungeModSeq: ModSeq
    /// Where its messages are kept.
    public var contents: ContentsID
    /// MODSEQ at which all messages with UIDs below ``emptiedBelow`` left at once, without a trace of each.
    public var emptiedModSeq: ModSeq
    /// See ``emptiedModSeq``.
    public var emptiedBelow: UID
    /// How many messages there are.
    public var messages: UInt32
    /// How many of them are not `\Seen`.
    public var unseen: UInt32
    /// How many of them are `\Deleted`.
    public var deleted: UInt32
    /// The sum of their sizes.
    public var sizeBytes: UInt64
    /// UIDs from here on are `\Recent` for the next session that selects, as far as is known: messages before were
    /// there when flags were stored. A node raises it in its answers by what its own sessions were given.
    public var recentFrom: UID
    /// By number, as in `MessageFlags.keywords`; empty for a number that is free. Answers about one mailbox have them,
    /// the list of all mailboxes has not.
    public var keywords: [String]

    /// A new, empty mailbox that is not subscribed.
    public init(id: MailboxID, name: MailboxName, specialUse: SpecialUse?, uidValidity: UInt32) {
        self.id = id
        self.name = name
        self.specialUse = specialUse
        self.subscribed = false
        self.selectable = true
        self.uidValidity = uidValidity
        self.uidNext = UID(1)
        self.highestModSeq = ModSeq(1)
        self.flagsModSeq = .zero
        self.expungeModSeq = .zero
        self.contents = ContentsID(id.rawValue)
        self.emptiedModSeq = .zero
        self.emptiedBelow = UID(1)
        self.messages = 0
        self.unseen = 0
        self.deleted = 0
        self.sizeBytes = 0
        self.recentFrom = UID(1)
        self.keywords = []
    }

    /// How many UIDs are `\Recent` for the next session that selects. It counts UIDs, of messages that are gone too.
    public var recent: UInt32 { uidNext.rawValue - recentFrom.rawValue }
}

/// What may change of a message.
public struct MessageState: Hashable, Sendable {
    /// The message.
    public let uid: UID
    /// Its flags, with keywords as numbers.
    public let flags: MessageFlags
    /// MODSEQ of the newest change of its flags, or of its arrival.
    public let modSeq: ModSeq
    public init(uid: UID, flags: MessageFlags, modSeq: ModSeq) {
        self.uid = uid
        self.flags = flags
        self.modSeq = modSeq
    }
}

/// What happened in a mailbox since a MODSEQ.
public struct MailboxChanges: Hashable, Sendable {
    /// The mailbox as it is now.
    public var mailbox: MailboxRecord
    /// Messages below `newFrom` whose flags changed.
    public var changed: [MessageState]
    /// Messages from `newFrom` on.
    public var new: [MessageState]
    /// UIDs of messages that left.
    public var expunged: UIDSet

    public init(mailbox: MailboxRecord, changed: [MessageState], new: [MessageState], expunged: UIDSet) {
        self.mailbox = mailbox
        self.changed = changed
        self.new = new
        self.expunged = expunged
    }
}

/// What never changes of a message.
public struct MessageDetails: Hashable, Sendable {
    /// The message.
    public let uid: UID
    /// The name of its body.
    public let bodyID: BodyID
    /// Its size, as `RFC822.SIZE` reports it.
    public let sizeBytes: UInt64
    /// What FETCH INTERNALDATE tells.
    public let internalDate: InternalDate
    /// When it came into this mailbox (RFC 8514).
    public let saved: Timestamp
    /// What the gateway computed from it when it came (module MessageFormat); opaque here.
    public let summary: ByteBuffer
    /// The first bytes of the message, of those that were asked for; none where they have to be asked for by
    /// themselves.
    public var leading: ByteBuffer

    public init(
        uid: UID,
        bodyID: BodyID,
        sizeBytes: UInt64,
        internalDate: InternalDate,
        saved: Timestamp,
        summary: ByteBuffer,
        leading: ByteBuffer = ByteBuffer()
    ) {
        self.uid = uid
        self.bodyID = bodyID
        self.sizeBytes = sizeBytes
        self.internalDate = internalDate
        self.saved = saved
        self.summary = summary
        self.leading = leading
    }
}
