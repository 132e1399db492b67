package import Consensus
package import PeerTransport
internal import ReplicaCore

/// Groups without work rest: their replicas are not ticked, and the beats between their nodes speak for all of them
/// (`Docs/decisions/0007-quiet-groups.md`). Whatever reaches a replica wakes it first, which is why the state of this
/// room, ``RestState``, lies on the floor.
struct RestRoom {
    /// On every tick: ticks the replicas that are awake, lays leaders without work to rest, wakes replicas whose rest
    /// is not proven, and sends the beats.
    func tickAwake(_ floor: Floor) {
        floor.rest.tick += 1
        for group in floor.rest.awake where floor.standing(of: group).takesPart {
            floor.step(group, touching: false) { $0.tick(floor.source, into: &$1) }
            layToRest(group, floor)
        }
        wakeWithoutProof(floor)
        if floor.rest.tick % UInt64(floor.settings.replica.raft.heartbeatTicks) == 0 { sendBeats(floor) }
    }

    // MARK: Going to rest

    /// Lays a leader to rest to whose group nothing has happened for ``CoreSettings/ticksUntilRest``. Its followers are
    /// told by the next beat, and go to rest as well.
    private func layToRest(_ group: GroupID, _ floor: Floor) {
        guard let hosted = floor.groups[group], let replica = hosted.replica,
            floor.rest.tick - hosted.touchedTick >= UInt64(floor.settings.ticksUntilRest),
            let leadership = replica.restAsLeader
        else { return }
        let tick = floor.rest.tick
        let limits = floor.restLimits
        let peers = replica.raft.peersAtRest { node in
            let lane = floor.rest.lane(of: group, on: node)
            let neighbor = floor.rest.neighbors.first { $0.node == node && $0.lane == lane }
            return neighbor?.presence(tick: tick, limits) ?? .unclear
        }
        guard let peers else { return }
        let resting = RestingGroup(group: group, leadership: leadership)
        var forsaken: [NodeID] = []
        for member in replica.raft.configuration.members where member.replica != leadership.leader {
            let position = floor.rest.position(of: member.node, for: group)
            if peers.contains(member) {
                floor.rest.neighbors[position].leading.insert(resting)
                floor.rest.neighbors[position].announcements.append(resting)
            } else {
                floor.rest.neighbors[position].forsaken.insert(group)
                forsaken.append(member.node)
            }
        }
        begin(Rest(resting: resting, sinceTick: tick, role: .leader(peers: peers, forsaken: forsaken)), floor)
    }

    private func begin(_ new: Rest, _ floor: Floor) {
        floor.rest.rests[new.resting.group] = new
        floor.rest.awake.remove(new.resting.group)
        floor.rest.sleepCount += 1
    }

    /// Another node's leaders have gone to rest: the followers here do too, where they are exactly where the leader
    /// thinks they are.
    func receiveList(_ list: RestList, from other: NodeID, _ floor: Floor) {
        if let range = list.range {
            let named = Set(list.groups.map(\.group))
            let position = floor.rest.knownPosition(of: other, lane: list.lanes.from)
            let following = position.map { floor.rest.neighbors[$0].following.groups[range] } ?? []
            let stale = following.filter { !named.contains($0) }
            for group in stale { floor.wake(group, from: other) }
        }
        for resting in list.groups { follow(resting, to: other, floor) }
    }

    private func follow(_ resting: RestingGroup, to other: NodeID, _ floor: Floor) {
        let group = resting.group
        let earlier = floor.rest.rests[group]
        if let earlier, case .follower(of: other, _) = earlier.role, earlier.resting == resting { return }
        let position = floor.rest.position(of: other, for: group)
        guard floor.rest.rests[group] == nil, let replica = floor.replica(group),
            replica.restAsFollower == resting.leadership, replica.leaderNode == other
        else {
            floor.rest.neighbors[position].stirred.append(group)
            return
        }
        let proofs = floor.rest.neighbors[position].leadProofs
        floor.rest.neighbors[position].following.insert(resting)
        begin(Rest(resting: resting, sinceTick: floor.rest.tick, role: .follower(of: other, proofs: proofs)), floor)
    }

    // MARK: Waking

