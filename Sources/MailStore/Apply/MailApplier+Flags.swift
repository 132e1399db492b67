internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

extension MailApplier {
    func storeFlags(
        _ context: Context,
        in id: MailboxID,
        of uids: UIDSet,
        operation: FlagOperation,
        names: FlagNames,
        unchangedSince: ModSeq?
    ) throws -> MailOutcome {
        try commit()
        var record = try selectable(context, id)
        let rows = try flagsRows(context, in: record.contents, uids: uids, limit: MailLimits.messagesPerStore)
        let losesKeywords = operation == .replace && rows.contains { !$0.1.flags.keywords.isEmpty }
        var table: KeywordTable?
        if !rows.isEmpty, losesKeywords || !names.keywords.isEmpty {
            table = try keywordTable(context, record.contents)
        }
        // A keyword that is taken away and that the mailbox does not know must not be added to its table.
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
            let flags = row.flags.applying(operation, system: names.system, keywords: keywords)
            guard flags != row.flags else { continue }
            let key = Key(context.group, .flags, context.account, record.contents, uid)
            put(context, key, row: FlagsRow(flags: flags, modSeq: modSeq).row, replacing: row.row)
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
            setMailbox(context, record)
            if let table { try setKeywords(context, table, of: record.contents) }
        }
        return .flagsStored(
            modSeq: record.highestModSeq,
            changed: changed,
            modified: modified,
            surplus: UInt32(numbers.count { $0 == nil })
        )
    }

    /// - Parameter onlyDeleted: leaves alone what is not marked `\Deleted`.
    func expunge(_ context: Context, from id: MailboxID, uids: UIDSet, onlyDeleted: Bool) throws -> MailOutcome {
        try commit()
        let record = try selectable(context, id)
        var rows = try flagsRows(context, in: record.contents, uids: uids, limit: MailLimits.messagesPerExpunge)
        if onlyDeleted { rows.removeAll { !$0.1.flags.system.contains(.deleted) } }
        return try removeMessages(
            context,
            from: record,
            flags: rows,
            messages: try messageRows(context, in: record.contents, of: rows)
        )
    }

    /// Takes messages out of a mailbox, and keeps their rows for the retention time.
    ///
    /// - Parameter found: their message rows.
    private func removeMessages(
        _ context: Context,
        from mailbox: MailboxRecord,
        flags rows: [(UID, FlagsRow)],
        messages found: [ByteBuffer]
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
        let messages = try found.map { try MessageRow(row: $0) }
        for ((uid, flags), message) in zip(rows, messages) {
            try record.countMessage(flags.flags, bytes: message.sizeBytes, adding: false)
            fewer.add(flags.flags.keywords)
            try owner.countMessages(1, bytes: message.sizeBytes, adding: false)
            removed.append(uid)
        }
        // Table by table, as the store has them: rows beside those written before cost it next to nothing.
        for ((uid, _), old) in zip(rows, found) {
            delete(context, Key(context.group, .messages, context.account, contents, uid), old: old)
        }
        for (uid, flags) in rows {
            delete(context, Key(context.group, .flags, context.account, contents, uid), old: flags.row)
        }
        let positions = rows.map { ExpungedRow.Position(contents: contents, modSeq: modSeq, uid: $0.0) }
        for (index, position) in positions.enumerated() {
            let row = ExpungedRow.row(at: context.timestamp, flags: rows[index].1.flags.system, of: messages[index])
            put(context, expungedKey(context, of: position), row: row)
        }
        for position in positions {
            putByTime(
                context,
                in: .expungedByTime,
                key: expungedByTimeKey(context, at: context.timestamp, of: position)
            )
        }
        record.highestModSeq = modSeq
        record.expungeModSeq = modSeq
        setMailbox(context, record)
        try table?.count(adding: KeywordTally(), removing: fewer)
        if let table { try setKeywords(context, table, of: contents) }
        setAccount(context, owner)
        return .expunged(removed, modSeq: modSeq)
    }

    // MARK: COPY and MOVE

    func copyMessages(_ context: Context, from id: MailboxID, uids: UIDSet, to name: MailboxName) throws -> MailOutcome
    {
        try transferMessages(context, from: id, uids: uids, to: name, removing: false)
    }

    func moveMessages(_ context: Context, from id: MailboxID, uids: UIDSet, to name: MailboxName) throws -> MailOutcome
    {
        try transferMessages(context, from: id, uids: uids, to: name, removing: true)
    }

    /// Bodies stay where they are: a copy is one more reference.
    private func transferMessages(
        _ context: Context,
        from id: MailboxID,
        uids: UIDSet,
        to name: MailboxName,
        removing: Bool
    ) throws -> MailOutcome {
        let source = try selectable(context, id)
        guard var target = try mailbox(context, named: name), target.selectable else { throw Refusal.noSuchMailbox }
        try commit()
        let limit = removing ? MailLimits.messagesPerMove : MailLimits.messagesPerCopy
        let rows = try flagsRows(context, in: source.contents, uids: uids, limit: limit)
        var owner = try account(context)
        guard rows.count < Int(UInt32.max - target.uidNext.rawValue) else { throw Refusal.uidsExhausted }
        let found = try messageRows(context, in: source.contents, of: rows)
        let messages = try zip(rows, found).map { row, found in (row.0, row.1.flags, try MessageRow(row: found)) }
        var addedBytes: UInt64 = 0
        for (_, _, message) in messages { addedBytes = try addedBytes.counted(up: message.sizeBytes, "message row") }
        guard removing || owner.hasRoom(for: addedBytes) else { throw Refusal.overQuota }
        let used = messages.reduce(into: KeywordSet()) { $0.formUnion($1.1.keywords) }
        var table = used.isEmpty ? nil : try keywordTable(context, target.contents)
        let mapping = try keywordMapping(context, of: used, from: source, to: &table)
        let modSeq = target.highestModSeq.next
        var more = KeywordTally()
        var taken = UIDSet()
        var given = UIDSet()
        var references = BodyReferences()
        let first = target.uidNext.rawValue
        var newFlags: [MessageFlags] = []
        for (uid, flags, message) in messages {
            let mapped = MessageFlags(system: flags.system, keywords: mapping.map(flags.keywords))
            _ = try refer(context, to: message.bodyID, by: 1, in: &references)
            try target.countMessage(mapped, bytes: message.sizeBytes, adding: true)
            more.add(mapped.keywords)
            newFlags.append(mapped)
            taken.append(uid)
            given.append(target.uidNext)
            target.uidNext = UID(target.uidNext.rawValue + 1)
        }
        // Table by table; see above.
        for (offset, (_, _, message)) in messages.enumerated() {
            var copy = message
            copy.saved = context.timestamp
            let uid = UID(first + UInt32(offset))
            put(context, Key(context.group, .messages, context.account, target.contents, uid), row: copy.row)
        }
        for (offset, flags) in newFlags.enumerated() {
            let key = Key(context.group, .flags, context.account, target.contents, UID(first + UInt32(offset)))
            put(context, key, row: FlagsRow(flags: flags, modSeq: modSeq).row)
        }
        putBodies(references, context)
        if !messages.isEmpty {
            target.highestModSeq = modSeq
            setMailbox(context, target)
            try table?.count(adding: more, removing: KeywordTally())
            if let table { try setKeywords(context, table, of: target.contents) }
            try owner.countMessages(UInt64(messages.count), bytes: addedBytes, adding: true)
            setAccount(context, owner)
        }
        // Not `source`: it may be the target.
        if removing { _ = try removeMessages(context, from: try mailbox(context, id), flags: rows, messages: found) }
        return .copied(target.id, uidValidity: target.uidValidity, source: taken, destination: given)
    }

    /// For each number that is used, the one of the same name in the target. What the target has no room for is left
    /// out: the messages matter more.
    private func keywordMapping(
        _ context: Context,
        of used: KeywordSet,
        from source: MailboxRecord,
        to target: inout KeywordTable?
    ) throws -> KeywordMapping {
        guard !used.isEmpty else { return KeywordMapping() }
        let numbers = used.numbers
        let table = try keywordTable(context, source.contents)
        let taken = target?.take(try numbers.map { try table.name(of: $0) }) ?? []
        return KeywordMapping(numbers, taken)
    }
}

extension MessageFlags {
    fileprivate func applying(_ operation: FlagOperation, system: SystemFlags, keywords: KeywordSet) -> MessageFlags {
        switch operation {
        case .replace: MessageFlags(system: system, keywords: keywords)
        case .add: MessageFlags(system: self.system.union(system), keywords: self.keywords.union(keywords))
        case .remove:
            MessageFlags(system: self.system.subtracting(system), keywords: self.keywords.subtracting(keywords))
        }
    }
}

extension MailboxRecord {
    /// Counts a change of a message's flags.
    fileprivate mutating func recount(_ old: MessageFlags, _ new: MessageFlags) throws(DecodingError) {
        if !new.system.contains(.seen) { try unseen.count(1, adding: true, "mailbox row") }
        if !old.system.contains(.seen) { try unseen.count(1, adding: false, "mailbox row") }
        if new.system.contains(.deleted) { try deleted.count(1, adding: true, "mailbox row") }
        if old.system.contains(.deleted) { try deleted.count(1, adding: false, "mailbox row") }
    }
}
