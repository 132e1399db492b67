internal import Consensus
internal import MailModel
internal import MailStore
internal import NodeRuntime

/// A mail client: does one thing after the other with an account that it shares with others, at a node; when the node
/// is gone, at another.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimClient: @unchecked Sendable {
    /// A call that is under way.
    struct Pending {
        let id: UInt64
        let node: Int
        let request: RequestID?
        let started: Int64
        let isRead: Bool
        /// Of a message with a name.
        let isDelivery: Bool
    }

    struct Upload {
        let message: NewMessage
        let bytes: Int
        var next: UInt32
        /// The store wants no more of it.
        var isRefused = false
    }

    let number: Int
    let group: GroupID
    let address: AccountAddress
    unowned let world: World
    var random: SimRandom
    var node: Int
    private(set) var pending: Pending?
    private var nextCall: UInt64 = 1
    /// A large message on its way, chunk by chunk.
    var upload: Upload?
    /// A message with a name, on its way to the store.
    var mail: Mail?
    /// What is delivered again.
    var queue: [Mail] = []
    /// When a call last succeeded.
    private(set) var succeededAt: Int64 = -1
    private(set) var isStopped = false

    init(_ number: Int, group: GroupID, random: SimRandom, world: World) {
        self.number = number
        self.group = group
        self.random = random
        self.world = world
        node = number % world.options.nodes
        // Two clients share an account.
        address = AccountAddress("user\(number / (2 * world.options.mailGroups))@g\(group.rawValue).example")!
    }

    var account: AccountModel? { world.checker.model(group).accounts.first { $0.value.address == address }?.value }

    func stop() { isStopped = true }

    /// Goes on at another node.
    func leave(_ position: Int) { if node == position { node = (position + 1) % world.nodes.count } }

    func move(to position: Int) { node = position }

    /// Does the next thing, unless one is under way.
    func act() {
        // Now and then nothing is to be done for long enough that groups go to rest.
        let pause = random.chance(perMillion: 50_000) ? random.time(500_000...6_000_000) : random.time(5_000...400_000)
        world.schedule(.client(number), after: pause)
        guard pending == nil, !isStopped, world.strand?.group != group else { return }
        if !world.nodes[node].isUp || random.chance(perMillion: 20_000) { node = random.below(world.nodes.count) }
        guard world.nodes[node].isUp else { return }
        guard let account else { return submit(createAccount, AccountID(0)) }
        if upload == nil, random.chance(perMillion: 300_000) { return read(account) }
        submit(nextCommand(account), account.id)
    }

    private var createAccount: MailCommand {
        .createAccount(address: address, credential: nil, quotaBytes: 0, mailboxes: DefaultMailbox.standard)
    }

    // MARK: Calls

    /// - Parameter command: nil for a read.
    private func begin(_ request: RequestID?, _ command: MailCommand?) -> UInt64 {
        defer { nextCall += 1 }
        var isDelivery = false
        if case .deliver(_, .some) = command { isDelivery = true }
        pending = Pending(
            id: nextCall,
            node: node,
            request: request,
            started: world.now,
            isRead: command == nil,
            isDelivery: isDelivery
        )
        return nextCall
    }

    private func submit(_ command: MailCommand, _ account: AccountID) {
        let node = world.nodes[node]
        guard let core = node.core else { return }
        let sequence = node.submitted[group, default: 0] + 1
        node.submitted[group] = sequence
        let request = RequestID(session: node.session, sequence: sequence)
        world.checker.register(request, group: group, account: account, command: command)
        let call = begin(request, command)
        world.trace.mix(at: world.now, kind: .call, node: self.node, UInt64(number), sequence)
        core.inboxes.put(
            .submit(
                ClientCall(
                    group: group,
                    account: account,
                    command: command,
                    deadlineMilliseconds: node.clock.monotonicMilliseconds() + world.settings.callMilliseconds,
                    completion: Completion(on: nil) { [unowned self] in finish(call, $0) }
                )
            ),
            for: group
        )
        world.wake(node)
    }

    private func finish(_ call: UInt64, _ result: Result<MailOutcome, ServiceFailure>) {
        guard let pending, pending.id == call, let request = pending.request else {
            return world.fail("a call is answered once", "client \(number), call \(call)")
        }
        self.pending = nil
        world.trace.mix(at: world.now, kind: .answer, node: node, UInt64(number), call)
        switch result {
        case .success(let outcome):
            world.trace.add(
                at: world.now,
                .answer,
                node: pending.node,
                "client \(number): \(String(request.session, radix: 16)).\(request.sequence) \(outcome)"
            )
            world.checker.acknowledged(request, group: group, outcome: outcome, world: world)
            succeededAt = pending.started
            if case .refused = outcome {
                world.counts.refused += 1
                if mail == nil { upload = nil } else { upload?.isRefused = true }
            } else {
                world.counts.succeeded += 1
            }
            if pending.isDelivery { mailAnswered(outcome) }
        case .failure(let failure):
            world.trace.add(at: world.now, .answer, node: pending.node, "client \(number): \(failure)")
            upload = nil
            mailLost()
            world.checker.gaveUp(request, group)
            world.counts.unknown += 1
        }
    }

    /// The node has crashed: the call under way gets no answer.
    func nodeCrashed(_ position: Int) {
        guard let pending, pending.node == position else { return }
        if let request = pending.request { world.checker.gaveUp(request, group) }
        self.pending = nil
        upload = nil
        mailLost()
        world.counts.lostInCrash += 1
    }

    // MARK: Reads

    private func read(_ account: AccountModel) {
        let node = world.nodes[node]
        guard let core = node.core else { return }
        let floor = world.checker.floor(group)
        let call = begin(nil, nil)
        let id = account.id
        if world.options.mutant == .staleReads { return finishRead(call, floor: floor, of: id, at: node) }
        core.inboxes.put(
            .read(
                ReadCall(
                    group: group,
                    deadlineMilliseconds: node.clock.monotonicMilliseconds() + world.settings.callMilliseconds,
                    read: { [unowned self] in { self.finishRead(call, floor: floor, of: id, at: node) } },
                    fail: { [unowned self] _ in
                        pending = nil
                        world.counts.unknown += 1
                    }
                )
            ),
            for: group
        )
        world.wake(node)
    }

    private func finishRead(_ call: UInt64, floor: UInt64, of id: AccountID, at node: SimNode) {
        guard let pending, pending.id == call, node.isUp else {
            return world.fail("a call is answered once", "client \(number), read \(call)")
        }
        self.pending = nil
        world.counts.reads += 1
        succeededAt = pending.started
        world.checker.countCheck()
        do {
            let index = try node.reader.digest(group).index.rawValue
            world.trace.add(
                at: world.now,
                .answer,
                node: pending.node,
                "client \(number): read at \(index), floor \(floor)"
            )
            guard index >= floor else {
                return world.fail(
                    "a read sees what was acknowledged before it",
                    "node \(node.position + 1), group \(group.rawValue): entry \(index), must see \(floor)"
                )
            }
            let (model, isKnown) = world.checker.model(group).account(id, at: index)
            let check = StateCheck(reader: node.reader, group: group)
            if isKnown, let difference = try check.compare(id, with: model, includingBodies: false) {
                world.fail(
                    "a read sees what was carried out, as a whole",
                    "node \(node.position + 1), group \(group.rawValue), entry \(index): \(difference)"
                )
            }
            world.checker.raiseFloor(group, to: index)
        } catch {
            world.fail("what is stored can be read", "node \(node.position + 1), group \(group.rawValue): \(error)")
        }
    }
}
