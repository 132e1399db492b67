internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// The changes of all groups since the last commit, over what the store holds, and what the applier keeps of the groups
/// in memory.
///
/// A class, since every command changes it in place: copies of its dictionaries would cost more than the commands.
final class OpenBatch {
    let store: any StateStore
    private let writes: any StateBatch
    private var groups: [GroupID: OpenGroup] = [:]
    private var touchedGroups: Set<GroupID> = []
    private var answers = SessionAnswers()
    private var accounts = RecordCache<AccountKey, AccountRecord>()
    private var mailboxes = RecordCache<MailboxKey, MailboxRecord>()
    /// Rows of this batch that commands look up by key; nil means deleted.
    private var overlay: [Key: ByteBuffer?] = [:]
    /// For the mutant of that name.
    private var bodiesApart: [(key: [UInt8], header: [UInt8], bytes: ByteBuffer)] = []
    /// The batch holds changes that commands only find in the store: it is written before the next command.
    private(set) var mustCommitFirst = false

    /// A class: to change a value in a dictionary costs three allocations.
    private final class OpenGroup {
        var state: GroupState

        init(_ state: GroupState) { self.state = state }
    }

    private struct AccountKey: Hashable {
        let group: GroupID
        let account: AccountID
    }

    private struct MailboxKey: Hashable {
        let group: GroupID
        let account: AccountID
        let mailbox: MailboxID
    }

    init(store: any StateStore) {
        self.store = store
        writes = store.makeBatch()
    }

    // MARK: Groups

    /// Reads what the store has of a group.
    ///
    /// - Returns: the applied index; 0 for a group that has nothing yet.
    func open(_ group: GroupID) throws -> LogIndex {
        var state = GroupState.fresh
        if let row = try store.get(Key(group, .meta).bytes) { state = try GroupState.decodeMeta(row) }
        try answers.load(group, from: store)
        groups[group] = OpenGroup(state)
        return state.appliedIndex
    }

    /// Forgets a group.
    func close(_ group: GroupID) {
        precondition(writes.isEmpty, "commit before closing a group")
        groups[group] = nil
        answers.forget(group)
        forgetRecords()
    }

    /// What is kept of a group; nil where it is not open.
    func state(of group: GroupID) -> GroupState? { groups[group]?.state }

    func appliedIndex(of group: GroupID) -> LogIndex? { groups[group]?.state.appliedIndex }

    /// Moves the group's applied index to an entry whose changes are in the batch.
    func advance(_ group: GroupID, to index: LogIndex, term: Term) {
        if let open = groups[group] {
            open.state.appliedIndex = index
            open.state.appliedTerm = term
        }
        touchedGroups.insert(group)
    }

    /// The number of the group's next account, which is given once; nil where the group is not open.
    func takeAccountNumber(in group: GroupID) throws -> UInt32? {
        guard let open = groups[group] else { return nil }
        let number = open.state.nextAccount
        open.state.nextAccount = try number.counted(up: 1, "group row")
        return number
    }

    /// Where the rows of an index by time begin, at the earliest; nil where that is not known.
    func indexStart(of table: Table, in group: GroupID) -> IndexStart? { groups[group]?.state.indexStarts[table] }

    func setIndexStart(of table: Table, to start: IndexStart, in group: GroupID) {
        groups[group]?.state.indexStarts[table] = start
    }

    // MARK: The whole batch

    /// Whether the batch holds as much as one may.
    var isFull: Bool { writes.byteCount >= ApplierLimits.batchBytes }

    /// Has the batch written before the next command: see ``mustCommitFirst``.
    func requireCommit() { mustCommitFirst = true }

    /// Writes the batch: data and applied indexes together. A command calls this only before its first change, so
    /// that the store never holds a part of a command.
    func commit() throws {
        mustCommitFirst = false
        writeDirtyRecords()
        answers.writeDirtyFloors(to: writes)
        if Mutant.isOn(.appliedIndexApart) { try writeOut() }
        for group in touchedGroups.sorted() {
            guard let open = groups[group] else { continue }
            writes.put(Key(group, .meta).bytes, open.state.metaRow)
        }
        touchedGroups.removeAll(keepingCapacity: true)
        try writeOut()
        if Mutant.isOn(.bodiesApart) {
            for (key, header, bytes) in bodiesApart { writes.put(key, prefix: header, pieces: [bytes]) }
            bodiesApart.removeAll()
        }
        overlay.removeAll(keepingCapacity: true)
        if accounts.count + mailboxes.count > ApplierLimits.cachedRecords { forgetRecords() }
    }

