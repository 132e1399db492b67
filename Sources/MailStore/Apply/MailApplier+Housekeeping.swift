internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// The row of a message that was expunged, and where it stood.
enum ExpungedRow {
    struct Position {
        let contents: ContentsID
        let modSeq: ModSeq
        let uid: UID
    }

    static func row(at time: Timestamp, flags: SystemFlags, of message: MessageRow) -> ByteBuffer {
        var row = newRow(capacity: 96 + message.summary.readableBytes)
        row.writeInteger(time.rawValue)
        // Not the keywords: their numbers may have other names when the message is recovered.
        row.writeInteger(flags.rawValue)
        message.write(into: &row)
        return row
    }

    static func time(_ row: Span<UInt8>) throws(DecodingError) -> Timestamp {
        guard row.count > 9, row[0] == rowVersion else {
            throw DecodingError(.truncated, offset: row.count, subject: "expunged row")
        }
        return Timestamp(milliseconds: Int64(bitPattern: try Key.integer(row, at: 1, as: UInt64.self)))
    }

    static func message(_ row: ByteBuffer) throws(DecodingError) -> MessageRow {
        var decoder = try WireDecoder(row: row, subject: "expunged row")
        _ = try decoder.timestamp()
        _ = try decoder.systemFlags()
        let message = try MessageRow(from: &decoder)
        try decoder.finish()
        return message
    }

    /// The position that a key of the table `expunged` names.
    static func position(_ key: Span<UInt8>) throws(DecodingError) -> Position {
        guard key.count == Key.afterMailbox + 12 else {
            throw DecodingError(.truncated, offset: key.count, subject: "expunged key")
        }
        return Position(
            contents: ContentsID(try Key.integer(key, at: Key.afterAccount, as: UInt32.self)),
            modSeq: ModSeq(try Key.integer(key, at: Key.afterMailbox, as: UInt64.self)),
            uid: UID(try Key.integer(key, at: Key.afterMailbox + 8, as: UInt32.self))
        )
    }
}

extension MailApplier {
    func expungedKey(_ context: Context, of position: ExpungedRow.Position) -> Key {
        var key = Key(context.group, .expunged, context.account, position.contents)
        key.append(position.modSeq.rawValue)
        key.append(position.uid.rawValue)
        return key
    }

    func expungedByTimeKey(_ context: Context, at time: Timestamp, of position: ExpungedRow.Position) -> Key {
        var key = Key(context.group, .expungedByTime)
        key.append(time)
        key.append(context.account.rawValue)
        key.append(position.contents.rawValue)
        key.append(position.modSeq.rawValue)
        key.append(position.uid.rawValue)
        return key
    }

    /// Ends the retention of messages expunged before a time: their bodies go with their last row.
    func purgeExpunged(_ context: Context, before: Timestamp, limit asked: UInt32) throws -> MailOutcome {
        try commit()
        var room = PieceRoom(asked)
        var references = BodyReferences()
        var gone: [(key: Key, row: ByteBuffer)] = []
        var keys: [[UInt8]] = []
        for key in try keysByTime(
            context,
            in: .expungedByTime,
            before: before,
            limit: min(Int(asked), MailLimits.purgedPerCommand)
        ) {
            guard room.isLeft else { break }
            // time (8), account (8), then as in `expunged`.
            let span = key.span
            let account = AccountID(try Key.integer(span, at: 13, as: UInt64.self))
            let position = ExpungedRow.Position(
                contents: ContentsID(try Key.integer(span, at: 21, as: UInt32.self)),
                modSeq: ModSeq(try Key.integer(span, at: 25, as: UInt64.self)),
                uid: UID(try Key.integer(span, at: 33, as: UInt32.self))
            )
            let inner = Context(group: context.group, account: account, timestamp: context.timestamp)
            let rowKey = expungedKey(inner, of: position)
            if let row = try store.get(rowKey.bytes) {
                let bodyID = try ExpungedRow.message(row).bodyID
                let rows = try refer(inner, to: bodyID, by: -1, in: &references)
                room.take(rows: 2 + rows, bytes: row.readableBytes)
                gone.append((rowKey, row))
            } else {
                room.take(rows: 2, bytes: 0)
            }
            keys.append(key)
        }
        for key in keys { batch.delete(key) }
        for (key, row) in gone { delete(context, key, old: row) }
        putBodies(references, context)
        if let last = keys.last { groups[context.group]?.indexStarts[.expungedByTime] = IndexStart(key: last + [0]) }
        mustCommitFirst = true
        return .purged(UInt32(room.removed))
    }

