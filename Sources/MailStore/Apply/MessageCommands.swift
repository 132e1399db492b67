internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// Messages that come, change, move and go.
struct MessageCommands {
    let scope: CommandScope

    /// Puts a message into INBOX. A delivery that comes again is answered as the first time.
    func deliverMessage(_ message: NewMessage, id: DeliveryID?) throws -> MailOutcome {
        let id = Mutant.isOn(.deliveriesForgotten) ? nil : id
        if let id, let row = try scope.lookUp(scope.deliveryKey(of: id)) {
            try BodyCommands(scope: scope).discardUpload(of: message.bodyID)
            return try DeliveryRow.outcome(row)
        }
        guard let inbox = try scope.mailboxID(.inbox) else { throw Refusal.noSuchAccount }
        let outcome = try addMessage(message, to: inbox)
        if let id {
            let row = DeliveryRow.row(at: scope.timestamp, outcome)
            scope.putLookedUp(scope.deliveryKey(of: id), row: row, replacing: nil)
            scope.putByTime(scope.deliveryByTimeKey(at: scope.timestamp, of: id), in: .deliveriesByTime)
        }
        return outcome
    }

    func appendMessage(_ message: NewMessage, to name: MailboxName) throws -> MailOutcome {
        guard let id = try scope.mailboxID(name) else { throw Refusal.noSuchMailbox }
        return try addMessage(message, to: id)
    }

    private func addMessage(_ message: NewMessage, to id: MailboxID) throws -> MailOutcome {
        var owner = try scope.account()
        var record = try scope.selectable(id)
        guard owner.hasRoomForBytes(message.sizeBytes) else { throw Refusal.overQuota }
        guard record.uidNext.rawValue < .max else { throw Refusal.uidsExhausted }
        let names = message.flags.keywords
        var table = names.isEmpty ? nil : try scope.keywordTable(of: record.contents)
        // Keywords that the mailbox has no room for are left out: the message matters more.
        let keywords = KeywordSet((table?.take(names) ?? []).compactMap { $0 })
        try BodyCommands(scope: scope).storeBody(of: message)

        let uid = record.uidNext
        let modSeq = record.highestModSeq.next
        let row = MessageRow(
            bodyID: message.bodyID,
            sizeBytes: message.sizeBytes,
            internalDate: message.internalDate,
            saved: scope.timestamp,
            summary: message.summary
        )
        scope.put(scope.key(.messages, of: uid, in: record.contents), row: row.row)
        let flags = FlagsRow(flags: MessageFlags(system: message.flags.system, keywords: keywords), modSeq: modSeq)
        scope.put(scope.key(.flags, of: uid, in: record.contents), row: flags.row)
        record.uidNext = UID(uid.rawValue + 1)
        record.highestModSeq = modSeq
        try table?.countMessage(with: keywords, adding: true)
        if let table { try scope.setKeywordTable(table, of: record.contents) }
        try record.countMessage(flags.flags, bytes: message.sizeBytes, adding: true)
        scope.setMailbox(record)
        try owner.countMessages(1, bytes: message.sizeBytes, adding: true)
        scope.setAccount(owner)
        return .appended(id, uidValidity: record.uidValidity, uid: uid)
    }
}
