internal import MailModel

/// What an account should hold: the plainest possible mail store, written apart from the real one.
struct AccountModel {
    struct Message {
        let uid: UInt32
        var flags: MessageFlags
        var modSeq: UInt64
        let body: BodyID
        let sizeBytes: UInt64
    }

    struct Mailbox {
        let id: UInt32
        var name: MailboxName
        var specialUse: SpecialUse?
        var isSubscribed: Bool
        var isSelectable: Bool
        let uidValidity: UInt32
        var uidNext: UInt32 = 1
        var modSeq: UInt64 = 1
        var flagsModSeq: UInt64 = 0
        var expungeModSeq: UInt64 = 0
        var recentFrom: UInt32 = 1
        /// Where the messages are kept; not before it has another place than its own.
        var contents: UInt32?
        var emptiedModSeq: UInt64 = 0
        var emptiedBelow: UInt32 = 1
        /// By number; empty for one that is free.
        var keywords: [String] = []
        /// By rising UID.
        var messages: [Message] = []

        var sizeBytes: UInt64 { messages.reduce(0) { $0 + $1.sizeBytes } }

        /// As the store should tell it.
        var record: MailboxRecord {
            var record = MailboxRecord(
                id: MailboxID(id),
                name: name,
                specialUse: specialUse,
                uidValidity: uidValidity
            )
            record.subscribed = isSubscribed
            record.selectable = isSelectable
            record.uidNext = UID(uidNext)
            record.highestModSeq = ModSeq(modSeq)
            record.flagsModSeq = ModSeq(flagsModSeq)
            record.expungeModSeq = ModSeq(expungeModSeq)
            record.messages = UInt32(messages.count)
            record.unseen = UInt32(messages.count { !$0.flags.system.contains(.seen) })
            record.deleted = UInt32(messages.count { $0.flags.system.contains(.deleted) })
            record.sizeBytes = sizeBytes
            record.recentFrom = UID(recentFrom)
            record.contents = ContentsID(contents ?? id)
            record.emptiedModSeq = ModSeq(emptiedModSeq)
            record.emptiedBelow = UID(emptiedBelow)
            record.keywords = keywords
            return record
        }

        /// Positions of the messages in the set.
        func positions(_ uids: UIDSet) -> [Int] {
            messages.indices.filter { uids.contains(UID(messages[$0].uid)) }
        }

        /// The numbers of the keywords; new ones get the lowest that are free. Nil for what finds no room.
        mutating func numbers(_ names: [String]) -> [Int?] {
            names.map { name in
                if let known = number(name) { return known }
                if let free = keywords.firstIndex(of: "") {
                    keywords[free] = name
                    return free
                }
                guard keywords.count < MailLimits.keywordsPerMailbox else { return nil }
                keywords.append(name)
                return keywords.count - 1
            }
        }

        func number(_ name: String) -> Int? { keywords.firstIndex { $0.lowercased() == name.lowercased() } }

        /// Names that no message has are forgotten.
        mutating func forgetUnusedKeywords() {
            let used = Set(messages.lazy.filter { !$0.flags.keywords.isEmpty }.flatMap(\.flags.keywords.numbers))
            for number in keywords.indices where !used.contains(number) { keywords[number] = "" }
            while keywords.last == "" { keywords.removeLast() }
        }
    }

    struct Upload {
        var chunks: UInt32 = 0
        var sizeBytes: UInt64 = 0
    }

    struct Delivery {
        let id: DeliveryID
        let time: Int64
        let outcome: MailOutcome
    }

    let id: AccountID
    let address: AccountAddress
    let created: Timestamp
    var credential: CredentialHash?
    var quotaBytes: UInt64
    var state = AccountState.active
    var nextMailboxID: UInt32 = 1
    var uidValidityFloor: UInt32 = 1
    /// By rising ID.
    var mailboxes: [Mailbox] = []
    var uploads: [BodyID: Upload] = [:]
    var deliveries: [Delivery] = []

    var usedBytes: UInt64 { mailboxes.reduce(0) { $0 + $1.sizeBytes } }

    var record: AccountRecord {
        var record = AccountRecord(
            id: id,
            address: address,
            credential: credential,
            quotaBytes: quotaBytes,
            created: created
        )
        record.state = state
        record.usedBytes = usedBytes
        record.usedMessages = mailboxes.reduce(0) { $0 + UInt64($1.messages.count) }
        record.nextMailboxID = nextMailboxID
        record.mailboxCount = UInt32(mailboxes.count(where: \.isSelectable))
        record.subscriptionCount = UInt32(mailboxes.count(where: \.isSubscribed))
        record.uidValidityFloor = uidValidityFloor
        return record
    }

    func mailbox(uidValidity: UInt32) -> Mailbox? { mailboxes.first { $0.uidValidity == uidValidity } }
    func position(_ id: MailboxID) -> Int? { mailboxes.firstIndex { $0.id == id.rawValue } }
    func position(named name: MailboxName) -> Int? { mailboxes.firstIndex { $0.name == name } }
    func isSelectable(_ name: MailboxName) -> Bool { position(named: name).map { mailboxes[$0].isSelectable } ?? false }
}
