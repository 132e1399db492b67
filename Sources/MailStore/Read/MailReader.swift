public import Consensus
public import MailModel
internal import NIOCore
public import StateStorage

/// Answers queries from the rows of one group, each from one consistent state. Safe on any thread; may block.
public struct MailReader: Sendable {
    let store: any StateStore

    public init(store: any StateStore) { self.store = store }

    /// The applied index that survives a crash at this moment: what the Raft log need not replay.
    public func durableAppliedIndex(_ group: GroupID) throws -> (index: LogIndex, term: Term) {
        guard let row = try store.get(Key(group, .meta).bytes, tier: .persisted) else { return (.zero, .zero) }
        let state = try GroupState.decodeMeta(row)
        return (state.appliedIndex, state.appliedTerm)
    }

    /// The group's digest and the index it belongs to, as of the last batch.
    public func digest(_ group: GroupID) throws -> (index: LogIndex, digest: StateDigest) {
        guard let row = try store.get(Key(group, .meta).bytes) else { return (.zero, .empty) }
        let state = try GroupState.decodeMeta(row)
        return (state.appliedIndex, state.digest)
    }

    /// The account with that address; nil where the group has none.
    ///
    /// - Throws: `StateError` or `DecodingError`, which say that this replica is damaged.
    public func find(_ address: AccountAddress, in group: GroupID) throws -> AccountRecord? {
        var key = Key(group, .addresses)
        key.append(text: address.text)
        guard let row = try store.get(key.bytes) else { return nil }
        var decoder = try WireDecoder(row: row, subject: "address row")
        return try account(AccountID(try decoder.integer()), in: group, from: store)
    }

    /// Accounts of a group in the order of their addresses, those behind `after` first, at most `limit`.
    public func accounts(in group: GroupID, after: String, limit: Int) throws -> [AccountRecord] {
        let prefix = Key(group, .addresses)
        var from = prefix
        from.append(text: after)
        var ids: [AccountID] = []
        try store.scan(from: from.bytes, to: prefix.end) { key, value in
            if key.count == from.bytes.count, !after.isEmpty, key.copied() == from.bytes { return true }
            guard ids.count < limit else { return false }
            ids.append(AccountID(try Key.integer(value, at: 1, as: UInt64.self)))
            return true
        }
        return try ids.compactMap { try account($0, in: group, from: store) }
    }

    /// Counts a group's accounts and their mail. Looks at every account; costs nothing where nothing was applied since
    /// it was counted last.
    ///
    /// - Throws: ``StateError`` or ``DecodingError``, when a row cannot be read.
    public func census(of group: GroupID, since known: GroupCensus?) throws -> GroupCensus {
        let snapshot = store.makeSnapshot()
        let meta = try snapshot.get(Key(group, .meta).bytes).map { try GroupState.decodeMeta($0) }
        let index = meta?.appliedIndex ?? .zero
        if let known, known.index == index { return known }
        let prefix = Key(group, .accounts)
        var (accounts, bytes): (UInt32, UInt64) = (0, 0)
        try snapshot.scan(from: prefix.bytes, to: prefix.end) { _, row in
            accounts &+= 1
            bytes &+= try AccountRecord(row: ByteBuffer(copying: row)).usedBytes
            return true
        }
        return GroupCensus(index: index, accounts: accounts, bytes: bytes)
    }

    /// Answers a query about a group.
    ///
    /// - Throws: as ``answer(_:of:in:)`` does.
    public func respond(to query: GroupQuery, in group: GroupID) throws -> GroupAnswer {
        switch query {
        case .account(let address): .account(try find(address, in: group))
        case .accounts(let after, let limit): .accounts(try accounts(in: group, after: after, limit: limit))
        case .mail(let query, let account): .mail(try answer(query, of: account, in: group))
        }
    }

