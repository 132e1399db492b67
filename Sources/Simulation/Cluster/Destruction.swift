internal import Consensus
internal import LogStorage
internal import NodeRuntime
internal import ReplicaCore
internal import StateStorage

/// Faults that take away what was durable. They never take the last good copy: only one machine at a time is harmed,
/// when all the others are whole, and only in ways that somebody who can be reached knows of.
struct Destruction {
    enum Kind: CaseIterable {
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

    unowned let world: World

    /// - Returns: whether it could be done.
    func destroy(_ node: SimNode, by kind: Kind) -> Bool {
        guard world.harmedMachine.position == nil, world.harmedMachine.isWhole(without: node),
            world.harmedMachine.areCopiesLeft(without: node)
        else { return false }
        world.machines.crash(node)
        let before = facts(node.disk, of: node, kind)
        let disk = kind == .wipe ? MemoryDisk() : damagedCopy(of: node, kind)
        guard let disk else { return false }
        let after = facts(disk, of: node, kind)
        guard kind == .wipe || before.keys.allSatisfy({ isNoticed($0, before: before, after: after, on: node) }) else {
            return false
        }
        world.counts.faults.destructions += 1
        world.trace.add(at: world.now, .fault, node: node.position, "\(kind)")
        node.disk = disk
        // A machine that lost all, its identity too, is told so by the others, in another way.
        node.losses.forgotten = kind == .wipe ? [:] : before.filter { after[$0.key] != $0.value }
        world.harmedMachine.markHarmed(node)
        switch kind {
        case .wipe:
            node.state.memory.restore(MemoryStateStore.Image())
            node.identity.wipe(directory: world.faults.next() | 1)
            node.image = nil
            // Nobody has to tell it what it was.
            if world.placement.admin.takesAsNewcomer(node) { return true }
        case .rollback:
            if let image = node.image { node.state.memory.restore(image.state) }
        case .damagedState:
            node.state.memory.restore(MemoryStateStore.Image())
            node.losses.isStateDamaged = true
        case .logRollback, .bitFlip, .lostTail, .lostSegment: break
        }
        world.harmedMachine.beCalm()
        return true
    }

    private func damagedCopy(of node: SimNode, _ kind: Kind) -> MemoryDisk? {
        let copy = node.disk.copy()
        guard let names = try? copy.list(), let newest = names.last, let name = world.faults.pick(names) else {
            return nil
        }
        switch kind {
        case .wipe: return MemoryDisk()
        case .damagedState: break
        case .rollback, .logRollback:
            guard let image = node.image, image.identity == node.identity.saved else { return nil }
            return image.disk.copy()
        case .bitFlip:
            copy.corrupt(name) { bytes in
                guard !bytes.isEmpty else { return }
                bytes[world.faults.below(bytes.count)] ^= 1 << UInt8(world.faults.below(8))
            }
        case .lostTail:
            copy.corrupt(newest) { bytes in
                guard let last = bytes.lastIndex(where: { $0 != 0 }) else { return }
                for index in max(0, last - world.faults.below(4_096))...last { bytes[index] = 0 }
            }
        case .lostSegment:
            guard (try? copy.delete(name)) != nil, (try? copy.syncDirectory()) != nil else { return nil }
        }
        return copy
    }

    // MARK: What a disk holds

    /// - Parameter kind: whether the state stays as it is, and may bring the log up to what was installed last.
    private func facts(_ disk: MemoryDisk, of node: SimNode, _ kind: Kind) -> [GroupID: LogFacts] {
        let settings = SimSettings.logSettings(node.logID)
        guard let (log, recovered) = try? SegmentedLog.open(disk: disk.copy(), settings: settings) else { return [:] }
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
        return world.nodes.contains { other in
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

}
