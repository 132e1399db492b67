internal import Consensus
internal import MailModel
internal import NodeRuntime
internal import ReplicaCore

/// Groups that an admin adds and removes at run time. They serve no slots: what can go wrong is their beginning, their
/// moving about, and that something of them stays.
struct AddedGroups {
    unowned let world: World

    /// Groups that a run may add: the checker has a place for each.
    static let maximumCount: UInt32 = 4

    private var directory: DirectoryModel { world.checker.model(.directory).directory }

    /// Those that are there, in order.
    private var present: [GroupID] { directory.groups.keys.filter { !world.groups.contains($0) }.sorted() }

    /// Adds one, or removes one that is there.
    func change(_ random: inout SimRandom, among nodes: [NodeID], through node: SimNode, asked: inout UInt32) {
        if let group = random.pick(present), random.next() & 1 == 0 {
            return world.tellDirectory(.removeGroup(group), through: node)
        }
        guard asked < Self.maximumCount else { return }
        asked += 1
        var voters = nodes
        while voters.count > 3 { voters.remove(at: random.below(voters.count)) }
        world.counts.replicas.groupsAdded += 1
        world.tellDirectory(
            .addGroup(pool: "default", Placing(voters: voters, preferredLeader: voters.first)),
            through: node
        )
    }

    /// Removes all that are there.
    func removeAll(through node: SimNode) {
        for group in present { world.tellDirectory(.removeGroup(group), through: node) }
    }

    /// Whether none is there any more, and no node that runs has a replica of one.
    var areGone: Bool {
        let replicas = world.nodes.lazy.compactMap(\.core).flatMap(\.replicas)
        return present.isEmpty && replicas.allSatisfy { world.groups.contains($0.group) }
    }
}
