internal import Consensus
internal import LogStorage
internal import MailStore
internal import NodeRuntime
internal import ReplicaCore
internal import StateStorage

/// Machines come and go.
extension World {
    func logSettings(_ id: UInt64) -> LogSettings {
        var settings = LogSettings(logID: id)
        settings.segmentBytes = 64 << 10
        settings.blockBytes = 512
        return settings
    }

    func start(_ node: SimNode) {
        guard !node.isUp else { return }
        node.incarnation += 1
        node.versions.running = node.versions.newest
        node.failure = nil
        node.troubles.nextWrite = .normal
        node.turns = Array(repeating: false, count: NodePart.count)
        node.submitted = [:]
        node.pausedUntil = 0
        do {
            let disk: any Disk = options.mutant == .disksLie ? LyingDisk(node.disk) : node.disk
            let (log, recovered) = try openLog(disk, node)
            let store: any LogStore = options.mutant == .votesForgotten ? ForgetfulLog(log) : log
            if node.losses.isStateDamaged { try StateRecovery.beginAnew(recovered, in: node.state) }
            node.losses.isStateDamaged = false
            let groups = try GroupRecovery(log: store, state: node.state).open(recovered)
            if let bad = groups.quarantined.first, !node.losses.isExcused {
                return fail(
                    "nothing is lost that was durable",
                    "node \(node.position + 1), group \(bad.group.rawValue): \(bad.reason)"
                )
            }
            let endpoint = SimEndpoint(world: self, node: node.position)
            let environment = NodeCore.Environment(
                node: node.id,
                session: node.session,
                settings: node.settings(from: settings),
                clock: node.clock,
                network: endpoint,
                blocking: SimBlockingWork(world: self, node: node.position, incarnation: node.incarnation),
                background: SimBlockingWork(world: self, node: node.position, incarnation: node.incarnation),
                gauge: node,
                identity: node.identity.saved,
                identityStore: node.identity,
                peers: nodes.map(\.id),
                registration: node.registration,
                failed: { [unowned self, unowned node] in failed($0, on: node) }
            )
            let core = try NodeCore(environment, log: store, state: node.state, recovered: groups)
            var observers = Observers()
            observers.membership = { [unowned self, unowned node] in observeMembership($0, of: node) }
            observers.verification = { [unowned self, unowned node] in observeVerification($0, of: node) }
            observers.changes = { [unowned node] in node.noteChange(of: $0) }
            core.observe(observers)
            node.core = core
            node.service = core.makeService(environment, passwords: SimPasswords())
            for group in groups.opened where node.losses.forgotten[group.group]?.areKnown(to: group) == true {
                node.losses.forgotten[group.group] = nil
            }
            node.endpoint = endpoint
        } catch let error as VersionError {
            return refused(error, on: node)
        } catch {
            return fail("a node starts again after a crash", "node \(node.position + 1): \(error)")
        }
        trace.add(at: now, .restart, node: node.position, "started, run \(node.incarnation)")
        trace.mix(at: now, kind: .restart, node: node.position, node.incarnation)
        let event = SimEvent.tick(node: node.position, incarnation: node.incarnation)
        schedule(event, after: timing.between(0...settings.tickMilliseconds * 1_000))
    }

    private func openLog(_ disk: any Disk, _ node: SimNode) throws -> (SegmentedLog, [RecoveredGroup]) {
        let opened = try SegmentedLog.open(disk: disk, settings: logSettings(node.logID))
        return (opened.log, opened.recovered)
    }

    private func observeMembership(_ event: MembershipEvent, of node: SimNode) {
        trace.add(at: now, .note, node: node.position, "\(event)")
        switch event {
        case .waiting, .founded, .begun: break
        case .quarantined(let group, let reason): quarantined(group, reason, on: node)
        case .stopped(let group, let index, let reason):
            guard mayDiffer(node, group) else {
                fail(
                    "every entry can be applied",
                    "node \(node.position + 1), group \(group.rawValue), entry \(index.rawValue): \(reason)"
                )
                return
            }
            // A harmed row: the operator starts the node again.
            node.failure = node.failure ?? reason
        case .contradicted(let group, let contradiction, let sender):
            fail(
                "nobody contradicts what is committed",
                "node \(node.position + 1), group \(group.rawValue), by \(sender.map { "\($0.rawValue)" } ?? "-"): "
                    + contradiction.rawValue
            )
        case .unreadable(let group, _, let reason):
            // A read that was made to fail is told of as well, and costs nothing but a comparison.
            guard !mayDiffer(node, group), reason != "\(SimStateStore.injected)" else { return }
            fail("what is stored can be read", "node \(node.position + 1), group \(group.rawValue): \(reason)")
        case .admitted: counts.admissions += 1
        case .version: counts.versionsTaken += 1
        }
    }

