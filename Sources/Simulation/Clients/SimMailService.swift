internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOCore
internal import NodeRuntime

/// The mail service of a simulated node, for one gateway session: what the session asks for goes through the node's
/// inbox, and comes back a little later, as over a hop between threads, in any order.
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

    /// As a node does: what it has is enough to say yes; only a no asks the leader.
    func findForDelivery(_ address: AccountAddress, on loop: any EventLoop) -> EventLoopFuture<AccountRecord?> {
        guard let group = world.group(of: address) else { return loop.makeSucceededFuture(nil) }
        let promise = loop.makePromise(of: AccountRecord?.self)
        let call = begin { promise.fail(ServiceFailure.unavailable) }
        let reader = MailReader(store: node.state)
        later { [self] in
            guard pending[call] != nil, let core = node.core else { return }
            if let record = (try? reader.find(address, in: group)) ?? nil {
                return finish(call) { [self] in found(record, at: address, promise: promise) }
            }
            core.inboxes.put(
                .read(
                    ReadCall(
                        group: group,
                        deadlineMilliseconds: deadline,
                        read: { [self] in
                            let record = Result { try reader.find(address, in: group) }
                            return { [self] in
                                finish(call) { [self] in
                                    switch record {
                                    case .success(let record): found(record, at: address, promise: promise)
                                    case .failure: promise.fail(ServiceFailure.unavailable)
                                    }
                                }
                            }
                        },
                        fail: { [self] failure in finish(call) { promise.fail(failure) } }
                    )
                ),
                for: group
            )
            world.wake(node)
        }
        return promise.futureResult
    }

    private func found(
        _ record: AccountRecord?,
        at address: AccountAddress,
        promise: EventLoopPromise<AccountRecord?>
    ) {
        if let record { addresses[record.id] = address }
        promise.succeed(record)
    }

    func submit(
        _ command: MailCommand,
        for account: AccountReference,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailOutcome> {
        guard let core = node.core, let address = addresses[account.id] else {
            return loop.makeFailedFuture(ServiceFailure.unavailable)
        }
        note(command, for: address)
        let group = GroupID(UInt32(truncatingIfNeeded: account.id.rawValue >> 32))
        let promise = loop.makePromise(of: MailOutcome.self)
        let sequence = node.submitted[group, default: 0] + 1
        node.submitted[group] = sequence
        let request = RequestID(session: node.session, sequence: sequence)
        world.checker.register(request, group: group, account: account.id, command: command)
        let call = begin { [unowned world] in
            world.checker.gaveUp(request, group)
            promise.fail(ServiceFailure.unavailable)
        }
        core.inboxes.put(
            .submit(
                ClientCall(
                    group: group,
                    account: account.id,
                    command: command,
                    deadlineMilliseconds: deadline,
                    completion: Completion(on: nil) { [self] result in
                        switch result {
                        case .success(let outcome):
                            world.checker.acknowledged(request, group: group, outcome: outcome, world: world)
                            finish(call) { promise.succeed(outcome) }
                        case .failure(let failure):
                            world.checker.gaveUp(request, group)
                            finish(call) { promise.fail(failure) }
                        }
                    }
                )
            ),
            for: group
        )
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

    private var deadline: Int64 { node.clock.monotonicMilliseconds() + world.settings.callMilliseconds }

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
