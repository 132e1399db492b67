internal import Consensus
internal import IMAPGateway
internal import MailModel
internal import MailStore
internal import NIOCore
internal import NodeRuntime

/// The mail service of a simulated node, for one gateway session: what the session asks for goes to the node's own
/// service, and comes back a little later, as over a hop between threads, in any order.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimMailService: MailService, @unchecked Sendable {
    private let node: SimNode
    private let incarnation: UInt64
    private unowned let world: World
    private var random: SimRandom
    /// What is not answered: ends each of them, by its number, when nobody will.
    private var pending: [UInt64: () -> Void] = [:]
    private var nextCall: UInt64 = 1
    private var addresses: [AccountID: AccountAddress] = [:]
    private var watches: [any AccountWatch] = []
    /// Called after something was answered, and when a watch was told of something.
    var answered: () -> Void = {}
    /// Called before a command is submitted.
    var noted: (MailCommand, AccountAddress) -> Void = { _, _ in }
    /// Called when a password was looked at.
    var authenticated: (AuthenticationResult) -> Void = { _ in }
    /// Queries and commands that ended without an answer.
    private(set) var failures = 0
    /// The entry by which the session has changed messages last, as far as it was told.
    private(set) var changedIndex: UInt64?
    /// Something was read where the disk does not hold what was put there, and the node has not found it yet.
    private(set) var mayErr = false

    init(_ node: SimNode, random: SimRandom, world: World) {
        self.node = node
        self.random = random
        self.world = world
        incarnation = node.incarnation
    }

    /// The node is gone, or the session: nothing is answered any more.
    func end() {
        answered = {}
        noted = { _, _ in }
        authenticated = { _ in }
        for watch in watches { watch.cancel() }
        watches = []
        let calls = pending.sorted { $0.key < $1.key }
        pending.removeAll()
        for (_, end) in calls { end() }
    }

    /// What the sessions of the node share.
    var sharedRows: SharedRows { node.endpoint?.sharedRows ?? SharedRows() }

    // MARK: MailService

    func findForDelivery(_ address: AccountAddress, on loop: any EventLoop) -> EventLoopFuture<AccountID?> {
        let promise = loop.makePromise(of: AccountID?.self)
        let call = begin { promise.fail(ServiceFailure.unavailable) }
        later { [self] in
            guard pending[call] != nil, let service = node.service else { return }
            let completion = Completion<AccountID?>(on: nil) { [self] result in
                finish(call) { [self] in
                    if case .success(let id?) = result { addresses[id] = address }
                    promise.complete(with: result)
                }
            }
            service.findForDelivery(address, completion)
            world.wake(node)
        }
        return promise.futureResult
    }

    func submit(
        _ command: MailCommand,
        for account: AccountReference,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailOutcome> {
        guard let service = node.service, let address = addresses[account.id] else {
            return loop.makeFailedFuture(ServiceFailure.unavailable)
        }
        noted(command, address)
        let group = world.routing.group(of: account.slot)
        let promise = loop.makePromise(of: MailOutcome.self)
        let request = node.nextRequest(to: group)
        world.checker.register(request, group: group, account: account.id, command: command)
        let call = begin { [unowned world] in
            world.checker.gaveUp(request, group)
            promise.fail(ServiceFailure.unavailable)
        }
        let completion = Completion<MailOutcome>(on: nil) { [self] result in
            switch result {
            case .success(let outcome):
                world.checker.acknowledged(request, group: group, outcome: outcome, world: world)
                if case .appended = outcome { world.noteMail(of: request, in: group) }
                noteChange(outcome, of: request, in: group)
            case .failure:
                failures += 1
                world.checker.gaveUp(request, group)
            }
            finish(call) { promise.complete(with: result) }
        }
        service.submit(command, to: group, account: account.id, completion)
        world.wake(node)
        return promise.futureResult
    }

    func authenticate(_ login: LoginAttempt, on loop: any EventLoop) -> EventLoopFuture<AuthenticationResult> {
        ask(on: loop) { service, completion in
            service.authenticate(login, completion)
        } heard: { [self] verdict in
            if case .authenticated(let account, let address) = verdict { addresses[account.id] = address }
            authenticated(verdict)
        }
    }

    func query(
        _ query: MailQuery,
        of account: AccountReference,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailAnswer> {
        askStore(query, of: account, showing: nil, on: loop)
    }

    func queryNearby(
        _ query: MailQuery,
        of account: AccountReference,
        showing known: KnownMailbox,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailAnswer> {
        askStore(query, of: account, showing: known, on: loop)
    }

    private func askStore(
        _ query: MailQuery,
        of account: AccountReference,
        showing known: KnownMailbox?,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailAnswer> {
        let group = world.routing.group(of: account.slot)
        mayErr = mayErr || world.silentHarm.mayDiffer(node, in: group)
        return ask(on: loop) { service, completion in
            let noted = Completion<MailAnswer>(on: nil) { [self] result in
                mayErr = mayErr || world.silentHarm.mayDiffer(node, in: group)
                if case .failure = result { failures += 1 }
                completion.finish(result.map(mutated))
            }
            if let known {
                let isChecked = world.options.mutant != .nearbyUnchecked
                service.queryNearby(query, of: account, showing: isChecked ? known : KnownMailbox(), noted)
            } else {
                service.query(query, of: account, noted)
            }
        }
    }

    /// What the session has changed of the messages of a mailbox is seen from now on.
    private func noteChange(_ outcome: MailOutcome, of request: RequestID, in group: GroupID) {
        switch outcome {
        case .flagsStored, .expunged:
            changedIndex = world.checker.model(group).answers[request]?.index ?? changedIndex
        case .refused, .done, .accountCreated, .mailboxCreated, .appended, .copied, .purged, .nodeAdmitted,
            .groupAdded, .operationConflicts:
            break
        }
    }

    private func mutated(_ answer: MailAnswer) -> MailAnswer {
        guard world.options.mutant == .flagsForgotten, case .changes(var changes) = answer else { return answer }
        changes.changed = []
        return .changes(changes)
    }

    func watch(
        _ account: AccountReference,
        on loop: any EventLoop,
        changed: @escaping @Sendable () -> Void
    ) -> any AccountWatch {
        guard let service = node.service, world.options.mutant != .watchesDeaf else { return NoWatch() }
        let watch = service.watch(account) { [weak self] in
            self?.later { [weak self] in
                changed()
                self?.answered()
            }
        }
        watches.append(watch)
        return watch
    }

    func takeRecent(in mailbox: MailboxID, of account: AccountReference, from: UID, upTo: UID) -> UID {
        node.service?.takeRecent(in: mailbox, of: account, from: from, upTo: upTo) ?? from
    }

    func makeBodyID() -> BodyID { BodyID(milliseconds: now().rawValue, random: random.next(), random.next()) }

    func now() -> Timestamp { node.clock.now() }

    // MARK: Calls

    private func begin(_ end: @escaping () -> Void) -> UInt64 {
        defer { nextCall += 1 }
        pending[nextCall] = end
        return nextCall
    }

    /// Asks the node's service.
    ///
    /// - Parameter heard: called with the answer, before the session has it.
    private func ask<Value: Sendable>(
        on loop: any EventLoop,
        _ body: (NodeService, Completion<Value>) -> Void,
        heard: @escaping @Sendable (Value) -> Void = { _ in }
    ) -> EventLoopFuture<Value> {
        let promise = loop.makePromise(of: Value.self)
        let call = begin { promise.fail(ServiceFailure.unavailable) }
        guard let service = node.service else { return promise.futureResult }
        let completion = Completion<Value>(on: nil) { [self] result in
            finish(call) {
                if case .success(let value) = result { heard(value) }
                promise.complete(with: result)
            }
        }
        body(service, completion)
        world.wake(node)
        return promise.futureResult
    }

    private func finish(_ call: UInt64, _ answer: @escaping @Sendable () -> Void) {
        later { [self] in
            guard pending.removeValue(forKey: call) != nil else { return }
            answer()
            answered()
        }
    }

    private func later(_ work: @escaping @Sendable () -> Void) {
        world.schedule(.work(node: node.position, incarnation: incarnation, work), after: random.time(5...1_500))
    }

    /// No gateway of those that are simulated asks so.
    func find(_ address: AccountAddress, on loop: any EventLoop) -> EventLoopFuture<AccountRecord?> {
        loop.makeFailedFuture(ServiceFailure.unavailable)
    }

    private struct NoWatch: AccountWatch {
        func cancel() {}
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
