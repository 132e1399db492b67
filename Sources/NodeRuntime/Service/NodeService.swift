package import Consensus
package import MailModel
internal import MailStore
internal import NIOConcurrencyHelpers
package import NIOCore
internal import NIOPosix
internal import StateStorage

/// The store as gateways see it, on this node.
package final class NodeService: MailService {
    let inboxes: LoopInboxes
    let reader: MailReader
    private let watchers: AccountWatchers
    let clock: any NodeClock
    let directory: PublishedDirectory
    let blocking: any BlockingWork
    let stateReads: StateReads
    private let passwords: any PasswordChecker
    private let callBudget: CallBudget
    let readBudget: ReadBudget
    let recentBook = RecentBook()
    private let callMilliseconds: Int64
    private let recipients = KnownRecipients()
    private let bodyNames = NIOLockedValueBox((high: SplitMix64.seededBySystem, low: SplitMix64.seededBySystem))
    /// Told when the state turns out to be damaged.
    private let failed: @Sendable (any Error) -> Void

    init(
        inboxes: LoopInboxes,
        reader: MailReader,
        watchers: AccountWatchers,
        clock: any NodeClock,
        directory: PublishedDirectory,
        blocking: any BlockingWork,
        stateReads: StateReads,
        passwords: any PasswordChecker,
        callBudget: CallBudget,
        readBudget: ReadBudget,
        callMilliseconds: Int64,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        self.inboxes = inboxes
        self.reader = reader
        self.watchers = watchers
        self.clock = clock
        self.directory = directory
        self.blocking = blocking
        self.stateReads = stateReads
        self.passwords = passwords
        self.callBudget = callBudget
        self.readBudget = readBudget
        self.callMilliseconds = callMilliseconds
        self.failed = failed
    }

    /// Reads; nil for what cannot be read, of which the loop hears. A state that fails its checks ends the node.
    func attempt<Value>(in group: GroupID, _ body: () throws -> Value) -> Value? {
        do {
            return try body()
        } catch {
            if let error = error as? StateError, error.kind == .corruption {
                failed(error)
            } else if !(error is HarmedChunk) {
                let reason = "\(error)"
                inboxes.put(.unreadable(group, reason: reason), for: group)
            }
            return nil
        }
    }

    /// The group that serves a slot, as far as this node knows.
    func group(of slot: Slot) -> GroupID { directory.now.place(of: slot).group }

    var deadline: Int64 { clock.monotonicMilliseconds() + callMilliseconds }

    package func now() -> Timestamp { clock.now() }

    package func makeBodyID() -> BodyID {
        // To ask the system for each would be two system calls for each message.
        let random = bodyNames.withLockedValue { ($0.high.next(), $0.low.next()) }
        return BodyID(milliseconds: clock.now().rawValue, random: random.0, random.1)
    }

    package func watch(
        _ account: AccountReference,
        on loop: any EventLoop,
        changed: @escaping @Sendable () -> Void
    ) -> any AccountWatch {
        beginWatch(account, on: loop, changed)
    }

    /// Watches an account for a caller without an event loop: `changed` is called by the thread that makes the change.
    package func watch(_ account: AccountReference, changed: @escaping @Sendable () -> Void) -> any AccountWatch {
        beginWatch(account, on: nil, changed)
    }

    /// Where another node has to tell, its loop asks it to.
    private func beginWatch(
        _ account: AccountReference,
        on loop: (any EventLoop)?,
        _ changed: @escaping @Sendable () -> Void
    ) -> any AccountWatch {
        let group = group(of: account.slot)
        let watch = watchers.add(account.id, in: group, on: loop, changed)
        inboxes.put(.remoteWatches(.added(account.id, in: group)), for: group)
        return watch
    }

    // MARK: Commands

    package func submit(
        _ command: MailCommand,
        for account: AccountReference,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailOutcome> {
        let promise = loop.makePromise(of: MailOutcome.self)
        submit(
            command,
            to: group(of: account.slot),
            account: account.id,
            Completion(on: loop) { promise.complete(with: $0) }
        )
        return promise.futureResult
    }

    /// Submits a command for a caller without an event loop.
    func submit(_ command: MailCommand, to group: GroupID, account: AccountID) async -> Result<
        MailOutcome, ServiceFailure
    > {
        await withCheckedContinuation { continuation in
            submit(command, to: group, account: account, Completion(on: nil) { continuation.resume(returning: $0) })
        }
    }

    /// Has a command carried out, for callers that know the group.
    package func submit(
        _ command: MailCommand,
        to group: GroupID,
        account: AccountID,
        _ completion: Completion<MailOutcome>
    ) {
        let bytes = command.approximateBytes
        guard callBudget.take(bytes) else { return completion.finish(.failure(.busy)) }
        let call = ClientCall(
            group: group,
            account: account,
            command: command,
            deadlineMilliseconds: deadline,
            admittedBytes: bytes,
            completion: command.isOfDelivery ? forgettingRecipient(account, completion) : completion
        )
        inboxes.put(.submit(call), for: group)
    }

    /// What was known of the account was out of date where there is none.
    private func forgettingRecipient(
        _ account: AccountID,
        _ completion: Completion<MailOutcome>
    ) -> Completion<MailOutcome> {
        let recipients = recipients
        return Completion(on: completion.loop) { result in
            if case .success(.refused(.noSuchAccount)) = result { recipients.forget(account) }
            completion.body(result)
        }
    }

    // MARK: Reads

    package func find(_ address: AccountAddress, on loop: any EventLoop) -> EventLoopFuture<AccountRecord?> {
        let promise = loop.makePromise(of: AccountRecord?.self)
        readAccount(address, Completion(on: loop) { promise.complete(with: $0) })
        return promise.futureResult
    }

    package func findForDelivery(_ address: AccountAddress, on loop: any EventLoop) -> EventLoopFuture<AccountID?> {
        // Known at once, it is told without a turn of the loop between.
        if let account = recipients.account(of: address, clock.monotonicMilliseconds()) {
            return loop.makeSucceededFuture(account)
        }
        let promise = loop.makePromise(of: AccountID?.self)
        findForDelivery(address, Completion(on: loop) { promise.complete(with: $0) })
        return promise.futureResult
    }

    /// Finds an account to deliver to, for callers without an event loop too. What this node has is enough to say yes;
    /// only a no asks the leader.
    package func findForDelivery(_ address: AccountAddress, _ completion: Completion<AccountID?>) {
        let now = clock.monotonicMilliseconds()
        if let account = recipients.account(of: address, now) { return completion.finish(.success(account)) }
        let group = group(of: address.slot)
        guard let permit = readBudget.take() else { return completion.finish(.failure(.busy)) }
        let id = stateReads.begin(deadlineMilliseconds: deadline) { completion.finish(.failure($0)) }
        blocking.run { [self] in
            permit.hold {
                let record = attempt(in: group) { try reader.find(address, in: group) } ?? nil
                guard stateReads.end(id) else { return }
                if let record {
                    recipients.note(record.id, of: address, now)
                    return completion.finish(.success(record.id))
                }
                let found = Completion<AccountRecord?>(on: nil) { [self] result in
                    if case .success(let record?) = result { recipients.note(record.id, of: address, now) }
                    completion.finish(result.map { $0?.id })
                }
                readAccount(address, found)
            }
        }
    }

    package func query(
        _ query: MailQuery,
        of account: AccountReference,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailAnswer> {
        let promise = loop.makePromise(of: MailAnswer.self)
        self.query(query, of: account, Completion(on: loop) { promise.complete(with: $0) })
        return promise.futureResult
    }

    /// Answers a query, for callers without an event loop too.
    package func query(_ query: MailQuery, of account: AccountReference, _ completion: Completion<MailAnswer>) {
        switch query {
        case .body, .details: queryUnchanging(query, of: account, completion)
        case .account, .mailboxes, .mailbox, .messages, .changes: readMail(query, of: account, completion)
        }
    }

    package func queryNearby(
        _ query: MailQuery,
        of account: AccountReference,
        showing known: KnownMailbox,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailAnswer> {
        let promise = loop.makePromise(of: MailAnswer.self)
        queryNearby(query, of: account, showing: known, Completion(on: loop) { promise.complete(with: $0) })
        return promise.futureResult
    }

    /// Answers a query that need not be linearizable, for callers without an event loop too.
    package func queryNearby(
        _ query: MailQuery,
        of account: AccountReference,
        showing known: KnownMailbox,
        _ completion: Completion<MailAnswer>
    ) {
        readMail(query, of: account, showing: known, completion)
    }

    /// Reads what `body` reads of this node's own state, no older than this call.
    package func read<Value: Sendable>(
        _ group: GroupID,
        _ completion: Completion<Value>,
        _ body: @escaping @Sendable () throws -> Value
    ) {
        guard let permit = readBudget.take() else { return completion.finish(.failure(.busy)) }
        let call = ReadCall(
            group: group,
            deadlineMilliseconds: deadline,
            read: {
                let result = permit.hold { Result { try body() } }
                return {
                    let value = self.attempt(in: group) { try result.get() }
                    completion.finish(value.map { .success($0) } ?? .failure(.unavailable))
                }
            },
            fail: { completion.finish(.failure($0)) }
        )
        inboxes.put(.read(call), for: group)
    }

    package func takeRecent(in mailbox: MailboxID, of account: AccountReference, from: UID, upTo: UID) -> UID {
        recentBook.take(from: from, upTo: upTo, in: mailbox, of: account.id)
    }

    // MARK: Passwords

    package func authenticate(
        _ login: LoginAttempt,
        on loop: any EventLoop
    ) -> EventLoopFuture<AuthenticationResult> {
        let promise = loop.makePromise(of: AuthenticationResult.self)
        authenticate(login, Completion(on: loop) { promise.complete(with: $0) })
        return promise.futureResult
    }

    /// Looks a client's name and password up, for callers without an event loop too.
    package func authenticate(_ login: LoginAttempt, _ completion: Completion<AuthenticationResult>) {
        guard let text = String(validating: login.name.readableBytesView, as: UTF8.self),
            let address = AccountAddress(path: text)
        else { return verify(login, of: nil, completion) }
        let found = Completion<AccountRecord?>(on: nil) { [self] result in
            switch result {
            case .success(let record): verify(login, of: record, completion)
            case .failure(let failure): completion.finish(.failure(failure))
            }
        }
        readAccount(address, found)
    }

    private func verify(
        _ login: LoginAttempt,
        of record: AccountRecord?,
        _ completion: Completion<AuthenticationResult>
    ) {
        let verified = Completion<Bool>(on: nil) { result in
            switch result {
            case .failure(.busy): completion.finish(.success(.busy))
            case .failure(let failure): completion.finish(.failure(failure))
            case .success(let isRight):
                guard isRight, let record else { return completion.finish(.success(.refused)) }
                guard record.state == .active else { return completion.finish(.success(.suspended)) }
                let account = AccountReference(id: record.id, slot: record.address.slot)
                completion.finish(.success(.authenticated(account, record.address)))
            }
        }
        let check = PasswordCheck(
            password: login.password,
            credential: record?.credential,
            account: record?.address.text ?? String(buffer: login.name),
            origin: login.origin
        )
        passwords.verify(check, verified)
    }
}

extension EventLoopPromise where Value: Sendable {
    fileprivate func complete(with result: Result<Value, ServiceFailure>) {
        switch result {
        case .success(let value): succeed(value)
        case .failure(let failure): fail(failure)
        }
    }
}

extension SplitMix64 {
    fileprivate static var seededBySystem: SplitMix64 { SplitMix64(seed: .random(in: 0...UInt64.max)) }
}

extension MailCommand {
    /// Whether its account was found by ``NodeService/findForDelivery(_:on:)``.
    fileprivate var isOfDelivery: Bool {
        switch self {
        case .deliver, .uploadChunk: true
        case .createAccount, .setAccountState, .deleteAccount, .setCredential, .setQuota, .createMailbox,
            .deleteMailbox, .renameMailbox, .setSubscribed, .append, .storeFlags, .expunge, .remove, .copy, .move,
            .purgeExpunged, .purgeRequests, .purgeDeliveries, .purgeUploads, .purgeRemnant, .directory:
            false
        }
    }
}
