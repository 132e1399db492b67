internal import Consensus
internal import MailModel
internal import NodeRuntime
internal import ReplicaCore

/// Has the directory want groups on other nodes now and then, and on all of them again when the faults are over.
///
/// Its chance is its own: a run in which no group moves is the same as without it.
final class PlacementFaults {
    private unowned let world: World
    private var random: SimRandom
    private let isActive: Bool
    /// Who changes placings in the runs in which groups are not simply placed at random.
    let admin: AdminFaults
    private var nextMicroseconds: Int64 = 0
    /// When a group was last to move: what was said then may still be on its way.
    private var lastMicroseconds = Int64.min / 2

    init(in world: World) {
        self.world = world
        var random = SimRandom(seed: world.options.seed ^ 0x706c_6163_696e_6773)
        let isChosen = random.chance(perMillion: 350_000)
        admin = AdminFaults(in: world)
        isActive = isChosen && !admin.isActive
        self.random = random
    }

    /// Whether every group is to be on all nodes, as the cluster began.
    var areAllEverywhere: Bool { (!isActive || misplaced.isEmpty) && admin.isOver }

    /// Whether a group is on a few nodes, or is about to be, whichever these are. An admin's groups always have enough
    /// others.
    var mayNeedAnyone: Bool {
        isActive && (!misplaced.isEmpty || world.now - lastMicroseconds <= 5_000_000 || isDirectoryUndecided)
    }

    /// Whether a log of the directory has what is not committed there yet: however long ago a move was asked for, it
    /// may be that.
    private var isDirectoryUndecided: Bool {
        world.nodes.contains { node in
            guard let raft = node.core?.replica(.directory)?.raft else { return false }
            return raft.lastIndex > raft.commitIndex
        }
    }

    /// Now and then.
    func check() {
        admin.check()
        guard isActive, world.now >= nextMicroseconds else { return }
        if world.isHealing {
            nextMicroseconds = world.now + 500_000
            for group in misplaced { place(group, on: everybody) }
        } else {
            nextMicroseconds = world.now + random.time(200_000...5_000_000)
            // A harmed machine must not become a member that is needed.
            guard world.harmedMachine.position == nil, let group = random.pick(Array(world.groups.dropFirst())) else {
                return
            }
            // Everywhere again now and then: where groups are not, no machine may be harmed.
            if random.chance(perMillion: 300_000) {
                nextMicroseconds = world.now + 8_000_000
                for group in misplaced { place(group, on: everybody) }
                return
            }
            let count = 1 + random.below(world.nodes.count)
            var nodes = everybody
            while nodes.count > count { nodes.remove(at: random.below(nodes.count)) }
            world.counts.replicas.placings += 1
            lastMicroseconds = world.now
            place(group, on: nodes)
        }
    }

    private var everybody: [NodeID] { world.nodes.map(\.id) }

    private var misplaced: [GroupID] {
        let groups = world.checker.model(.directory).directory.groups
        return groups.keys.sorted().filter { groups[$0]?.placing.voters != everybody }
    }

    private func place(_ group: GroupID, on nodes: [NodeID]) {
        let running = world.nodes.filter { $0.service != nil && $0.isUp }
        guard let node = random.pick(running) else { return }
        world.trace.add(
            at: world.now,
            .fault,
            node: node.position,
            "group \(group.rawValue) is to be on \(nodes.map(\.rawValue))"
        )
        let placing = Placing(voters: nodes, preferredLeader: random.pick(nodes))
        let command = MailCommand.directory(.placeGroup(group, placing, replacing: nil))
        node.service?.submit(command, to: .directory, account: AccountID(0), Completion(on: nil) { _ in })
        world.wake(node)
    }
}
