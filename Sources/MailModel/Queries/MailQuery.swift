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
    /// The immutable rows of these messages; those that do not exist are left out.
    case details(MailboxID, UIDSet)
    /// A piece of a body. Bodies never change, so this needs no quorum.
    case body(BodyID, offset: UInt64, maximumBytes: Int)
}

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

public struct AccountRecord: Hashable, Sendable {
    public var id: AccountID
    public var address: AccountAddress
    public var state: AccountState
    public var credential: CredentialHash?
    /// 0: without limit.
    public var quotaBytes: UInt64
    public var usedBytes: UInt64
    public var usedMessages: UInt64
    public var created: Timestamp
    public var nextMailboxID: UInt32
    /// Mailboxes that exist; names that are subscribed only do not count.
    public var mailboxCount: UInt32
    /// Subscribed names, whether mailboxes or not.
    public var subscriptionCount: UInt32
    public var uidValidityFloor: UInt32

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

public struct MailboxRecord: Hashable, Sendable {
    public var id: MailboxID
    public var name: MailboxName
    public var specialUse: SpecialUse?
    public var subscribed: Bool
    /// Otherwise there is no such mailbox: only a subscription of its name, which belongs to the name (RFC 3501,
    /// section 6.3.6).
    public var selectable: Bool
    public var uidValidity: UInt32
    public var uidNext: UID
    public var highestModSeq: ModSeq
    /// MODSEQ of the newest change of an existing message's flags: nothing to look for after it.
    public var flagsModSeq: ModSeq
    /// MODSEQ of the newest expunge.
    public var expungeModSeq: ModSeq
    /// Where its messages are kept.
    public var contents: ContentsID
    /// MODSEQ at which all messages with UIDs below ``emptiedBelow`` left at once, without a trace of each.
    public var emptiedModSeq: ModSeq
    public var emptiedBelow: UID
    public var messages: UInt32
    public var unseen: UInt32
    public var deleted: UInt32
    public var sizeBytes: UInt64
    /// UIDs from here on are `\Recent` for the next session that selects.
    public var recentFrom: UID
    /// By number, as in `MessageFlags.keywords`; empty for a number that is free. Answers about one mailbox have them,
    /// the list of all mailboxes has not.
    public var keywords: [String]

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

    public var recent: UInt32 { uidNext.rawValue - recentFrom.rawValue }
}

public struct MessageState: Hashable, Sendable {
    public let uid: UID
    public let flags: MessageFlags
    public let modSeq: ModSeq
    public init(uid: UID, flags: MessageFlags, modSeq: ModSeq) {
        self.uid = uid
        self.flags = flags
        self.modSeq = modSeq
    }
}

public struct MailboxChanges: Hashable, Sendable {
    public var mailbox: MailboxRecord
    /// Messages below `newFrom` whose flags changed.
    public var changed: [MessageState]
    /// Messages from `newFrom` on.
    public var new: [MessageState]
    public var expunged: UIDSet

    public init(mailbox: MailboxRecord, changed: [MessageState], new: [MessageState], expunged: UIDSet) {
        self.mailbox = mailbox
        self.changed = changed
        self.new = new
        self.expunged = expunged
    }
}

public struct MessageDetails: Hashable, Sendable {
    public let uid: UID
    public let bodyID: BodyID
    public let sizeBytes: UInt64
    public let internalDate: InternalDate
    /// When it came into this mailbox (RFC 8514).
    public let saved: Timestamp
    public let summary: ByteBuffer

    public init(
        uid: UID,
        bodyID: BodyID,
        sizeBytes: UInt64,
        internalDate: InternalDate,
        saved: Timestamp,
        summary: ByteBuffer
    ) {
        self.uid = uid
        self.bodyID = bodyID
        self.sizeBytes = sizeBytes
        self.internalDate = internalDate
        self.saved = saved
        self.summary = summary
    }
}
