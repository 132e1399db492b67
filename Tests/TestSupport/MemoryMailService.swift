internal import Consensus
public import MailModel
internal import MailStore
internal import NIOConcurrencyHelpers
public import NIOCore
internal import StateStorage

/// A mail store for tests: the real applier and reader over memory, without Raft. Commands are applied under a lock,
/// one after the other; answers come on the loop that was asked for.
public final class MemoryMailService: MailService {
    /// Touched only under the lock.
    private final class State: @unchecked Sendable {
        let store = MemoryStateStore()
        let applier: MailApplier
        let reader: MailReader
        var index = LogIndex.zero
        var sequence: UInt64 = 0
        var passwords: [AccountAddress: String] = [:]
        var watchers: [UInt64: Watcher] = [:]
        var nextWatcher: UInt64 = 1
        var milliseconds: Int64 = 1_700_000_000_000
        var bodies: UInt64 = 0
        var failure: ServiceFailure?
        var failsBodies = false
        var calls = Calls()
        /// Up to which UID sessions were given messages as `\Recent`.
        var recent: [AccountReference: [MailboxID: UID]] = [:]
        /// Look-ups that wait until there are `lookUpsTogether` of them.
        var heldLookUps: [@Sendable () -> Void] = []
        var lookUpsTogether = 1

        init() {
            applier = MailApplier(store: store)
            reader = MailReader(store: store)
        }
    }

    private struct Watcher {
        let account: AccountID
        let loop: any EventLoop
        let changed: @Sendable () -> Void
    }

    /// How many calls came in, for tests of what a command costs.
    public struct Calls: Hashable, Sendable {
        public var queries = 0
        public var commands = 0
        public var largestDetails = 0
    }

    private static let group = GroupID(1)
    private let state: NIOLockedValueBox<State>

    public init() throws {
        let state = State()
        try state.applier.open(Self.group)
        self.state = NIOLockedValueBox(state)
    }

    // MARK: For tests

    /// Creates an account with INBOX and the usual mailboxes.
    @discardableResult
    public func addAccount(
        _ address: String,
        password: String,
        quotaBytes: UInt64 = 0,
        mailboxes: [DefaultMailbox] = DefaultMailbox.standard
    ) throws -> AccountReference {
        guard let address = AccountAddress(address) else { throw ServiceFailure.busy }
        return try state.withLockedValue { state in
            state.passwords[address] = password
            let command = MailCommand.createAccount(
                address: address,
                credential: nil,
                quotaBytes: quotaBytes,
                mailboxes: mailboxes
            )
            guard case .accountCreated(let id) = try Self.apply(command, AccountID(0), state) else {
                throw ServiceFailure.busy
            }
            return AccountReference(id: id, slot: address.slot)
        }
    }

    /// Carries out a command at once.
    @discardableResult
    public func perform(_ command: MailCommand, for account: AccountReference) throws -> MailOutcome {
        let (outcome, watchers) = try state.withLockedValue { state in
            (try Self.apply(command, account.id, state), Self.watchers(of: account.id, state))
        }
        Self.notify(watchers)
        return outcome
    }

    public func ask(_ query: MailQuery, of account: AccountReference) throws -> MailAnswer {
        try state.withLockedValue { try $0.reader.answer(query, of: account.id, in: Self.group) }
    }

    /// Every call fails so from now on; nil ends it.
    public func setFailure(_ failure: ServiceFailure?) { state.withLockedValue { $0.failure = failure } }

    /// Bodies cannot be read while this is on.
    public func failBodies(_ fails: Bool) { state.withLockedValue { $0.failsBodies = fails } }

    /// From now on look-ups for deliveries are answered so many at a time, the last one first.
    public func answerLookUpsInReverse(together count: Int) { state.withLockedValue { $0.lookUpsTogether = count } }

    public func setAccountState(_ accountState: AccountState, of account: AccountReference) throws {
        try perform(.setAccountState(accountState), for: account)
    }

    public func advance(seconds: Int64) { state.withLockedValue { $0.milliseconds += seconds * 1_000 } }

    /// The entry that was applied last, as the log of a group would have it.
    public var appliedIndex: UInt64 { state.withLockedValue { $0.index.rawValue } }

    public var calls: Calls { state.withLockedValue { $0.calls } }

    private static func apply(_ command: MailCommand, _ account: AccountID, _ state: State) throws -> MailOutcome {
        state.index = state.index.next
        state.sequence += 1
        let envelope = CommandEnvelope(
            request: RequestID(session: 1, sequence: state.sequence),
            settledBelow: state.sequence,
            timestamp: Timestamp(milliseconds: state.milliseconds),
            account: account,
            command: command
        )
        let payload = envelope.encoded()
        precondition(payload.readableBytes <= MailLimits.commandBytes, "a command above the limit")
        let (_, outcome) = try state.applier.apply(
            group: group,
            index: state.index,
            term: Term(1),
            payload: payload
        )
        try state.applier.commit()
        return outcome
    }

    // MARK: MailService

