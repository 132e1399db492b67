internal import Consensus
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

    /// Whether every node runs, and every group has a settled configuration in which just the replicas that run vote.
    var isWhole: Bool { isWhole(learningOn: nil) }

    /// The same, where one node need not vote: nobody counts on it.
    func isWhole(learningOn learner: SimNode?) -> Bool {
        guard world.placement.isQuiet else { return false }
        return world.nodes.allSatisfy { node in
            guard let core = node.core else { return false }
            return core.agent.identity.isComplete
                && core.loops.allSatisfy { !$0.floor.groups.areBeingReplaced && !$0.floor.isStopping }
        }
            && world.groups.allSatisfy { group in
                let replicas = world.nodes.compactMap { $0.core?.replica(group) }
                let ids = replicas.map(\.raft.id).sorted()
                let own = learner?.core?.replica(group)?.raft.id
                let others = ids.filter { $0 != own }
                return replicas.count == world.nodes.count
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
        if isCalm, core.isSettled, world.silentHarm.current == nil {
            isCalm = false
            world.network.weather = world.isHealing ? SimNetwork.Weather() : world.plan.weather
            if let group = world.nodes[position].losses.forgotten.keys.min() {
                world.fail("a replica that has forgotten something is given up", "node \(position + 1), \(group)")
            }
        }
        guard !isCalm, isWhole else { return }
        self.position = nil
        world.nodes[position].losses.isExcused = false
    }
}
