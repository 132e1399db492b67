internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// RENAME, but for that of INBOX.
extension MailboxCommands {
    /// A mailbox that gets another name.
    private struct Move {
        let record: MailboxRecord
        let name: MailboxName
        /// The subscription that waits under the new name.
        let subscription: MailboxRecord?
    }

    /// Renames a mailbox with all below it, or a level that only others' names tell of. Subscriptions belong to names
    /// (RFC 3501, section 6.3.6): none goes with a mailbox, none of a name that is used now is lost.
    func renameMailbox(from: MailboxName, to: MailboxName) throws -> MailOutcome {
        guard !to.isInbox, !to.isDescendant(of: from) || from.isInbox else { throw Refusal.badMailboxName }
        if from.isInbox { return try renameInbox(to: to) }
        try scope.commit()
        let below = try children(of: from)
        let moved = ([try scope.mailbox(named: from)].compactMap { $0 } + below).filter(\.selectable)
        guard !moved.isEmpty else { throw Refusal.noSuchMailbox }
        guard try from != to && scope.mailbox(named: to)?.selectable != true else { throw Refusal.mailboxExists }
        let ids = Set(moved.map(\.id))
        var moves: [Move] = []
        for record in moved {
            // The names are found through another table, which the disk may have spoiled.
            guard record.name == from || record.name.isDescendant(of: from) else {
                throw DecodingError(.outOfRange, offset: 0, subject: "mailbox name row")
            }
            guard let name = record.name.replacingPrefix(from, with: to) else { throw Refusal.badMailboxName }
            let other = try scope.mailbox(named: name)
            if let other, other.selectable, !ids.contains(other.id) { throw Refusal.mailboxExists }
            moves.append(Move(record: record, name: name, subscription: other?.selectable == false ? other : nil))
        }
        let missing = try missingAncestors(of: to)
        guard try scope.account().hasRoomForMailboxes(missing.count) else { throw Refusal.tooManyMailboxes }
        for ancestor in missing { _ = try addMailbox(named: ancestor, use: nil, subscribed: false) }
        try carryOutMoves(moves)
        scope.requireCommit()
        return .done
    }

    /// Mailboxes and subscriptions below a name. Reads the store: commit first.
    ///
    /// - Throws: `Refusal.tooManyDescendants` for more than one command may touch, by their number or their length.
    private func children(of name: MailboxName) throws -> [MailboxRecord] {
        var inner = scope.key(.mailboxNames)
        inner.append(text: name.text + "/")
        var ids: [MailboxID] = []
        var bytes = 0
        try scope.store.scan(from: inner.bytes, to: inner.end) { key, value in
            bytes += key.count
            guard ids.count < MailLimits.mailboxesPerRename, bytes <= MailLimits.nameBytesPerRename else {
                throw Refusal.tooManyDescendants
            }
            ids.append(MailboxID(try Key.integer(value, at: 1, as: UInt32.self)))
            return true
        }
        return try ids.map { try scope.mailbox($0) }
    }

    /// Each name's row is written once, though the new name of one mailbox may be the old name of another.
    private func carryOutMoves(_ moves: [Move]) throws {
        var owner = try scope.account()
        var owners: [MailboxName: MailboxID] = [:]
        var renamed: [MailboxName: MailboxRecord] = [:]
        for move in moves {
            var record = move.record
            record.name = move.name
            record.subscribed = move.subscription != nil
            renamed[move.name] = record
            owners[move.record.name] = move.record.id
            if let subscription = move.subscription {
                owners[move.name] = subscription.id
                try owner.countMailbox(subscription, adding: false)
            }
            try owner.countMailbox(move.record, adding: false)
        }
        // A mailbox whose old name is another's new name leaves its subscription to that one.
        for move in moves where move.record.subscribed { renamed[move.record.name]?.subscribed = true }
        var left: [MailboxRecord] = []
        for move in moves where move.record.subscribed && renamed[move.record.name] == nil {
            var subscription = try owner.makeMailbox(named: move.record.name, use: nil, at: scope.timestamp)
            subscription.subscribed = true
            subscription.selectable = false
            try owner.countMailbox(subscription, adding: true)
            left.append(subscription)
        }
        for move in moves { if let subscription = move.subscription { scope.removeMailboxRow(subscription) } }
        for move in moves where renamed[move.record.name] == nil && !move.record.subscribed {
            scope.deleteName(move.record.name, of: move.record.id)
        }
        let records = moves.compactMap { renamed[$0.name] }
        for record in records { try owner.countMailbox(record, adding: true) }
        // Table by table, as the store has them, in the order of names: rows beside each other cost it next to nothing.
        for record in left + records {
            scope.putName(record.name, of: record.id, replacing: owners[record.name])
        }
        for record in records + left { scope.setMailbox(record) }
        scope.setAccount(owner)
    }
}
