internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

extension MailApplier {
    func createMailbox(_ context: Context, _ name: MailboxName, _ use: SpecialUse?) throws -> MailOutcome {
        let owner = try account(context)
        if let existing = try mailbox(context, named: name), existing.selectable { throw Refusal.mailboxExists }
        var missing: [MailboxName] = []
        for ancestor in name.ancestors where try mailbox(context, named: ancestor)?.selectable != true {
            missing.append(ancestor)
        }
        guard Int(owner.mailboxCount) + missing.count < MailLimits.mailboxesPerAccount else {
            throw Refusal.tooManyMailboxes
        }
        for ancestor in missing { _ = try addMailbox(context, ancestor, nil, subscribed: false) }
        let record = try addMailbox(context, name, use, subscribed: false)
        return .mailboxCreated(record.id, uidValidity: record.uidValidity)
    }

    /// Adds a mailbox, in the place of a row that only keeps a name, if there is one.
    func addMailbox(
        _ context: Context,
        _ name: MailboxName,
        _ use: SpecialUse?,
        subscribed: Bool,
        selectable: Bool = true
    ) throws -> MailboxRecord {
        let previous = try mailbox(context, named: name)
        if let previous { removeMailbox(context, previous) }
        var owner = try account(context)
        // Rises with time and with every mailbox, so that a name used again never shows an old UIDVALIDITY.
        let seconds = UInt32(clamping: context.timestamp.rawValue / 1_000)
        owner.uidValidityFloor = max(owner.uidValidityFloor &+ 1, seconds)
        var record = MailboxRecord(
            id: MailboxID(owner.nextMailboxID),
            name: name,
            specialUse: use,
            uidValidity: owner.uidValidityFloor
        )
        record.subscribed = subscribed || previous?.subscribed == true
        record.selectable = selectable
        owner.nextMailboxID = try owner.nextMailboxID.counted(up: 1, "account row")
        if previous == nil { owner.mailboxCount = try owner.mailboxCount.counted(up: 1, "account row") }
        set(context, owner)
        set(context, record)
        putLookedUp(context, nameKey(context, name), Self.nameRow(record.id), replacing: nil)
        return record
    }

    func deleteMailbox(_ context: Context, _ name: MailboxName) throws -> MailOutcome {
        guard !name.isInbox else { throw Refusal.badMailboxName }
        guard let found = try mailbox(context, named: name), found.selectable else { throw Refusal.noSuchMailbox }
        try commit()
        var record = found
        let hasChildren = try !children(of: name, context, limit: 1).isEmpty
        try abandonContents(context, &record)
        if hasChildren || record.subscribed {
            // The name stays: for its children (RFC 3501, section 6.3.4), or because it is subscribed (6.3.6).
            record.selectable = false
            record.specialUse = nil
            set(context, record)
        } else {
            try drop(context, record)
        }
        mustCommitFirst = true
        return .done
    }

    /// Lets go of a mailbox's messages, whose rows stay for the retention time: that takes the same time for all.
    private func abandonContents(_ context: Context, _ record: inout MailboxRecord) throws {
        guard record.messages > 0 else { return }
        var owner = try account(context)
        try owner.count(messages: UInt64(record.messages), record.sizeBytes, adding: false)
        leaveRemnant(context, record.contents)
        record.empty(into: try owner.takeContentsID())
        set(context, owner)
    }

    private func drop(_ context: Context, _ record: MailboxRecord) throws {
        removeMailbox(context, record)
        var owner = try account(context)
        owner.mailboxCount = try owner.mailboxCount.counted(down: 1, "account row")
        set(context, owner)
    }

    /// Mailboxes below a name, at most `limit`. Reads the store: commit first.
    private func children(of name: MailboxName, _ context: Context, limit: Int) throws -> [MailboxRecord] {
        let prefix = Key(context.group, .mailboxNames, context.account)
        var inner = prefix
        inner.append(text: name.text + "/")
        var ids: [MailboxID] = []
        try store.scan(from: inner.bytes, to: inner.end) { _, value in
            ids.append(MailboxID(try Key.integer(value, at: 1, as: UInt32.self)))
            return ids.count < limit
        }
        return try ids.map { try mailbox(context, $0) }
    }

