internal import Consensus
internal import LogStorage
internal import NodeRuntime
internal import ReplicaCore
internal import StateStorage

/// What goes wrong in a run, and how often.
struct FaultPlan {
    enum Fault: CaseIterable {
        case crash, crashInWriter, crashAll, partition, oneWayCut, isolate, pause, clockJump, slowDisk, slowLink
        /// Some of the nodes, as those of one vendor or data center, are cut off from the others.
        case site
        case readError, misdirectedRead
        case diskError, stateError, gracefulStop, balance, strand
        case hangingDisk, nearlyFull
        case wipe, rollback, logRollback, bitFlip, lostTail, lostSegment, damagedState
        /// A row is not what was written; the second time with a digest that fits.
        case harmedRow, divergence
        /// A voter becomes a learner, until its leader lets it vote again.
        case demote
        /// A node goes on with the next program, or back to the one before.
        case replaceProgram
        /// Not at a moment: whenever a vote was given, a leader elected, or an entry committed first in a term, or
        /// before the leader's own disk has it.
        case crashAfterVote, crashAfterElection, cutOffAfterCommit, crashAheadOfDisk
    }

    /// Mean time between two faults.
    let meanMicroseconds: Int64
    /// Some runs concentrate on a few kinds.
    let kinds: [Fault]
    let weather: SimNetwork.Weather

    init(_ random: inout SimRandom) {
        meanMicroseconds = random.pick([200_000, 1_000_000, 4_000_000]) ?? 1_000_000
        let chosen = Fault.allCases.filter { _ in random.chance(perMillion: 700_000) }
        kinds = chosen.isEmpty ? Fault.allCases : chosen
        var weather = SimNetwork.Weather()
        weather.lossPerMillion = random.pick([0, 1_000, 20_000, 200_000]) ?? 0
        weather.duplicatesPerMillion = random.pick([0, 10_000, 100_000]) ?? 0
        weather.reorderPerMillion = random.pick([0, 10_000, 200_000]) ?? 0
        weather.spikesPerMillion = random.pick([0, 1_000, 20_000]) ?? 0
        weather.baseDelay = random.pick([100, 1_000, 20_000]) ?? 100
        weather.jitter = random.pick([100, 2_000, 30_000]) ?? 100
        self.weather = weather
    }
}

extension World {
    func scheduleFault() {
        schedule(.fault, after: faults.between(plan.meanMicroseconds / 4...plan.meanMicroseconds * 2))
    }

    /// One fault, of a kind and at a place that chance chooses.
    func injectFault() {
        guard !isHealing, !isCalm, now >= calmUntil, ambush == nil, strand == nil, !isInFigureEight(),
            let kind = faults.pick(plan.kinds), let node = chooseTarget()
        else { return }
        if canFigureEight, plan.kinds.contains(.cutOffAfterCommit) { return layFigureEight() }
        if layAmbush(kind) { return }
        let other = (node.position + 1 + faults.below(nodes.count - 1)) % nodes.count
        let duration = faults.time(100_000...8_000_000)
        trace.add(at: now, .fault, node: node.position, "\(kind) for \(duration) µs, other: node \(other + 1)")
        trace.mix(at: now, kind: .fault, node: node.position, UInt64(bitPattern: duration))
        let roles = nodes.map { self.roles(of: $0) }
        for position in inject(kind, into: node, other: other, duration: duration) {
            counts.coverage.add(kind, roles[position])
        }
    }