    /// Answers a query about one account.
    ///
    /// - Throws: `StateError` or `DecodingError`, which say that this replica is damaged; ``HarmedChunk`` where it is
    ///   only a body.
    public func answer(_ query: MailQuery, of account: AccountID, in group: GroupID) throws -> MailAnswer {
        switch query {
        case .account:
            guard let record = try self.account(account, in: group, from: store) else { return .missing }
            return .account(record)
        case .mailboxes:
            return try mailboxes(group, account)
        case .mailbox(let name):
            let snapshot = store.makeSnapshot()
            guard let record = try mailboxRecord(named: name, of: account, in: group, from: snapshot) else {
                return .missing
            }
            return .mailbox(try withKeywords(record, of: account, in: group, from: snapshot))
        case .messages(let id, let fromUID, let limit):
            let snapshot = store.makeSnapshot()
            guard let record = try mailboxRecord(id, of: account, in: group, from: snapshot) else { return .missing }
            return .messages(
                try withKeywords(record, of: account, in: group, from: snapshot),
                try messages(
                    in: record.contents,
                    of: account,
                    group: group,
                    from: fromUID,
                    limit: limit,
                    reader: snapshot
                )
            )
        case .changes(let id, let since, let newFrom):
            return try changes(of: id, account: account, group: group, since: since, newFrom: newFrom)
        case .details(let id, let uids, let leading):
            guard let details = try details(of: uids, mailbox: id, account: account, group: group) else {
                return .missing
            }
            guard leading.maximum > 0 else { return .details(details) }
            return .details(LeadingBytesReader(store, account, in: group).add(leading, to: details))
        case .body(let body, let offset, let maximumBytes):
            guard let bytes = try self.body(body, of: account, in: group, from: offset, maximumBytes: maximumBytes)
            else { return .missing }
            return .body(bytes)
        }
    }

    private func account(_ id: AccountID, in group: GroupID, from reader: any StateReader) throws -> AccountRecord? {
        try reader.get(Key(group, .accounts, id).bytes).map { try AccountRecord(row: $0) }
    }

    private func mailboxRecord(
        _ id: MailboxID,
        of account: AccountID,
        in group: GroupID,
        from reader: any StateReader
    ) throws -> MailboxRecord? {
        // Rows of a deleted account are there for a while, but must not be found.
        guard try reader.get(Key(group, .accounts, account).bytes) != nil else { return nil }
        return try reader.get(Key(group, .mailboxes, account, id).bytes).map { try MailboxRecord(row: $0) }
    }

    private func mailboxRecord(
        named name: MailboxName,
        of account: AccountID,
        in group: GroupID,
        from reader: any StateReader
    ) throws -> MailboxRecord? {
        var key = Key(group, .mailboxNames, account)
        key.append(text: name.text)
        guard let row = try reader.get(key.bytes) else { return nil }
        var decoder = try WireDecoder(row: row, subject: "mailbox name row")
        return try mailboxRecord(MailboxID(try decoder.integer()), of: account, in: group, from: reader)
    }

    private func withKeywords(
        _ record: MailboxRecord,
        of account: AccountID,
        in group: GroupID,
        from reader: any StateReader
    ) throws -> MailboxRecord {
        guard let row = try reader.get(Key(group, .keywords, account, record.contents).bytes) else { return record }
        var record = record
        record.keywords = try KeywordTable(row: row).names
        return record
    }

    private func mailboxes(_ group: GroupID, _ account: AccountID) throws -> MailAnswer {
        let snapshot = store.makeSnapshot()
        guard try snapshot.get(Key(group, .accounts, account).bytes) != nil else { return .missing }
        let prefix = Key(group, .mailboxes, account)
        var records: [MailboxRecord] = []
        try snapshot.scan(from: prefix.bytes, to: prefix.end) { _, value in
            records.append(try MailboxRecord(row: ByteBuffer(copying: value)))
            return true
        }
        return .mailboxes(records.sorted { $0.name < $1.name })
    }

    private func messages(
        in contents: ContentsID,
        of account: AccountID,
        group: GroupID,
        from uid: UID,
        limit: Int,
        changedAfter: ModSeq = .zero,
        below end: UID? = nil,
        reader: any StateReader
    ) throws -> [MessageState] {
        var states: [MessageState] = []
        let from = Key(group, .flags, account, contents, uid)
        let to =
            end.map { Key(group, .flags, account, contents, $0).bytes } ?? Key(group, .flags, account, contents).end
        try reader.scan(from: from.bytes, to: to) { key, value in
            guard states.count < limit else { return false }
            let row = try FlagsRow(span: value)
            if row.modSeq > changedAfter {
                let uid = UID(try Key.integer(key, at: Key.afterMailbox, as: UInt32.self))
                states.append(MessageState(uid: uid, flags: row.flags, modSeq: row.modSeq))
            }
            return true
        }
        return states
    }

