package import Consensus
package import PeerTransport
internal import ReplicaCore

/// Groups without work rest: their replicas are not ticked, and the beats between their nodes speak for all of them
/// (`Docs/decisions/0007-quiet-groups.md`). Whatever reaches a replica wakes it first.
extension NodeLoop {
    private var limits: RestLimits { RestLimits(settings.replica.raft) }

    // For who watches from outside.
    package var tickCount: UInt64 { rest.tick }
    package var restCounts: (sleeps: Int, wakes: Int) { (rest.sleepCount, rest.wakeCount) }

    /// Whose beats keep a follower here at rest.
    package func leaderRelied(on group: GroupID) -> (node: NodeID, term: Term)? {
        guard let current = rest.rests[group], case .follower(let node, _) = current.role else { return nil }
        return (node, current.resting.leadership.term)
    }

    /// What a beat has to say for the followers of a node to be taken for heard from.
    package func digestRelied(on node: NodeID) -> RestDigest {
        rest.neighbors[rest.position(of: node)].following.digest
    }

    func admitToRest(_ replica: Replica) {
        rest.awake.insert(replica.group)
        for member in replica.raft.configuration.members where member.node != node {
            _ = rest.position(of: member.node)
        }
    }

    /// One tick of everything that is awake, and of what watches over the rest.
    func tickAwake() {
        rest.tick += 1
        for group in rest.awake where standing(of: group).takesPart {
            withReplica(group, touching: false) { $0.tick(source, into: &$1) }
            layToRest(group)
        }
        wakeWithoutProof()
        if rest.tick % UInt64(settings.replica.raft.heartbeatTicks) == 0 { sendBeats() }
    }

    // MARK: Going to rest

    /// A leader goes first, when nothing has happened for a while; its followers are told, and follow.
    private func layToRest(_ group: GroupID) {
        guard rest.tick - rest.touched[group, default: 0] >= UInt64(settings.ticksUntilRest),
            let replica = replica(group), let leadership = replica.restAsLeader
        else { return }
        let tick = rest.tick
        let limits = limits
        let peers = replica.raft.peersAtRest { node in
            rest.neighbors.first { $0.node == node }?.presence(tick: tick, limits) ?? .unclear
        }
        guard let peers else { return }
        let resting = RestingGroup(group: group, leadership: leadership)
        var forsaken: [NodeID] = []
        for member in replica.raft.configuration.members where member.replica != leadership.leader {
            let position = rest.position(of: member.node)
            if peers.contains(member) {
                rest.neighbors[position].leading.insert(resting)
                rest.neighbors[position].announcements.append(resting)
            } else {
                rest.neighbors[position].forsaken.insert(group)
                forsaken.append(member.node)
            }
        }
        begin(Rest(resting: resting, sinceTick: tick, role: .leader(peers: peers, forsaken: forsaken)))
    }

    private func begin(_ new: Rest) {
        rest.rests[new.resting.group] = new
        rest.awake.remove(new.resting.group)
        rest.sleepCount += 1
    }

    /// Another node's leaders have gone to rest: the followers here do too, where they are exactly where the leader
    /// thinks they are.
    func take(_ list: RestList, from other: NodeID) {
        if let range = list.range {
            let named = Set(list.groups.map(\.group))
            let stale = rest.neighbors[rest.position(of: other)].following.groups[range].filter { !named.contains($0) }
            for group in stale { withReplica(group, from: other) { _, _ in } }
        }
        for resting in list.groups { follow(resting, to: other) }
    }

    private func follow(_ resting: RestingGroup, to other: NodeID) {
        let group = resting.group
        if let earlier = rest.rests[group], case .follower(of: other, _) = earlier.role, earlier.resting == resting {
            return
        }
        let position = rest.position(of: other)
        guard rest.rests[group] == nil, let replica = replica(group), replica.restAsFollower == resting.leadership,
            replica.leaderNode == other
        else {
            rest.neighbors[position].stirred.append(group)
            return
        }
        let proofs = rest.neighbors[position].leadProofs
        rest.neighbors[position].following.insert(resting)
        begin(Rest(resting: resting, sinceTick: rest.tick, role: .follower(of: other, proofs: proofs)))
    }

    // MARK: Waking

    /// Whether a follower at rest has waited for a proof as long as it would wait for a heartbeat.
    private func isElectionDue(_ group: GroupID) -> Bool {
        guard let current = rest.rests[group], case .follower(let leader, let proofs) = current.role,
            let replica = replica(group)
        else { return false }
        let ticks = Int(rest.tick - current.sinceTick)
        return replica.raft.isElectionDue(ticks: ticks, heard: rest.heard(current, leader, proofs))
    }

    private func wakeAll(_ groups: GroupSet, from other: NodeID? = nil) {
        for group in groups { withReplica(group, from: other) { _, _ in } }
    }

