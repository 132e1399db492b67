internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// What a deleted mailbox or account has left behind: rows that no query reaches, and that are removed a bounded number
/// at a time.
struct RemnantRow {
    /// When the mailbox or account was deleted.
    let time: Timestamp
    /// The rows before this position in the order of keys are gone: a table, and what follows the account in its keys.
    /// A scan from here passes over no removed row.
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

    /// No position is longer: mailbox names are the longest part of a key.
    private static let maxPositionBytes = 4_096
}

extension MailApplier {
    /// Notes that contents, or an account, are out of reach from now on.
    func leaveRemnant(_ context: Context, _ contents: ContentsID) {
        let key = Key(context.group, .remnants, context.account, contents)
        putLookedUp(context, key, row: RemnantRow(time: context.timestamp, position: []).row, replacing: nil)
    }

    /// Removes the next rows of a remnant, and with the last of them the remnant's own row.
    func purgeRemnant(_ context: Context, _ contents: ContentsID, limit asked: UInt32) throws -> MailOutcome {
        let key = Key(context.group, .remnants, context.account, contents)
        guard let row = try lookUp(key) else { return .purged(0) }
        try commit()
        var remnant = try RemnantRow(row: row)
        var room = PieceRoom(asked)
        let isDone: Bool
        if contents == .wholeAccount {
            isDone = try removeAccountRows(context, of: &remnant, room: &room)
        } else {
            try removeKeywords(context, contents)
            isDone = try removeRemnantMessages(context, in: contents, of: &remnant, room: &room)
        }
        if isDone {
            deleteLookedUp(context, key, old: row)
        } else {
            putLookedUp(context, key, row: remnant.row, replacing: row)
        }
        mustCommitFirst = true
        return .purged(UInt32(room.removed))
    }

    /// The messages of a deleted mailbox, with their references to bodies. What was expunged from it ends by itself.
    ///
    /// - Returns: whether there are no more.
    private func removeRemnantMessages(
        _ context: Context,
        in contents: ContentsID,
        of remnant: inout RemnantRow,
        room: inout PieceRoom
    ) throws -> Bool {
        let prefix = Key(context.group, .messages, context.account, contents)
        var isDone = true
        var references = BodyReferences()
        var last: UID?
        try store.scan(from: prefix.bytes + remnant.position, to: prefix.end) { key, value in
            guard room.isLeft else {
                isDone = false
                return false
            }
            let uid = UID(try Key.integer(key, at: Key.afterMailbox, as: UInt32.self))
            let row = ByteBuffer(copying: value)
            delete(context, Key(context.group, .messages, context.account, contents, uid), old: row)
            let bodyRows = try refer(context, to: try MessageRow(row: row).bodyID, by: -1, in: &references)
            room.take(rows: 2 + bodyRows, bytes: value.count)
            last = uid
            return true
        }
        guard let last else { return isDone }
        // The flags of all messages up to there, which are those that were removed before and these.
        let flags = Key(context.group, .flags, context.account, contents)
        let end = Key(context.group, .flags, context.account, contents, last).end
        try store.scan(from: flags.bytes + remnant.position, to: end) { key, value in
            delete(context, Key(raw: key.copied()), old: ByteBuffer(copying: value))
            return true
        }
        putBodies(references, context)
        let next = Key(context.group, .messages, context.account, contents, last).bytes
        remnant.position = Array(next.dropFirst(prefix.bytes.count)) + [0]
        return isDone
    }

    /// Removes the rows of a deleted account, table by table. Bodies go together with all references to them, so none
    /// is counted. The bytes of a body go with the row that names them, as scrubs expect.
    ///
    /// - Returns: whether there are no more.
    private func removeAccountRows(
        _ context: Context,
        of remnant: inout RemnantRow,
        room: inout PieceRoom
    ) throws -> Bool {
        var isDone = true
        let first = remnant.position.first ?? 0
        for table in Table.allCases where table.isPerAccount && table.isDigested && table.rawValue >= first {
            let prefix = Key(context.group, table, context.account)
            let start = table.rawValue == first ? prefix.bytes + remnant.position.dropFirst() : prefix.bytes
            var last: [UInt8]?
            try store.scan(from: start, to: prefix.end) { key, value in
                guard room.isLeft else {
                    isDone = false
                    return false
                }
                let key = key.copied()
                // The note of what is being removed goes last, and by itself.
                if table == .remnants, key == Key(context.group, .remnants, context.account, .wholeAccount).bytes {
                    return true
                }
                let row = ByteBuffer(copying: value)
                let more = try removeDependents(context, ofRowIn: table, key: key.span, value: row)
                delete(context, Key(raw: key), old: row)
                room.take(rows: 1 + more, bytes: value.count)
                last = key
                return true
            }
            if let last { remnant.position = [table.rawValue] + last.dropFirst(prefix.bytes.count) + [0] }
            guard isDone else { break }
        }
        return isDone
    }

    /// The indexes by time are not per account, and the bytes of bodies are not digested: both are found through the
    /// rows that they belong to.
    ///
    /// - Returns: their number.
    private func removeDependents(
        _ context: Context,
        ofRowIn table: Table,
        key: Span<UInt8>,
        value: ByteBuffer
    ) throws -> Int {
        switch table {
        case .expunged:
            let time = try ExpungedRow.time(value.readableBytesUInt8Span)
            batch.delete(expungedByTimeKey(context, at: time, of: try ExpungedRow.position(key)).bytes)
            return 1
        case .deliveries:
            let time = try Key.integer(value.readableBytesUInt8Span, at: 1, as: UInt64.self)
            let timestamp = Timestamp(milliseconds: Int64(bitPattern: time))
            batch.delete(deliveryByTimeKey(context, at: timestamp, id: try DeliveryRow.id(key)).bytes)
            return 1
        case .bodies, .uploads:
            let body = BodyID(
                high: try Key.integer(key, at: Key.afterAccount, as: UInt64.self),
                low: try Key.integer(key, at: Key.afterAccount + 8, as: UInt64.self)
            )
            let chunks = try BodyRow(row: value).chunks
            removeChunks(context, of: body, count: chunks)
            return Int(chunks)
        case .meta, .requests, .addresses, .accounts, .mailboxes, .mailboxNames, .messages, .flags, .expungedByTime,
            .chunks, .deliveriesByTime, .directory, .remnants, .keywords:
            return 0
        }
    }
}