    public func authenticate(
        _ login: LoginAttempt,
        on loop: any EventLoop
    ) -> EventLoopFuture<AuthenticationResult> {
        answer(on: loop) { state in
            guard let address = AccountAddress(String(buffer: login.name)),
                let expected = state.passwords[address],
                expected == String(buffer: login.password),
                let record = try state.reader.find(address, in: Self.group)
            else { return .refused }
            guard record.state == .active else { return .suspended }
            return .authenticated(AccountReference(id: record.id, slot: address.slot), address)
        }
    }

    public func find(_ address: AccountAddress, on loop: any EventLoop) -> EventLoopFuture<AccountRecord?> {
        answer(on: loop) { try $0.reader.find(address, in: Self.group) }
    }

    public func findForDelivery(_ address: AccountAddress, on loop: any EventLoop) -> EventLoopFuture<AccountID?> {
        let promise = loop.makePromise(of: AccountID?.self)
        let due = state.withLockedValue { state -> [@Sendable () -> Void] in
            state.heldLookUps.append { promise.completeWith(self.find(address, on: loop).map { $0?.id }) }
            guard state.heldLookUps.count >= state.lookUpsTogether else { return [] }
            defer { state.heldLookUps = [] }
            return state.heldLookUps.reversed()
        }
        for answer in due { answer() }
        return promise.futureResult
    }

    public func submit(
        _ command: MailCommand,
        for account: AccountReference,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailOutcome> {
        answer(on: loop, notifying: account.id) { state in
            state.calls.commands += 1
            return try Self.apply(command, account.id, state)
        }
    }

    public func query(
        _ query: MailQuery,
        of account: AccountReference,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailAnswer> {
        answer(on: loop) { state in
            state.calls.queries += 1
            if state.failsBodies, case .body = query { throw ServiceFailure.unavailable }
            if case .details(let mailbox, let uids, _) = query {
                state.calls.largestDetails = max(state.calls.largestDetails, uids.count)
                // Bytes that cannot be read are left out of rows.
                if state.failsBodies {
                    return try state.reader.answer(.details(mailbox, uids), of: account.id, in: Self.group)
                }
            }
            let answer = try state.reader.answer(query, of: account.id, in: Self.group)
            return Self.raise(answer, state.recent[account] ?? [:])
        }
    }

    public func takeRecent(in mailbox: MailboxID, of account: AccountReference, from: UID, upTo: UID) -> UID {
        state.withLockedValue { state in
            let noted = state.recent[account]?[mailbox] ?? from
            state.recent[account, default: [:]][mailbox] = max(noted, upTo)
            return max(noted, from)
        }
    }

    private static func raise(_ answer: MailAnswer, _ recent: [MailboxID: UID]) -> MailAnswer {
        func raised(_ record: MailboxRecord) -> MailboxRecord {
            var record = record
            record.recentFrom = min(max(record.recentFrom, recent[record.id] ?? record.recentFrom), record.uidNext)
            return record
        }
        switch answer {
        case .mailbox(let record): return .mailbox(raised(record))
        case .mailboxes(let records): return .mailboxes(records.map(raised))
        case .messages(let record, let states): return .messages(raised(record), states)
        case .changes(var changes):
            changes.mailbox = raised(changes.mailbox)
            return .changes(changes)
        case .missing, .account, .details, .body: return answer
        }
    }

    public func watch(
        _ account: AccountReference,
        on loop: any EventLoop,
        changed: @escaping @Sendable () -> Void
    ) -> any AccountWatch {
        let number = state.withLockedValue { state in
            defer { state.nextWatcher += 1 }
            state.watchers[state.nextWatcher] = Watcher(account: account.id, loop: loop, changed: changed)
            return state.nextWatcher
        }
        return Watch(service: self, number: number)
    }

    public func makeBodyID() -> BodyID {
        state.withLockedValue { state in
            state.bodies += 1
            return BodyID(milliseconds: state.milliseconds, random: state.bodies, state.bodies)
        }
    }

    public func now() -> Timestamp { state.withLockedValue { Timestamp(milliseconds: $0.milliseconds) } }

    private struct Watch: AccountWatch {
        let service: MemoryMailService
        let number: UInt64
        func cancel() { service.state.withLockedValue { $0.watchers[number] = nil } }
    }

    private static func watchers(of account: AccountID, _ state: State) -> [Watcher] {
        state.watchers.values.filter { $0.account == account }
    }

    private static func notify(_ watchers: [Watcher]) {
        for watcher in watchers { watcher.loop.execute { watcher.changed() } }
    }

    private func answer<Value: Sendable>(
        on loop: any EventLoop,
        notifying account: AccountID? = nil,
        _ work: @escaping @Sendable (State) throws -> Value
    ) -> EventLoopFuture<Value> {
        loop.submit {
            let (value, watchers) = try self.state.withLockedValue { state in
                if let failure = state.failure { throw failure }
                let value = try work(state)
                return (value, account.map { Self.watchers(of: $0, state) } ?? [])
            }
            Self.notify(watchers)
            return value
        }
    }
}
