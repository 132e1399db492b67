internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// EXPUNGE, and messages that leave a mailbox in another way.
extension MessageCommands {
    /// - Parameter onlyDeleted: leaves alone what is not marked `\Deleted`.
    func expunge(_ uids: UIDSet, from id: MailboxID, onlyDeleted: Bool) throws -> MailOutcome {
        try scope.commit()
        let record = try scope.selectable(id)
        let stored = StoredMessages(scope: scope, contents: record.contents)
        var rows = try stored.flagsRows(of: uids, limit: MailLimits.messagesPerExpunge)
        if onlyDeleted { rows.removeAll { !$0.1.flags.system.contains(.deleted) } }
        return try removeMessages(from: record, flags: rows, messages: try stored.messageRows(of: rows))
    }

    /// Takes messages out of a mailbox, and keeps their rows for the retention time.
    ///
    /// - Parameter found: their message rows.
    func removeMessages(
        from mailbox: MailboxRecord,
        flags rows: [(UID, FlagsRow)],
        messages found: [ByteBuffer]
    ) throws -> MailOutcome {
        var record = mailbox
        let contents = record.contents
        guard !rows.isEmpty else { return .expunged(UIDSet(), modSeq: record.highestModSeq) }
        var owner = try scope.account()
        let haveKeywords = rows.contains { !$0.1.flags.keywords.isEmpty }
        var table = haveKeywords ? try scope.keywordTable(of: contents) : nil
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
            scope.delete(scope.key(.messages, of: uid, in: contents), old: old)
        }
        for (uid, flags) in rows {
            scope.delete(scope.key(.flags, of: uid, in: contents), old: flags.row)
        }
        for (uid, flags) in rows {
            scope.deleteUndigested(scope.changeKey(of: uid, at: flags.modSeq, in: contents).bytes)
        }
        let positions = rows.map { ExpungedRow.Position(contents: contents, modSeq: modSeq, uid: $0.0) }
        for (index, position) in positions.enumerated() {
            let row = ExpungedRow.row(at: scope.timestamp, flags: rows[index].1.flags.system, of: messages[index])
            scope.put(scope.expungedKey(of: position), row: row)
        }
        for position in positions {
            let key = scope.expungedByTimeKey(at: scope.timestamp, of: position)
            scope.putByTime(key, in: .expungedByTime)
        }
        record.highestModSeq = modSeq
        record.expungeModSeq = modSeq
        scope.setMailbox(record)
        try table?.countMessages(adding: KeywordTally(), removing: fewer)
        if let table { try scope.setKeywordTable(table, of: contents) }
        scope.setAccount(owner)
        return .expunged(removed, modSeq: modSeq)
    }
}
