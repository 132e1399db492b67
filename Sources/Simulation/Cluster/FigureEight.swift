internal import Consensus
internal import NodeRuntime
internal import ReplicaCore

/// What figure 8 of the Raft paper shows, step by step: chance alone hardly ever gets there.
final class FigureEight {
    private struct Steps {
        let group: GroupID
        /// The node that leads, is cut off with an entry that no other node has, and leads again later.
        let first: SimNode
        /// The node that led in between, and has an entry of its own term that no other node has.
        var second: SimNode?
        let until: Int64
    }

    private unowned let world: World
    private var steps: Steps?
    /// Most runs begin with one: later, hardly any has the time for it.
    private(set) var mayBegin = true

    init(in world: World) { self.world = world }

    private static let cutMicroseconds: Int64 = 4_000_000

    /// A leader is cut off, and what its clients ask for meanwhile stays in its log.
    func begin() {
        let leading = world.nodes.flatMap { node in
            (node.core?.replicas.filter(\.isLeader) ?? []).compactMap { replica in
                world.clients.first { $0.group == replica.group }.map { (node, replica.group, $0) }
            }
        }
        guard steps == nil, world.harmedMachine.position == nil,
            let (first, group, client) = world.faults.pick(leading)
        else { return }
        mayBegin = false
        world.trace.add(at: world.now, .fault, node: first.position, "figure 8 in group \(group.rawValue)")
        steps = Steps(group: group, first: first, until: world.now + 3 * Self.cutMicroseconds / 2)
        client.move(to: first.position)
        cutOff(first)
    }

    /// Whether the steps are under way, so that other faults keep away. Ends them when their time is over.
    func isGoingOn() -> Bool {
        guard let steps else { return false }
        if world.isHealing || world.harmedMachine.isCalm || world.now >= steps.until { self.steps = nil }
        return self.steps != nil
    }

    /// The next leader is cut off as well, and the first one is back: nobody else has the entry that the new one began
    /// its term with.
    func noteElection(of node: SimNode) {
        guard let steps, steps.second == nil, node !== steps.first,
            node.core?.replica(steps.group)?.isLeader == true
        else { return }
        self.steps?.second = node
        world.trace.add(at: world.now, .fault, node: node.position, "the second leader of figure 8")
        join(steps.first)
        cutOff(node)
    }

    /// The first one leads again, and what it had all the time has reached a majority. That proves nothing: it goes,
    /// and the second one comes back.
    func noteCommit(by node: SimNode) {
        guard let steps, let second = steps.second, node === steps.first,
            node.core?.replica(steps.group)?.isLeader == true
        else { return }
        self.steps = nil
        world.counts.coverage.add(.cutOffAfterCommit, world.roles(of: node))
        world.trace.add(at: world.now, .fault, node: node.position, "the first leader of figure 8 has committed")
        join(second)
        cutOff(node)
    }

    private func cutOff(_ node: SimNode) {
        world.counts.faults.partitions += 1
        for peer in world.nodes.indices where peer != node.position {
            world.cutLink(from: node.position, to: peer, duration: Self.cutMicroseconds)
            world.cutLink(from: peer, to: node.position, duration: Self.cutMicroseconds)
        }
    }

    private func join(_ node: SimNode) {
        for peer in world.nodes.indices where peer != node.position {
            world.network[node.position, peer].cutUntil = 0
            world.network[peer, node.position].cutUntil = 0
        }
    }
}
