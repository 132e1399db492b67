internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

extension MailApplier {
    func createMailbox(_ context: Context, named name: MailboxName, use: SpecialUse?) throws -> MailOutcome {
        if let existing = try mailbox(context, named: name), existing.selectable { throw Refusal.mailboxExists }
        let missing = try missingAncestors(of: name, context)
        guard try account(context).hasRoom(forMailboxes: missing.count + 1) else { throw Refusal.tooManyMailboxes }
        for ancestor in missing { _ = try addMailbox(context, named: ancestor, use: nil, subscribed: false) }
        let record = try addMailbox(context, named: name, use: use, subscribed: false)
        return .mailboxCreated(record.id, uidValidity: record.uidValidity)
    }

    /// The levels above a name that are no mailboxes.
    func missingAncestors(of name: MailboxName, _ context: Context) throws -> [MailboxName] {
        var missing: [MailboxName] = []
        for ancestor in name.ancestors where try mailbox(context, named: ancestor)?.selectable != true {
            missing.append(ancestor)
        }
        return missing
    }

    /// Adds a mailbox, in the place of a row that only keeps a subscription, if there is one.
    func addMailbox(
        _ context: Context,
        named name: MailboxName,
        use: SpecialUse?,
        subscribed: Bool,
        selectable: Bool = true
    ) throws -> MailboxRecord {
        let previous = try mailbox(context, named: name)
        if let previous { try dropMailbox(context, previous) }
        var owner = try account(context)
        var record = try owner.makeMailbox(named: name, use: use, at: context.timestamp)
        record.subscribed = subscribed || previous?.subscribed == true
        record.selectable = selectable
        try owner.countMailbox(record, adding: true)
        setAccount(context, owner)
        setMailbox(context, record)
        putLookedUp(context, nameKey(context, name), row: Self.nameRow(record.id), replacing: nil)
        return record
    }

    /// Deletes a mailbox. Its name stays where it is subscribed (RFC 3501, section 6.3.6). A mailbox with others below
    /// becomes a level without messages (6.3.4), which has no row: the names below tell of it.
    func deleteMailbox(_ context: Context, _ name: MailboxName) throws -> MailOutcome {
        guard !name.isInbox else { throw Refusal.badMailboxName }
        guard let found = try mailbox(context, named: name), found.selectable else { throw Refusal.noSuchMailbox }
        try abandonContents(context, found)
        try dropMailbox(context, found)
        if found.subscribed { try keepSubscription(context, of: name) }
        return .done
    }

    /// Leaves a mailbox's messages behind as a remnant. The cost does not depend on their number.
    private func abandonContents(_ context: Context, _ record: MailboxRecord) throws {
        guard record.messages > 0 else { return }
        var owner = try account(context)
        try owner.countMessages(UInt64(record.messages), bytes: record.sizeBytes, adding: false)
        leaveRemnant(context, record.contents)
        setAccount(context, owner)
    }

    private func dropMailbox(_ context: Context, _ record: MailboxRecord) throws {
        removeMailbox(context, record)
        var owner = try account(context)
        try owner.countMailbox(record, adding: false)
        setAccount(context, owner)
    }

    /// Hands the messages of INBOX to a new mailbox, with their UIDs; INBOX and its children stay (RFC 3501, section
    /// 6.3.5).
    func renameInbox(_ context: Context, _ to: MailboxName) throws -> MailOutcome {
        guard let inbox = try mailbox(context, named: .inbox), inbox.selectable else { throw Refusal.noSuchMailbox }
        guard try mailbox(context, named: to)?.selectable != true else { throw Refusal.mailboxExists }
        let missing = try missingAncestors(of: to, context)
        guard try account(context).hasRoom(forMailboxes: missing.count + 1) else { throw Refusal.tooManyMailboxes }
        for ancestor in missing { _ = try addMailbox(context, named: ancestor, use: nil, subscribed: false) }
        var target = try addMailbox(context, named: to, use: nil, subscribed: false)
        var owner = try account(context)
        var emptied = inbox
        target.takeMessages(of: inbox)
        emptied.empty(into: try owner.takeContentsID())
        setAccount(context, owner)
        setMailbox(context, target)
        setMailbox(context, emptied)
        mustCommitFirst = true
        return .done
    }

