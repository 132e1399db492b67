internal import Consensus
internal import MailModel
internal import NIOCore

/// What a group should hold after each committed entry, and how each request should have been answered.
struct GroupModel {
    let group: GroupID
    private(set) var index: UInt64 = 0
    private(set) var accounts: [AccountID: AccountModel] = [:]
    private var addresses: [AccountAddress: AccountID] = [:]
    private var nextAccount: UInt32 = 1
    /// The first, and only, outcome of every request ever committed: a repetition has no effect.
    private(set) var answers: [RequestID: (index: UInt64, outcome: MailOutcome)] = [:]
    private(set) var repetitions = 0
    /// Deliveries that had been carried out before, under another request.
    private(set) var recognised = 0
    /// What the directory says, of group 0.
    private(set) var directory = DirectoryModel()
    /// How far each session has said that it is settled: what comes later than that is not carried out.
    private var floors: [UInt64: UInt64] = [:]
    /// Earlier versions of the accounts, newest last, for reads at an older applied index.
    private var history: [AccountID: [(index: UInt64, model: AccountModel?)]] = [:]

    static let versionsKept = 256

    init(group: GroupID) { self.group = group }

    enum Effect {
        case carriedOut, repeated
        /// The request came too late: its session had given it up.
        case dropped
    }

    /// Takes the next committed entry; nil for one without a command.
    mutating func apply(_ envelope: CommandEnvelope?, at entry: UInt64) -> Effect {
        precondition(entry == index + 1, "the model takes entries in order")
        index = entry
        guard let envelope else { return .carriedOut }
        let isHousekeeping = envelope.request.session == 0
        if !isHousekeeping, answers[envelope.request] != nil {
            repetitions += 1
            return .repeated
        }
        let session = envelope.request.session
        if !isHousekeeping, envelope.request.sequence < floors[session, default: 0] { return .dropped }
        floors[session] = max(floors[session, default: 0], envelope.settledBelow)
        var outcome: MailOutcome
        do throws(Refusal) {
            outcome = try carryOut(envelope)
        } catch {
            outcome = .refused(error)
        }
        if !isHousekeeping { answers[envelope.request] = (entry, outcome) }
        var touched = envelope.account
        if case .accountCreated(let id) = outcome { touched = id }
        guard touched.rawValue != 0 else { return .carriedOut }
        history[touched, default: []].append((entry, accounts[touched]))
        if history[touched, default: []].count > 2 * Self.versionsKept {
            history[touched]?.removeFirst(Self.versionsKept)
        }
        return .carriedOut
    }

    /// The account as of an applied index. `isKnown` is false when that version is no longer kept.
    func account(_ id: AccountID, at index: UInt64) -> (model: AccountModel?, isKnown: Bool) {
        guard let versions = history[id] else { return (nil, true) }
        guard let version = versions.last(where: { $0.index <= index }) else {
            return (nil, versions.count < Self.versionsKept)
        }
        return (version.model, true)
    }

    /// The account at an index, and as every later entry left it; nil when that is no longer kept.
    func versions(of id: AccountID, since index: UInt64) -> [AccountModel?]? {
        guard let versions = history[id] else { return [nil] }
        guard let first = versions.lastIndex(where: { $0.index <= index }) else {
            return versions.count < Self.versionsKept ? [nil] + versions.map(\.model) : nil
        }
        return versions[first...].map(\.model)
    }

