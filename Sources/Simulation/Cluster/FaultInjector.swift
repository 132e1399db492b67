internal import Consensus
internal import LogStorage
internal import NodeRuntime
internal import ReplicaCore
internal import StateStorage

/// Makes things go wrong, as the plan says, until the faults end.
final class FaultInjector {
    unowned let world: World
    let ambush: Ambush
    let figureEight: FigureEight
    let strand: Strand

    init(in world: World) {
        self.world = world
        ambush = Ambush(in: world)
        figureEight = FigureEight(in: world)
        strand = Strand(in: world)
    }

    /// Puts the next fault on the queue.
    func scheduleFault() {
        let mean = world.plan.meanMicroseconds
        world.schedule(.fault, after: world.faults.between(mean / 4...mean * 2))
    }

    /// One fault, of a kind and at a place that chance chooses.
    func injectFault() {
        guard !world.isHealing, !world.harmedMachine.isCalm, world.now >= strand.calmUntil, !ambush.isLaid,
            strand.group == nil, !figureEight.isGoingOn(), let kind = world.faults.pick(world.plan.kinds),
            let node = chooseTarget()
        else { return }
        if figureEight.mayBegin, world.plan.kinds.contains(.cutOffAfterCommit) { return figureEight.begin() }
        if ambush.lay(kind) { return }
        let other = (node.position + 1 + world.faults.below(world.nodes.count - 1)) % world.nodes.count
        let duration = world.faults.time(100_000...8_000_000)
        let note = "\(kind) for \(duration) µs, other: node \(other + 1)"
        world.trace.add(at: world.now, .fault, node: node.position, note)
        world.trace.mix(at: world.now, kind: .fault, node: node.position, UInt64(bitPattern: duration))
        let roles = world.nodes.map { world.roles(of: $0) }
        for position in inject(kind, into: node, other: other, duration: duration) {
            world.counts.coverage.add(kind, roles[position])
        }
    }

    /// - Returns: the positions of the nodes that it hit; none where there was nothing to do.
    func inject(_ kind: FaultPlan.Fault, into node: SimNode, other: Int, duration: Int64) -> [Int] {
        let destruction = Destruction(world: world)
        func hit(_ done: Bool) -> [Int] { done ? [node.position] : [] }
        switch kind {
        case .crash:
            guard node.isUp else { return [] }
            world.machines.crash(node)
        case .wipe: return hit(destruction.destroy(node, by: .wipe))
        case .rollback: return hit(destruction.destroy(node, by: .rollback))
        case .logRollback: return hit(destruction.destroy(node, by: .logRollback))
        case .bitFlip: return hit(destruction.destroy(node, by: .bitFlip))
        case .lostTail: return hit(destruction.destroy(node, by: .lostTail))
        case .lostSegment: return hit(destruction.destroy(node, by: .lostSegment))
        case .damagedState: return hit(destruction.destroy(node, by: .damagedState))
        case .crashAfterVote, .crashAfterElection, .crashAheadOfDisk: return []
        case .cutOffAfterCommit:
            figureEight.begin()
            return []
        case .replaceProgram: return hit(world.programs.replace(on: node))
        case .demote: return demoteAnyone()
        case .harmedRow: return hit(world.silentHarm.spoilRow(on: node, isCounted: false))
        case .divergence: return hit(world.silentHarm.spoilRow(on: node, isCounted: true))
        case .balance:
            world.counts.faults.transfers += 1
            node.core?.inboxes.putToAll(.order(.balance(onlyToReturned: false)))
            world.wake(node)
        case .strand:
            strand.lay(for: duration)
            return []
        case .gracefulStop:
            world.counts.faults.transfers += 1
            node.core?.inboxes.putToAll(.question(.resign { _ in }))
            world.wake(node)
            let event = SimEvent.stop(node: node.position, incarnation: node.incarnation)
            world.schedule(event, after: world.faults.time(50_000...3_000_000))
        case .crashInWriter: node.troubles.nextWrite = world.faults.next() & 1 == 0 ? .crashAfterSync : .crashBeforeSync
        case .crashAll:
            for node in world.nodes { world.machines.crash(node, restartsWithin: 50_000...1_000_000) }
            return Array(world.nodes.indices)
        case .partition:
            world.counts.faults.partitions += 1
            world.cutLink(from: node.position, to: other, duration: duration)
            world.cutLink(from: other, to: node.position, duration: duration)
            return [node.position, other]
        case .oneWayCut:
            world.counts.faults.partitions += 1
            world.cutLink(from: node.position, to: other, duration: duration)
        case .isolate:
            world.counts.faults.partitions += 1
            let ways = 1 + world.faults.below(3)
            for peer in world.nodes.indices where peer != node.position {
                if ways & 1 != 0 { world.cutLink(from: node.position, to: peer, duration: duration) }
                if ways & 2 != 0 { world.cutLink(from: peer, to: node.position, duration: duration) }
            }
        case .site:
            return cutOffSite(for: duration)
        case .pause:
            world.counts.faults.pauses += 1
            node.pausedUntil = max(node.pausedUntil, world.now + duration * 3 / 2)
        case .clockJump:
            world.counts.faults.clockJumps += 1
            node.clock.wallOffsetMilliseconds += world.faults.between(-3_600_000...3_600_000)
        case .slowDisk:
            world.counts.faults.slowDisks += 1
            node.troubles.slowUntil = world.now + duration
        case .hangingDisk:
            world.counts.faults.hangingDisks += 1
            node.troubles.hangingUntil = world.now + world.faults.time(1_000_000...80_000_000)
        case .nearlyFull:
            world.counts.faults.fullDisks += 1
            node.troubles.isNearlyFull.toggle()
        case .slowLink:
            world.counts.faults.slowLinks += 1
            world.network[node.position, other].slowUntil = world.now + duration
            world.network[node.position, other].extraDelay = world.faults.time(10_000...1_500_000)
        case .diskError:
            guard node.isUp else { return [] }
            node.disk.inject(world.faults.pick([.write, .dataSync, .noSpace, .syncDirectory]) ?? .write)
        case .readError:
            guard node.isUp else { return [] }
            world.counts.faults.readFaults += 1
            // The state is read all the time, the log when a follower lags.
            node.disk.inject(.read, afterCalls: world.faults.below(3))
            node.state.readsUntilFailure = world.faults.below(500)
        case .misdirectedRead:
            guard node.isUp else { return [] }
            world.counts.faults.readFaults += 1
            node.disk.inject(.misdirectedRead, afterCalls: world.faults.below(3))
        case .stateError:
            guard node.isUp else { return [] }
            node.state.memory.injectFailure(SimStateStore.injected)
        }
        return hit(true)
    }

