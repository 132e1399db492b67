internal import Consensus
internal import NodeRuntime
internal import ReplicaCore

/// A leadership moves to where a follower at rest cannot see it, while the former leader, whom it sees, is still there:
/// it does not even hear it go.
struct Strand {
    /// Its clients do nothing until then: a group in use does not rest.
    let group: GroupID
    let duration: Int64
    let until: Int64
}

extension World {
    func layStrand(_ duration: Int64) {
        // A leader with a lease does not rest.
        guard strand == nil, settings.replica.raft.leaseTicks == nil, let group = faults.pick(groups) else { return }
        strand = Strand(group: group, duration: duration, until: now + 6_000_000)
    }

    /// Every now and then: does a follower rest that no node would wake?
    func springStrand() {
        guard let waiting = strand else { return }
        guard !isHealing, now < waiting.until else {
            strand = nil
            return
        }
        guard !isCalm, ambush == nil else { return }
        let group = waiting.group
        for follower in nodes where isRunning(follower) {
            guard let relied = follower.core?.loop(of: group).floor.leaderRelied(on: group) else { continue }
            let leader = nodes[Int(relied.node.rawValue) - 1]
            let others = nodes.filter { $0 !== leader && $0 !== follower && isRunning($0) }
            guard isRunning(leader), let replica = leader.core?.replica(group), replica.isLeader,
                replica.raft.term == relied.term, let successor = faults.pick(others)
            else { continue }
            strand = nil
            counts.coverage.add(.strand, roles(of: follower))
            return strand(follower, of: group, from: leader, to: successor, waiting.duration)
        }
    }

    private func isRunning(_ node: SimNode) -> Bool { node.isUp && node.pausedUntil <= now }

    private func strand(
        _ follower: SimNode,
        of group: GroupID,
        from leader: SimNode,
        to successor: SimNode,
        _ duration: Int64
    ) {
        counts.partitions += 1
        counts.transfers += 1
        trace.add(
            at: now,
            .fault,
            node: follower.position,
            "stranded in group \(group.rawValue), without \(successor.id)"
        )
        let moment = faults.between(30_000...300_000)
        // Long enough for a follower that relies on the old leader to be noticed.
        let duration = max(duration, 3_000_000)
        calmUntil = now + 2_500_000
        // The others are enough to elect the successor.
        let more = nodes.filter { $0 !== leader && $0 !== successor && $0 !== follower }
        for stranded in [follower] + more.prefix((nodes.count - 1) / 2 - 1) {
            cutLink(from: leader.position, to: stranded.position, duration: moment)
            cutLink(from: stranded.position, to: successor.position, duration: duration)
            cutLink(from: successor.position, to: stranded.position, duration: duration)
        }
        // A question would wake the group.
        for client in clients where client.group == group { client.leave(follower.position) }
        for mta in load.mtas { mta.avoid(group, until: calmUntil) }
        let target = successor.id
        leader.core?.inboxes.putToAll(.order(.handOver(to: target)))
        wake(leader)
    }
}