    private mutating func carryOut(_ envelope: CommandEnvelope) throws(Refusal) -> MailOutcome {
        let id = envelope.account
        let time = envelope.timestamp
        switch envelope.command {
        case .createAccount(let address, let credential, let quota, let defaults):
            let outcome = try createAccount(at: address, quotaBytes: quota, mailboxes: defaults, time: time)
            if case .accountCreated(let id) = outcome { accounts[id]?.credential = credential }
            return outcome
        case .deleteAccount:
            guard let account = accounts.removeValue(forKey: id) else { throw .noSuchAccount }
            addresses[account.address] = nil
            return .done
        case .setAccountState(let state): return try change(id) { $0.state = state }
        case .setCredential(let credential): return try change(id) { $0.credential = credential }
        case .setQuota(let bytes): return try change(id) { $0.quotaBytes = bytes }
        case .createMailbox(let name, let use):
            return try edit(id) { account throws(Refusal) in try account.createMailbox(named: name, use: use, at: time)
            }
        case .deleteMailbox(let name):
            return try edit(id) { account throws(Refusal) in try account.delete(name, time) }
        case .renameMailbox(let from, let to):
            return try edit(id) { account throws(Refusal) in try account.renameMailbox(from: from, to: to, at: time) }
        case .setSubscribed(let name, let subscribed):
            return try edit(id) { account throws(Refusal) in account.setSubscribed(name, to: subscribed, at: time) }
        case .deliver(let message, let delivery):
            if let delivery, accounts[id]?.outcome(of: delivery) != nil { recognised += 1 }
            return try edit(id) { account throws(Refusal) in
                try account.deliver(message, id: delivery, at: time)
            }
        case .append(let message, let name):
            return try edit(id) { account throws(Refusal) in try account.add(message, to: name) }
        case .storeFlags(let mailbox, let uids, let operation, let names, let since):
            return try edit(id) { account throws(Refusal) in
                try account.storeFlags(in: mailbox, of: uids, operation: operation, names: names, unchangedSince: since)
            }
        case .expunge(let mailbox, let uids):
            return try edit(id) { account throws(Refusal) in try account.expunge(mailbox, uids, onlyDeleted: true) }
        case .remove(let mailbox, let uids):
            return try edit(id) { account throws(Refusal) in try account.expunge(mailbox, uids, onlyDeleted: false) }
        case .copy(let mailbox, let uids, let name):
            return try edit(id) { account throws(Refusal) in
                try account.transfer(mailbox, uids, to: name, removing: false)
            }
        case .move(let mailbox, let uids, let name):
            return try edit(id) { account throws(Refusal) in
                try account.transfer(mailbox, uids, to: name, removing: true)
            }
        case .uploadChunk(let body, let index, let bytes):
            return try edit(id) { account throws(Refusal) in
                try account.uploadChunk(of: body, index: index, bytes: bytes.readableBytes)
            }
        case .purgeExpunged, .purgeRequests, .purgeRemnant:
            return .purged(0)
        case .purgeDeliveries(let before, let limit):
            forgetDeliveries(before, limit)
            return .purged(0)
        case .purgeUploads(let before, let first, _):
            for id in accounts.keys where id >= first {
                let kept = accounts[id]?.uploads.filter { Int64($0.key.high >> 16) >= before.rawValue }
                accounts[id]?.uploads = kept ?? [:]
            }
            return .purged(0)
        case .directory(let command): return try directory.carryOut(command, at: envelope.timestamp)
        }
    }

    /// The oldest first; of one time in the order of accounts and names.
    private mutating func forgetDeliveries(_ before: Timestamp, _ limit: UInt32) {
        var due = accounts.values.flatMap { account in
            account.deliveries.filter { $0.time < before.rawValue }.map { (account: account.id, delivery: $0) }
        }
        due.sort { a, b in
            (a.delivery.time, a.account.rawValue, a.delivery.id.high, a.delivery.id.low)
                < (b.delivery.time, b.account.rawValue, b.delivery.id.high, b.delivery.id.low)
        }
        for (account, delivery) in due.prefix(Int(limit)) {
            accounts[account]?.deliveries.removeAll { $0.id == delivery.id }
        }
    }

    private mutating func createAccount(
        at address: AccountAddress,
        quotaBytes quota: UInt64,
        mailboxes defaults: [DefaultMailbox],
        time: Timestamp
    ) throws(Refusal) -> MailOutcome {
        guard addresses[address] == nil else { throw .accountExists }
        let id = AccountID(UInt64(group.rawValue) << 32 | UInt64(nextAccount))
        nextAccount += 1
        var account = AccountModel(id: id, address: address, created: time, quotaBytes: quota)
        account.addMailbox(named: .inbox, use: nil, subscribed: true, at: time)
        for mailbox in defaults {
            account.addMailbox(named: mailbox.name, use: mailbox.use, subscribed: true, at: time)
        }
        accounts[id] = account
        addresses[address] = id
        return .accountCreated(id)
    }

    private mutating func change(_ id: AccountID, _ body: (inout AccountModel) -> Void) throws(Refusal) -> MailOutcome {
        try edit(id) { account throws(Refusal) in
            body(&account)
            return .done
        }
    }

    /// Changes an account as a whole or not at all.
    private mutating func edit(
        _ id: AccountID,
        _ body: (inout AccountModel) throws(Refusal) -> MailOutcome
    ) throws(Refusal) -> MailOutcome {
        guard var account = accounts[id] else { throw .noSuchAccount }
        let outcome = try body(&account)
        accounts[id] = account
        return outcome
    }
}
