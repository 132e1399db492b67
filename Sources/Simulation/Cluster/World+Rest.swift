internal import Consensus
internal import NodeRuntime
internal import PeerTransport
internal import ReplicaCore

/// Groups at rest: that they wake when they must.
extension World {
    /// How long a follower may rest on a leadership that is over, by its own node's clock: the longest election
    /// timeout, with what the least preferred wait.
    private var falseRestTicks: UInt64 { UInt64(settings.replica.raft.electionTimeoutTicks * 5 / 2) }

    func countRests(_ node: SimNode) {
        guard let core = node.core else { return }
        for loop in core.loops {
            counts.sleeps += loop.floor.restCounts.sleeps
            counts.wakes += loop.floor.restCounts.wakes
        }
    }

    func checkRests() {
        springStrand()
        // A follower that rests falsely does so for seconds.
        guard (now / 50_000).isMultiple(of: 4) else { return }
        for node in nodes {
            guard let core = node.core else { continue }
            for group in groups { checkRest(of: group, node, core) }
        }
    }

    private func checkRest(of group: GroupID, _ node: SimNode, _ core: NodeCore) {
        checker.countCheck()
        guard let relied = core.loop(of: group).floor.leaderRelied(on: group) else {
            node.restsFalselySince[group] = nil
            return
        }
        let replica = nodes[Int(relied.node.rawValue) - 1].core?.replica(group)
        if let replica, replica.isLeader, replica.raft.term == relied.term {
            node.restsFalselySince[group] = nil
            return
        }
        let tick = core.loop(of: group).floor.tickCount
        let since = node.restsFalselySince[group] ?? tick
        node.restsFalselySince[group] = since
        guard tick - since > falseRestTicks else { return }
        fail(
            "no follower rests on a leadership that is over",
            "node \(node.position + 1), group \(group.rawValue): leader node \(relied.node.rawValue) "
                + "in term \(relied.term.rawValue), for \(tick - since) ticks"
        )
    }

    /// Messages as a run with a bug put in understands them.
    func mutated(_ messages: [PeerMessage], from: Int, to core: NodeCore) -> [PeerMessage] {
        options.mutant == .beatsUnchecked ? messages.map { withBeatUnchecked($0, from: from, to: core) } : messages
    }

    private func withBeatUnchecked(_ message: PeerMessage, from: Int, to core: NodeCore) -> PeerMessage {
        guard case .beat(let beat) = message else { return message }
        let lanes = beat.lanes
        guard Int(lanes.to) < core.loops.count else { return message }
        let relied = core.loops[Int(lanes.to)].floor.digestRelied(on: nodes[from].id, lane: lanes.from)
        return .beat(Beat(lanes: lanes, session: beat.session, number: beat.number, leading: relied, echo: beat.echo))
    }
}
