internal import Consensus
internal import NodeRuntime
internal import ReplicaCore

/// Voters that become learners.
extension FaultInjector {
    /// One of the groups gets on with a voter less.
    ///
    /// - Returns: where it was.
    func demoteAnyone() -> [Int] {
        // A node that has lost its disk must not become a member that is needed.
        guard world.harmedMachine.position == nil else { return [] }
        let leaders = world.nodes.flatMap { node in node.core?.replicas.filter(\.isLeader).map { (node, $0) } ?? [] }
        guard let (node, replica) = world.faults.pick(leaders), let core = node.core else { return [] }
        let present = replica.raft.configuration
        guard !present.isJoint, present.voters.count > 1, let voter = world.faults.pick(present.voters) else {
            return []
        }
        let next = Configuration(
            members: present.members,
            voters: present.voters.filter { $0 != voter },
            learners: (present.learners + [voter]).sorted()
        )
        world.counts.replicas.demotions += 1
        let group = replica.group
        propose(next, in: group, to: core)
        world.wake(node)
        guard let member = present.member(voter) else { return [] }
        return world.nodes.filter { $0.id == member.node }.map(\.position)
    }

    /// All groups that others lead get on without a node's vote, for as long as their leaders let them.
    func demote(_ node: SimNode) {
        for other in world.nodes where other !== node {
            guard let core = other.core else { continue }
            for replica in core.replicas where replica.isLeader {
                let present = replica.raft.configuration
                let own = present.members.filter { $0.node == node.id }.map(\.replica)
                guard !present.isJoint, present.voters.contains(where: own.contains) else { continue }
                let next = Configuration(
                    members: present.members,
                    voters: present.voters.filter { !own.contains($0) },
                    learners: (present.learners + own.filter(present.voters.contains)).sorted()
                )
                world.counts.replicas.demotions += 1
                let group = replica.group
                propose(next, in: group, to: core)
            }
            world.wake(other)
        }
    }

    /// Leaders that are cut off with a few try to go on with these alone: one voter less, and one less, and so on, and
    /// then the same once more. Each step by itself would be in order.
    func demoteOthers(than inside: Set<Int>) {
        guard world.harmedMachine.position == nil else { return }
        for position in inside.sorted() {
            guard let core = world.nodes[position].core else { continue }
            for replica in core.replicas where replica.isLeader {
                let group = replica.group
                var next = replica.raft.configuration
                let others = next.members.filter { member in
                    world.node(member.node).map { !inside.contains($0.position) } ?? true
                }
                guard !next.isJoint, !others.isEmpty else { continue }
                for other in others where next.voters.contains(other.replica) && next.voters.count > 1 {
                    next = Configuration(
                        members: next.members,
                        voters: next.voters.filter { $0 != other.replica },
                        learners: (next.learners + [other.replica]).sorted()
                    )
                    world.counts.replicas.demotions += 1
                    propose(next, in: group, to: core)
                }
                propose(next, in: group, to: core)
            }
            world.wake(world.nodes[position])
        }
    }

    /// The node may need a while to do so: see ``HarmedMachine/markHarmed(_:)``.
    private func propose(_ configuration: Configuration, in group: GroupID, to core: NodeCore) {
        world.placement.admin.noteDemotion(leaving: configuration.voters)
        core.inboxes.put(.order(.propose(configuration, in: group)), for: group)
    }
}
