internal import Consensus
internal import NodeRuntime
internal import PeerTransport
internal import ReplicaCore

/// Faults that strike not at a moment that chance chooses, but when a node has just done something.
extension FaultInjector {
    /// Voters like to die right after their vote, and to be back before the election is over.
    func crashAfterVote(in messages: [PeerMessage], from node: Int) {
        guard !world.isHealing, world.plan.kinds.contains(.crashAfterVote) else { return }
        for message in messages {
            guard case .replica(let replica) = message, case .voteResponse(true) = replica.message.body,
                world.faults.chance(perMillion: 300_000)
            else { continue }
            world.counts.coverage.add(.crashAfterVote, world.roles(of: world.nodes[node]))
            let event = SimEvent.crash(
                node: node,
                incarnation: world.nodes[node].incarnation,
                restartAfter: 200...30_000
            )
            world.schedule(event, after: world.faults.between(0...300))
        }
    }

    /// New leaders like to die, or not to be heard, when little of what they have is anywhere else (Raft paper,
    /// figure 8).
    func crashAfterElection(_ node: SimNode) {
        if figureEight.isGoingOn() { return figureEight.noteElection(of: node) }
        guard mayStrike(.crashAfterElection), world.faults.chance(perMillion: 500_000) else { return }
        world.counts.coverage.add(.crashAfterElection, world.roles(of: node))
        if world.faults.below(3) > 0 { return silence(node) }
        let event = SimEvent.crash(
            node: node.position,
            incarnation: node.incarnation,
            restartAfter: 200...2_000_000
        )
        world.schedule(event, after: world.faults.time(100...100_000))
    }

    /// The same for those who have just begun to commit: nobody may hear of it, or get the entries behind.
    func cutOffAfterCommit(_ node: SimNode) {
        if figureEight.isGoingOn() { return figureEight.noteCommit(by: node) }
        guard mayStrike(.cutOffAfterCommit), world.faults.chance(perMillion: 700_000) else { return }
        world.counts.coverage.add(.cutOffAfterCommit, world.roles(of: node))
        silence(node)
    }

    /// An entry is committed that the leader's own disk does not have yet. The leader crashes, and another node, maybe
    /// one that has the entry, is not heard for a while.
    func crashAheadOfDisk(_ node: SimNode) {
        guard mayStrike(.crashAheadOfDisk), world.faults.chance(perMillion: 100_000),
            let other = world.faults.pick(world.nodes.filter { $0 !== node })
        else { return }
        world.counts.coverage.add(.crashAheadOfDisk, world.roles(of: node))
        silence(other)
        let event = SimEvent.crash(node: node.position, incarnation: node.incarnation, restartAfter: 200...50_000)
        world.schedule(event, after: 0)
    }

    private func mayStrike(_ kind: FaultPlan.Fault) -> Bool {
        !world.isHealing && !world.harmedMachine.isCalm && world.plan.kinds.contains(kind)
    }

    /// No node hears this one for a while, and this one perhaps hears none.
    private func silence(_ node: SimNode) {
        world.counts.faults.partitions += 1
        let duration = world.faults.time(500_000...4_000_000)
        let isDeaf = world.faults.next() & 1 == 0
        for peer in world.nodes.indices where peer != node.position {
            world.cutLink(from: node.position, to: peer, duration: duration)
            if isDeaf { world.cutLink(from: peer, to: node.position, duration: duration) }
        }
    }

}