    private func changes(
        of id: MailboxID,
        account: AccountID,
        group: GroupID,
        since: ModSeq,
        newFrom: UID
    ) throws -> MailAnswer {
        let snapshot = store.makeSnapshot()
        guard var record = try mailboxRecord(id, of: account, in: group, from: snapshot) else { return .missing }
        record = try withKeywords(record, of: account, in: group, from: snapshot)
        var changes = MailboxChanges(mailbox: record, changed: [], new: [], expunged: UIDSet())
        guard record.highestModSeq > since else { return .changes(changes) }
        if record.uidNext > newFrom {
            changes.new = try messages(
                in: record.contents,
                of: account,
                group: group,
                from: newFrom,
                limit: .max,
                reader: snapshot
            )
        }
        if record.flagsModSeq > since {
            let place = Key(group, .flags, account, record.contents)
            changes.changed =
                try changedMessages(in: place, since: since, below: newFrom, reader: snapshot)
                ?? messages(
                    in: record.contents,
                    of: account,
                    group: group,
                    from: UID(1),
                    limit: .max,
                    changedAfter: since,
                    below: newFrom,
                    reader: snapshot
                )
        }
        if record.expungeModSeq > since {
            var expunged: [ClosedRange<UInt32>] = []
            if record.emptiedModSeq > since, record.emptiedBelow > UID(1) {
                expunged.append(1...record.emptiedBelow.rawValue - 1)
            }
            let prefix = Key(group, .expunged, account, record.contents)
            try snapshot.scan(from: prefix.appending(since.next.rawValue).bytes, to: prefix.end) { key, _ in
                let uid = try ExpungedRow.position(key).uid.rawValue
                expunged.append(uid...uid)
                return true
            }
            changes.expunged = UIDSet(ranges: expunged)
        }
        return .changes(changes)
    }

    /// The messages below a UID whose flags have changed, in the order of their UIDs; nil where these are so many that
    /// to look at all of the mailbox takes less.
    ///
    /// - Parameter place: the beginning of the keys of their flags.
    private func changedMessages(
        in place: Key,
        since: ModSeq,
        below newFrom: UID,
        reader: any StateReader
    ) throws -> [MessageState]? {
        var uids: [UInt32] = []
        let index = place.moved(to: .changes)
        try reader.scan(from: index.appending(since.next.rawValue).bytes, to: index.end) { key, _ in
            uids.append(try Key.integer(key, at: Key.afterMailbox + 8, as: UInt32.self))
            return uids.count <= Self.changesLookedUp
        }
        guard uids.count <= Self.changesLookedUp else { return nil }
        return try uids.filter { $0 < newFrom.rawValue }.sorted().map { uid in
            var state: MessageState?
            _ = try reader.withValue(place.appending(uid).bytes) { value in
                let row = try FlagsRow(span: value)
                state = MessageState(uid: UID(uid), flags: row.flags, modSeq: row.modSeq)
            }
            guard let state else {
                throw DecodingError(.truncated, offset: 0, subject: "flags row of a changed message")
            }
            return state
        }
    }

    /// As many messages are looked up by themselves; to look at all flags of a mailbox costs a twentieth for each.
    private static let changesLookedUp = 500