    private func observeVerification(_ event: VerificationEvent, of node: SimNode) {
        trace.add(at: now, .note, node: node.position, "\(event)")
        switch event {
        case .verified: counts.verifications += 1
        case .different(let group, let report):
            counts.differences += 1
            let isOfThePast = report.replicas.contains {
                mayBeGivenUp($0.node, group) && [.condemned, .disputed].contains($0.standing)
            }
            if harmed == nil, !isOfThePast {
                fail("replicas that hold the same are not told apart", "node \(node.position + 1): \(event)")
            }
        case .searched(let group, let report):
            for replica in report.replicas where replica.standing == .condemned {
                guard let key = replica.firstKey else { continue }
                counts.rowsNamed += 1
                trace.add(
                    at: now,
                    .note,
                    node: node.position,
                    "group \(group.rawValue) differs in \(RowName(key: key))"
                )
            }
        case .snapshotRefused: counts.snapshotsRefused += 1
        }
    }

    /// Only a replica that has lost something may be given up.
    private func quarantined(_ group: GroupID, _ reason: String, on node: SimNode) {
        counts.quarantines += 1
        node.losses.forgotten[group] = nil
        guard !node.losses.isExcused else { return }
        // What a verification says, not what a log has lost.
        if reason.hasPrefix("At entry") || reason.hasPrefix("Its rows"), mayBeGivenUp(node.id, group) { return }
        fail("nothing is lost that was durable", "node \(node.position + 1), group \(group.rawValue): \(reason)")
    }

    /// The machine loses power: the node is gone, and of what was not durable, as much as chance leaves.
    func crash(_ node: SimNode, restartsWithin limit: ClosedRange<Int64> = 500...6_000_000) {
        guard node.isUp, !isCalm else { return }
        trace.add(at: now, .crash, node: node.position, "run \(node.incarnation) ends")
        trace.mix(at: now, kind: .crash, node: node.position, node.incarnation)
        counts.crashes += 1
        countRests(node)
        node.restsFalselySince.removeAll()
        node.core = nil
        node.service = nil
        node.endpoint?.isMuted = true
        node.endpoint = nil
        node.disk.crash(seed: faults.chance(perMillion: 200_000) ? nil : faults.next())
        node.state.crash()
        if node.image == nil || faults.chance(perMillion: 300_000) {
            node.image = SimNode.Image(
                disk: node.disk.copy(),
                state: node.state.memory.image,
                identity: node.identity.saved
            )
        }
        load.nodeCrashed(node.position)
        schedule(.restart(node: node.position), after: isHealing ? 100_000 : faults.time(limit))
    }

    /// The planned end: everything waiting is written, the log sealed, the state flushed.
    func stop(_ node: SimNode) {
        guard let core = node.core else { return }
        guard !isCalm, node.pausedUntil <= now else {
            return schedule(.stop(node: node.position, incarnation: node.incarnation), after: 500_000)
        }
        core.writer.inbox.put(.seal)
        turn(node, .writer)
        for position in core.appliers.indices where node.isUp { turn(node, .applier(position)) }
        try? node.state.flush()
        crash(node)
    }

    func tick(_ node: SimNode) {
        let late = node.restOfPause(now)
        guard let core = node.core else { return }
        for part in core.loops.indices.map(NodePart.loop) + [.agent] {
            if late == 0, node.core === core, !node.isScheduled(part) { turn(node, part) }
        }
        guard node.isUp else { return }
        let event = SimEvent.tick(node: node.position, incarnation: node.incarnation)
        schedule(event, after: late + settings.tickMilliseconds * 1_000 + timing.between(0...300))
    }
}
