internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// What deleted mailboxes and accounts leave behind, and how it goes.
struct RemnantCommands {
    let scope: CommandScope

    /// Notes that contents, or an account, are out of reach from now on.
    func leaveRemnant(of contents: ContentsID) {
        let key = scope.key(.remnants, of: contents)
        scope.putLookedUp(key, row: RemnantRow(time: scope.timestamp, position: []).row, replacing: nil)
    }

    /// Removes the next rows of a remnant, and with the last of them the remnant's own row.
    func purgeRemnant(of contents: ContentsID, limit asked: UInt32) throws -> MailOutcome {
        let key = scope.key(.remnants, of: contents)
        guard let row = try scope.lookUp(key) else { return .purged(0) }
        try scope.commit()
        var remnant = try RemnantRow(row: row)
        var room = PieceRoom(asked)
        let isDone: Bool
        if contents == .wholeAccount {
            isDone = try removeAccountRows(of: &remnant, room: &room)
        } else {
            try scope.removeKeywordTable(of: contents)
            isDone = try removeRemnantMessages(in: contents, of: &remnant, room: &room)
        }
        if isDone {
            scope.deleteLookedUp(key, old: row)
        } else {
            scope.putLookedUp(key, row: remnant.row, replacing: row)
        }
        scope.requireCommit()
        return .purged(UInt32(room.removed))
    }

    /// The messages of a deleted mailbox, with their references to bodies. What was expunged from it ends by itself.
    ///
    /// - Returns: whether there are no more.
    private func removeRemnantMessages(
        in contents: ContentsID,
        of remnant: inout RemnantRow,
        room: inout PieceRoom
    ) throws -> Bool {
        let prefix = scope.key(.messages, of: contents)
        var isDone = true
        var references = BodyReferences()
        var last: UID?
        try scope.store.scan(from: prefix.bytes + remnant.position, to: prefix.end) { key, value in
            guard room.isLeft else {
                isDone = false
                return false
            }
            let uid = UID(try Key.integer(key, at: Key.afterMailbox, as: UInt32.self))
            let row = ByteBuffer(copying: value)
            scope.delete(scope.key(.messages, of: uid, in: contents), old: row)
            let bodyRows = try references.count(-1, of: try MessageRow(row: row).bodyID, in: scope)
            room.take(rows: 3 + bodyRows, bytes: value.count)
            last = uid
            return true
        }
        guard let last else { return isDone }
        // The flags of all messages up to there, which are those that were removed before and these.
        let flags = scope.key(.flags, of: contents)
        let end = scope.key(.flags, of: last, in: contents).end
        try scope.store.scan(from: flags.bytes + remnant.position, to: end) { key, value in
            let uid = UID(try Key.integer(key, at: Key.afterMailbox, as: UInt32.self))
            let modSeq = try FlagsRow(span: value).modSeq
            scope.delete(Key(raw: key.copied()), old: ByteBuffer(copying: value))
            scope.deleteUndigested(scope.changeKey(of: uid, at: modSeq, in: contents).bytes)
            return true
        }
        references.write(to: scope)
        let next = scope.key(.messages, of: last, in: contents).bytes
        remnant.position = Array(next.dropFirst(prefix.bytes.count)) + [0]
        return isDone
    }

    /// Removes the rows of a deleted account, table by table. Bodies go together with all references to them, so none
    /// is counted. The bytes of a body go with the row that names them, as scrubs expect.
    ///
    /// - Returns: whether there are no more.
    private func removeAccountRows(
        of remnant: inout RemnantRow,
        room: inout PieceRoom
    ) throws -> Bool {
        var isDone = true
        let first = remnant.position.first ?? 0
        for table in Table.allCases where table.isPerAccount && table.isDigested && table.rawValue >= first {
            let prefix = scope.key(table)
            let start = table.rawValue == first ? prefix.bytes + remnant.position.dropFirst() : prefix.bytes
            var last: [UInt8]?
            try scope.store.scan(from: start, to: prefix.end) { key, value in
                guard room.isLeft else {
                    isDone = false
                    return false
                }
                let key = key.copied()
                // The note of what is being removed goes last, and by itself.
                if table == .remnants, key == scope.key(.remnants, of: .wholeAccount).bytes {
                    return true
                }
                let row = ByteBuffer(copying: value)
                let more = try removeDependents(ofRowIn: table, key: key.span, value: row)
                scope.delete(Key(raw: key), old: row)
                room.take(rows: 1 + more, bytes: value.count)
                last = key
                return true
            }
            if let last { remnant.position = [table.rawValue] + last.dropFirst(prefix.bytes.count) + [0] }
            guard isDone else { break }
        }
        return isDone
    }

    /// The indexes by time are not per account, the index by MODSEQ and the bytes of bodies are not digested: all are
    /// found through the rows that they belong to.
    ///
    /// - Returns: their number.
    private func removeDependents(
        ofRowIn table: Table,
        key: Span<UInt8>,
        value: ByteBuffer
    ) throws -> Int {
        switch table {
        case .expunged:
            let time = try ExpungedRow.time(value.readableBytesUInt8Span)
            let position = try ExpungedRow.position(key)
            scope.deleteUndigested(scope.expungedByTimeKey(at: time, of: position).bytes)
            return 1
        case .deliveries:
            let time = try Key.integer(value.readableBytesUInt8Span, at: 1, as: UInt64.self)
            let timestamp = Timestamp(milliseconds: Int64(bitPattern: time))
            let id = try DeliveryRow.id(key)
            scope.deleteUndigested(scope.deliveryByTimeKey(at: timestamp, of: id).bytes)
            return 1
        case .bodies, .uploads:
            let body = BodyID(
                high: try Key.integer(key, at: Key.afterAccount, as: UInt64.self),
                low: try Key.integer(key, at: Key.afterAccount + 8, as: UInt64.self)
            )
            let chunks = try BodyRow(row: value).chunks
            BodyCommands(scope: scope).removeChunks(of: body, count: chunks)
            return Int(chunks)
        case .flags:
            let contents = ContentsID(try Key.integer(key, at: Key.afterAccount, as: UInt32.self))
            let uid = UID(try Key.integer(key, at: Key.afterMailbox, as: UInt32.self))
            let modSeq = try FlagsRow(span: value.readableBytesUInt8Span).modSeq
            scope.deleteUndigested(scope.changeKey(of: uid, at: modSeq, in: contents).bytes)
            return 1
        case .meta, .requests, .addresses, .accounts, .mailboxes, .mailboxNames, .messages, .expungedByTime,
            .chunks, .deliveriesByTime, .directory, .remnants, .keywords, .changes:
            return 0
        }
    }
}