    func renameMailbox(_ context: Context, _ from: MailboxName, _ to: MailboxName) throws -> MailOutcome {
        guard !to.isInbox, !to.isDescendant(of: from) || from.isInbox else { throw Refusal.badMailboxName }
        guard let source = try mailbox(context, named: from), source.selectable || !from.isInbox else {
            throw Refusal.noSuchMailbox
        }
        if let target = try mailbox(context, named: to), target.selectable || from == to {
            throw Refusal.mailboxExists
        }
        try commit()
        if from.isInbox { return try renameInbox(context, source, to) }

        let moved = [source] + (try children(of: from, context, limit: MailLimits.mailboxesPerRename + 1))
        guard moved.count <= MailLimits.mailboxesPerRename + 1 else { throw Refusal.tooManyDescendants }
        guard moved.contains(where: \.selectable) else { throw Refusal.noSuchMailbox }
        var names: [(MailboxRecord, MailboxName)] = []
        for record in moved {
            // The names are found through another table, which the disk may have spoiled.
            guard record.name == from || record.name.isDescendant(of: from) else {
                throw DecodingError(.outOfRange, offset: 0, subject: "mailbox name row")
            }
            guard let name = record.name.replacingPrefix(from, with: to) else { throw Refusal.badMailboxName }
            if record.id != source.id, let other = try mailbox(context, named: name), other.selectable {
                throw Refusal.mailboxExists
            }
            names.append((record, name))
        }
        for ancestor in to.ancestors where try mailbox(context, named: ancestor)?.selectable != true {
            _ = try addMailbox(context, ancestor, nil, subscribed: false)
        }
        for (record, name) in names {
            if let placeholder = try mailbox(context, named: name), placeholder.id != record.id {
                try drop(context, placeholder)
            }
            deleteLookedUp(context, nameKey(context, record.name), old: Self.nameRow(record.id))
            var renamed = record
            renamed.name = name
            set(context, renamed)
            putLookedUp(context, nameKey(context, name), Self.nameRow(record.id), replacing: nil)
        }
        mustCommitFirst = true
        return .done
    }

    /// Hands the messages of INBOX to a new mailbox, with their UIDs; INBOX and its children stay (RFC 3501, section
    /// 6.3.5).
    private func renameInbox(_ context: Context, _ inbox: MailboxRecord, _ to: MailboxName) throws -> MailOutcome {
        for ancestor in to.ancestors where try mailbox(context, named: ancestor)?.selectable != true {
            _ = try addMailbox(context, ancestor, nil, subscribed: false)
        }
        var target = try addMailbox(context, to, nil, subscribed: false)
        var owner = try account(context)
        var emptied = inbox
        target.takeMessages(of: inbox)
        emptied.empty(into: try owner.takeContentsID())
        set(context, owner)
        set(context, target)
        set(context, emptied)
        mustCommitFirst = true
        return .done
    }

    func setSubscribed(_ context: Context, _ name: MailboxName, _ subscribed: Bool) throws -> MailOutcome {
        let owner = try account(context)
        guard var record = try mailbox(context, named: name) else {
            guard subscribed else { return .done }
            guard owner.mailboxCount < MailLimits.mailboxesPerAccount else { throw Refusal.tooManyMailboxes }
            _ = try addMailbox(context, name, nil, subscribed: true, selectable: false)
            return .done
        }
        record.subscribed = subscribed
        set(context, record)
        return .done
    }

    /// The bits of these keywords, adding to the mailbox's list what is new.
    func keywordBits(_ names: [String], _ record: inout MailboxRecord) throws(Refusal) -> UInt64 {
        var bits: UInt64 = 0
        for name in names {
            let lowered = name.lowercased()
            if let index = record.keywords.firstIndex(where: { $0.lowercased() == lowered }) {
                bits |= 1 << UInt64(index)
            } else {
                guard record.keywords.count < MailLimits.keywordsPerMailbox else { throw .tooManyKeywords }
                bits |= 1 << UInt64(record.keywords.count)
                record.keywords.append(name)
            }
        }
        return bits
    }
}

extension AccountRecord {
    /// The next number of the counter that mailboxes and contents share.
    mutating func takeContentsID() throws(DecodingError) -> ContentsID {
        defer { nextMailboxID &+= 1 }
        return ContentsID(try nextMailboxID.counted(up: 1, "account row") - 1)
    }
}

extension MailboxRecord {
    /// All messages leave at once: whoever looks for changes is told that none of them is there any more.
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

    /// Takes over all of a mailbox's messages, as they are, and what is known of them.
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
        keywords = other.keywords
    }
}
