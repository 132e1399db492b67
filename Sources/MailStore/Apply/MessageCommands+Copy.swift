internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// COPY and MOVE.
extension MessageCommands {
    /// Copies or moves messages. Bodies stay where they are: a copy is one more reference.
    func transferMessages(
        _ uids: UIDSet,
        from id: MailboxID,
        to name: MailboxName,
        removing: Bool
    ) throws -> MailOutcome {
        let source = try scope.selectable(id)
        guard var target = try scope.mailbox(named: name), target.selectable else { throw Refusal.noSuchMailbox }
        try scope.commit()
        let limit = removing ? MailLimits.messagesPerMove : MailLimits.messagesPerCopy
        let stored = StoredMessages(scope: scope, contents: source.contents)
        let rows = try stored.flagsRows(of: uids, limit: limit)
        var owner = try scope.account()
        guard rows.count < Int(UInt32.max - target.uidNext.rawValue) else { throw Refusal.uidsExhausted }
        let found = try stored.messageRows(of: rows)
        let messages = try zip(rows, found).map { row, found in (row.0, row.1.flags, try MessageRow(row: found)) }
        var addedBytes: UInt64 = 0
        for (_, _, message) in messages { addedBytes = try addedBytes.counted(up: message.sizeBytes, "message row") }
        guard removing || owner.hasRoomForBytes(addedBytes) else { throw Refusal.overQuota }
        let used = messages.reduce(into: KeywordSet()) { $0.formUnion($1.1.keywords) }
        var table = used.isEmpty ? nil : try scope.keywordTable(of: target.contents)
        let mapping = try keywordMapping(of: used, from: source, to: &table)
        let modSeq = target.highestModSeq.next
        var more = KeywordTally()
        var taken = UIDSet()
        var given = UIDSet()
        var references = BodyReferences()
        let first = target.uidNext.rawValue
        var newFlags: [MessageFlags] = []
        for (uid, flags, message) in messages {
            let mapped = MessageFlags(system: flags.system, keywords: mapping.map(flags.keywords))
            _ = try references.count(1, of: message.bodyID, in: scope)
            try target.countMessage(mapped, bytes: message.sizeBytes, adding: true)
            more.add(mapped.keywords)
            newFlags.append(mapped)
            taken.append(uid)
            given.append(target.uidNext)
            target.uidNext = UID(target.uidNext.rawValue + 1)
        }
        // Table by table; see `removeMessages`.
        for (offset, (_, _, message)) in messages.enumerated() {
            var copy = message
            copy.saved = scope.timestamp
            let uid = UID(first + UInt32(offset))
            scope.put(scope.key(.messages, of: uid, in: target.contents), row: copy.row)
        }
        for (offset, flags) in newFlags.enumerated() {
            let key = scope.key(.flags, of: UID(first + UInt32(offset)), in: target.contents)
            scope.put(key, row: FlagsRow(flags: flags, modSeq: modSeq).row)
        }
        references.write(to: scope)
        if !messages.isEmpty {
            target.highestModSeq = modSeq
            scope.setMailbox(target)
            try table?.countMessages(adding: more, removing: KeywordTally())
            if let table { try scope.setKeywordTable(table, of: target.contents) }
            try owner.countMessages(UInt64(messages.count), bytes: addedBytes, adding: true)
            scope.setAccount(owner)
        }
        // Not `source`: it may be the target.
        if removing { _ = try removeMessages(from: try scope.mailbox(id), flags: rows, messages: found) }
        return .copied(target.id, uidValidity: target.uidValidity, source: taken, destination: given)
    }

    /// For each number that is used, the one of the same name in the target. What the target has no room for is left
    /// out: the messages matter more.
    private func keywordMapping(
        of used: KeywordSet,
        from source: MailboxRecord,
        to target: inout KeywordTable?
    ) throws -> KeywordMapping {
        guard !used.isEmpty else { return KeywordMapping() }
        let numbers = used.numbers
        let table = try scope.keywordTable(of: source.contents)
        let taken = target?.take(try numbers.map { try table.name(of: $0) }) ?? []
        return KeywordMapping(numbers, taken)
    }
}