    /// Forgets deliveries, the oldest first. Deliveries of deleted accounts go along, and are not counted: rows that
    /// one command leaves in place, every later one would pass over again.
    func purgeDeliveries(_ context: Context, before: Timestamp, limit asked: UInt32) throws -> MailOutcome {
        try commit()
        var room = PieceRoom(asked)
        var isThere: [AccountID: Bool] = [:]
        var keys: [[UInt8]] = []
        var gone: [(key: Key, row: ByteBuffer)] = []
        for key in try keysByTime(context, in: .deliveriesByTime, before: before, limit: MailLimits.rowsPerPurge) {
            guard room.isLeft else { break }
            let span = key.span
            let account = AccountID(try Key.integer(span, at: 13, as: UInt64.self))
            if isThere[account] == nil {
                isThere[account] = try store.withValue(Key(context.group, .accounts, account).bytes) { _ in }
            }
            var rowKey = Key(context.group, .deliveries, account)
            rowKey.append(try Key.integer(span, at: 21, as: UInt64.self))
            rowKey.append(try Key.integer(span, at: 29, as: UInt64.self))
            if let row = try store.get(rowKey.bytes) { gone.append((rowKey, row)) }
            if isThere[account] == true {
                room.take(rows: 2, bytes: 0)
            } else {
                room.passOver(rows: 3)
            }
            keys.append(key)
        }
        for key in keys { batch.delete(key) }
        for (key, row) in gone { delete(context, key, old: row) }
        if let last = keys.last { groups[context.group]?.indexStarts[.deliveriesByTime] = IndexStart(key: last + [0]) }
        mustCommitFirst = true
        return .purged(UInt32(room.removed))
    }

    /// Removes uploads that were never finished. A body's name tells when it was begun.
    ///
    /// - Parameter from: the first account to look at: there are uploads that are going on, and a bounded number of
    ///   rows is looked at.
    func purgeUploads(
        _ context: Context,
        before: Timestamp,
        from: AccountID,
        limit asked: UInt32
    ) throws -> MailOutcome {
        try commit()
        var room = PieceRoom(asked)
        var stale: [(account: AccountID, body: BodyID, row: ByteBuffer)] = []
        try store.scan(
            from: Key(context.group, .uploads, from).bytes,
            to: Key(context.group, .uploads).end
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
            let inner = Context(group: context.group, account: account, timestamp: context.timestamp)
            removeChunks(inner, of: body, count: try BodyRow(row: row).chunks)
            delete(inner, Key(context.group, .uploads, account, body), old: row)
        }
        mustCommitFirst = true
        return .purged(UInt32(stale.count))
    }

    /// The first keys of an index by time.
    private func keysByTime(
        _ context: Context,
        in table: Table,
        before: Timestamp,
        limit: Int
    ) throws -> [[UInt8]] {
        var keys: [[UInt8]] = []
        let from = groups[context.group]?.indexStarts[table]?.key ?? Key(context.group, table).bytes
        var to = Key(context.group, table)
        to.append(before)
        try store.scan(from: from, to: to.bytes) { key, _ in
            guard keys.count < limit else { return false }
            keys.append(key.copied())
            return true
        }
        return keys
    }

    // MARK: Group 0