    /// - Returns: the positions of the nodes that it hit; none where there was nothing to do.
    func inject(_ kind: FaultPlan.Fault, into node: SimNode, other: Int, duration: Int64) -> [Int] {
        func hit(_ done: Bool) -> [Int] { done ? [node.position] : [] }
        switch kind {
        case .crash:
            guard node.isUp else { return [] }
            crash(node)
        case .wipe: return hit(destroy(node, .wipe))
        case .rollback: return hit(destroy(node, .rollback))
        case .logRollback: return hit(destroy(node, .logRollback))
        case .bitFlip: return hit(destroy(node, .bitFlip))
        case .lostTail: return hit(destroy(node, .lostTail))
        case .lostSegment: return hit(destroy(node, .lostSegment))
        case .damagedState: return hit(destroy(node, .damagedState))
        case .crashAfterVote, .crashAfterElection, .crashAheadOfDisk: return []
        case .cutOffAfterCommit:
            layFigureEight()
            return []
        case .replaceProgram: return hit(replaceProgram(of: node))
        case .demote: return demote()
        case .harmedRow: return hit(harm(node, isCounted: false))
        case .divergence: return hit(harm(node, isCounted: true))
        case .balance:
            counts.transfers += 1
            node.core?.inboxes.putToAll(.order(.balance(onlyToReturned: false)))
            wake(node)
        case .strand:
            layStrand(duration)
            return []
        case .gracefulStop:
            counts.transfers += 1
            node.core?.inboxes.putToAll(.question(.resign { _ in }))
            wake(node)
            let event = SimEvent.stop(node: node.position, incarnation: node.incarnation)
            schedule(event, after: faults.time(50_000...3_000_000))
        case .crashInWriter: node.troubles.nextWrite = faults.next() & 1 == 0 ? .crashAfterSync : .crashBeforeSync
        case .crashAll:
            for node in nodes { crash(node, restartsWithin: 50_000...1_000_000) }
            return Array(nodes.indices)
        case .partition:
            counts.partitions += 1
            cutLink(from: node.position, to: other, duration: duration)
            cutLink(from: other, to: node.position, duration: duration)
            return [node.position, other]
        case .oneWayCut:
            counts.partitions += 1
            cutLink(from: node.position, to: other, duration: duration)
        case .isolate:
            counts.partitions += 1
            let ways = 1 + faults.below(3)
            for peer in nodes.indices where peer != node.position {
                if ways & 1 != 0 { cutLink(from: node.position, to: peer, duration: duration) }
                if ways & 2 != 0 { cutLink(from: peer, to: node.position, duration: duration) }
            }
        case .site:
            return cutOffSite(duration)
        case .pause:
            counts.pauses += 1
            node.pausedUntil = max(node.pausedUntil, now + duration * 3 / 2)
        case .clockJump:
            counts.clockJumps += 1
            node.clock.wallOffsetMilliseconds += faults.between(-3_600_000...3_600_000)
        case .slowDisk:
            counts.slowDisks += 1
            node.troubles.slowUntil = now + duration
        case .hangingDisk:
            counts.hangingDisks += 1
            node.troubles.hangingUntil = now + faults.time(1_000_000...80_000_000)
        case .nearlyFull:
            counts.fullDisks += 1
            node.troubles.isNearlyFull.toggle()
        case .slowLink:
            counts.slowLinks += 1
            network[node.position, other].slowUntil = now + duration
            network[node.position, other].extraDelay = faults.time(10_000...1_500_000)
        case .diskError:
            guard node.isUp else { return [] }
            node.disk.inject(faults.pick([.write, .dataSync, .noSpace, .syncDirectory]) ?? .write)
        case .readError:
            guard node.isUp else { return [] }
            counts.readFaults += 1
            // The state is read all the time, the log when a follower lags.
            node.disk.inject(.read, afterCalls: faults.below(3))
            node.state.readsUntilFailure = faults.below(500)
        case .misdirectedRead:
            guard node.isUp else { return [] }
            counts.readFaults += 1
            node.disk.inject(.misdirectedRead, afterCalls: faults.below(3))
        case .stateError:
            guard node.isUp else { return [] }
            node.state.memory.injectFailure(SimStateStore.injected)
        }
        return hit(true)
    }

    /// - Returns: where they are that are cut off.
    private func cutOffSite(_ duration: Int64) -> [Int] {
        counts.partitions += 1
        var inside = Set(nodes.indices.filter { _ in faults.next() & 1 == 0 })
        var duration = duration
        if plan.kinds.contains(.demote), faults.next() & 1 == 0 {
            // A leader that is left with too few, for long enough that the others get another one.
            let leading = nodes.filter { $0.core?.replicas.contains(where: \.isLeader) == true }
            inside = [faults.pick(leading)?.position ?? 0]
            if nodes.count > 3 { inside.insert(faults.below(nodes.count)) }
            duration = max(duration, 2_500_000)
        }
        for position in inside {
            for peer in nodes.indices where !inside.contains(peer) {
                cutLink(from: position, to: peer, duration: duration)
                cutLink(from: peer, to: position, duration: duration)
            }
        }
        if plan.kinds.contains(.demote) { demoteSomebody(inside) }
        return inside.sorted()
    }

    /// One of the groups gets on with a voter less.
    ///
    /// - Returns: where it was.
    private func demote() -> [Int] {
        // A node that has lost its disk must not become a member that is needed.
        guard harmed == nil else { return [] }
        let leaders = nodes.flatMap { node in node.core?.replicas.filter(\.isLeader).map { (node, $0) } ?? [] }
        guard let (node, replica) = faults.pick(leaders), let core = node.core else { return [] }
        let now = replica.raft.configuration
        guard !now.isJoint, now.voters.count > 1, let voter = faults.pick(now.voters) else { return [] }
        let next = Configuration(
            members: now.members,
            voters: now.voters.filter { $0 != voter },
            learners: (now.learners + [voter]).sorted()
        )
        counts.demotions += 1
        let group = replica.group
        propose(next, in: group, to: core)
        wake(node)
        guard let member = now.member(voter) else { return [] }
        return nodes.filter { $0.id == member.node }.map(\.position)
    }

    /// All groups that others lead get on without a node's vote, for as long as their leaders let them.
    func demote(_ node: SimNode) {
        for other in nodes where other !== node {
            guard let core = other.core else { continue }
            for replica in core.replicas where replica.isLeader {
                let now = replica.raft.configuration
                let own = now.members.filter { $0.node == node.id }.map(\.replica)
                guard !now.isJoint, now.voters.contains(where: own.contains) else { continue }
                let next = Configuration(
                    members: now.members,
                    voters: now.voters.filter { !own.contains($0) },
                    learners: (now.learners + own.filter(now.voters.contains)).sorted()
                )
                counts.demotions += 1
                let group = replica.group
                propose(next, in: group, to: core)
            }
            wake(other)
        }
    }

