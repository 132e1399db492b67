internal import Consensus
internal import LogStorage
internal import NodeRuntime
internal import ReplicaCore
internal import StateStorage

/// Faults that take away what was durable. They never take the last good copy: only one machine at a time is harmed,
/// when all the others are whole, and only in ways that somebody who can be reached knows of.
extension World {
    enum Destruction: CaseIterable {
        /// Everything on the machine is gone.
        case wipe
        /// The machine comes back as it was some time ago.
        case rollback
        /// The same, for the log alone.
        case logRollback
        /// A bit of the log is not what it was.
        case bitFlip
        /// The end of the newest log segment is zeros.
        case lostTail
        /// A log segment is gone.
        case lostSegment
        /// The state fails its checks, and is given up as a whole.
        case damagedState
    }

    /// - Returns: whether it could be done.
    func destroy(_ node: SimNode, _ kind: Destruction) -> Bool {
        guard harmed == nil, isWhole(learningOn: node), areCopiesLeft(without: node) else { return false }
        crash(node)
        let before = facts(node.disk, of: node, kind)
        let disk = kind == .wipe ? MemoryDisk() : damagedCopy(of: node, kind)
        guard let disk else { return false }
        let after = facts(disk, of: node, kind)
        guard kind == .wipe || before.keys.allSatisfy({ isNoticed($0, before: before, after: after, on: node) }) else {
            return false
        }
        counts.destructions += 1
        trace.add(at: now, .fault, node: node.position, "\(kind)")
        node.disk = disk
        node.losses.isExcused = true
        // A machine that lost all, its identity too, is told so by the others, in another way.
        node.losses.forgotten = kind == .wipe ? [:] : before.filter { after[$0.key] != $0.value }
        harmed = node.position
        switch kind {
        case .wipe:
            node.state.memory.restore(MemoryStateStore.Image())
            node.identity.wipe(directory: faults.next() | 1)
            node.image = nil
        case .rollback:
            if let image = node.image { node.state.memory.restore(image.state) }
        case .damagedState:
            node.state.memory.restore(MemoryStateStore.Image())
            node.losses.isStateDamaged = true
        case .logRollback, .bitFlip, .lostTail, .lostSegment: break
        }
        beCalm()
        return true
    }

    private func damagedCopy(of node: SimNode, _ kind: Destruction) -> MemoryDisk? {
        let copy = node.disk.copy()
        guard let names = try? copy.list(), let newest = names.last, let name = faults.pick(names) else { return nil }
        switch kind {
        case .wipe: return MemoryDisk()
        case .damagedState: break
        case .rollback, .logRollback:
            guard let image = node.image, image.identity == node.identity.saved else { return nil }
            return image.disk.copy()
        case .bitFlip:
            copy.corrupt(name) { bytes in
                guard !bytes.isEmpty else { return }
                bytes[faults.below(bytes.count)] ^= 1 << UInt8(faults.below(8))
            }
        case .lostTail:
            copy.corrupt(newest) { bytes in
                guard let last = bytes.lastIndex(where: { $0 != 0 }) else { return }
                for index in max(0, last - faults.below(4_096))...last { bytes[index] = 0 }
            }
        case .lostSegment:
            guard (try? copy.delete(name)) != nil, (try? copy.syncDirectory()) != nil else { return nil }
        }
        return copy
    }

    // MARK: What a disk holds

    /// - Parameter kind: whether the state stays as it is, and may bring the log up to what was installed last.
    private func facts(_ disk: MemoryDisk, of node: SimNode, _ kind: Destruction) -> [GroupID: LogFacts] {
        guard let (log, recovered) = try? SegmentedLog.open(disk: disk.copy(), settings: logSettings(node.logID)) else {
            return [:]
        }
        var facts: [GroupID: LogFacts] = [:]
        for group in recovered { facts[group.group] = LogFacts(group) }
        switch kind {
        case .logRollback, .bitFlip, .lostTail, .lostSegment:
            let opened = try? GroupRecovery(log: log, state: node.state.memory).open(recovered).opened
            for group in opened ?? [] where facts[group.group]?.isIntact == true {
                facts[group.group] = LogFacts(group)
            }
        case .wipe, .rollback, .damagedState: break
        }
        return facts
    }

