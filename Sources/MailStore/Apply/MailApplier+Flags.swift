internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

extension MailApplier {
    /// The flags rows of the messages of a set that exist, in UID order. Reads the store: commit first.
    ///
    /// - Throws: `Refusal.tooManyMessages` where more UIDs exist, or more ranges are to be looked at, than `limit`.
    func flagsRows(
        _ context: Context,
        _ contents: ContentsID,
        _ uids: UIDSet,
        limit: Int
    ) throws -> [(UID, FlagsRow)] {
        guard uids.ranges.count <= limit else { throw Refusal.tooManyMessages }
        var rows: [(UID, FlagsRow)] = []
        for range in uids.ranges {
            let from = Key(context.group, .flags, context.account, contents, UID(range.lowerBound))
            let last = Key(context.group, .flags, context.account, contents, UID(range.upperBound))
            try store.scan(from: from.bytes, to: last.end) { key, value in
                let uid = UID(try Key.integer(key, at: Key.afterMailbox, as: UInt32.self))
                guard rows.count < limit else { throw Refusal.tooManyMessages }
                rows.append((uid, try FlagsRow(span: value)))
                return true
            }
        }
        return rows
    }

    func storeFlags(
        _ context: Context,
        _ id: MailboxID,
        _ uids: UIDSet,
        _ operation: FlagOperation,
        _ names: FlagNames,
        _ unchangedSince: ModSeq?
    ) throws -> MailOutcome {
        try commit()
        var record = try selectable(context, id)
        let rows = try flagsRows(context, record.contents, uids, limit: MailLimits.messagesPerStore)
        let losesKeywords = operation == .replace && rows.contains { !$0.1.flags.keywords.isEmpty }
        var table: KeywordTable?
        if !rows.isEmpty, losesKeywords || !names.keywords.isEmpty {
            table = try keywordTable(context, record.contents)
        }
        // Taking a keyword away that the mailbox does not know changes nothing, and must not add it.
        let numbers = operation == .remove ? [] : table?.take(names.keywords) ?? []
        let keywords =
            operation == .remove
            ? table?.find(names.keywords) ?? KeywordSet() : KeywordSet(numbers.compactMap { $0 })
        let modSeq = record.highestModSeq.next
        var (more, fewer) = (KeywordTally(), KeywordTally())
        var changed = UIDSet()
        var modified = UIDSet()
        for (uid, row) in rows {
            if let unchangedSince, row.modSeq > unchangedSince {
                modified.append(uid)
                continue
            }
            let flags = row.flags.applying(operation, names.system, keywords)
            guard flags != row.flags else { continue }
            let key = Key(context.group, .flags, context.account, record.contents, uid)
            put(context, key, FlagsRow(flags: flags, modSeq: modSeq).row, replacing: row.row)
            try record.recount(row.flags, flags)
            if row.flags.keywords != flags.keywords {
                more.add(flags.keywords)
                fewer.add(row.flags.keywords)
            }
            changed.append(uid)
        }
        try table?.count(adding: more, removing: fewer)
        if !changed.isEmpty {
            record.highestModSeq = modSeq
            record.flagsModSeq = modSeq
            set(context, record)
            if let table { try set(context, table, of: record.contents) }
        }
        return .flagsStored(
            modSeq: record.highestModSeq,
            changed: changed,
            modified: modified,
            surplus: UInt32(numbers.count { $0 == nil })
        )
    }

    /// - Parameter onlyDeleted: leaves alone what is not marked `\Deleted`.
    func expunge(_ context: Context, _ id: MailboxID, _ uids: UIDSet, onlyDeleted: Bool) throws -> MailOutcome {
        try commit()
        let record = try selectable(context, id)
        var rows = try flagsRows(context, record.contents, uids, limit: MailLimits.messagesPerExpunge)
        if onlyDeleted { rows.removeAll { !$0.1.flags.system.contains(.deleted) } }
        return try remove(context, record, rows)
    }

    /// Takes messages out of a mailbox, and keeps their rows for the retention time.
    private func remove(
        _ context: Context,
        _ mailbox: MailboxRecord,
        _ rows: [(UID, FlagsRow)]
    ) throws -> MailOutcome {
        var record = mailbox
        let contents = record.contents
        guard !rows.isEmpty else { return .expunged(UIDSet(), modSeq: record.highestModSeq) }
        var owner = try account(context)
        let haveKeywords = rows.contains { !$0.1.flags.keywords.isEmpty }
        var table = haveKeywords ? try keywordTable(context, contents) : nil
        let modSeq = record.highestModSeq.next
        var fewer = KeywordTally()
        var removed = UIDSet()
        for (uid, flags) in rows {
            let messageKey = Key(context.group, .messages, context.account, contents, uid)
            guard let old = try store.get(messageKey.bytes) else {
                throw DecodingError(.truncated, offset: 0, subject: "message row of a flags row")
            }
            let message = try MessageRow(row: old)
            delete(context, messageKey, old: old)
            delete(context, Key(context.group, .flags, context.account, contents, uid), old: flags.row)
            let position = ExpungedRow.Position(contents: contents, modSeq: modSeq, uid: uid)
            put(
                context,
                expungedKey(context, position),
                ExpungedRow.row(context.timestamp, flags.flags.system, message)
            )
            batch.put(expungedByTimeKey(context, context.timestamp, position).bytes, newRow(capacity: 1))
            try record.count(flags.flags, message.sizeBytes, adding: false)
            fewer.add(flags.flags.keywords)
            try owner.count(messages: 1, message.sizeBytes, adding: false)
            removed.append(uid)
        }
        record.highestModSeq = modSeq
        record.expungeModSeq = modSeq
        set(context, record)
        try table?.count(adding: KeywordTally(), removing: fewer)
        if let table { try set(context, table, of: contents) }
        set(context, owner)
        return .expunged(removed, modSeq: modSeq)
    }

