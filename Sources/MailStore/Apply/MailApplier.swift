public import Consensus
public import MailModel
public import NIOCore
public import StateStorage

/// Applies committed entries of many groups to the store. Deterministic: the same log gives the same rows.
///
/// Belongs to one thread. Changes gather in one batch for all groups, with each group's applied index in it, until
/// ``commit()``. Rows that commands look up are kept decoded, and written once per batch.
public final class MailApplier {
    let store: any StateStore
    let batch: any StateBatch
    private let newestVersion: ClusterVersion
    var groups: [GroupID: GroupState] = [:]
    var touchedGroups: Set<GroupID> = []

    var accounts: [AccountKey: Cached<AccountRecord>] = [:]
    var mailboxes: [MailboxKey: Cached<MailboxRecord>] = [:]
    var dirtyAccounts: [AccountKey] = []
    var dirtyMailboxes: [MailboxKey] = []
    /// Rows of the present batch that commands look up by key; nil means deleted.
    var overlay: [Key: ByteBuffer?] = [:]
    /// For the mutant of that name.
    var bodiesApart: [(key: [UInt8], pieces: [ByteBuffer])] = []
    /// The batch holds changes that commands only find in the store: it is written before the next command.
    var mustCommitFirst = false
    var dirtyFloors: [SessionKey] = []
    /// Accounts that commands changed since the last ``takeTouchedAccounts()``.
    var touchedAccounts: Set<AccountID> = []

    struct AccountKey: Hashable {
        let group: GroupID
        let account: AccountID
    }

    struct MailboxKey: Hashable {
        let group: GroupID
        let account: AccountID
        let mailbox: MailboxID
    }

    struct SessionKey {
        let group: GroupID
        let session: UInt64
    }

    /// A decoded row, with the hash under which it counts in the digest (0: not there yet).
    struct Cached<Record> {
        var record: Record
        var digestedHash: UInt64
        var isDirty: Bool
    }

    /// An applier in which no group is open.
    ///
    /// - Parameter newestVersion: commands of newer versions end the node: it would not know what they do.
    public init(store: any StateStore, newestVersion: ClusterVersion = KnownVersions.current.newest) {
        self.store = store
        self.newestVersion = newestVersion
        self.batch = store.makeBatch()
    }

    /// Reads what the store has of a group. To be called before the group's first entry.
    ///
    /// - Returns: the applied index; 0 for a group that has nothing yet.
    @discardableResult
    public func open(_ group: GroupID) throws -> LogIndex {
        var state = GroupState.fresh
        if let row = try store.get(Key(group, .meta).bytes) { state = try GroupState.decodeMeta(row) }
        state.sessions = try loadSessions(group)
        groups[group] = state
        return state.appliedIndex
    }

    /// Forgets the group. Its batch must have been written; otherwise this traps.
    public func close(_ group: GroupID) {
        precondition(batch.isEmpty, "commit before closing a group")
        groups[group] = nil
        forgetCaches()
    }

    /// Whether the group's entries can be applied.
    public func isOpen(_ group: GroupID) -> Bool { groups[group] != nil }
    /// The last entry that was applied to the group, perhaps only in the batch; 0 for a group that is not open.
    public func appliedIndex(_ group: GroupID) -> LogIndex { groups[group]?.appliedIndex ?? .zero }
    /// The term of that entry; 0 for a group that is not open.
    public func appliedTerm(_ group: GroupID) -> Term { groups[group]?.appliedTerm ?? .zero }
    /// The digest of the group's rows with all that is in the batch.
    public func digest(_ group: GroupID) -> StateDigest { groups[group]?.digest ?? .empty }

    /// An entry without a command: only the applied index moves.
    public func applyEmpty(group: GroupID, index: LogIndex, term: Term) {
        check(group, index)
        advance(group, to: index, term: term)
    }

    /// Applies one command.
    ///
    /// - Returns: its outcome, or the first one when the request was carried out before.
    /// - Throws: when the store or a stored row fails, which is fatal to the replica; never for what a client did.
    public func apply(group: GroupID, index: LogIndex, term: Term, payload: ByteBuffer) throws -> (
        RequestID, MailOutcome
    ) {
        let envelope = try CommandEnvelope(decoding: payload, upTo: newestVersion)
        check(group, index)
        if mustCommitFirst { try commit() }
        if let earlier = earlierOutcome(envelope.request, group) {
            advance(group, to: index, term: term)
            settle(envelope, group)
            return (envelope.request, earlier)
        }
        let outcome: MailOutcome
        do {
            outcome = try carryOut(envelope, group)
        } catch let refusal as Refusal {
            outcome = .refused(refusal)
        }
        // Not before `carryOut`, which may write the batch: this entry must not count as applied in it.
        advance(group, to: index, term: term)
        settle(envelope, group)
        remember(outcome, of: envelope, group)
        if envelope.account.rawValue != 0 { touchedAccounts.insert(envelope.account) }
        if batch.byteCount >= ApplierLimits.batchBytes { try commit() }
        return (envelope.request, outcome)
    }

    private func check(_ group: GroupID, _ index: LogIndex) {
        guard let applied = groups[group]?.appliedIndex else {
            preconditionFailure("group \(group.rawValue) was not opened")
        }
        precondition(index == applied.next, "entries are applied in order: \(index.rawValue) after \(applied.rawValue)")
    }

    private func advance(_ group: GroupID, to index: LogIndex, term: Term) {
        groups[group]?.appliedIndex = index
        groups[group]?.appliedTerm = term
        touchedGroups.insert(group)
    }

