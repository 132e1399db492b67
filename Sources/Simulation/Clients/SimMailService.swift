internal import Consensus
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
    /// Called after something was answered.
    var answered: () -> Void = {}
    /// The message that the session takes in.
    var mail: UInt64 = 0
    /// What was stored of it, or was to be, by recipient.
    var bodies: [AccountAddress: [BodyID]] = [:]

    init(_ node: SimNode, random: SimRandom, world: World) {
        self.node = node
        self.random = random
        self.world = world
        incarnation = node.incarnation
    }

    /// The node is gone, or the session: nothing is answered any more.
    func end() {
        answered = {}
        let calls = pending.sorted { $0.key < $1.key }
        pending.removeAll()
        for (_, end) in calls { end() }
    }

    // MARK: MailService

    func findForDelivery(_ address: AccountAddress, on loop: any EventLoop) -> EventLoopFuture<AccountRecord?> {
        let promise = loop.makePromise(of: AccountRecord?.self)
        let call = begin { promise.fail(ServiceFailure.unavailable) }
        later { [self] in
            guard pending[call] != nil, let service = node.service else { return }
            let completion = Completion<AccountRecord?>(on: nil) { [self] result in
                finish(call) { [self] in
                    if case .success(let record?) = result { addresses[record.id] = address }
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
        note(command, for: address)
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
            case .failure: world.checker.gaveUp(request, group)
            }
            finish(call) { promise.complete(with: result) }
        }
        service.submit(command, to: group, account: account.id, completion)
        world.wake(node)
        return promise.futureResult
    }

    private func note(_ command: MailCommand, for address: AccountAddress) {
        switch command {
        case .deliver(let message, let name):
            note(message.bodyID, address)
            world.checker.named(name, body: message.bodyID, in: world)
        case .uploadChunk(let body, _, _): note(body, address)
        default: world.fail("a gateway delivers", "\(command)")
        }
    }

    private func note(_ body: BodyID, _ address: AccountAddress) {
        world.checker.mail.noteBody(body, of: mail, for: address)
        bodies[address, default: []].append(body)
    }

    func makeBodyID() -> BodyID { BodyID(milliseconds: now().rawValue, random: random.next(), random.next()) }

    func now() -> Timestamp { node.clock.now() }

    // MARK: Calls

    private func begin(_ end: @escaping () -> Void) -> UInt64 {
        defer { nextCall += 1 }
        pending[nextCall] = end
        return nextCall
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

    // MARK: What LMTP never asks for

    func find(_ address: AccountAddress, on loop: any EventLoop) -> EventLoopFuture<AccountRecord?> {
        findForDelivery(address, on: loop)
    }

    func authenticate(
        name: ByteBuffer,
        password: ByteBuffer,
        on loop: any EventLoop
    ) -> EventLoopFuture<AuthenticationResult> {
        loop.makeFailedFuture(ServiceFailure.unavailable)
    }

    func query(
        _ query: MailQuery,
        of account: AccountReference,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailAnswer> {
        loop.makeFailedFuture(ServiceFailure.unavailable)
    }

    func watch(
        _ account: AccountReference,
        on loop: any EventLoop,
        changed: @escaping @Sendable () -> Void
    ) -> any AccountWatch {
        NoWatch()
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