    /// Leaders that are cut off with a few try to go on with these alone: one voter less, and one less, and so on, and
    /// then the same once more. Each step by itself would be in order.
    private func demoteSomebody(_ inside: Set<Int>) {
        guard harmed == nil else { return }
        for position in inside.sorted() {
            guard let core = nodes[position].core else { continue }
            for replica in core.replicas where replica.isLeader {
                let group = replica.group
                var next = replica.raft.configuration
                let others = next.members.filter { member in !inside.contains(Int(member.node.rawValue) - 1) }
                guard !next.isJoint, !others.isEmpty else { continue }
                for other in others where next.voters.contains(other.replica) && next.voters.count > 1 {
                    next = Configuration(
                        members: next.members,
                        voters: next.voters.filter { $0 != other.replica },
                        learners: (next.learners + [other.replica]).sorted()
                    )
                    counts.demotions += 1
                    propose(next, in: group, to: core)
                }
                propose(next, in: group, to: core)
            }
            wake(nodes[position])
        }
    }

    /// The node may need a while to do so. A node that has lost its disk by then must not become a member that is
    /// needed.
    private func propose(_ configuration: Configuration, in group: GroupID, to core: NodeCore) {
        let order = LoopOrder.propose(configuration, in: group) { [unowned self] in harmed == nil }
        core.inboxes.put(.order(order), for: group)
    }

    /// New leaders like to die, or not to be heard, when little of what they have is anywhere else (Raft paper,
    /// figure 8).
    func crashAfterElection(_ node: SimNode) {
        if isInFigureEight() { return electedInFigureEight(node) }
        guard !isHealing, !isCalm, plan.kinds.contains(.crashAfterElection), faults.chance(perMillion: 500_000) else {
            return
        }
        counts.coverage.add(.crashAfterElection, roles(of: node))
        if faults.below(3) > 0 { return silence(node) }
        let event = SimEvent.crash(
            node: node.position,
            incarnation: node.incarnation,
            restartAfter: 200...2_000_000
        )
        schedule(event, after: faults.time(100...100_000))
    }

    /// The same for those who have just begun to commit: nobody may hear of it, or get the entries behind.
    func cutOffAfterCommit(_ node: SimNode) {
        if isInFigureEight() { return committedInFigureEight(node) }
        guard !isHealing, !isCalm, plan.kinds.contains(.cutOffAfterCommit), faults.chance(perMillion: 700_000) else {
            return
        }
        counts.coverage.add(.cutOffAfterCommit, roles(of: node))
        silence(node)
    }

    /// An entry is committed that the leader's own disk does not have yet. The leader crashes, and another node, maybe
    /// one that has the entry, is not heard for a while.
    func crashAheadOfDisk(_ node: SimNode) {
        guard !isHealing, !isCalm, plan.kinds.contains(.crashAheadOfDisk), faults.chance(perMillion: 100_000),
            let other = faults.pick(nodes.filter { $0 !== node })
        else { return }
        counts.coverage.add(.crashAheadOfDisk, roles(of: node))
        silence(other)
        let event = SimEvent.crash(node: node.position, incarnation: node.incarnation, restartAfter: 200...50_000)
        schedule(event, after: 0)
    }

    /// No node hears this one for a while, and this one perhaps hears none.
    private func silence(_ node: SimNode) {
        counts.partitions += 1
        let duration = faults.time(500_000...4_000_000)
        let isDeaf = faults.next() & 1 == 0
        for peer in nodes.indices where peer != node.position {
            cutLink(from: node.position, to: peer, duration: duration)
            if isDeaf { cutLink(from: peer, to: node.position, duration: duration) }
        }
    }

    func cutLink(from: Int, to: Int, duration: Int64) {
        network[from, to].cutUntil = max(network[from, to].cutUntil, now + duration)
    }

    /// No more faults: what is down starts, what is cut is joined.
    func heal() {
        isHealing = true
        trace.add(at: now, .note, node: -1, "faults end")
        network.healAll()
        if plan.kinds.contains(.replaceProgram) { replaceAllPrograms() }
        for node in nodes {
            node.pausedUntil = min(node.pausedUntil, now)
            node.troubles.slowUntil = 0
            node.troubles.isNearlyFull = false
            node.troubles.nextWrite = .normal
            endFaults(node)
            if !node.isUp { schedule(.restart(node: node.position), after: 1_000) }
        }
    }

    /// What was to fail and has not yet does not, and the disk answers.
    func endFaults(_ node: SimNode) {
        node.disk.endFaults()
        node.state.endFaults()
        endHang(node)
    }

    /// The disk answers again.
    private func endHang(_ node: SimNode) {
        node.troubles.hangingUntil = 0
        guard node.isUp, node.isScheduled(.writer) else { return }
        schedule(.turn(node: node.position, incarnation: node.incarnation, .writer), after: 1_000)
    }
}