    /// Whether a follower at rest has waited for a proof as long as it would wait for a heartbeat.
    private func isElectionDue(_ group: GroupID, _ floor: Floor) -> Bool {
        guard let current = floor.rest.rests[group], case .follower(let leader, let proofs) = current.role,
            let replica = floor.replica(group)
        else { return false }
        let ticks = Int(floor.rest.tick - current.sinceTick)
        return replica.raft.isElectionDue(
            ticks: ticks,
            heard: floor.rest.heardOfLeader(leader, beyond: proofs, since: current)
        )
    }

    private func wakeAll(_ groups: GroupSet, from other: NodeID? = nil, _ floor: Floor) {
        for group in groups { floor.wake(group, from: other) }
    }

    /// Wakes replicas that the beats no longer speak for: they go on by the ordinary clock. Followers wake one by one,
    /// each when its own election is due, as a proof that comes late still counts for those that rest.
    private func wakeWithoutProof(_ floor: Floor) {
        let limits = floor.restLimits
        let tick = floor.rest.tick
        for position in floor.rest.neighbors.indices {
            if floor.rest.neighbors[position].lacksLeadProof(tick: tick, limits) {
                let following = floor.rest.neighbors[position].following.groups
                for group in following where isElectionDue(group, floor) { floor.wake(group) }
            }
            guard floor.rest.neighbors[position].lacksFollowProof(tick: tick, limits) else { continue }
            let leading = floor.rest.neighbors[position].leading.groups
            if floor.rest.neighbors[position].isSilent(tick: tick, limits) {
                for group in leading { forsakeNeighbor(at: position, in: group, floor) }
            } else {
                wakeAll(leading, floor)
            }
        }
    }

    /// The neighbor's node is gone. A leader that a quorum still follows rests on without that node; one that no quorum
    /// follows wakes.
    private func forsakeNeighbor(at position: Int, in group: GroupID, _ floor: Floor) {
        guard var current = floor.rest.rests[group], case .leader(let peers, let forsaken) = current.role,
            let replica = floor.replica(group)
        else { return }
        let node = floor.rest.neighbors[position].node
        let others = peers.filter { $0.node != node }
        guard replica.raft.isQuorum({ id in others.contains { $0.replica == id } }) else {
            return floor.wake(group)
        }
        floor.rest.neighbors[position].leading.remove(current.resting)
        floor.rest.neighbors[position].forsaken.insert(group)
        // What admins are told of the peers has to be right while it rests on.
        let event = Event.rested(
            ticks: Int(floor.rest.tick - current.sinceTick),
            heard: floor.rest.heardOfFollowers(others, since: current)
        )
        floor.amend(group) { _ = $0.control(event, floor.source, into: &$1) }
        current.sinceTick = floor.rest.tick
        current.role = .leader(peers: others, forsaken: forsaken + [node])
        floor.rest.rests[group] = current
    }

    // MARK: Beats

    private func sendBeats(_ floor: Floor) {
        for position in floor.rest.neighbors.indices {
            let other = floor.rest.neighbors[position].node
            let lanes = lanes(to: floor.rest.neighbors[position], floor)
            // Ahead of the beat: it stands for what was announced.
            let announcements = floor.rest.neighbors[position].announcements.filter {
                floor.rest.rests[$0.group]?.resting == $0
            }
            floor.rest.neighbors[position].announcements.removeAll(keepingCapacity: true)
            for piece in announcements.pieces {
                floor.send(.resting(RestList(lanes: lanes, groups: piece, range: nil)), to: other)
            }
            let stirred = floor.rest.neighbors[position].stirred
            floor.rest.neighbors[position].stirred.removeAll(keepingCapacity: true)
            for piece in stirred.pieces { floor.send(.stirred(piece), to: other) }
            let (session, tick) = (floor.place.session, floor.rest.tick)
            floor.send(.beat(floor.rest.neighbors[position].beat(in: lanes, session: session, tick: tick)), to: other)
        }
    }