    func setSubscribed(_ context: Context, name: MailboxName, to subscribed: Bool) throws -> MailOutcome {
        var owner = try account(context)
        let found = try mailbox(context, named: name)
        guard found?.subscribed ?? false != subscribed else { return .done }
        if subscribed {
            guard owner.subscriptionCount < MailLimits.subscriptionsPerAccount else {
                throw Refusal.tooManySubscriptions
            }
            try keepSubscription(context, of: name)
        } else if var record = found, record.selectable {
            try owner.subscriptionCount.count(1, adding: false, "account row")
            setAccount(context, owner)
            record.subscribed = false
            setMailbox(context, record)
        } else if let found {
            // The row held nothing but the subscription.
            try dropMailbox(context, found)
        }
        return .done
    }

    /// Subscribes a name, whether or not there is a mailbox of it.
    private func keepSubscription(_ context: Context, of name: MailboxName) throws {
        guard var record = try mailbox(context, named: name) else {
            _ = try addMailbox(context, named: name, use: nil, subscribed: true, selectable: false)
            return
        }
        guard !record.subscribed else { return }
        var owner = try account(context)
        try owner.subscriptionCount.count(1, adding: true, "account row")
        setAccount(context, owner)
        record.subscribed = true
        setMailbox(context, record)
    }
}

extension AccountRecord {
    /// Counts a mailbox or a subscription that comes or goes.
    mutating func countMailbox(_ record: MailboxRecord, adding: Bool) throws(DecodingError) {
        if record.selectable { try mailboxCount.count(1, adding: adding, "account row") }
        if record.subscribed { try subscriptionCount.count(1, adding: adding, "account row") }
    }

    func hasRoom(forMailboxes more: Int) -> Bool {
        Int(mailboxCount) + more <= MailLimits.mailboxesPerAccount
    }

    /// A mailbox with a number of its own, which is not counted yet.
    mutating func makeMailbox(
        named name: MailboxName,
        use: SpecialUse?,
        at time: Timestamp
    ) throws(DecodingError) -> MailboxRecord {
        // UIDVALIDITY rises with time and with every mailbox, so that a name used again never shows an old one.
        let seconds = UInt32(clamping: time.rawValue / 1_000)
        uidValidityFloor = max(uidValidityFloor &+ 1, seconds)
        let id = MailboxID(nextMailboxID)
        nextMailboxID = try nextMailboxID.counted(up: 1, "account row")
        return MailboxRecord(id: id, name: name, specialUse: use, uidValidity: uidValidityFloor)
    }

    /// The next number of the counter that mailboxes and contents share.
    mutating func takeContentsID() throws(DecodingError) -> ContentsID {
        defer { nextMailboxID &+= 1 }
        return ContentsID(try nextMailboxID.counted(up: 1, "account row") - 1)
    }
}

extension MailboxRecord {
    /// All messages leave at once. A session that looks for changes is told that all UIDs up to now are gone.
    fileprivate mutating func empty(into contents: ContentsID) {
        self.contents = contents
        messages = 0
        unseen = 0
        deleted = 0
        sizeBytes = 0
        recentFrom = uidNext
        highestModSeq = highestModSeq.next
        expungeModSeq = highestModSeq
        emptiedModSeq = highestModSeq
        emptiedBelow = uidNext
    }

    /// Takes over all messages of another mailbox as they are, with all counts.
    fileprivate mutating func takeMessages(of other: MailboxRecord) {
        contents = other.contents
        uidNext = other.uidNext
        recentFrom = other.recentFrom
        highestModSeq = other.highestModSeq
        flagsModSeq = other.flagsModSeq
        expungeModSeq = other.expungeModSeq
        emptiedModSeq = other.emptiedModSeq
        emptiedBelow = other.emptiedBelow
        messages = other.messages
        unseen = other.unseen
        deleted = other.deleted
        sizeBytes = other.sizeBytes
    }
}
