public import Consensus
public import MailModel
public import NIOCore
public import StateStorage

/// Applies committed entries of many groups to the store. Deterministic: the same log gives the same rows.
///
/// Belongs to one thread. Changes gather in one batch for all groups, with each group's applied index in it, until
/// ``commit()``. Rows that commands look up are kept decoded, and written once per batch.
///
/// The applier is the machine around the commands: it checks their order, recognises requests that come again, and
/// writes the batch. What the commands do is in a type for each family of them, on a ``CommandScope``.
public final class MailApplier {
    let batch: OpenBatch
    private let newestVersion: ClusterVersion
    /// Accounts that commands changed since the last ``takeTouchedAccounts()``.
    private var touchedAccounts: Set<AccountID> = []

    /// An applier in which no group is open.
    ///
    /// - Parameter newestVersion: commands of newer versions end the node: it would not know what they do.
    public init(store: any StateStore, newestVersion: ClusterVersion = KnownVersions.current.newest) {
        self.newestVersion = newestVersion
        self.batch = OpenBatch(store: store)
    }

    /// Reads what the store has of a group. To be called before the group's first entry.
    ///
    /// - Returns: the applied index; 0 for a group that has nothing yet.
    @discardableResult
    public func open(_ group: GroupID) throws -> LogIndex { try batch.open(group) }

    /// Forgets the group. Its batch must have been written; otherwise this traps.
    public func close(_ group: GroupID) { batch.close(group) }

    /// Whether the group's entries can be applied.
    public func isOpen(_ group: GroupID) -> Bool { batch.appliedIndex(of: group) != nil }
    /// The last entry that was applied to the group, perhaps only in the batch; 0 for a group that is not open.
    public func appliedIndex(_ group: GroupID) -> LogIndex { batch.appliedIndex(of: group) ?? .zero }
    /// The term of that entry; 0 for a group that is not open.
    public func appliedTerm(_ group: GroupID) -> Term { batch.state(of: group)?.appliedTerm ?? .zero }
    /// The digest of the group's rows with all that is in the batch.
    public func digest(_ group: GroupID) -> StateDigest { batch.state(of: group)?.digest ?? .empty }

    /// An entry without a command: only the applied index moves.
    public func applyEmpty(group: GroupID, index: LogIndex, term: Term) {
        check(group, index)
        batch.advance(group, to: index, term: term)
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
        if batch.mustCommitFirst { try batch.commit() }
        if let earlier = batch.earlierOutcome(of: envelope.request, in: group) {
            batch.advance(group, to: index, term: term)
            batch.settle(envelope, in: group)
            return (envelope.request, earlier)
        }
        let outcome: MailOutcome
        do {
            outcome = try carryOut(envelope, group)
        } catch let refusal as Refusal {
            outcome = .refused(refusal)
        }
        // Not before `carryOut`, which may write the batch: this entry must not count as applied in it.
        batch.advance(group, to: index, term: term)
        batch.settle(envelope, in: group)
        // Of a delivery with an ID, too: its ID may be forgotten before the request is repeated.
        batch.remember(outcome, of: envelope, in: group)
        if envelope.account.rawValue != 0 { touchedAccounts.insert(envelope.account) }
        if case .accountCreated(let account) = outcome { touchedAccounts.insert(account) }
        if batch.isFull { try batch.commit() }
        return (envelope.request, outcome)
    }

    private func check(_ group: GroupID, _ index: LogIndex) {
        guard let applied = batch.appliedIndex(of: group) else {
            preconditionFailure("group \(group.rawValue) was not opened")
        }
        precondition(index == applied.next, "entries are applied in order: \(index.rawValue) after \(applied.rawValue)")
    }

    /// Writes the batch: data and applied indexes together.
    public func commit() throws { try batch.commit() }

    /// Forgets the batch, of all groups: they stand again where the store has them. This is for a command that failed
    /// in the middle, whose part of the batch cannot be told apart.
    ///
    /// - Parameter failed: the group whose command it was.
    public func rollBack(after failed: GroupID) throws { try batch.rollBack(after: failed) }