    /// Every loop hears every beat, since each says how many loops its sender has; what it proves concerns one loop.
    func receiveBeat(_ beat: Beat, from other: NodeID, _ floor: Floor) {
        if beat.lanes.count != floor.rest.laneCounts[other, default: 1] { changeLanes(of: other, beat, floor) }
        // A loop that has no group in common with this one is none of its business.
        guard beat.lanes.to == floor.place.lane,
            let position = floor.rest.knownPosition(of: other, lane: beat.lanes.from)
        else { return }
        let news = floor.rest.neighbors[position].receive(beat, session: floor.place.session, tick: floor.rest.tick)
        if news.hasReturned { wakeAll(floor.rest.neighbors[position].forsaken, from: other, floor) }
        if news.hasRestarted {
            wakeAll(floor.rest.neighbors[position].leading.groups, from: other, floor)
            wakeAll(floor.rest.neighbors[position].following.groups, from: other, floor)
        }
        if news.needsList { sendList(to: position, floor) }
    }

    /// Another node has more loops than before, or fewer: what its beats stood for is said anew.
    private func changeLanes(of other: NodeID, _ beat: Beat, _ floor: Floor) {
        for neighbor in floor.rest.neighbors where neighbor.node == other {
            wakeAll(neighbor.leading.groups, from: other, floor)
            wakeAll(neighbor.following.groups, from: other, floor)
            wakeAll(neighbor.forsaken, from: other, floor)
        }
        floor.rest.changeLanes(of: other, to: beat.lanes.count)
        for replica in floor.groups.replicas {
            guard replica.raft.configuration.members.contains(where: { $0.node == other }) else { continue }
            _ = floor.rest.position(of: other, for: replica.group)
        }
    }

    private func lanes(to neighbor: Neighbor, _ floor: Floor) -> Lanes {
        Lanes(from: floor.place.lane, of: floor.place.lanes, to: neighbor.lane)
    }

    /// Everything at rest, in pieces that together cover all groups.
    private func sendList(to position: Int, _ floor: Floor) {
        let other = floor.rest.neighbors[position].node
        let lanes = lanes(to: floor.rest.neighbors[position], floor)
        let pieces = floor.rest.neighbors[position].leading.groups.compactMap { floor.rest.rests[$0]?.resting }.pieces
        var first = GroupID(0)
        for (index, piece) in (pieces.isEmpty ? [[]] : pieces).enumerated() {
            let isLast = index + 1 >= pieces.count
            let last = isLast ? GroupID(.max) : piece.last?.group ?? first
            floor.send(.resting(RestList(lanes: lanes, groups: piece, range: first...last)), to: other)
            first = isLast ? last : GroupID(last.rawValue + 1)
        }
        floor.rest.neighbors[position].listWasSent(tick: floor.rest.tick)
    }

    /// Followers there do not rest: their leaders here speak for themselves again.
    func receiveStirred(_ groups: [GroupID], from other: NodeID, _ floor: Floor) {
        for group in groups {
            guard let resting = floor.rest.rests[group], case .leader = resting.role else { continue }
            floor.wake(group, from: other)
        }
    }
}

extension Floor {
    fileprivate var restLimits: RestLimits { RestLimits(settings.replica.raft) }
}

/// What tests and the simulator ask of a loop's rest.
extension Floor {
    /// Ticks since the start of this run.
    package var tickCount: UInt64 { rest.tick }
    /// How often replicas of this loop have gone to rest, and have been woken, since the start of this run.
    package var restCounts: (sleeps: Int, wakes: Int) { (rest.sleepCount, rest.wakeCount) }

    /// Whose beats keep a follower here at rest.
    package func leaderRelied(on group: GroupID) -> (node: NodeID, term: Term)? {
        guard let current = rest.rests[group], case .follower(let node, _) = current.role else { return nil }
        return (node, current.resting.leadership.term)
    }

    /// What a beat has to say for the followers of a node to be taken for heard from.
    package func digestRelied(on node: NodeID, lane: UInt8) -> RestDigest {
        rest.neighbors.first { $0.node == node && $0.lane == lane }?.following.digest ?? RestDigest()
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
    /// The elements in runs that fit one message each.
    fileprivate var pieces: [[Element]] {
        stride(from: 0, to: count, by: PeerLimits.maximumRestingGroups).map { start in
            Array(self[start..<Swift.min(start + PeerLimits.maximumRestingGroups, count)])
        }
    }
}
