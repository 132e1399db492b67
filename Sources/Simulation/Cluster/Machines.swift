internal import Consensus
internal import LogStorage
internal import MailStore
internal import NodeRuntime
internal import ReplicaCore
internal import StateStorage

/// How machines start, crash, stop, and keep their clocks.
struct Machines {
    unowned let world: World

    /// Starts the node of a machine that is down.
    func start(_ node: SimNode) {
        guard !node.isUp, node.identity.isMember else { return }
        node.incarnation += 1
        node.versions.running = node.versions.newest
        node.failure = nil
        node.troubles.nextWrite = .normal
        node.turns = Array(repeating: false, count: NodePart.count)
        node.submitted = [:]
        node.pausedUntil = 0
        do {
            let disk: any Disk = world.options.mutant == .disksLie ? LyingDisk(node.disk) : node.disk
            let (log, recovered) = try openLog(disk, node)
            let store: any LogStore = world.options.mutant == .votesForgotten ? ForgetfulLog(log) : log
            if node.losses.isStateDamaged { try StateRecovery.beginAnew(recovered, in: node.state) }
            node.losses.isStateDamaged = false
            let groups = try GroupRecovery(log: store, state: node.state).open(recovered)
            // A node that ends while it leaves a group may come back with a log whose state is gone.
            let lost = groups.quarantined.first { !node.losses.left.contains($0.group) }
            if let bad = lost, !node.losses.isExcused {
                return world.fail(
                    "nothing is lost that was durable",
                    "node \(node.position + 1), group \(bad.group.rawValue): \(bad.reason)"
                )
            }
            let endpoint = SimEndpoint(world: world, node: node.position)
            let environment = NodeCore.Environment(
                node: node.id,
                session: node.session,
                settings: node.settings(from: world.settings),
                clock: node.clock,
                network: endpoint,
                blocking: SimBlockingWork(world: world, node: node.position, incarnation: node.incarnation),
                background: SimBlockingWork(world: world, node: node.position, incarnation: node.incarnation),
                gauge: node,
                identity: node.identity.saved,
                identityStore: node.identity,
                peers: world.peers(of: node),
                registration: node.registration(labels: world.placement.admin.labels(of: node.position)),
                failed: { [unowned world = world, unowned node] in world.programs.noteFailure($0, of: node) }
            )
            let core = try NodeCore(environment, log: store, state: node.state, recovered: groups)
            var observers = Observers()
            observers.membership = { [unowned world = world, unowned node] in
                NodeObserver(world: world).observeMembership($0, of: node)
            }
            observers.verification = { [unowned world = world, unowned node] in
                NodeObserver(world: world).observeVerification($0, of: node)
            }
            observers.changes = { [unowned node] in node.noteChange(of: $0) }
            core.observe(observers)
            node.core = core
            node.service = core.makeService(environment, passwords: SimPasswords())
            for group in groups.opened where node.losses.forgotten[group.group]?.areKnown(to: group) == true {
                node.losses.forgotten[group.group] = nil
            }
            node.endpoint = endpoint
        } catch let error as VersionError {
            return world.programs.noteRefusal(error, of: node)
        } catch {
            return world.fail("a node starts again after a crash", "node \(node.position + 1): \(error)")
        }
        world.trace.add(at: world.now, .restart, node: node.position, "started, run \(node.incarnation)")
        world.trace.mix(at: world.now, kind: .restart, node: node.position, node.incarnation)
        let event = SimEvent.tick(node: node.position, incarnation: node.incarnation)
        world.schedule(event, after: world.timing.between(0...world.settings.tickMilliseconds * 1_000))
    }

    private func openLog(_ disk: any Disk, _ node: SimNode) throws -> (SegmentedLog, [RecoveredGroup]) {
        let opened = try SegmentedLog.open(disk: disk, settings: SimSettings.logSettings(node.logID))
        return (opened.log, opened.recovered)
    }

    /// The machine loses power: the node is gone, and of what was not durable, as much as chance leaves.
    func crash(_ node: SimNode, restartsWithin limit: ClosedRange<Int64> = 500...6_000_000) {
        guard node.isUp, !world.harmedMachine.isCalm else { return }
        world.trace.add(at: world.now, .crash, node: node.position, "run \(node.incarnation) ends")
        world.trace.mix(at: world.now, kind: .crash, node: node.position, node.incarnation)
        world.counts.faults.crashes += 1
        RestCheck(world: world).countRests(of: node)
        node.restsFalselySince.removeAll()
        node.core = nil
        node.service = nil
        node.endpoint?.isMuted = true
        node.endpoint = nil
        node.disk.crash(seed: world.faults.chance(perMillion: 200_000) ? nil : world.faults.next())
        node.state.crash()
        if node.image == nil || world.faults.chance(perMillion: 300_000) {
            node.image = SimNode.Image(
                disk: node.disk.copy(),
                state: node.state.memory.image,
                identity: node.identity.saved
            )
        }
        world.load.nodeCrashed(node.position)
        world.schedule(.restart(node: node.position), after: world.isHealing ? 100_000 : world.faults.time(limit))
    }

    /// The planned end: everything waiting is written, the log sealed, the state flushed.
    func stop(_ node: SimNode) {
        guard let core = node.core else { return }
        guard !world.harmedMachine.isCalm, node.pausedUntil <= world.now else {
            return world.schedule(.stop(node: node.position, incarnation: node.incarnation), after: 500_000)
        }
        core.writer.inbox.put(.seal)
        world.turn(node, .writer)
        for position in core.appliers.indices where node.isUp { world.turn(node, .applier(position)) }
        if node.isUp { world.turn(node, .installer) }
        try? node.state.flush()
        crash(node)
    }

    /// The parts of a node that time passes for get a turn, and the next tick is scheduled.
    func tick(_ node: SimNode) {
        let late = node.restOfPause(world.now)
        guard let core = node.core else { return }
        for part in core.loops.indices.map(NodePart.loop) + [.agent] {
            if late == 0, node.core === core, !node.isScheduled(part) { world.turn(node, part) }
        }
        guard node.isUp else { return }
        let event = SimEvent.tick(node: node.position, incarnation: node.incarnation)
        world.schedule(event, after: late + world.settings.tickMilliseconds * 1_000 + world.timing.between(0...300))
    }
}