    /// The accounts that were changed since the last call; watches are told of them.
    public func takeTouchedAccounts() -> Set<AccountID> {
        defer { touchedAccounts.removeAll(keepingCapacity: true) }
        return touchedAccounts
    }

    private func carryOut(_ envelope: CommandEnvelope, _ group: GroupID) throws -> MailOutcome {
        let scope = CommandScope(batch, group: group, account: envelope.account, timestamp: envelope.timestamp)
        // A deleted account is out of reach, though rows of it are there for a while.
        if envelope.command.isOfAnAccount { _ = try scope.account() }
        let accounts = AccountCommands(scope: scope)
        let mailboxes = MailboxCommands(scope: scope)
        let messages = MessageCommands(scope: scope)
        let purges = PurgeCommands(scope: scope)
        switch envelope.command {
        case .createAccount(let address, let credential, let quota, let defaults):
            return try accounts.createAccount(
                at: address,
                credential: credential,
                quotaBytes: quota,
                mailboxes: defaults
            )
        case .setAccountState(let state): return try accounts.setState(state)
        case .deleteAccount: return try accounts.deleteAccount()
        case .setCredential(let credential): return try accounts.setCredential(credential)
        case .setQuota(let bytes): return try accounts.setQuota(bytes: bytes)
        case .createMailbox(let name, let use): return try mailboxes.createMailbox(named: name, use: use)
        case .deleteMailbox(let name): return try mailboxes.deleteMailbox(named: name)
        case .renameMailbox(let from, let to): return try mailboxes.renameMailbox(from: from, to: to)
        case .setSubscribed(let name, let subscribed):
            return try mailboxes.setSubscribed(name: name, to: subscribed)
        case .deliver(let message, let id): return try messages.deliverMessage(message, id: id)
        case .append(let message, let name): return try messages.appendMessage(message, to: name)
        case .storeFlags(let mailbox, let uids, let operation, let flags, let unchangedSince):
            return try messages.storeFlags(
                in: mailbox,
                of: uids,
                operation: operation,
                names: flags,
                unchangedSince: unchangedSince
            )
        case .expunge(let mailbox, let uids): return try messages.expunge(uids, from: mailbox, onlyDeleted: true)
        case .remove(let mailbox, let uids): return try messages.expunge(uids, from: mailbox, onlyDeleted: false)
        case .copy(let mailbox, let uids, let name):
            return try messages.transferMessages(uids, from: mailbox, to: name, removing: false)
        case .move(let mailbox, let uids, let name):
            return try messages.transferMessages(uids, from: mailbox, to: name, removing: true)
        case .uploadChunk(let body, let index, let bytes):
            return try BodyCommands(scope: scope).uploadChunk(of: body, index: index, bytes: bytes)
        case .purgeExpunged(let before, let limit): return try purges.purgeExpunged(before: before, limit: limit)
        case .purgeRequests(let before, let limit): return purges.purgeRequests(before: before, limit: limit)
        case .purgeDeliveries(let before, let limit): return try purges.purgeDeliveries(before: before, limit: limit)
        case .purgeUploads(let before, let from, let limit):
            return try purges.purgeUploads(before: before, from: from, limit: limit)
        case .purgeRemnant(let contents, let limit):
            return try RemnantCommands(scope: scope).purgeRemnant(of: contents, limit: limit)
        case .directory(let command): return try DirectoryCommands(scope: scope).carryOut(command)
        }
    }
}

extension MailCommand {
    /// Whether the command is about an account that must exist.
    fileprivate var isOfAnAccount: Bool {
        switch self {
        case .setAccountState, .deleteAccount, .setCredential, .setQuota, .createMailbox, .deleteMailbox,
            .renameMailbox, .setSubscribed, .deliver, .append, .storeFlags, .expunge, .remove, .copy, .move,
            .uploadChunk:
            true
        case .createAccount, .purgeExpunged, .purgeRequests, .purgeDeliveries, .purgeUploads, .purgeRemnant,
            .directory:
            false
        }
    }
}