    /// Where the next fault strikes. Who is rarely in a role would rarely be hit in it.
    private func chooseTarget() -> SimNode? {
        let choice = world.faults.below(100)
        if choice < 30, let leader = world.faults.pick(world.nodes.filter { world.roles(of: $0).contains(.leader) }) {
            return leader
        }
        if choice >= 70 {
            let rare = world.nodes.filter { !world.roles(of: $0).isDisjoint(with: [.learner, .sender, .receiver]) }
            if let node = world.faults.pick(rare) { return node }
        }
        return world.faults.pick(world.nodes)
    }

    /// - Returns: where they are that are cut off.
    private func cutOffSite(for duration: Int64) -> [Int] {
        world.counts.faults.partitions += 1
        var inside = Set(world.nodes.indices.filter { _ in world.faults.next() & 1 == 0 })
        var duration = duration
        if world.plan.kinds.contains(.demote), world.faults.next() & 1 == 0 {
            // A leader that is left with too few, for long enough that the others get another one.
            let leading = world.nodes.filter { $0.core?.replicas.contains(where: \.isLeader) == true }
            inside = [world.faults.pick(leading)?.position ?? 0]
            if world.nodes.count > 3 { inside.insert(world.faults.below(world.nodes.count)) }
            duration = max(duration, 2_500_000)
        }
        for position in inside {
            for peer in world.nodes.indices where !inside.contains(peer) {
                world.cutLink(from: position, to: peer, duration: duration)
                world.cutLink(from: peer, to: position, duration: duration)
            }
        }
        if world.plan.kinds.contains(.demote) { demoteOthers(than: inside) }
        return inside.sorted()
    }

    /// No more faults: what is down starts, what is cut is joined.
    func heal() {
        world.isHealing = true
        world.trace.add(at: world.now, .note, node: -1, "faults end")
        world.network.healAll()
        if world.plan.kinds.contains(.replaceProgram) { world.programs.replaceAll() }
        for node in world.nodes {
            node.pausedUntil = min(node.pausedUntil, world.now)
            node.troubles.slowUntil = 0
            node.troubles.isNearlyFull = false
            node.troubles.nextWrite = .normal
            endFaults(of: node)
            if !node.isUp { world.schedule(.restart(node: node.position), after: 1_000) }
        }
    }

    /// What was to fail and has not yet does not, and the disk answers.
    func endFaults(of node: SimNode) {
        node.disk.endFaults()
        node.state.endFaults()
        endHang(of: node)
    }

    /// The disk answers again.
    private func endHang(of node: SimNode) {
        node.troubles.hangingUntil = 0
        guard node.isUp, node.isScheduled(.writer) else { return }
        world.schedule(.turn(node: node.position, incarnation: node.incarnation, .writer), after: 1_000)
    }
}