    /// No proof, no rest: whoever the beats no longer speak for goes on by the ordinary clock. Followers do so one by
    /// one, each when its own election is due: until then a proof that is late still counts for all of them.
    private func wakeWithoutProof() {
        let limits = limits
        for position in rest.neighbors.indices {
            let neighbor = rest.neighbors[position]
            if neighbor.lacksLeadProof(tick: rest.tick, limits) {
                for group in neighbor.following.groups where isElectionDue(group) { withReplica(group) { _, _ in } }
            }
            guard neighbor.lacksFollowProof(tick: rest.tick, limits) else { continue }
            if neighbor.isSilent(tick: rest.tick, limits) {
                for group in neighbor.leading.groups { forsake(position, group) }
            } else {
                wakeAll(neighbor.leading.groups)
            }
        }
    }

    /// A node is gone. A leader that a quorum still follows rests on without it.
    private func forsake(_ position: Int, _ group: GroupID) {
        guard var current = rest.rests[group], case .leader(let peers, let forsaken) = current.role,
            let replica = replica(group)
        else { return }
        let node = rest.neighbors[position].node
        let others = peers.filter { $0.node != node }
        guard replica.raft.isQuorum({ id in others.contains { $0.replica == id } }) else {
            withReplica(group) { _, _ in }
            return
        }
        rest.neighbors[position].leading.remove(current.resting)
        rest.neighbors[position].forsaken.insert(group)
        // What admins are told of the peers has to be right while it rests on.
        let event = Event.rested(
            ticks: Int(rest.tick - current.sinceTick),
            heard: rest.heard(of: others, since: current)
        )
        floor.amend(group) { _ = $0.control(event, source, into: &$1) }
        performEffects()
        current.sinceTick = rest.tick
        current.role = .leader(peers: others, forsaken: forsaken + [node])
        rest.rests[group] = current
    }

    // MARK: Beats

    private func sendBeats() {
        for position in rest.neighbors.indices {
            let other = rest.neighbors[position].node
            // Ahead of the beat: it stands for what was announced.
            let announcements = rest.neighbors[position].announcements.filter { rest.rests[$0.group]?.resting == $0 }
            rest.neighbors[position].announcements.removeAll(keepingCapacity: true)
            for piece in announcements.pieces { send(.resting(RestList(groups: piece, range: nil)), to: other) }
            let stirred = rest.neighbors[position].stirred
            rest.neighbors[position].stirred.removeAll(keepingCapacity: true)
            for piece in stirred.pieces { send(.stirred(piece), to: other) }
            send(.beat(rest.neighbors[position].beat(session: session, tick: rest.tick)), to: other)
        }
    }

    func take(_ beat: Beat, from other: NodeID) {
        let position = rest.position(of: other)
        let news = rest.neighbors[position].receive(beat, session: session, tick: rest.tick)
        if news.hasReturned { wakeAll(rest.neighbors[position].forsaken, from: other) }
        if news.hasRestarted {
            wakeAll(rest.neighbors[position].leading.groups, from: other)
            wakeAll(rest.neighbors[position].following.groups, from: other)
        }
        if news.needsList { sendList(to: position) }
    }

    /// Everything at rest, in pieces that together cover all groups.
    private func sendList(to position: Int) {
        let other = rest.neighbors[position].node
        let pieces = rest.neighbors[position].leading.groups.compactMap { rest.rests[$0]?.resting }.pieces
        var first = GroupID(0)
        for (index, piece) in (pieces.isEmpty ? [[]] : pieces).enumerated() {
            let isLast = index + 1 >= pieces.count
            let last = isLast ? GroupID(.max) : piece.last?.group ?? first
            send(.resting(RestList(groups: piece, range: first...last)), to: other)
            first = isLast ? last : GroupID(last.rawValue + 1)
        }
        rest.neighbors[position].listWasSent(tick: rest.tick)
    }

    /// Followers there do not rest: their leaders here speak for themselves again.
    func takeStirred(_ groups: [GroupID], from other: NodeID) {
        for group in groups {
            guard let resting = rest.rests[group], case .leader = resting.role else { continue }
            withReplica(group, from: other) { _, _ in }
        }
    }
}

extension ReplicaMessage {
    /// Whether this says more than that leader and follower are there.
    var isActivity: Bool {
        switch message.body {
        case .heartbeat, .heartbeatResponse: false
        case .preVote, .preVoteResponse, .requestVote, .voteResponse, .appendEntries, .appendAccepted, .appendRejected,
            .installSnapshot, .snapshotRejected, .timeoutNow:
            true
        }
    }
}

extension Array {
    /// As many messages as it takes.
    fileprivate var pieces: [[Element]] {
        stride(from: 0, to: count, by: PeerLimits.maximumRestingGroups).map { start in
            Array(self[start..<Swift.min(start + PeerLimits.maximumRestingGroups, count)])
        }
    }
}