    // MARK: COPY and MOVE

    func copy(_ context: Context, _ id: MailboxID, _ uids: UIDSet, to name: MailboxName) throws -> MailOutcome {
        try transfer(context, from: id, uids, to: name, removing: false)
    }

    func move(_ context: Context, _ id: MailboxID, _ uids: UIDSet, to name: MailboxName) throws -> MailOutcome {
        try transfer(context, from: id, uids, to: name, removing: true)
    }

    /// Bodies stay where they are: a copy is one more reference.
    private func transfer(
        _ context: Context,
        from id: MailboxID,
        _ uids: UIDSet,
        to name: MailboxName,
        removing: Bool
    ) throws -> MailOutcome {
        let source = try selectable(context, id)
        guard var target = try mailbox(context, named: name), target.selectable else { throw Refusal.noSuchMailbox }
        try commit()
        let limit = removing ? MailLimits.messagesPerMove : MailLimits.messagesPerCopy
        let rows = try flagsRows(context, source.contents, uids, limit: limit)
        var owner = try account(context)
        guard rows.count < Int(UInt32.max - target.uidNext.rawValue) else { throw Refusal.uidsExhausted }
        let messages = try rows.map { uid, flags in
            let key = Key(context.group, .messages, context.account, source.contents, uid)
            guard let row = try store.get(key.bytes) else {
                throw DecodingError(.truncated, offset: 0, subject: "message row of a flags row")
            }
            return (uid, flags.flags, try MessageRow(row: row))
        }
        var addedBytes: UInt64 = 0
        for (_, _, message) in messages { addedBytes = try addedBytes.counted(up: message.sizeBytes, "message row") }
        guard removing || owner.hasRoom(for: addedBytes) else { throw Refusal.overQuota }
        let used = messages.reduce(into: KeywordSet()) { $0.formUnion($1.1.keywords) }
        var table = used.isEmpty ? nil : try keywordTable(context, target.contents)
        let mapping = try keywordMapping(context, used, source, &table)
        let modSeq = target.highestModSeq.next
        var more = KeywordTally()
        var taken = UIDSet()
        var given = UIDSet()
        for (uid, flags, message) in messages {
            var message = message
            message.saved = context.timestamp
            let newUID = target.uidNext
            let newFlags = MessageFlags(system: flags.system, keywords: mapping.map(flags.keywords))
            put(context, Key(context.group, .messages, context.account, target.contents, newUID), message.row)
            let row = FlagsRow(flags: newFlags, modSeq: modSeq).row
            put(context, Key(context.group, .flags, context.account, target.contents, newUID), row)
            try refer(context, to: message.bodyID, by: 1)
            target.uidNext = UID(newUID.rawValue + 1)
            try target.count(newFlags, message.sizeBytes, adding: true)
            more.add(newFlags.keywords)
            taken.append(uid)
            given.append(newUID)
        }
        if !messages.isEmpty {
            target.highestModSeq = modSeq
            set(context, target)
            try table?.count(adding: more, removing: KeywordTally())
            if let table { try set(context, table, of: target.contents) }
            try owner.count(messages: UInt64(messages.count), addedBytes, adding: true)
            set(context, owner)
        }
        // Not `source`: it may be the target.
        if removing { _ = try remove(context, try mailbox(context, id), rows) }
        return .copied(target.id, uidValidity: target.uidValidity, source: taken, destination: given)
    }

    /// For each number that is used, the one of the same name in the target. What the target has no room for is left
    /// out: the messages matter more.
    private func keywordMapping(
        _ context: Context,
        _ used: KeywordSet,
        _ source: MailboxRecord,
        _ target: inout KeywordTable?
    ) throws -> KeywordMapping {
        guard !used.isEmpty else { return KeywordMapping() }
        let numbers = used.numbers
        let table = try keywordTable(context, source.contents)
        let taken = target?.take(try numbers.map { try table.name(of: $0) }) ?? []
        return KeywordMapping(numbers, taken)
    }
}

extension MessageFlags {
    fileprivate func applying(_ operation: FlagOperation, _ system: SystemFlags, _ keywords: KeywordSet) -> MessageFlags
    {
        switch operation {
        case .replace: MessageFlags(system: system, keywords: keywords)
        case .add: MessageFlags(system: self.system.union(system), keywords: self.keywords.union(keywords))
        case .remove:
            MessageFlags(system: self.system.subtracting(system), keywords: self.keywords.subtracting(keywords))
        }
    }
}

extension MailboxRecord {
    /// Follows a change of a message's flags.
    fileprivate mutating func recount(_ old: MessageFlags, _ new: MessageFlags) throws(DecodingError) {
        if !new.system.contains(.seen) { try unseen.count(1, adding: true, "mailbox row") }
        if !old.system.contains(.seen) { try unseen.count(1, adding: false, "mailbox row") }
        if new.system.contains(.deleted) { try deleted.count(1, adding: true, "mailbox row") }
        if old.system.contains(.deleted) { try deleted.count(1, adding: false, "mailbox row") }
    }
}
