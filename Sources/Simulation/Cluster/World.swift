internal import Consensus
internal import LogStorage
import MailModel
internal import NIOCore
internal import NodeRuntime
internal import PeerTransport
internal import ReplicaCore

/// The cluster, its clients, what goes wrong, and who watches: everything that a seed decides.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class World: @unchecked Sendable {
    let options: SimulationOptions
    let time = WorldTime()
    var queue = EventQueue()
    var trace: Trace
    var counts = SimulationCounts()
    var violation: Violation?

    /// Each part of a run draws from its own generator.
    var timing: SimRandom
    var faults: SimRandom
    let settings: CoreSettings
    let groups: [GroupID]
    var network: SimNetwork
    var nodes: [SimNode] = []
    var checker: Checker
    private(set) var load = Workload()
    let plan: FaultPlan
    /// Faults are over, and everything must become well again.
    var isHealing = false
    private(set) lazy var injector = FaultInjector(in: self)
    private(set) lazy var harmedMachine = HarmedMachine(in: self)
    private(set) lazy var silentHarm = SilentHarm(in: self)
    private(set) lazy var placement = PlacementFaults(in: self)

    init(_ options: SimulationOptions) {
        self.options = options
        var random = SimRandom(seed: options.seed &* 0x9E37_79B9_7F4A_7C15 &+ 1)
        timing = random.fork()
        faults = random.fork()
        trace = Trace(capacity: options.traceLines, isLive: options.isTraced)
        groups = (0...UInt32(options.mailGroups)).map { GroupID($0) }
        var choice = random.fork()
        var settings = SimSettings.draw(&choice)
        settings.isScheduling = AdminFaults.isChosen(for: options.seed, nodes: options.nodes)
        self.settings = settings
        network = SimNetwork(nodes: options.nodes, random: random.fork())
        plan = FaultPlan(&choice)
        let added = (1...AddedGroups.maximumCount).map { GroupID(UInt32(options.mailGroups) + $0) }
        checker = Checker(groups: groups + added, nodes: options.nodes, settings: settings)
        for position in 0..<options.nodes {
            let state = SimStateStore(random: random.fork(), flushesPerMillion: choice.pick([0, 2_000, 50_000]) ?? 0)
            let clock = SimClock(
                world: time,
                bootMicroseconds: choice.between(0...1_000_000_000),
                drift: choice.between(-20_000...20_000)
            )
            nodes.append(SimNode(position, mailGroups: options.mailGroups, state: state, clock: clock))
        }
        if plan.kinds.contains(.replaceProgram) { programs.mix() }
        load = Workload(self, &random)
    }

    var now: Int64 { time.now }

    var machines: Machines { Machines(world: self) }

    var programs: Programs { Programs(world: self) }

    var clients: [SimClient] { load.clients }

    var routing: Directory.Founding {
        Directory.Founding(clusterID: 1, mailGroups: UInt32(options.mailGroups), founders: [])
    }

    func schedule(_ event: SimEvent, after delay: Int64) { queue.add(event, at: time.now + delay) }

    func fail(_ invariant: String, _ details: @autoclosure () -> String) {
        guard violation == nil else { return }
        violation = Violation(invariant: invariant, details: details(), seconds: Double(now) / 1_000_000)
    }

    /// The machine that is a node now.
    func node(_ id: NodeID) -> SimNode? {
        let position = Int(id.rawValue) - 1
        if nodes.indices.contains(position), nodes[position].id == id { return nodes[position] }
        return nodes.first { $0.id == id }
    }

    /// Whom a node is told of before it has the directory.
    func peers(of node: SimNode) -> [NodeID] {
        let identity = node.identity
        return identity.isFounder ? nodes.filter(\.identity.isFounder).map(\.id) : identity.contacts + [node.id]
    }

    /// Tells the directory something through a node that runs.
    func tellDirectory(
        _ command: DirectoryCommand,
        through node: SimNode,
        _ answer: @escaping @Sendable (Result<MailOutcome, ServiceFailure>) -> Void = { _ in }
    ) {
        trace.add(at: now, .fault, node: node.position, "admin: \(command)")
        node.service?.submit(
            .directory(command),
            to: .directory,
            account: AccountID(0),
            Completion(on: nil, answer)
        )
        wake(node)
    }

    // MARK: The network

    func send(_ all: [PeerMessage], from: Int, to: Int) {
        let messages = silentHarm.removeHarm(of: all, from: from)
        guard !messages.isEmpty else { return }
        checker.observeMessages(messages, from: from, world: self)
        injector.crashAfterVote(in: messages, from: from)
        // As the real links do, a frame holds about a megabyte.
        let half = messages.count / 2
        let bytes = messages.reduce(0) { $0 + $1.approximateBytes }
        if half > 0, bytes > PeerLimits.frameBytes {
            send(Array(messages[..<half]), from: from, to: to)
            return send(Array(messages[half...]), from: from, to: to)
        }
        let parcel = Parcel(
            messages,
            from: nodes[from].id,
            to: nodes[to].id,
            bytes: bytes,
            isFrame: counts.network.batches.isMultiple(of: Self.frameInterval)
        )
        counts.network.batches += 1
        let arrivals = network.arrivals(from, to, at: now)
        if arrivals.isEmpty {
            counts.network.lost += 1
            trace.mix(at: now, kind: .drop, node: from, UInt64(to))
            if timing.chance(perMillion: 300_000) {
                let event = SimEvent.lost(at: from, incarnation: nodes[from].incarnation, peer: nodes[to].id)
                schedule(event, after: timing.time(1_000...1_000_000))
            }
        }
        if arrivals.count > 1 { counts.network.duplicated += 1 }
        for arrival in arrivals { queue.add(.deliver(from: from, to: to, parcel), at: arrival) }
    }

    /// One batch in so many goes as the bytes of a frame, the others as they are: most of the time went into that.
    private static let frameInterval = 8

    func deliver(_ parcel: Parcel, from: Int, to: Int) {
        let node = nodes[to]
        guard let core = node.core, node.id == parcel.receiver, !network.isCut(from, to, at: now) else { return }
        guard !isRefused(parcel.sender, from: from, by: node) else { return }
        trace.mix(at: now, kind: .deliver, node: to, UInt64(from), UInt64(parcel.bytes))
        do {
            for messages in try parcel.batches() {
                core.inboxes.receive(mutated(messages, from: from, to: core), from: parcel.sender)
            }
        } catch {
            fail("a frame is read as it was written", "\(error)")
        }
        node.forEachWaitingReceiver(of: core) { scheduleTurn($0, of: node, after: node.delay(of: $0, now, &timing)) }
    }

    /// As the doorkeeper of a node does it: whoever the node's directory says is gone is not listened to, and told so.
    private func isRefused(_ sender: NodeID, from position: Int, by node: SimNode) -> Bool {
        guard placement.admin.isActive, options.mutant != .goneNodeLetIn,
            let record = node.core?.directory.now.node(sender), !record.state.isMember
        else { return false }
        counts.network.refused += 1
        guard nodes[position].id == sender else { return true }
        schedule(
            .refused(at: position, incarnation: nodes[position].incarnation, by: node.position),
            after: timing.time(1_000...100_000)
        )
        return true
    }

    func cutLink(from: Int, to: Int, duration: Int64) {
        network[from, to].cutUntil = max(network[from, to].cutUntil, now + duration)
    }

    /// Messages as a run with a bug put in understands them.
    private func mutated(_ messages: [PeerMessage], from: Int, to core: NodeCore) -> [PeerMessage] {
        options.mutant == .beatsUnchecked ? messages.map { withBeatUnchecked($0, from: from, to: core) } : messages
    }

    private func withBeatUnchecked(_ message: PeerMessage, from: Int, to core: NodeCore) -> PeerMessage {
        guard case .beat(let beat) = message else { return message }
        let lanes = beat.lanes
        guard Int(lanes.to) < core.loops.count else { return message }
        let relied = core.loops[Int(lanes.to)].floor.digestRelied(on: nodes[from].id, lane: lanes.from)
        return .beat(Beat(lanes: lanes, session: beat.session, number: beat.number, leading: relied, echo: beat.echo))
    }

    // MARK: Turns

    /// Schedules the turns of the parts that have something to do.
    func wake(_ node: SimNode) {
        guard let core = node.core else { return }
        node.forEachWaitingPart(of: core) { scheduleTurn($0, of: node, after: node.delay(of: $0, now, &timing)) }
    }

    private func scheduleTurn(_ part: NodePart, of node: SimNode, after delay: Int64) {
        node.turns[part.number] = true
        schedule(.turn(node: node.position, incarnation: node.incarnation, part), after: delay)
    }

    func turn(_ node: SimNode, _ part: NodePart) {
        guard let core = node.core else { return }
        if node.pausedUntil > now {
            let event = SimEvent.turn(node: node.position, incarnation: node.incarnation, part)
            return schedule(event, after: node.restOfPause(now))
        }
        node.turns[part.number] = false
        trace.mix(at: now, kind: .turn, node: node.position, UInt64(part.number))
        switch part {
        case .agent:
            core.agent.turn()
            programs.noteTold(node)
        case .loop(let lane):
            core.loops[lane].turn()
            checker.checkLoop(core.loops[lane], of: node, world: self)
        case .writer: writerTurn(node, core)
        case .applier(let position):
            let inbox = core.appliers[position].inbox
            let touched = checker.observeJobs(inbox.drain(), of: node, putBack: inbox, world: self)
            core.appliers[position].turn()
            checker.checkState(node, touched, world: self)
        case .installer:
            let inbox = core.installer.inbox
            checker.observeInstalls(inbox.drain(), of: node, putBack: inbox, world: self)
            core.installer.turn()
        }
        // While all nodes have to stay as they are, the failed one stays too, and does nothing any more.
        if let failure = node.failure, !harmedMachine.isCalm {
            trace.add(at: now, .crash, node: node.position, "the storage failed: \(failure)")
            counts.faults.storageFailures += 1
            machines.crash(node)
        }
        wake(node)
    }

    private func writerTurn(_ node: SimNode, _ core: NodeCore) {
        let fate = node.troubles.nextWrite
        node.troubles.nextWrite = .normal
        switch fate {
        case .normal: core.writer.turn()
        case .crashAfterSync:
            node.endpoint?.isMuted = true
            core.writer.turn()
        case .crashBeforeSync:
            node.endpoint?.isMuted = true
            node.disk.inject(.dataSync)
            core.writer.turn()
        }
        guard fate != .normal else { return }
        counts.faults.crashesInWriter += 1
        node.failure = nil
        trace.add(at: now, .crash, node: node.position, "in a log write: \(fate)")
        machines.crash(node)
    }
}