    /// Hands the changes to the store as they are, without the applied indexes.
    func writeOut() throws {
        guard !writes.isEmpty else { return }
        try store.write(writes)
        writes.clear()
    }

    /// Forgets the batch, of all groups: they stand again where the store has them.
    ///
    /// - Parameter failed: a group whose command failed in the middle, which may not be noted as changed.
    func rollBack(after failed: GroupID) throws {
        writes.clear()
        overlay.removeAll()
        bodiesApart.removeAll()
        answers.forgetDirtyFloors()
        mustCommitFirst = false
        forgetRecords()
        let changed = touchedGroups.union([failed])
        touchedGroups.removeAll()
        for group in changed.sorted() where groups[group] != nil { _ = try open(group) }
    }

    private func forgetRecords() {
        accounts.forget()
        mailboxes.forget()
    }

    // MARK: Requests and their first answers

    /// What a request that comes again is answered; nil for a request that is new.
    func earlierOutcome(of request: RequestID, in group: GroupID) -> MailOutcome? {
        answers.earlierOutcome(of: request, in: group)
    }

    /// Forgets the answers that the session says it has.
    func settle(_ envelope: CommandEnvelope, in group: GroupID) {
        answers.settle(envelope, in: group, batch: writes)
    }

    /// Keeps the answer to a request that was carried out.
    func remember(_ outcome: MailOutcome, of envelope: CommandEnvelope, in group: GroupID) {
        answers.remember(outcome, of: envelope, in: group, batch: writes)
    }

    /// Ends the answers given before a time: a bounded number.
    ///
    /// - Returns: how many answers and sessions ended.
    func purgeAnswers(before: Timestamp, limit: Int, in group: GroupID) -> Int {
        answers.purge(before: before, limit: limit, in: group, batch: writes)
    }

    // MARK: Rows

    /// The row as the commands before this one left it.
    func lookUp(_ key: Key) throws -> ByteBuffer? {
        if let pending = overlay[key] { return pending }
        return try store.get(key.bytes)
    }

    /// Puts a digested row that may replace `old`, and that later commands of the batch may look up.
    func putLookedUp(_ key: Key, row: ByteBuffer, replacing old: ByteBuffer?, in group: GroupID) {
        put(key, row: row, replacing: old, in: group)
        overlay[key] = .some(row)
    }

    /// Deletes a digested row that later commands of the batch may look up.
    func deleteLookedUp(_ key: Key, old: ByteBuffer, in group: GroupID) {
        delete(key, old: old, in: group)
        overlay.updateValue(nil, forKey: key)
    }

    /// Puts a digested row that may replace `old`, and that commands find in the store only.
    func put(_ key: Key, row: ByteBuffer, replacing old: ByteBuffer?, in group: GroupID) {
        writes.put(key.bytes, row)
        groups[group]?.state.digest.add(RowHash.of(key.bytes.span, row.readableBytesUInt8Span))
        if let old { groups[group]?.state.digest.remove(RowHash.of(key.bytes.span, old.readableBytesUInt8Span)) }
    }

    /// Deletes a digested row that commands find in the store only.
    func delete(_ key: Key, old: ByteBuffer, in group: GroupID) {
        writes.delete(key.bytes)
        groups[group]?.state.digest.remove(RowHash.of(key.bytes.span, old.readableBytesUInt8Span))
    }

    /// Puts a row of an index by time, which is not digested and has nothing but its key.
    func putByTime(_ key: Key, table: Table, in group: GroupID) {
        writes.put(key.bytes, newRow(capacity: 1))
        groups[group]?.state.indexStarts[table]?.rowAdded(key)
    }

    /// Puts a row that is not digested and has nothing but its key.
    func putUndigested(_ key: Key) { writes.put(key.bytes, newRow(capacity: 1)) }