    /// Whether the loss is one that the log itself reports, or that another member remembers better.
    private func isNoticed(
        _ group: GroupID,
        before: [GroupID: LogFacts],
        after: [GroupID: LogFacts],
        on node: SimNode
    ) -> Bool {
        guard let old = before[group], let new = after[group], new.isIntact, new != old else { return true }
        return nodes.contains { other in
            guard other !== node, let replica = other.core?.replica(group), new.replica == old.replica else {
                return false
            }
            return replica.testimony(of: new.replica).isForgotten(
                term: new.term,
                vote: new.vote,
                lastIndex: new.lastIndex,
                termAt: { new.entries.term(at: $0) },
                voter: replica.raft.id
            )
        }
    }

    // MARK: Who is whole

    /// Whether every node runs, and every group has a settled configuration in which just the replicas that run vote.
    var isWhole: Bool { isWhole(learningOn: nil) }

    /// The same, where one node need not vote: nobody counts on it.
    func isWhole(learningOn learner: SimNode?) -> Bool {
        nodes.allSatisfy { node in
            guard let core = node.core else { return false }
            return core.agent.identity.isComplete
                && core.loops.allSatisfy { !$0.floor.groups.areBeingReplaced && !$0.floor.isStopping }
        }
            && groups.allSatisfy { group in
                let replicas = nodes.compactMap { $0.core?.replica(group) }
                let ids = replicas.map(\.raft.id).sorted()
                let own = learner?.core?.replica(group)?.raft.id
                let others = ids.filter { $0 != own }
                return replicas.count == nodes.count
                    && replicas.allSatisfy { replica in
                        let configuration = replica.raft.configuration
                        return !configuration.isJoint && (configuration.voters == ids || configuration.voters == others)
                    }
                    && replicas.count { $0.raft.isInstalling } <= replicas.count - 2
            }
    }

    /// Whether, in each group, whoever has lost the state can get another replica's, which must be able to reach where
    /// its log begins.
    func areCopiesLeft(without node: SimNode) -> Bool {
        groups.allSatisfy { group in
            let others = nodes.filter { $0 !== node }.compactMap { $0.core?.replica(group)?.raft }
            return others.filter(\.isInstalling).allSatisfy { stateless in
                let point = stateless.snapshot
                return others.contains { raft in
                    !raft.isInstalling && raft.durableIndex >= point.index
                        && (raft.appliedIndex >= point.index || raft.term(at: point.index) == point.term)
                }
            }
        }
    }

    /// Until the harmed machine has asked the others what they know, they stay where they are.
    func beCalm() {
        isCalm = true
        network.healAll()
        network.weather = plan.weather
        // The members that are asked can be reached in time.
        network.weather.lossPerMillion = 0
        network.weather.spikesPerMillion = 0
        for node in nodes {
            node.pausedUntil = min(node.pausedUntil, now)
            node.troubles.nextWrite = .normal
            endFaults(node)
        }
    }

    /// Now and then: is the harmed machine well again?
    func checkHarmed() {
        guard let position = harmed, let core = nodes[position].core else { return }
        checkChunk(of: nodes[position])
        if let harm, !harm.isCounted { return }
        if isCalm, core.isSettled, harm == nil {
            isCalm = false
            network.weather = isHealing ? SimNetwork.Weather() : plan.weather
            if let group = nodes[position].losses.forgotten.keys.min() {
                fail("a replica that has forgotten something is given up", "node \(position + 1), \(group)")
            }
        }
        guard !isCalm, isWhole else { return }
        harmed = nil
        nodes[position].losses.isExcused = false
    }
}
