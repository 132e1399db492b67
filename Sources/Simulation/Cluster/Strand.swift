internal import Consensus
internal import NodeRuntime
internal import ReplicaCore

/// A leadership moves to where a follower at rest cannot see it, while the former leader, whom it sees, is still there:
/// it does not even hear it go. A follower is stranded as soon as it rests.
final class Strand {
    private struct Waiting {
        let group: GroupID
        let duration: Int64
        let until: Int64
    }

    private unowned let world: World
    private var waiting: Waiting?
    /// No other fault before this time: what has just begun needs a while to show.
    private(set) var calmUntil: Int64 = 0

    init(in world: World) { self.world = world }

    /// The group of which a follower is to rest. Its clients do nothing until then: a group in use does not rest.
    var group: GroupID? { waiting?.group }

    /// Chooses a group, and waits until one of its followers rests.
    ///
    /// - Parameter duration: how long the follower is then cut off from the new leader, in microseconds.
    func lay(for duration: Int64) {
        // A leader with a lease does not rest.
        guard waiting == nil, world.settings.replica.raft.leaseTicks == nil,
            let group = world.faults.pick(world.groups)
        else { return }
        waiting = Waiting(group: group, duration: duration, until: world.now + 6_000_000)
    }

    /// Every now and then: does a follower rest that no node would wake?
    func spring() {
        guard let waiting else { return }
        guard !world.isHealing, world.now < waiting.until else {
            self.waiting = nil
            return
        }
        guard !world.harmedMachine.isCalm, !world.injector.ambush.isLaid else { return }
        let group = waiting.group
        for follower in world.nodes where isRunning(follower) {
            guard let relied = follower.core?.loop(of: group).floor.leaderRelied(on: group) else { continue }
            guard let leader = world.node(relied.node) else { continue }
            let others = world.nodes.filter { $0 !== leader && $0 !== follower && isRunning($0) }
            guard isRunning(leader), let replica = leader.core?.replica(group), replica.isLeader,
                replica.raft.term == relied.term, let successor = world.faults.pick(others)
            else { continue }
            self.waiting = nil
            world.counts.coverage.add(.strand, world.roles(of: follower))
            return strand(follower, of: group, from: leader, to: successor, for: waiting.duration)
        }
    }

    private func isRunning(_ node: SimNode) -> Bool { node.isUp && node.pausedUntil <= world.now }

    private func strand(
        _ follower: SimNode,
        of group: GroupID,
        from leader: SimNode,
        to successor: SimNode,
        for duration: Int64
    ) {
        world.counts.faults.partitions += 1
        world.counts.faults.transfers += 1
        world.trace.add(
            at: world.now,
            .fault,
            node: follower.position,
            "stranded in group \(group.rawValue), without \(successor.id)"
        )
        let moment = world.faults.between(30_000...300_000)
        // Long enough for a follower that relies on the old leader to be noticed.
        let duration = max(duration, 3_000_000)
        calmUntil = world.now + 2_500_000
        // The others are enough to elect the successor.
        let more = world.nodes.filter { $0 !== leader && $0 !== successor && $0 !== follower }
        for stranded in [follower] + more.prefix((world.nodes.count - 1) / 2 - 1) {
            world.cutLink(from: leader.position, to: stranded.position, duration: moment)
            world.cutLink(from: stranded.position, to: successor.position, duration: duration)
            world.cutLink(from: successor.position, to: stranded.position, duration: duration)
        }
        // A question would wake the group.
        for client in world.clients where client.group == group { client.leave(follower.position) }
        for mta in world.load.mtas { mta.avoid(group, until: calmUntil) }
        let target = successor.id
        leader.core?.inboxes.putToAll(.order(.handOver(to: target)))
        world.wake(leader)
    }
}
