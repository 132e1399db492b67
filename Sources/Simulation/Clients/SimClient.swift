internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOCore
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
    /// What the client watches while it does other things.
    var watching: Watching?
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
        address = world.address("user\(number / (2 * world.options.mailGroups))", in: group)!
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
        world.schedule(.use(.client(number)), after: pause)
        guard pending == nil, !isStopped, world.injector.strand.group != group else { return }
        if !world.nodes[node].isUp || random.chance(perMillion: 20_000) { node = random.below(world.nodes.count) }
        guard world.nodes[node].isUp else { return }
        guard let account else { return submit(createAccount, AccountID(0)) }
        watch(account.id)
        if upload == nil, random.chance(perMillion: 300_000) { return read(account) }
        submit(nextCommand(account), account.id)
    }

    private var createAccount: MailCommand {
        .createAccount(
            address: address,
            credential: SimPasswords.credential,
            quotaBytes: 0,
            mailboxes: DefaultMailbox.standard
        )
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
        guard let service = node.service else { return }
        let request = node.nextRequest(to: group)
        world.checker.register(request, group: group, account: account, command: command)
        let call = begin(request, command)
        world.trace.mix(at: world.now, kind: .call, node: self.node, UInt64(number), request.sequence)
        let completion = Completion<MailOutcome>(on: nil) { [unowned self] in finish(call, $0) }
        service.submit(command, to: group, account: account, completion)
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
            if case .appended = outcome { world.noteMail(of: request, in: group) }
            succeededAt = pending.started
            if case .refused = outcome {
                world.counts.calls.refused += 1
                if mail == nil { upload = nil } else { upload?.isRefused = true }
            } else {
                world.counts.calls.succeeded += 1
            }
            if pending.isDelivery { mailAnswered(outcome) }
        case .failure(let failure):
            world.trace.add(at: world.now, .answer, node: pending.node, "client \(number): \(failure)")
            upload = nil
            mailLost()
            world.checker.gaveUp(request, group)
            world.counts.calls.unknown += 1
        }
    }

    /// The node has crashed: the call under way gets no answer.
    func nodeCrashed(_ position: Int) {
        guard let pending, pending.node == position else { return }
        if let request = pending.request { world.checker.gaveUp(request, group) }
        self.pending = nil
        upload = nil
        mailLost()
        world.counts.calls.lostInCrash += 1
    }

    // MARK: Reads

    /// What a read has found.
    private struct Look {
        let index: UInt64
        /// What is not as it was at this index; nil where all is, or it is not known how it was.
        var difference: String?
    }

    private func read(_ account: AccountModel) {
        let messages = account.mailboxes.flatMap(\.messages)
        if let spoiled = world.silentHarm.spoiledBody(in: group, of: account.id), random.below(2) == 0,
            let message = messages.first(where: { $0.body == spoiled.body })
        {
            // Hardly anybody would come by.
            node = spoiled.node
            return fetch(message, of: account)
        }
        if random.below(4) == 0, let message = random.pick(messages) { return fetch(message, of: account) }
        let node = world.nodes[node]
        guard let service = node.service else { return }
        let floor = world.checker.floor(group)
        let call = begin(nil, nil)
        let id = account.id
        if world.options.mutant == .staleReads {
            return finishRead(call, floor: floor, Result { try look(at: id, on: node) })
        }
        let completion = Completion<Look>(on: nil) { [unowned self] result in
            switch result {
            case .success(let look): finishRead(call, floor: floor, .success(look))
            case .failure: forgetRead()
            }
        }
        service.read(group, completion) { [unowned self] in
            do {
                return try look(at: id, on: node)
            } catch {
                world.fail("what is stored can be read", "node \(node.position + 1), \(group): \(error)")
                throw error
            }
        }
        world.wake(node)
    }

    private func look(at id: AccountID, on node: SimNode) throws -> Look {
        let index = try node.reader.digest(group).index.rawValue
        let (model, isKnown) = world.checker.model(group).account(id, at: index)
        let check = StateCheck(reader: node.reader, group: group)
        let difference = try isKnown ? check.compare(id, with: model, includingBodies: false) : nil
        return Look(index: index, difference: difference)
    }

    private func finishRead(_ call: UInt64, floor: UInt64, _ result: Result<Look, any Error>) {
        guard let pending, pending.id == call, world.nodes[pending.node].isUp else {
            return world.fail("a call is answered once", "client \(number), read \(call)")
        }
        self.pending = nil
        world.counts.calls.reads += 1
        succeededAt = pending.started
        world.checker.countCheck()
        let name = "node \(pending.node + 1), group \(group.rawValue)"
        switch result {
        case .failure(let error): world.fail("what is stored can be read", "\(name): \(error)")
        case .success(let look):
            world.trace.add(
                at: world.now,
                .answer,
                node: pending.node,
                "client \(number): read at \(look.index), floor \(floor)"
            )
            guard look.index >= floor else {
                return world.fail(
                    "a read sees what was acknowledged before it",
                    "\(name): entry \(look.index), must see \(floor)"
                )
            }
            if let difference = look.difference {
                world.fail(
                    "a read sees what was carried out, as a whole",
                    "\(name), entry \(look.index): \(difference)"
                )
            }
            world.checker.raiseFloor(group, to: look.index)
        }
    }

    private func forgetRead() {
        pending = nil
        world.counts.calls.unknown += 1
    }

    // MARK: Bodies

    /// Fetches the beginning of a body, as FETCH does: what comes is what was put there, or nothing.
    private func fetch(_ message: AccountModel.Message, of account: AccountModel) {
        let node = world.nodes[node]
        guard let service = node.service else { return }
        let call = begin(nil, nil)
        let reference = AccountReference(id: account.id, slot: account.address.slot)
        let query = MailQuery.body(message.body, offset: 0, maximumBytes: MailLimits.bodyChunkBytes)
        let completion = Completion<MailAnswer>(on: nil) { [unowned self] result in
            guard let pending, pending.id == call else {
                return world.fail("a call is answered once", "client \(number), fetch \(call)")
            }
            guard case .success(let answer) = result else { return forgetRead() }
            self.pending = nil
            world.counts.calls.reads += 1
            succeededAt = pending.started
            world.checker.countCheck()
            guard case .body(let bytes) = answer, bytes.readableBytes > 0 else { return }
            let count = bytes.readableBytes
            let isWhole = count == Int(message.sizeBytes)
            // The end of a gateway's copy says whether it is right: of a larger one this is only the first piece.
            let isRight =
                world.checker.mail.isCopy(bytes, message.body).map { $0 || !isWhole }
                ?? (bytes == SimBody.bytes(message.body, Int(message.sizeBytes)).getSlice(at: 0, length: count))
            if !isRight {
                world.fail(
                    "a body is what was put there",
                    "node \(pending.node + 1), body \(message.body) of \(message.sizeBytes) bytes"
                )
            }
        }
        service.query(query, of: reference, completion)
        world.wake(node)
    }
}
