internal import Consensus
internal import MailModel
internal import NodeRuntime
internal import ReplicaCore

/// The machine whose disk was harmed and which is not whole again: one at a time.
final class HarmedMachine {
    private unowned let world: World
    /// Nil while no machine is harmed.
    private(set) var position: Int?
    /// The harmed machine has not yet asked the others what they remember.
    private(set) var isCalm = false

    init(in world: World) { self.world = world }

    /// Notes that a machine's disk was harmed: its replicas may give themselves up. It must not become a member that is
    /// needed: changes of members that wait for their node's turn are taken back.
    func markHarmed(_ node: SimNode) {
        position = node.position
        for inbox in world.nodes.compactMap(\.core).flatMap(\.inboxes.loops) where !inbox.isEmpty {
            inbox.put(
                contentsOf: inbox.drain().filter { input in
                    if case .order(.propose) = input { false } else { true }
                }
            )
        }
        node.losses.isExcused = true
    }

    /// Whether every node runs, and every group has a settled configuration whose members all run.
    var isWhole: Bool { isWhole(without: nil) }

    /// The same, where every group can go on without the replica on one node.
    func isWhole(without spared: SimNode?) -> Bool {
        guard !world.placement.mayNeedAnyone else { return false }
        let members = world.nodes.filter(isServing)
        // A founder that the directory has not heard of yet could not be taken out of the cluster.
        guard spared.map({ isServing($0) && directory.nodes[$0.id] != nil }) ?? true else { return false }
        return members.allSatisfy { node in
            guard let core = node.core else { return false }
            return core.agent.identity.isComplete
                && core.loops.allSatisfy { !$0.floor.groups.areBeingReplaced && !$0.floor.isStopping }
        } && groups.allSatisfy { isSettled($0, on: members, without: spared) }
    }

    private func isSettled(_ group: GroupID, on nodes: [SimNode], without spared: SimNode?) -> Bool {
        let replicas = nodes.compactMap { $0.core?.replica(group)?.raft }
        guard let configuration = replicas.first?.configuration, !configuration.isJoint,
            replicas.map(\.id).sorted() == configuration.members.map(\.replica).sorted(),
            replicas.allSatisfy({ $0.configuration == configuration }),
            replicas.count(where: \.isInstalling) <= replicas.count - 2
        else { return false }
        let own = spared?.core?.replica(group)?.raft.id
        let others = configuration.voters.filter { $0 != own }
        return others.count >= 2 && others.count > configuration.voters.count / 2
    }

    /// Those that are there, also those that an admin has added.
    private var groups: [GroupID] {
        let added = directory.groups.keys.filter { !world.groups.contains($0) }
        return world.groups + added.sorted()
    }

    /// Whether the cluster counts on a node, so that it is told what it needs.
    private func isServing(_ node: SimNode) -> Bool {
        node.identity.isMember && directory.nodes[node.id]?.state.isMember != false
    }

    private var directory: DirectoryModel { world.checker.model(.directory).directory }

    /// Whether, in each group, whoever has lost the state can get another replica's, which must be able to reach where
    /// its log begins.
    func areCopiesLeft(without node: SimNode) -> Bool {
        world.groups.allSatisfy { group in
            let others = world.nodes.filter { $0 !== node }.compactMap { $0.core?.replica(group)?.raft }
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
        world.network.healAll()
        world.network.weather = world.plan.weather
        // The members that are asked can be reached in time.
        world.network.weather.lossPerMillion = 0
        world.network.weather.spikesPerMillion = 0
        for node in world.nodes {
            node.pausedUntil = min(node.pausedUntil, world.now)
            node.troubles.nextWrite = .normal
            world.injector.endFaults(of: node)
        }
    }

    /// Now and then: is the harmed machine well again?
    func check() {
        guard let position, let core = world.nodes[position].core else { return }
        world.silentHarm.checkChunk(of: world.nodes[position])
        if let harm = world.silentHarm.current, !harm.isCounted { return }
        // Whom the cluster goes on without need not be waited for.
        if isCalm, core.isSettled || !isServing(world.nodes[position]), world.silentHarm.current == nil {
            isCalm = false
            world.network.weather = world.isHealing ? SimNetwork.Weather() : world.plan.weather
            // Of what the disk has nothing at all, another replica begins when the directory says that one is wanted.
            let forgotten = world.nodes[position].losses.forgotten.filter { core.replica($0)?.id == $1.replica }
            if core.isSettled, let group = forgotten.keys.min() {
                world.fail("a replica that has forgotten something is given up", "node \(position + 1), \(group)")
            }
        }
        guard !isCalm, isServing(world.nodes[position]), isWhole else { return }
        self.position = nil
        world.nodes[position].losses.isExcused = false
    }
}
