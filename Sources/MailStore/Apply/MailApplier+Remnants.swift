internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// What a deleted mailbox or account has left behind: rows that nobody can reach, and that are removed a bounded number
/// at a time.
struct RemnantRow {
    /// When it was deleted.
    let time: Timestamp
    /// Everything of it that lies before this in the order of keys is gone: a table, and what follows the account in
    /// its keys. What was removed need not be passed over again.
    var position: [UInt8]

    var row: ByteBuffer {
        var row = newRow(capacity: 48)
        row.writeInteger(time.rawValue)
        row.writeLengthPrefixed(ByteBuffer(bytes: position))
        return row
    }

    init(time: Timestamp, position: [UInt8]) {
        self.time = time
        self.position = position
    }

    init(row: ByteBuffer) throws(DecodingError) {
        var decoder = try WireDecoder(row: row, subject: "remnant row")
        time = try decoder.timestamp()
        position = Array(try decoder.bytes(maximum: Self.maxPositionBytes).readableBytesView)
        try decoder.finish()
    }

    /// No key is longer: mailbox names are the longest part of one.
    private static let maxPositionBytes = 4_096
}

extension MailApplier {
    /// Notes that contents, or an account, are out of reach from now on.
    func leaveRemnant(_ context: Context, _ contents: ContentsID) {
        let key = Key(context.group, .remnants, context.account, contents)
        putLookedUp(context, key, RemnantRow(time: context.timestamp, position: []).row, replacing: nil)
    }

    /// Removes the next rows of what was left behind; with the last of them the note of it goes.
    func purgeRemnant(_ context: Context, _ contents: ContentsID, _ asked: UInt32) throws -> MailOutcome {
        let key = Key(context.group, .remnants, context.account, contents)
        guard let row = try lookUp(key) else { return .purged(0) }
        try commit()
        var remnant = try RemnantRow(row: row)
        let limit = Int(bounded(asked))
        let removed: Int
        if contents == .wholeAccount {
            removed = try removeAccountRows(context, &remnant, limit)
        } else {
            try removeKeywords(context, contents)
            removed = try removeMessages(context, contents, &remnant, limit)
        }
        if removed < limit {
            deleteLookedUp(context, key, old: row)
        } else {
            putLookedUp(context, key, remnant.row, replacing: row)
        }
        mustCommitFirst = true
        return .purged(UInt32(removed))
    }

    /// The messages of a deleted mailbox, with their references to bodies. What was expunged from it ends by itself.
    private func removeMessages(
        _ context: Context,
        _ contents: ContentsID,
        _ remnant: inout RemnantRow,
        _ limit: Int
    ) throws -> Int {
        let prefix = Key(context.group, .messages, context.account, contents)
        var messages: [(UID, ByteBuffer)] = []
        try store.scan(from: prefix.bytes + remnant.position, to: prefix.end) { key, value in
            guard messages.count < limit else { return false }
            let uid = UID(try Key.integer(key, at: Key.afterMailbox, as: UInt32.self))
            messages.append((uid, ByteBuffer(copying: value)))
            return true
        }
        for (uid, row) in messages {
            delete(context, Key(context.group, .messages, context.account, contents, uid), old: row)
            let flagsKey = Key(context.group, .flags, context.account, contents, uid)
            if let flags = try store.get(flagsKey.bytes) { delete(context, flagsKey, old: flags) }
            try refer(context, to: try MessageRow(row: row).bodyID, by: -1)
        }
        if let (last, _) = messages.last {
            let next = Key(context.group, .messages, context.account, contents, last).bytes
            remnant.position = Array(next.dropFirst(prefix.bytes.count)) + [0]
        }
        return messages.count
    }

    /// Whatever an account had, table by table. Bodies go with everything that refers to them, so that nothing is
    /// counted; their bytes go with the rows that name them, as scrubs expect.
    private func removeAccountRows(_ context: Context, _ remnant: inout RemnantRow, _ limit: Int) throws -> Int {
        var removed = 0
        let first = remnant.position.first ?? 0
        for table in Table.allCases where table.isPerAccount && table.isDigested && table.rawValue >= first {
            let prefix = Key(context.group, table, context.account)
            let start = table.rawValue == first ? prefix.bytes + remnant.position.dropFirst() : prefix.bytes
            var rows: [(key: [UInt8], value: ByteBuffer)] = []
            try store.scan(from: start, to: prefix.end) { key, value in
                guard removed + rows.count < limit else { return false }
                rows.append((key.copied(), ByteBuffer(copying: value)))
                return true
            }
            for (key, value) in rows {
                // The note of what is being removed goes last, and by itself.
                if table == .remnants, key == Key(context.group, .remnants, context.account, .wholeAccount).bytes {
                    continue
                }
                try removeDependents(context, table, key.span, value)
                delete(context, Key(raw: key), old: value)
                removed += 1
            }
            if let last = rows.last {
                remnant.position = [table.rawValue] + last.key.dropFirst(prefix.bytes.count) + [0]
            }
            guard removed < limit else { break }
        }
        return removed
    }

    /// The indexes by time are not per account, and the bytes of bodies are not digested: both are found through the
    /// rows that they belong to.
    private func removeDependents(
        _ context: Context,
        _ table: Table,
        _ key: Span<UInt8>,
        _ value: ByteBuffer
    ) throws {
        switch table {
        case .expunged:
            let time = try ExpungedRow.time(value.readableBytesUInt8Span)
            batch.delete(expungedByTimeKey(context, time, try ExpungedRow.position(key)).bytes)
        case .deliveries:
            let time = try Key.integer(value.readableBytesUInt8Span, at: 1, as: UInt64.self)
            let timestamp = Timestamp(milliseconds: Int64(bitPattern: time))
            batch.delete(deliveryByTimeKey(context, timestamp, try DeliveryRow.id(key)).bytes)
        case .bodies, .uploads:
            let body = BodyID(
                high: try Key.integer(key, at: Key.afterAccount, as: UInt64.self),
                low: try Key.integer(key, at: Key.afterAccount + 8, as: UInt64.self)
            )
            removeChunks(context, body, try BodyRow(row: value).chunks)
        case .meta, .requests, .addresses, .accounts, .mailboxes, .mailboxNames, .messages, .flags, .expungedByTime,
            .chunks, .deliveriesByTime, .directory, .remnants, .keywords:
            break
        }
    }
}
