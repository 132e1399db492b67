internal import Consensus
internal import NodeRuntime
internal import PeerTransport
internal import ReplicaCore

/// That groups at rest wake when they must.
struct RestCheck {
    unowned let world: World

    /// How long a follower may rest on a leadership that is over, by its own node's clock: the longest election
    /// timeout, with what the least preferred wait.
    private var falseRestTicks: UInt64 { UInt64(world.settings.replica.raft.electionTimeoutTicks * 5 / 2) }

    /// Counts how often the groups of a node went to rest and woke; a node that goes takes its counters with it.
    func countRests(of node: SimNode) {
        guard let core = node.core else { return }
        for loop in core.loops {
            world.counts.replicas.sleeps += loop.floor.restCounts.sleeps
            world.counts.replicas.wakes += loop.floor.restCounts.wakes
        }
    }

    /// No follower rests on a leadership that is over.
    func check() {
        // A follower that rests falsely does so for seconds.
        guard (world.now / 50_000).isMultiple(of: 4) else { return }
        for node in world.nodes {
            guard let core = node.core else { continue }
            for group in world.groups { checkRest(of: group, on: node, core) }
        }
    }

    private func checkRest(of group: GroupID, on node: SimNode, _ core: NodeCore) {
        world.checker.countCheck()
        guard let relied = core.loop(of: group).floor.leaderRelied(on: group) else {
            node.restsFalselySince[group] = nil
            return
        }
        let replica = world.node(relied.node)?.core?.replica(group)
        if let replica, replica.isLeader, replica.raft.term == relied.term {
            node.restsFalselySince[group] = nil
            return
        }
        let tick = core.loop(of: group).floor.tickCount
        let since = node.restsFalselySince[group] ?? tick
        node.restsFalselySince[group] = since
        guard tick - since > falseRestTicks else { return }
        world.fail(
            "no follower rests on a leadership that is over",
            "node \(node.position + 1), group \(group.rawValue): leader node \(relied.node.rawValue) "
                + "in term \(relied.term.rawValue), for \(tick - since) ticks"
        )
    }

}