    /// Writes the batch: data and applied indexes together. A command calls this only before its first change, so
    /// that the store never holds a part of a command.
    public func commit() throws {
        mustCommitFirst = false
        writeDirtyRecords()
        writeDirtyFloors()
        if Mutant.isOn(.appliedIndexApart), !batch.isEmpty {
            try store.write(batch)
            batch.clear()
        }
        for group in touchedGroups.sorted() {
            guard let state = groups[group] else { continue }
            batch.put(Key(group, .meta).bytes, state.metaRow)
        }
        touchedGroups.removeAll(keepingCapacity: true)
        if !batch.isEmpty {
            try store.write(batch)
            batch.clear()
        }
        if Mutant.isOn(.bodiesApart) {
            for (key, pieces) in bodiesApart { batch.put(key, prefix: ChunkHeader.plain, pieces: pieces) }
            bodiesApart.removeAll()
        }
        overlay.removeAll(keepingCapacity: true)
        if accounts.count + mailboxes.count > ApplierLimits.cachedRecords { forgetCaches() }
    }

    /// Forgets the batch, of all groups: they stand again where the store has them. This is for a command that failed
    /// in the middle, whose part of the batch cannot be told apart.
    ///
    /// - Parameter failed: the group whose command it was.
    public func rollBack(after failed: GroupID) throws {
        batch.clear()
        overlay.removeAll()
        bodiesApart.removeAll()
        dirtyAccounts.removeAll()
        dirtyMailboxes.removeAll()
        dirtyFloors.removeAll()
        mustCommitFirst = false
        forgetCaches()
        let changed = touchedGroups.union([failed])
        touchedGroups.removeAll()
        for group in changed.sorted() where groups[group] != nil { try open(group) }
    }

    /// The accounts that were changed since the last call; watches are told of them.
    public func takeTouchedAccounts() -> Set<AccountID> {
        defer { touchedAccounts.removeAll(keepingCapacity: true) }
        return touchedAccounts
    }

    private func forgetCaches() {
        accounts.removeAll(keepingCapacity: true)
        mailboxes.removeAll(keepingCapacity: true)
    }

    private func carryOut(_ envelope: CommandEnvelope, _ group: GroupID) throws -> MailOutcome {
        let context = Context(group: group, account: envelope.account, timestamp: envelope.timestamp)
        // A deleted account is out of reach, though rows of it are there for a while.
        if envelope.command.isOfAnAccount { _ = try account(context) }
        switch envelope.command {
        case .createAccount(let address, let credential, let quota, let mailboxes):
            return try createAccount(
                context,
                at: address,
                credential: credential,
                quotaBytes: quota,
                mailboxes: mailboxes
            )
        case .setAccountState(let state): return try updateAccount(context) { $0.state = state }
        case .deleteAccount: return try deleteAccount(context)
        case .setCredential(let credential): return try updateAccount(context) { $0.credential = credential }
        case .setQuota(let bytes): return try updateAccount(context) { $0.quotaBytes = bytes }
        case .createMailbox(let name, let use): return try createMailbox(context, named: name, use: use)
        case .deleteMailbox(let name): return try deleteMailbox(context, name)
        case .renameMailbox(let from, let to): return try renameMailbox(context, from: from, to: to)
        case .setSubscribed(let name, let subscribed): return try setSubscribed(context, name: name, to: subscribed)
        case .deliver(let message, let id): return try deliver(context, message: message, id: id)
        case .append(let message, let name): return try appendMessage(context, message, to: name)
        case .storeFlags(let mailbox, let uids, let operation, let flags, let unchangedSince):
            return try storeFlags(
                context,
                in: mailbox,
                of: uids,
                operation: operation,
                names: flags,
                unchangedSince: unchangedSince
            )
        case .expunge(let mailbox, let uids): return try expunge(context, from: mailbox, uids: uids, onlyDeleted: true)
        case .remove(let mailbox, let uids): return try expunge(context, from: mailbox, uids: uids, onlyDeleted: false)
        case .copy(let mailbox, let uids, let name):
            return try copyMessages(context, from: mailbox, uids: uids, to: name)
        case .move(let mailbox, let uids, let name):
            return try moveMessages(context, from: mailbox, uids: uids, to: name)
        case .claimRecent(let mailbox): return try claimRecent(context, mailbox)
        case .uploadChunk(let body, let index, let bytes):
            return try uploadChunk(context, of: body, index: index, bytes: bytes)
        case .purgeExpunged(let before, let limit): return try purgeExpunged(context, before: before, limit: limit)
        case .purgeRequests(let before, let limit): return purgeRequests(context, before: before, limit: limit)
        case .purgeDeliveries(let before, let limit): return try purgeDeliveries(context, before: before, limit: limit)
        case .purgeUploads(let before, let from, let limit):
            return try purgeUploads(context, before: before, from: from, limit: limit)
        case .purgeRemnant(let contents, let limit): return try purgeRemnant(context, contents, limit: limit)
        case .directory(let command): return try directory(context, command)
        }
    }

    /// Where and when a command is carried out.
    struct Context {
        let group: GroupID
        let account: AccountID
        let timestamp: Timestamp
    }
}

extension MailCommand {
    /// Whether the command is about an account that must exist.
    fileprivate var isOfAnAccount: Bool {
        switch self {
        case .setAccountState, .deleteAccount, .setCredential, .setQuota, .createMailbox, .deleteMailbox,
            .renameMailbox, .setSubscribed, .deliver, .append, .storeFlags, .expunge, .remove, .copy, .move,
            .claimRecent, .uploadChunk:
            true
        case .createAccount, .purgeExpunged, .purgeRequests, .purgeDeliveries, .purgeUploads, .purgeRemnant,
            .directory:
            false
        }
    }
}
