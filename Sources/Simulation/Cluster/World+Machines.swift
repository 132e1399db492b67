internal import Consensus
internal import LogStorage
internal import NodeRuntime
internal import ReplicaCore

/// Machines come and go.
extension World {
    private var logSettings: (UInt64) -> LogSettings {
        { id in
            var settings = LogSettings(logID: id)
            settings.segmentBytes = 64 << 10
            settings.blockBytes = 512
            return settings
        }
    }

    /// Every node votes in every group, and leaderships are spread.
    private func configuration(of group: GroupID) -> Configuration {
        Configuration(
            voters: nodes.map { node in
                let isPreferred = Int(group.rawValue) % nodes.count == node.position
                return Member(
                    replica: ReplicaID(node.id.rawValue),
                    node: node.id,
                    priority: isPreferred ? 200 : 100
                )
            }
        )
    }

    func start(_ node: SimNode) {
        guard !node.isUp else { return }
        node.incarnation += 1
        node.failure = nil
        node.nextWrite = .normal
        node.isScheduled = [false, false, false]
        node.submitted = [:]
        node.pausedUntil = 0
        do {
            let disk: any Disk = options.mutant == .disksLie ? LyingDisk(node.disk) : node.disk
            var (log, recovered) = try openLog(disk, node)
            if recovered.isEmpty {
                try create(log)
                (log, recovered) = try openLog(disk, node)
            }
            let store: any LogStore = options.mutant == .votesForgotten ? ForgetfulLog(log) : log
            let (opened, quarantined) = try GroupRecovery(log: store, state: node.state, node: node.id).open(recovered)
            if let bad = quarantined.first {
                return fail(
                    "nothing is lost that was durable",
                    "node \(node.position + 1), group \(bad.group.rawValue): \(bad.reason)"
                )
            }
            let endpoint = SimEndpoint(world: self, node: node.position)
            let core = try NodeCore(
                NodeCore.Environment(
                    node: node.id,
                    session: node.session,
                    settings: settings,
                    clock: node.clock,
                    network: endpoint,
                    blocking: SimBlockingWork(world: self, node: node.position, incarnation: node.incarnation),
                    failed: { [unowned node] error in node.failure = node.failure ?? "\(error)" }
                ),
                log: store,
                state: node.state,
                groups: opened
            )
            node.core = core
            node.endpoint = endpoint
        } catch {
            return fail("a node starts again after a crash", "node \(node.position + 1): \(error)")
        }
        trace.add(now, .restart, node.position, "started, run \(node.incarnation)")
        trace.mix(now, .restart, node.position, node.incarnation)
        checker.started(node, world: self)
        let event = SimEvent.tick(node: node.position, incarnation: node.incarnation)
        schedule(event, after: timing.between(0...settings.tickMilliseconds * 1_000))
    }

    private func openLog(_ disk: any Disk, _ node: SimNode) throws -> (SegmentedLog, [RecoveredGroup]) {
        let opened = try SegmentedLog.open(disk: disk, settings: logSettings(node.logID))
        return (opened.log, opened.recovered)
    }

    private func create(_ log: SegmentedLog) throws {
        var round = LogRound()
        for group in groups {
            let point = SnapshotPoint(index: .zero, term: .zero, configuration: configuration(of: group))
            round.append(.createGroup(group, point))
        }
        try log.append(round)
    }

    /// The machine loses power: the node is gone, and of what was not durable, as much as chance leaves.
    func crash(_ node: SimNode, restartsWithin limit: ClosedRange<Int64> = 500...6_000_000) {
        guard node.isUp else { return }
        trace.add(now, .crash, node.position, "run \(node.incarnation) ends")
        trace.mix(now, .crash, node.position, node.incarnation)
        counts.crashes += 1
        countRests(node)
        node.restsFalselySince.removeAll()
        node.core = nil
        node.endpoint?.isMuted = true
        node.endpoint = nil
        node.disk.crash(seed: faults.chance(perMillion: 200_000) ? nil : faults.next())
        node.state.crash()
        checker.crashed(node)
        for client in clients { client.nodeCrashed(node.position) }
        schedule(.restart(node: node.position), after: isHealing ? 100_000 : faults.time(limit))
    }

    /// The planned end: everything waiting is written, the log sealed, the state flushed.
    func stop(_ node: SimNode) {
        guard let core = node.core else { return }
        if node.pausedUntil > now {
            // It takes no more calls: it must end, or clients that stay with it wait for ever.
            let event = SimEvent.stop(node: node.position, incarnation: node.incarnation)
            return schedule(event, after: node.pausedUntil - now)
        }
        core.writer.inbox.put(.seal)
        turn(node, .writer)
        if node.isUp { turn(node, .applier) }
        try? node.state.flush()
        crash(node)
    }

    func tick(_ node: SimNode) {
        let late = node.pausedUntil > now ? node.pausedUntil - now : 0
        if late == 0, !node.isScheduled[NodePart.loop.rawValue] { turn(node, .loop) }
        guard node.isUp else { return }
        let event = SimEvent.tick(node: node.position, incarnation: node.incarnation)
        schedule(event, after: late + settings.tickMilliseconds * 1_000 + timing.between(0...300))
    }
}
