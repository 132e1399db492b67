internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// Mailboxes and subscriptions that come, change and go.
struct MailboxCommands {
    let scope: CommandScope

    func createMailbox(named name: MailboxName, use: SpecialUse?) throws -> MailOutcome {
        if let existing = try scope.mailbox(named: name), existing.selectable { throw Refusal.mailboxExists }
        let missing = try missingAncestors(of: name)
        guard try scope.account().hasRoomForMailboxes(missing.count + 1) else { throw Refusal.tooManyMailboxes }
        for ancestor in missing { _ = try addMailbox(named: ancestor, use: nil, subscribed: false) }
        let record = try addMailbox(named: name, use: use, subscribed: false)
        return .mailboxCreated(record.id, uidValidity: record.uidValidity)
    }

    /// The levels above a name that are no mailboxes.
    func missingAncestors(of name: MailboxName) throws -> [MailboxName] {
        var missing: [MailboxName] = []
        for ancestor in name.ancestors where try scope.mailbox(named: ancestor)?.selectable != true {
            missing.append(ancestor)
        }
        return missing
    }

    /// Adds a mailbox, in the place of a row that only keeps a subscription, if there is one.
    func addMailbox(
        named name: MailboxName,
        use: SpecialUse?,
        subscribed: Bool,
        selectable: Bool = true
    ) throws -> MailboxRecord {
        let previous = try scope.mailbox(named: name)
        if let previous { try dropMailbox(previous) }
        var owner = try scope.account()
        var record = try owner.makeMailbox(named: name, use: use, at: scope.timestamp)
        record.subscribed = subscribed || previous?.subscribed == true
        record.selectable = selectable
        try owner.countMailbox(record, adding: true)
        scope.setAccount(owner)
        scope.setMailbox(record)
        scope.putName(name, of: record.id, replacing: nil)
        return record
    }

    /// Deletes a mailbox. Its name stays where it is subscribed (RFC 3501, section 6.3.6). A mailbox with others below
    /// becomes a level without messages (6.3.4), which has no row: the names below tell of it.
    func deleteMailbox(named name: MailboxName) throws -> MailOutcome {
        guard !name.isInbox else { throw Refusal.badMailboxName }
        guard let found = try scope.mailbox(named: name), found.selectable else { throw Refusal.noSuchMailbox }
        try abandonContents(found)
        try dropMailbox(found)
        if found.subscribed { try keepSubscription(of: name) }
        return .done
    }

    /// Leaves a mailbox's messages behind as a remnant. The cost does not depend on their number.
    private func abandonContents(_ record: MailboxRecord) throws {
        guard record.messages > 0 else { return }
        var owner = try scope.account()
        try owner.countMessages(UInt64(record.messages), bytes: record.sizeBytes, adding: false)
        RemnantCommands(scope: scope).leaveRemnant(of: record.contents)
        scope.setAccount(owner)
    }

    private func dropMailbox(_ record: MailboxRecord) throws {
        scope.removeMailbox(record)
        var owner = try scope.account()
        try owner.countMailbox(record, adding: false)
        scope.setAccount(owner)
    }

    /// Hands the messages of INBOX to a new mailbox, with their UIDs; INBOX and its children stay (RFC 3501, section
    /// 6.3.5).
    func renameInbox(to: MailboxName) throws -> MailOutcome {
        guard let inbox = try scope.mailbox(named: .inbox), inbox.selectable else { throw Refusal.noSuchMailbox }
        guard try scope.mailbox(named: to)?.selectable != true else { throw Refusal.mailboxExists }
        let missing = try missingAncestors(of: to)
        guard try scope.account().hasRoomForMailboxes(missing.count + 1) else { throw Refusal.tooManyMailboxes }
        for ancestor in missing { _ = try addMailbox(named: ancestor, use: nil, subscribed: false) }
        var target = try addMailbox(named: to, use: nil, subscribed: false)
        var owner = try scope.account()
        var emptied = inbox
        target.takeMessages(of: inbox)
        emptied.empty(into: try owner.takeContentsID())
        scope.setAccount(owner)
        scope.setMailbox(target)
        scope.setMailbox(emptied)
        scope.requireCommit()
        return .done
    }

    func setSubscribed(name: MailboxName, to subscribed: Bool) throws -> MailOutcome {
        var owner = try scope.account()
        let found = try scope.mailbox(named: name)
        guard found?.subscribed ?? false != subscribed else { return .done }
        if subscribed {
            guard owner.subscriptionCount < MailLimits.subscriptionsPerAccount else {
                throw Refusal.tooManySubscriptions
            }
            try keepSubscription(of: name)
        } else if var record = found, record.selectable {
            try owner.subscriptionCount.count(1, adding: false, "account row")
            scope.setAccount(owner)
            record.subscribed = false
            scope.setMailbox(record)
        } else if let found {
            // The row held nothing but the subscription.
            try dropMailbox(found)
        }
        return .done
    }

    /// Subscribes a name, whether or not there is a mailbox of it.
    private func keepSubscription(of name: MailboxName) throws {
        guard var record = try scope.mailbox(named: name) else {
            _ = try addMailbox(named: name, use: nil, subscribed: true, selectable: false)
            return
        }
        guard !record.subscribed else { return }
        var owner = try scope.account()
        try owner.subscriptionCount.count(1, adding: true, "account row")
        scope.setAccount(owner)
        record.subscribed = true
        scope.setMailbox(record)
    }
}
