internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

extension MailApplier {
    /// The flags rows of the messages of a set that exist, in UID order; of the whole mailbox for nil.
    /// Reads the store: commit first.
    func flagsRows(_ context: Context, _ id: MailboxID, _ uids: UIDSet?) throws -> [(UID, FlagsRow)] {
        var rows: [(UID, FlagsRow)] = []
        for range in uids?.ranges ?? [1...UInt32.max] {
            let from = Key(context.group, .flags, context.account, id, UID(range.lowerBound))
            let last = Key(context.group, .flags, context.account, id, UID(range.upperBound))
            try store.scan(from: from.bytes, to: last.end) { key, value in
                let uid = UID(try Key.integer(key, at: Key.afterMailbox, as: UInt32.self))
                rows.append((uid, try FlagsRow(span: value)))
                guard uids == nil || rows.count <= MailLimits.messagesPerCommand else {
                    throw Refusal.tooManyMessages
                }
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
        let rows = try flagsRows(context, id, uids)
        // Taking a keyword away that the mailbox does not know changes nothing, and must not add it.
        let known =
            operation == .remove
            ? names.keywords.filter { name in record.keywords.contains { $0.lowercased() == name.lowercased() } }
            : names.keywords
        let keywords = rows.isEmpty ? 0 : try keywordBits(known, &record)
        let modSeq = record.highestModSeq.next
        var changed = UIDSet()
        var modified = UIDSet()
        for (uid, row) in rows {
            if let unchangedSince, row.modSeq > unchangedSince {
                modified.append(uid)
                continue
            }
            let flags = row.flags.applying(operation, names.system, keywords)
            guard flags != row.flags else { continue }
            let key = Key(context.group, .flags, context.account, id, uid)
            put(context, key, FlagsRow(flags: flags, modSeq: modSeq).row, replacing: row.row)
            record.recount(row.flags, flags)
            changed.append(uid)
        }
        if !changed.isEmpty {
            record.highestModSeq = modSeq
            record.flagsModSeq = modSeq
            set(context, record)
        }
        return .flagsStored(modSeq: record.highestModSeq, changed: changed, modified: modified)
    }

    func expunge(_ context: Context, _ id: MailboxID, _ uids: UIDSet?) throws -> MailOutcome {
        try commit()
        _ = try selectable(context, id)
        let rows = try flagsRows(context, id, uids).filter { $0.1.flags.system.contains(.deleted) }
        return try remove(context, id, rows)
    }

    /// Expunges a whole mailbox, whatever its flags.
    func expungeAll(_ context: Context, _ id: MailboxID) throws -> MailOutcome {
        try remove(context, id, try flagsRows(context, id, nil))
    }

    /// Takes messages out of a mailbox, and keeps their rows for the retention time.
    private func remove(_ context: Context, _ id: MailboxID, _ rows: [(UID, FlagsRow)]) throws -> MailOutcome {
        var record = try mailbox(context, id)
        guard !rows.isEmpty else { return .expunged(UIDSet(), modSeq: record.highestModSeq) }
        var owner = try account(context)
        let modSeq = record.highestModSeq.next
        var removed = UIDSet()
        for (uid, flags) in rows {
            let messageKey = Key(context.group, .messages, context.account, id, uid)
            guard let old = try store.get(messageKey.bytes) else {
                throw DecodingError(.truncated, offset: 0, subject: "message row of a flags row")
            }
            let message = try MessageRow(row: old)
            delete(context, messageKey, old: old)
            delete(context, Key(context.group, .flags, context.account, id, uid), old: flags.row)
            let position = ExpungedRow.Position(mailbox: id, modSeq: modSeq, uid: uid)
            put(context, expungedKey(context, position), ExpungedRow.row(context.timestamp, flags.flags, message))
            batch.put(expungedByTimeKey(context, context.timestamp, position).bytes, newRow(capacity: 1))
            record.count(flags.flags, message.sizeBytes, adding: false)
            owner.usedBytes -= message.sizeBytes
            owner.usedMessages -= 1
            removed.append(uid)
        }
        record.highestModSeq = modSeq
        record.expungeModSeq = modSeq
        set(context, record)
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

    private func transfer(
        _ context: Context,
        from id: MailboxID,
        _ uids: UIDSet,
        to name: MailboxName,
        removing: Bool
    ) throws -> MailOutcome {
        _ = try selectable(context, id)
        guard let target = try mailbox(context, named: name), target.selectable else { throw Refusal.noSuchMailbox }
        try commit()
        return try transfer(context, id, uids, to: target.id, removing: removing)
    }

    /// Bodies stay where they are: a copy is one more reference.
    func transfer(
        _ context: Context,
        _ id: MailboxID,
        _ uids: UIDSet?,
        to targetID: MailboxID,
        removing: Bool
    ) throws -> MailOutcome {
        let rows = try flagsRows(context, id, uids)
        let source = try mailbox(context, id)
        var target = try mailbox(context, targetID)
        var owner = try account(context)
        guard rows.count < Int(UInt32.max - target.uidNext.rawValue) else { throw Refusal.uidsExhausted }
        let messages = try rows.map { uid, flags in
            let key = Key(context.group, .messages, context.account, id, uid)
            guard let row = try store.get(key.bytes) else {
                throw DecodingError(.truncated, offset: 0, subject: "message row of a flags row")
            }
            return (uid, flags.flags, try MessageRow(row: row))
        }
        let addedBytes = messages.reduce(0) { $0 + $1.2.sizeBytes }
        guard removing || owner.quotaBytes == 0 || owner.usedBytes + addedBytes <= owner.quotaBytes else {
            throw Refusal.overQuota
        }
        let used = messages.reduce(0) { $0 | $1.1.keywords }
        let bits = try keywordMapping(used, source, &target)
        let modSeq = target.highestModSeq.next
        var taken = UIDSet()
        var given = UIDSet()
        for (uid, flags, message) in messages {
            var message = message
            message.saved = context.timestamp
            let newUID = target.uidNext
            let newFlags = MessageFlags(system: flags.system, keywords: map(flags.keywords, bits))
            put(context, Key(context.group, .messages, context.account, targetID, newUID), message.row)
            let row = FlagsRow(flags: newFlags, modSeq: modSeq).row
            put(context, Key(context.group, .flags, context.account, targetID, newUID), row)
            try refer(context, to: message.bodyID, by: 1)
            target.uidNext = UID(newUID.rawValue + 1)
            target.count(newFlags, message.sizeBytes, adding: true)
            taken.append(uid)
            given.append(newUID)
        }
        if !messages.isEmpty {
            target.highestModSeq = modSeq
            set(context, target)
            owner.usedBytes += addedBytes
            owner.usedMessages += UInt64(messages.count)
            set(context, owner)
        }
        if removing { _ = try remove(context, id, rows) }
        return .copied(targetID, uidValidity: target.uidValidity, source: taken, destination: given)
    }

    /// For each keyword bit that is used, its bit in the target.
    private func keywordMapping(
        _ used: UInt64,
        _ source: MailboxRecord,
        _ target: inout MailboxRecord
    ) throws(Refusal) -> [(from: UInt64, to: UInt64)] {
        var mapping: [(from: UInt64, to: UInt64)] = []
        for (index, name) in source.keywords.enumerated() where used & (1 << UInt64(index)) != 0 {
            mapping.append((1 << UInt64(index), try keywordBits([name], &target)))
        }
        return mapping
    }

    private func map(_ keywords: UInt64, _ mapping: [(from: UInt64, to: UInt64)]) -> UInt64 {
        mapping.reduce(0) { keywords & $1.from != 0 ? $0 | $1.to : $0 }
    }
}

extension MessageFlags {
    fileprivate func applying(_ operation: FlagOperation, _ system: SystemFlags, _ keywords: UInt64) -> MessageFlags {
        switch operation {
        case .replace: MessageFlags(system: system, keywords: keywords)
        case .add: MessageFlags(system: self.system.union(system), keywords: self.keywords | keywords)
        case .remove: MessageFlags(system: self.system.subtracting(system), keywords: self.keywords & ~keywords)
        }
    }
}

extension MailboxRecord {
    /// Follows a change of a message's flags.
    fileprivate mutating func recount(_ old: MessageFlags, _ new: MessageFlags) {
        if !old.system.contains(.seen) { unseen -= 1 }
        if !new.system.contains(.seen) { unseen += 1 }
        if old.system.contains(.deleted) { deleted -= 1 }
        if new.system.contains(.deleted) { deleted += 1 }
    }
}
