internal import Consensus
internal import MailModel
internal import MailStore
internal import NodeRuntime
internal import ReplicaCore

/// The course of a run: faults, then the time to become well again, then the reckoning.
extension World {
    static let healingSeconds: Int64 = 60

    func run() -> SimulationReport {
        // Some come later.
        _ = placement.admin
        for node in nodes { machines.start(node) }
        network.weather = plan.weather
        injector.scheduleFault()
        // Later, hardly any group comes to rest.
        if plan.kinds.contains(.strand), faults.chance(perMillion: 800_000) {
            injector.strand.lay(for: faults.time(100_000...8_000_000))
        }
        let safetyEnd = Int64(options.seconds) * 1_000_000
        advance(until: safetyEnd) { false }
        if violation == nil { becomeWell() }
        if violation == nil { checkEverything() }
        counts.replicas.repetitions = checker.repetitions
        counts.deliveries.recognised = checker.recognised
        counts.replicas.entries = checker.entries
        counts.checks = checker.checkCount
        for node in nodes { RestCheck(world: self).countRests(of: node) }
        counts.replicas.ownFlushes = nodes.reduce(0) { $0 + $1.state.ownFlushes }
        return SimulationReport(
            seed: options.seed,
            simulatedSeconds: Double(now) / 1_000_000,
            digest: trace.digest,
            violation: violation,
            trace: trace.lines,
            counts: counts
        )
    }

    /// Machines and the nodes on them hold each other.
    func tearDown() {
        load.hangUp()
        for node in nodes {
            node.core = nil
            node.service = nil
        }
    }

    /// Lets things happen until a time, a violation, or `isDone`, which is asked now and then.
    private func advance(until end: Int64, _ isDone: () -> Bool) {
        var asked = now
        while violation == nil, let item = queue.next() {
            guard item.time <= end else {
                queue.add(item.event, at: item.time)
                time.now = end
                return
            }
            time.now = max(now, item.time)
            counts.events += 1
            handle(item.event)
            injector.ambush.spring()
            if now - asked >= 50_000 {
                asked = now
                checkLimits()
                harmedMachine.check()
                if isDone() { return }
            }
        }
    }

    private func handle(_ event: SimEvent) {
        switch event {
        case .turn(let position, let incarnation, let part):
            if nodes[position].incarnation == incarnation { turn(nodes[position], part) }
        case .tick(let position, let incarnation):
            if nodes[position].incarnation == incarnation, nodes[position].isUp { machines.tick(nodes[position]) }
        case .work(let position, let incarnation, let work):
            let node = nodes[position]
            guard node.incarnation == incarnation, node.isUp else { return }
            if node.pausedUntil > now {
                return schedule(.work(node: position, incarnation: incarnation, work), after: node.restOfPause(now))
            }
            work()
            if node.failure != nil, !harmedMachine.isCalm {
                counts.faults.storageFailures += 1
                machines.crash(node)
            }
            wake(node)
        case .deliver(let from, let to, let parcel): deliver(parcel, from: from, to: to)
        case .lost(let position, let incarnation, let peer):
            guard nodes[position].incarnation == incarnation else { return }
            nodes[position].core?.inboxes.lost(peer)
            wake(nodes[position])
        case .refused(let position, let incarnation, let peer):
            guard nodes[position].incarnation == incarnation else { return }
            nodes[position].core?.inboxes.agent.put(.calledGone(by: nodes[peer].id))
            wake(nodes[position])
        case .crash(let position, let incarnation, let limit):
            if nodes[position].incarnation == incarnation { machines.crash(nodes[position], restartsWithin: limit) }
        case .stop(let position, let incarnation):
            if nodes[position].incarnation == incarnation { machines.stop(nodes[position]) }
        case .restart(let position): machines.start(nodes[position])
        case .use(let user): load.act(user)
        case .fault:
            injector.injectFault()
            if !isHealing { injector.scheduleFault() }
        }
    }

    /// Everything must work again within a bounded time, by itself.
    private func becomeWell() {
        injector.heal()
        let healedAt = now
        let end = now + Self.healingSeconds * 1_000_000
        advance(until: end) { load.unserved(since: healedAt) == nil }
        if let complaint = load.unserved(since: healedAt) { return report(complaint) }
        // Some watch while the others go on for a moment.
        load.settle()
        advance(until: end) { load.isSettled }
        advance(until: min(end, now + 500_000)) { false }
        load.stop()
        advance(until: end) { load.unanswered == nil && isConverged && backlog == nil && load.untold == nil }
        if let complaint = load.unanswered { return report(complaint) }
        if let backlog { return fail("what waited is answered when the load is over", backlog) }
        if !isConverged { fail("replicas converge after faults", status) }
        if let complaint = load.untold { report(complaint) }
    }

