internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// STORE.
extension MessageCommands {
    func storeFlags(
        in id: MailboxID,
        of uids: UIDSet,
        operation: FlagOperation,
        names: FlagNames,
        unchangedSince: ModSeq?
    ) throws -> MailOutcome {
        try scope.commit()
        var record = try scope.selectable(id)
        let rows = try StoredMessages(scope: scope, contents: record.contents)
            .flagsRows(of: uids, limit: MailLimits.messagesPerStore)
        let losesKeywords = operation == .replace && rows.contains { !$0.1.flags.keywords.isEmpty }
        var table: KeywordTable?
        if !rows.isEmpty, losesKeywords || !names.keywords.isEmpty {
            table = try scope.keywordTable(of: record.contents)
        }
        // A keyword that is taken away and that the mailbox does not know must not be added to its table.
        let numbers = operation == .remove ? [] : table?.take(names.keywords) ?? []
        let keywords =
            operation == .remove
            ? table?.find(names.keywords) ?? KeywordSet() : KeywordSet(numbers.compactMap { $0 })
        let modSeq = record.highestModSeq.next
        var (more, fewer) = (KeywordTally(), KeywordTally())
        var changed = UIDSet()
        var oldModSeqs: [ModSeq] = []
        var modified = UIDSet()
        for (uid, row) in rows {
            if let unchangedSince, row.modSeq > unchangedSince {
                modified.append(uid)
                continue
            }
            let flags = row.flags.applying(operation, system: names.system, keywords: keywords)
            guard flags != row.flags else { continue }
            let key = scope.key(.flags, of: uid, in: record.contents)
            scope.put(key, row: FlagsRow(flags: flags, modSeq: modSeq).row, replacing: row.row)
            try record.recount(row.flags, flags)
            if row.flags.keywords != flags.keywords {
                more.add(flags.keywords)
                fewer.add(row.flags.keywords)
            }
            changed.append(uid)
            oldModSeqs.append(row.modSeq)
        }
        // Of a message whose flags change for the first time there is none: to look whether there is would cost more.
        for (uid, old) in zip(changed.uids, oldModSeqs) {
            scope.deleteUndigested(scope.changeKey(of: uid, at: old, in: record.contents).bytes)
        }
        for uid in changed.uids { scope.putChange(of: uid, at: modSeq, in: record.contents) }
        try table?.countMessages(adding: more, removing: fewer)
        if !changed.isEmpty {
            record.highestModSeq = modSeq
            record.flagsModSeq = modSeq
            record.noteSeen(upTo: changed)
            scope.setMailbox(record)
            if let table { try scope.setKeywordTable(table, of: record.contents) }
        }
        return .flagsStored(
            modSeq: record.highestModSeq,
            changed: changed,
            modified: modified,
            surplus: UInt32(numbers.count { $0 == nil })
        )
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