    private func details(
        of uids: UIDSet,
        mailbox id: MailboxID,
        account: AccountID,
        group: GroupID
    ) throws -> [MessageDetails]? {
        // Rows never change, but they go, and a mailbox may get another place meanwhile: an answer is of one moment.
        let snapshot = store.makeSnapshot()
        guard let contents = try mailboxRecord(id, of: account, in: group, from: snapshot)?.contents else { return nil }
        // The rows of an answer share one buffer: a buffer for each would cost as much as reading it.
        var rows = ByteBuffer()
        var found: [(uid: UID, range: Range<Int>)] = []
        func keep(_ uid: UID, _ row: Span<UInt8>) {
            let start = rows.writerIndex
            rows.writeBytes(row.bytes)
            found.append((uid, start..<rows.writerIndex))
        }
        let place = Key(group, .messages, account, contents)
        for range in uids.ranges {
            guard range.lowerBound < range.upperBound else {
                let uid = range.lowerBound
                _ = try snapshot.withValue(place.appending(uid).bytes) { keep(UID(uid), $0) }
                continue
            }
            let last = place.appending(range.upperBound)
            try snapshot.scan(from: place.appending(range.lowerBound).bytes, to: last.end) { key, row in
                keep(UID(try Key.integer(key, at: Key.afterMailbox, as: UInt32.self)), row)
                return true
            }
        }
        return try found.map { uid, range in
            let row = rows.getSlice(at: range.lowerBound, length: range.count) ?? ByteBuffer()
            return MessageDetails(uid: uid, try MessageRow(row: row))
        }
    }

    /// Bytes of a body from `offset` on: at most `maximumBytes`, and not past the end of the chunk that `offset` lies
    /// in.
    private func body(
        _ body: BodyID,
        of account: AccountID,
        in group: GroupID,
        from offset: UInt64,
        maximumBytes: Int
    ) throws -> ByteBuffer? {
        guard try store.get(Key(group, .accounts, account).bytes) != nil else { return nil }
        let (index, within) = offset.quotientAndRemainder(dividingBy: UInt64(MailLimits.bodyChunkBytes))
        let name = BodyChunk(account: account, body: body, index: UInt32(clamping: index))
        let wanted = Int(within)..<Int(within) + min(max(0, maximumBytes), MailLimits.bodyChunkBytes)
        if let bytes = try checkedBytes(wanted, of: name, in: group) { return bytes }
        // Past the end of a body that exists, no bytes are the answer.
        return try store.get(Key(group, .bodies, account, body).bytes) == nil ? nil : ByteBuffer()
    }

    // MARK: Group 0

    /// The version in which the nodes of this cluster write; nil before it is founded.
    public func clusterVersion() throws -> ClusterVersion? {
        try store.get(DirectoryRows.versionKey.bytes).map { try DirectoryRows.version(in: $0) }
    }

    /// The highest run in which a node has registered; 0 for one that the directory does not know.
    public func registeredRun(of node: NodeID) throws -> UInt64 {
        guard let row = try store.get(DirectoryRows.nodeKey(node).bytes) else { return 0 }
        return try DirectoryRows.node(in: row).run
    }

    /// What the directory says, as of one moment; nil before the cluster is founded, and while there is none on this
    /// node.
    ///
    /// - Throws: `StateError`; `DecodingError` for rows that cannot be read or do not fit each other.
    public func directory() throws -> Directory? { try DirectoryReader(state: store.makeSnapshot()).directory() }

    /// The tokens by which nodes can join, ended ones included, in the order of their IDs.
    public func joinTokens() throws -> [JoinToken] { try DirectoryReader(state: store.makeSnapshot()).joinTokens() }

    /// What happened to the cluster, the oldest first.
    ///
    /// - Parameters:
    ///   - sequence: only events behind this one.
    ///   - limit: at most so many.
    /// - Throws: ``StateError`` or ``DecodingError``, when a row cannot be read.
    public func events(after sequence: UInt64, limit: Int) throws -> [NumberedEvent] {
        try DirectoryReader(state: store.makeSnapshot()).events(after: sequence, limit: limit)
    }

    /// The number of the last event; 0 where nothing has happened yet.
    ///
    /// - Throws: ``StateError`` or ``DecodingError``, when the row cannot be read.
    public func lastEvent() throws -> UInt64 {
        try store.get(DirectoryRows.lastEventKey.bytes).map { try DirectoryRows.lastEvent(in: $0) } ?? 0
    }
}

extension MessageDetails {
    fileprivate init(uid: UID, _ row: MessageRow) {
        self.init(
            uid: uid,
            bodyID: row.bodyID,
            sizeBytes: row.sizeBytes,
            internalDate: row.internalDate,
            saved: row.saved,
            summary: row.summary
        )
    }
}
