internal import Consensus
internal import PeerTransport
internal import ReplicaCore

/// Ends of rests.
extension RestState {
    /// Ends the rest of a replica, if it rests, and lets its clock make up for the time of the rest.
    ///
    /// - Parameter other: the node whose message wakes the replica; nil where no message does.
    /// - Returns: whether the replica rested.
    mutating func wake(
        _ replica: Replica,
        from other: NodeID?,
        _ source: any PayloadSource,
        into effects: inout [ReplicaEffect]
    ) -> Bool {
        guard !awake.contains(replica.group), let ended = rests.removeValue(forKey: replica.group) else { return false }
        awake.insert(replica.group)
        wakeCount += 1
        let heard: [Heard]
        switch ended.role {
        case .leader(let peers, let forsaken): heard = stopLeading(ended, peers: peers, forsaken: forsaken)
        case .follower(let leader, let proofs): heard = stopFollowing(leader, proofs: proofs, in: ended, wokenBy: other)
        }
        let event = Event.rested(ticks: Int(tick - ended.sinceTick), heard: heard)
        _ = replica.control(event, source, into: &effects)
        return true
    }

    private mutating func stopLeading(_ ended: Rest, peers: [Member], forsaken: [NodeID]) -> [Heard] {
        for node in forsaken {
            neighbors[position(of: node, for: ended.resting.group)].forsaken.remove(ended.resting.group)
        }
        for member in peers {
            neighbors[position(of: member.node, for: ended.resting.group)].leading.remove(ended.resting)
        }
        return heardOfFollowers(peers, since: ended)
    }

    /// What was proven of members while they were at rest.
    mutating func heardOfFollowers(_ peers: [Member], since current: Rest) -> [Heard] {
        peers.compactMap { member in
            let proven = neighbors[position(of: member.node, for: current.resting.group)].followTick
            return proven >= current.sinceTick ? Heard(member.replica, ticksAgo: Int(tick - proven)) : nil
        }
    }

    /// Whether beats have proven, for so many ticks back, that the followers on a node follow the leaders at rest here.
    func hasFollowed(_ node: NodeID, in group: GroupID, within ticks: UInt64) -> Bool {
        guard let position = knownPosition(of: node, lane: lane(of: group, on: node)) else { return false }
        return tick - neighbors[position].followTick < ticks
    }

    private mutating func stopFollowing(
        _ leader: NodeID,
        proofs: UInt64,
        in ended: Rest,
        wokenBy other: NodeID?
    ) -> [Heard] {
        let position = position(of: leader, for: ended.resting.group)
        neighbors[position].following.remove(ended.resting)
        if other != leader { neighbors[position].stirred.append(ended.resting.group) }
        return heardOfLeader(leader, beyond: proofs, since: ended)
    }

    /// What was proven of the leader while the follower was at rest.
    ///
    /// - Parameter proofs: how many proofs the leader's node had given when the rest began.
    mutating func heardOfLeader(_ leader: NodeID, beyond proofs: UInt64, since current: Rest) -> [Heard] {
        let position = position(of: leader, for: current.resting.group)
        guard neighbors[position].leadProofs > proofs else { return [] }
        let ticksAgo = Int(tick - neighbors[position].leadTick)
        return [Heard(current.resting.leadership.leader, ticksAgo: ticksAgo)]
    }

    /// Whether a message only answers a heartbeat that a leader sent before it went to rest. Such an answer must not
    /// wake the leader: on a machine that has too much to do, the answers to the heartbeats of a wake would be the next
    /// wake.
    func isLateAnswer(_ message: ReplicaMessage) -> Bool {
        guard case .heartbeatResponse = message.message.body, let current = rests[message.group],
            case .leader = current.role
        else { return false }
        return message.message.term <= current.resting.leadership.term
    }
}
