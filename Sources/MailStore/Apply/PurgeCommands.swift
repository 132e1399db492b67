internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// Housekeeping: what has been kept long enough goes, a bounded number of rows at a time.
struct PurgeCommands {
    let scope: CommandScope

    /// Ends the retention of messages expunged before a time: their bodies go with their last row.
    func purgeExpunged(before: Timestamp, limit asked: UInt32) throws -> MailOutcome {
        try scope.commit()
        var room = PieceRoom(asked)
        var references = BodyReferences()
        var gone: [(key: Key, row: ByteBuffer)] = []
        var keys: [[UInt8]] = []
        let most = min(Int(asked), MailLimits.purgedPerCommand)
        for key in try keysByTime(in: .expungedByTime, before: before, limit: most) {
            guard room.isLeft else { break }
            // time (8), account (8), then as in `expunged`.
            let span = key.span
            let account = AccountID(try Key.integer(span, at: 13, as: UInt64.self))
            let position = ExpungedRow.Position(
                contents: ContentsID(try Key.integer(span, at: 21, as: UInt32.self)),
                modSeq: ModSeq(try Key.integer(span, at: 25, as: UInt64.self)),
                uid: UID(try Key.integer(span, at: 33, as: UInt32.self))
            )
            let inner = scope.ofAccount(account)
            let rowKey = inner.expungedKey(of: position)
            if let row = try scope.store.get(rowKey.bytes) {
                let bodyID = try ExpungedRow.message(row).bodyID
                let rows = try references.count(-1, of: bodyID, in: inner)
                room.take(rows: 2 + rows, bytes: row.readableBytes)
                gone.append((rowKey, row))
            } else {
                room.take(rows: 2, bytes: 0)
            }
            keys.append(key)
        }
        for key in keys { scope.deleteUndigested(key) }
        for (key, row) in gone { scope.delete(key, old: row) }
        references.write(to: scope)
        if let last = keys.last { scope.noteIndexRemoved(of: .expungedByTime, through: last) }
        scope.requireCommit()
        return .purged(UInt32(room.removed))
    }

    /// Forgets deliveries, the oldest first. Deliveries of deleted accounts go along, and are not counted: rows that
    /// one command leaves in place, every later one would pass over again.
    func purgeDeliveries(before: Timestamp, limit asked: UInt32) throws -> MailOutcome {
        try scope.commit()
        var room = PieceRoom(asked)
        var isThere: [AccountID: Bool] = [:]
        var keys: [[UInt8]] = []
        var gone: [(key: Key, row: ByteBuffer)] = []
        for key in try keysByTime(in: .deliveriesByTime, before: before, limit: MailLimits.rowsPerPurge) {
            guard room.isLeft else { break }
            let span = key.span
            let account = AccountID(try Key.integer(span, at: 13, as: UInt64.self))
            if isThere[account] == nil {
                isThere[account] = try scope.store.withValue(scope.ofAccount(account).key(.accounts).bytes) { _ in }
            }
            let id = DeliveryID(
                high: try Key.integer(span, at: 21, as: UInt64.self),
                low: try Key.integer(span, at: 29, as: UInt64.self)
            )
            let rowKey = scope.ofAccount(account).deliveryKey(of: id)
            if let row = try scope.store.get(rowKey.bytes) { gone.append((rowKey, row)) }
            if isThere[account] == true {
                room.take(rows: 2, bytes: 0)
            } else {
                room.passOver(rows: 3)
            }
            keys.append(key)
        }
        for key in keys { scope.deleteUndigested(key) }
        for (key, row) in gone { scope.delete(key, old: row) }
        if let last = keys.last { scope.noteIndexRemoved(of: .deliveriesByTime, through: last) }
        scope.requireCommit()
        return .purged(UInt32(room.removed))
    }

    /// Removes uploads that were never finished. A body's name tells when it was begun.
    ///
    /// - Parameter from: the first account to look at: there are uploads that are going on, and a bounded number of
    ///   rows is looked at.
    func purgeUploads(before: Timestamp, from: AccountID, limit asked: UInt32) throws -> MailOutcome {
        try scope.commit()
        var room = PieceRoom(asked)
        var stale: [(account: AccountID, body: BodyID, row: ByteBuffer)] = []
        try scope.store.scan(
            from: scope.ofAccount(from).key(.uploads).bytes,
            to: scope.groupKey(.uploads).end
        ) { key, value in
            guard room.isLeft else { return false }
            let account = AccountID(try Key.integer(key, at: 5, as: UInt64.self))
            let high = try Key.integer(key, at: 13, as: UInt64.self)
            guard Int64(high >> 16) < before.rawValue else {
                room.passOver(rows: 1)
                return true
            }
            let body = BodyID(high: high, low: try Key.integer(key, at: 21, as: UInt64.self))
            let row = ByteBuffer(copying: value)
            room.take(rows: 1 + Int(try BodyRow(row: row).chunks), bytes: 0)
            stale.append((account, body, row))
            return true
        }
        for (account, body, row) in stale {
            let inner = scope.ofAccount(account)
            BodyCommands(scope: inner).removeChunks(of: body, count: try BodyRow(row: row).chunks)
            inner.delete(inner.key(.uploads, of: body), old: row)
        }
        scope.requireCommit()
        return .purged(UInt32(stale.count))
    }

    /// Ends the answers given before a time, oldest sessions first by ID: a bounded number.
    func purgeRequests(before: Timestamp, limit asked: UInt32) -> MailOutcome {
        .purged(UInt32(scope.purgeAnswers(before: before, limit: min(Int(asked), MailLimits.purgedPerCommand))))
    }

    /// The first keys of an index by time.
    private func keysByTime(in table: Table, before: Timestamp, limit: Int) throws -> [[UInt8]] {
        var keys: [[UInt8]] = []
        let from = scope.indexStart(of: table)
        var to = scope.groupKey(table)
        to.append(before)
        try scope.store.scan(from: from, to: to.bytes) { key, _ in
            guard keys.count < limit else { return false }
            keys.append(key.copied())
            return true
        }
        return keys
    }
}