    func directory(_ context: Context, _ command: DirectoryCommand) throws -> MailOutcome {
        guard context.group == .directory else { throw Refusal.notHere }
        switch command {
        case .found(let clusterID, let mailGroups, let version):
            let key = DirectoryRows.clusterKey
            guard try lookUp(key) == nil else { return .done }
            putLookedUp(context, key, row: DirectoryRows.clusterRow(clusterID, mailGroups), replacing: nil)
            let versionKey = DirectoryRows.versionKey
            putLookedUp(context, versionKey, row: DirectoryRows.versionRow(version), replacing: try lookUp(versionKey))
        case .registerNode(let node, let run):
            guard let version = try clusterVersion() else { throw Refusal.notHere }
            guard node.versions.contains(version) else { throw Refusal.unsupportedVersion }
            let key = DirectoryRows.nodeKey(node.id)
            let old = try lookUp(key)
            // A registration of an earlier run that was held up must not replace that of the present run.
            guard try old.map({ try DirectoryRows.node(in: $0).run < run }) ?? true else {
                throw Refusal.staleRegistration
            }
            var row = newRow()
            row.write(node)
            row.writeInteger(run)
            putLookedUp(context, key, row: row, replacing: old)
        case .raiseVersion(let next): try raiseVersion(context, to: next)
        }
        return .done
    }

    private func clusterVersion() throws -> ClusterVersion? {
        try lookUp(DirectoryRows.versionKey).map { try DirectoryRows.version(in: $0) }
    }

    private func raiseVersion(_ context: Context, to next: ClusterVersion) throws {
        // The scan sees what is written only.
        try commit()
        guard let version = try clusterVersion() else { throw Refusal.notHere }
        guard next > version else { return }
        guard next == version.next, try DirectoryRows.allNodes(in: store, know: next) else {
            throw Refusal.unsupportedVersion
        }
        let key = DirectoryRows.versionKey
        putLookedUp(context, key, row: DirectoryRows.versionRow(next), replacing: try lookUp(key))
    }
}

/// The rows of group 0.
enum DirectoryRows {
    static var clusterKey: Key { Key(.directory, .directory).appending(UInt8(0)) }
    static var nodesPrefix: Key { Key(.directory, .directory).appending(UInt8(1)) }
    static func nodeKey(_ id: UInt64) -> Key { nodesPrefix.appending(id) }
    static var versionKey: Key { Key(.directory, .directory).appending(UInt8(2)) }

    static func clusterRow(_ clusterID: UInt64, _ mailGroups: UInt32) -> ByteBuffer {
        var row = newRow(capacity: 13)
        row.writeInteger(clusterID)
        row.writeInteger(mailGroups)
        return row
    }

    static func versionRow(_ version: ClusterVersion) -> ByteBuffer {
        var row = newRow(capacity: 2)
        row.writeInteger(version.rawValue)
        return row
    }

    static func version(in row: ByteBuffer) throws(DecodingError) -> ClusterVersion {
        var decoder = try WireDecoder(row: row, subject: "cluster version row")
        return ClusterVersion(rawValue: try decoder.integer())
    }

    static func nodes(in store: some StateReader) throws -> [NodeDescription] {
        var nodes: [NodeDescription] = []
        try store.scan(from: nodesPrefix.bytes, to: nodesPrefix.end) { _, value in
            nodes.append(try node(in: ByteBuffer(copying: value)).node)
            return true
        }
        return nodes
    }

    /// Whether there are nodes, and the programs of all know a version. Looks at nothing else in their rows.
    static func allNodes(in store: some StateReader, know version: ClusterVersion) throws -> Bool {
        var (isAny, isKnown) = (false, true)
        try store.scan(from: nodesPrefix.bytes, to: nodesPrefix.end) { _, row in
            // The versions stand before the run, which is the last.
            let end = row.count - 8
            guard row.count > 10, row[0] == rowVersion else {
                throw DecodingError(.truncated, offset: row.count, subject: "node row")
            }
            isAny = true
            isKnown = row[end - 2] <= version.rawValue && version.rawValue <= row[end - 1]
            return isKnown
        }
        return isAny && isKnown
    }

    /// A node, and the run in which it said so.
    static func node(in row: ByteBuffer) throws(DecodingError) -> (node: NodeDescription, run: UInt64) {
        var decoder = try WireDecoder(row: row, subject: "node row")
        let node = try decoder.nodeDescription()
        let run: UInt64 = try decoder.integer()
        try decoder.finish()
        return (node, run)
    }
}