    /// Puts the bytes of a piece of a body, which are not digested.
    func putChunk(_ bytes: ByteBuffer, in chunk: ChunkRow, at key: Key) {
        writes.put(key.bytes, prefix: chunk.header, pieces: [bytes])
    }

    /// Puts the bytes of a body that came with its message.
    func putWholeBody(_ bytes: ByteBuffer, in chunk: ChunkRow, at key: Key) {
        if Mutant.isOn(.bodiesApart) {
            bodiesApart.append((key.bytes, chunk.header, bytes))
        } else {
            putChunk(bytes, in: chunk, at: key)
        }
    }

    /// Deletes a row that is not digested.
    func deleteUndigested(_ key: [UInt8]) { writes.delete(key) }

    /// Deletes all rows below a key that are not digested.
    func deleteUndigestedRows(below prefix: Key) { writes.deleteRange(prefix.bytes, prefix.end) }

    // MARK: Accounts and mailboxes, kept decoded

    /// - Throws: `Refusal.noSuchAccount`, besides what the store throws.
    func account(_ account: AccountID, in group: GroupID) throws -> AccountRecord {
        let name = AccountKey(group: group, account: account)
        if let record = accounts[name] { return record }
        let key = Key(group, .accounts, account)
        guard let row = try store.get(key.bytes) else { throw Refusal.noSuchAccount }
        let record = try AccountRecord(row: row)
        let hash = RowHash.of(key.bytes.span, row.readableBytesUInt8Span)
        accounts.keep(record, of: name, digestedHash: hash)
        return record
    }

    func setAccount(_ record: AccountRecord, of account: AccountID, in group: GroupID) {
        accounts.change(record, of: AccountKey(group: group, account: account))
    }

    func removeAccount(_ account: AccountID, in group: GroupID) {
        writes.delete(Key(group, .accounts, account).bytes)
        groups[group]?.state.digest.remove(accounts.remove(AccountKey(group: group, account: account)))
        mustCommitFirst = true
    }

    /// - Throws: `Refusal.noSuchMailbox`, besides what the store throws.
    func mailbox(_ mailbox: MailboxID, of account: AccountID, in group: GroupID) throws -> MailboxRecord {
        let name = MailboxKey(group: group, account: account, mailbox: mailbox)
        if let record = mailboxes[name] { return record }
        let key = Key(group, .mailboxes, account, mailbox)
        guard let row = try store.get(key.bytes) else { throw Refusal.noSuchMailbox }
        let record = try MailboxRecord(row: row)
        let hash = RowHash.of(key.bytes.span, row.readableBytesUInt8Span)
        mailboxes.keep(record, of: name, digestedHash: hash)
        return record
    }

    func setMailbox(_ record: MailboxRecord, of account: AccountID, in group: GroupID) {
        mailboxes.change(record, of: MailboxKey(group: group, account: account, mailbox: record.id))
        if Mutant.isOn(.countersApart) {
            let apart = store.makeBatch()
            apart.put(Key(group, .mailboxes, account, record.id).bytes, record.row)
            try? store.write(apart)
        }
    }

    func removeMailbox(_ mailbox: MailboxID, of account: AccountID, in group: GroupID) {
        writes.delete(Key(group, .mailboxes, account, mailbox).bytes)
        let name = MailboxKey(group: group, account: account, mailbox: mailbox)
        groups[group]?.state.digest.remove(mailboxes.remove(name))
        // The next command may name the mailbox by its ID, and the store still has the row.
        mustCommitFirst = true
    }

    private func writeDirtyRecords() {
        accounts.writeDirty { name, record, oldHash in
            let key = Key(name.group, .accounts, name.account)
            return writeRecord(key, row: record.row, replacing: oldHash, in: name.group)
        }
        mailboxes.writeDirty { name, record, oldHash in
            let key = Key(name.group, .mailboxes, name.account, name.mailbox)
            return writeRecord(key, row: record.row, replacing: oldHash, in: name.group)
        }
    }

    private func writeRecord(_ key: Key, row: ByteBuffer, replacing oldHash: UInt64, in group: GroupID) -> UInt64 {
        writes.put(key.bytes, row)
        let hash = RowHash.of(key.bytes.span, row.readableBytesUInt8Span)
        groups[group]?.state.digest.add(hash)
        groups[group]?.state.digest.remove(oldHash)
        return hash
    }
}