    private func report(_ complaint: Workload.Complaint) {
        fail(complaint.invariant, "\(complaint.details): \(status)")
    }

    /// Calls that still wait; nil where none does.
    private var backlog: String? {
        let check = LimitCheck(settings: settings)
        return nodes.lazy.compactMap { node in
            node.core.flatMap(check.backlog).map { "node \(node.position + 1): \($0)" }
        }.first
    }

    private var isConverged: Bool {
        guard harmedMachine.position == nil, programs.isUpgraded, programs.areAllTold, placement.areAllEverywhere
        else {
            return false
        }
        return groups.allSatisfy { group in
            let indexes = nodes.map { (try? $0.isUp ? $0.reader.digest(group).index : .zero) ?? .zero }
            return indexes.allSatisfy { $0.rawValue == UInt64(checker.groups[Int(group.rawValue)].committed.count) }
                && nodes.contains { $0.core?.replica(group)?.isLeader == true }
        }
    }

    private var status: String {
        var text = ""
        if let position = harmedMachine.position {
            let harm = silentHarm.current.map { ", group \($0.group.rawValue): \($0.kind)" } ?? ""
            text += "\n  node \(position + 1) is harmed, calm \(harmedMachine.isCalm)\(harm)"
        }
        for node in nodes {
            guard let core = node.core else {
                text += "\n  node \(node.position + 1) is down"
                continue
            }
            text += "\n  node \(node.position + 1): scheduled \(node.turns) failure \(node.failure ?? "-")"
            text += " log waits \(!core.writer.inbox.isEmpty) hanging \(node.troubles.hangingUntil > now)"
            for replica in core.replicas {
                let status = replica.raft.status
                text += "\n  node \(node.position + 1) group \(replica.group.rawValue): \(status.role)"
                text += " term \(status.term.rawValue) leader \(status.leader.map { "\($0.rawValue)" } ?? "-")"
                text += " log \(status.firstIndex.rawValue)-\(status.lastIndex.rawValue)"
                text += " durable \(status.durableIndex.rawValue) commit \(status.commitIndex.rawValue)"
                text += " applied \(status.appliedIndex.rawValue)"
                let configuration = status.configuration
                text += " replica \(status.id.rawValue) voters \(configuration.voters.map(\.rawValue))"
                if configuration.isJoint { text += " (joint)" }
                let digest = try? node.reader.digest(replica.group)
                text += " state \(digest?.index.rawValue ?? 0) installing \(status.installing?.index.rawValue ?? 0)"
                text += " stands as \(core.loop(of: replica.group).floor.standing(of: replica.group))"
                text += " peers \(status.peers.map { "\($0.replica.rawValue):\($0.state)@\($0.matchIndex.rawValue)" })"
            }
        }
        return text
    }

    /// No queue or cache beyond its bound.
    private func checkLimits() {
        let check = LimitCheck(settings: settings)
        for node in nodes {
            guard let excess = node.core.flatMap(check.nodeExcess) else { continue }
            fail(excess.invariant, "node \(node.position + 1): \(excess.details)")
        }
        injector.strand.spring()
        placement.check()
        RestCheck(world: self).check()
        checker.countCheck()
    }

    /// At the end: every node holds what the committed commands make, byte for byte.
    private func checkEverything() {
        for node in nodes {
            guard node.isUp else { continue }
            do {
                try programs.checkDirectory(of: node)
            } catch {
                fail("what is stored can be read", "node \(node.position + 1), directory: \(error)")
            }
            for group in groups {
                do {
                    let model = checker.model(group)
                    let check = StateCheck(reader: node.reader, group: group, mail: checker.mail)
                    for id in model.accounts.keys.sorted() {
                        checker.countCheck()
                        if let difference = try check.compare(id, with: model.accounts[id], includingBodies: true) {
                            return fail("what was acknowledged is there", "node \(node.position + 1): \(difference)")
                        }
                    }
                    if let problem = try StateAudit(group, in: node.state.memory).problems.first {
                        return fail("what is counted is there", "node \(node.position + 1), \(group): \(problem)")
                    }
                    let digest = try node.reader.digest(group).digest
                    guard try recomputedDigest(group, in: node.state.memory) == digest else {
                        return fail("a group's digest is that of its rows", "node \(node.position + 1), \(group)")
                    }
                } catch {
                    fail("what is stored can be read", "node \(node.position + 1), group \(group.rawValue): \(error)")
                }
            }
        }
    }
}
