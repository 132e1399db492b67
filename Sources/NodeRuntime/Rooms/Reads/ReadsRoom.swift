internal import Consensus
internal import MailModel
internal import PeerTransport
internal import ReplicaCore

/// Linearizable reads: one ReadIndex round per group at a time, for all reads that wait.
struct ReadsRoom {
    /// A round of another node, which takes this one for the leader.
    private struct AskedRound {
        let group: GroupID
        /// The other node's.
        let id: UInt64
        let node: NodeID
    }

    /// Beyond so many, the older half is given up; who asked is told so, and asks again.
    var maximumForeign = 65_536

    /// The groups with reads: nothing has to look at all groups to find them.
    private var reading = GroupSet()
    /// Rounds of other nodes that this leader is answering, by its own ID.
    private var foreign: [UInt64: AskedRound] = [:]
    /// Those that came in this turn.
    private var asked: [AskedRound] = []
    /// Reads that came in this turn and for which the rows here will do, where these are new enough.
    private var nearby: [ReadCall] = []
    /// Before this tick nobody can tell whether this node is in touch with any leader.
    private var touchKnownTick: UInt64 = 0
    private let gate: ReadGate
    private let stateReads: StateReads

    init(_ gate: ReadGate, _ stateReads: StateReads) {
        self.gate = gate
        self.stateReads = stateReads
    }

    /// Takes a read in; one that cannot be taken fails at once.
    mutating func enqueue(_ call: ReadCall, _ floor: Floor) {
        guard !floor.isStopping else { return call.fail(.stopping) }
        guard let hosted = floor.groups[call.group] else { return call.fail(.unavailable) }
        guard call.remote == nil || floor.mayServeReads(hosted) || !floor.isServedElsewhere(call.group) else {
            return floor.tell(.readElsewhere(call))
        }
        guard call.readNearby == nil else { return nearby.append(call) }
        let table = hosted.reads
        guard table.count < floor.settings.reads.perGroup else { return call.fail(.busy) }
        table.append(call)
        reading.insert(call.group)
    }

    /// Asks the leaders which indexes the reads that wait must see, and answers the rounds of other nodes. The loop
    /// calls this behind the ticks of a turn: where the process has stood still, a lease has run out meanwhile, and
    /// clients may have waited all that time. The turn's time was taken after everything that it answers had come in.
    mutating func startRounds(_ floor: Floor) {
        let near = nearby
        nearby.removeAll(keepingCapacity: true)
        for call in near {
            if isInTouch(call.group, floor) { serveNearby(call, floor) } else { enqueue(call.linearizable, floor) }
        }
        for group in reading { startRound(of: group, floor) }
        for round in asked { answer(round, floor) }
        asked.removeAll(keepingCapacity: true)
    }

    private func startRound(of group: GroupID, _ floor: Floor) {
        guard let hosted = floor.groups[group], hosted.reads.round == nil, !hosted.reads.waiting.isEmpty,
            hosted.standing.servesReads, let leader = hosted.replica?.leaderNode,
            floor.nowMilliseconds >= hosted.reads.pauseEndMilliseconds
        else { return }
        let id = Mutant.isOn(.readIDKept) ? floor.place.session : floor.takeNumber()
        hosted.reads.beginRound(id, floor.nowMilliseconds)
        if leader == floor.node {
            floor.step(group) { $0.readIndex(id: id, floor.source, into: &$1) }
        } else {
            floor.send(.readIndex(group: group, id: id), to: leader)
        }
    }

    // MARK: Reads of what is here

    /// The loop has stood still for longer than its clock has counted, so that it may have heard nothing of leaders
    /// that it still follows. When the clock has counted two election timeouts, it has: see `RestRoom`, and
    /// `Election.forgetLeader()`.
    mutating func noteSkip(_ floor: Floor) {
        touchKnownTick = floor.rest.tick + 2 * UInt64(floor.settings.replica.raft.electionTimeoutTicks)
    }

    /// Whether this node has heard of the group's leader within an election timeout, or leads and has heard of a
    /// quorum.
    ///
    /// The timeout is up to twice ``RaftSettings/electionTimeoutTicks``, as elections are not to begin at once on all
    /// nodes. A replica forgets its leader when it has heard nothing of it for so long, by itself or by the beats that
    /// speak for a leader at rest. A leader gives up without a quorum; one at rest is patient, so what the beats have
    /// proven of its followers is looked at.
    private func isInTouch(_ group: GroupID, _ floor: Floor) -> Bool {
        guard floor.rest.tick >= touchKnownTick, let hosted = floor.groups[group], hosted.servesReads,
            hosted.doubt == .none, let replica = hosted.replica, replica.leaderNode != nil
        else { return false }
        guard let rest = floor.rest.rests[group], case .leader(let peers, _) = rest.role else { return true }
        let limit = UInt64(floor.settings.replica.raft.electionTimeoutTicks)
        return replica.raft.isQuorum { id in
            peers.contains { $0.replica == id && floor.rest.hasFollowed($0.node, in: group, within: limit) }
        }
    }

    private func serveNearby(_ call: ReadCall, _ floor: Floor) {
        let (gate, inbox, reads, group) = (gate, floor.ways.inbox, stateReads, call.group)
        let pass = gate.pass(group)
        let id = reads.begin(deadlineMilliseconds: call.deadlineMilliseconds, fail: call.fail)
        floor.ways.blocking.run {
            let tell = gate.isGood(pass, for: group) ? call.readNearby?() : nil
            guard reads.end(id) else { return }
            // Rows that are too old, or that took the place of others meanwhile.
            guard let tell, gate.isGood(pass, for: group) else { return inbox.put(.read(call.linearizable)) }
            tell()
        }
    }

    // MARK: Rounds of other nodes

    mutating func receiveQuestion(_ id: UInt64, about group: GroupID, from node: NodeID) {
        asked.append(AskedRound(group: group, id: id, node: node))
    }

    private mutating func answer(_ round: AskedRound, _ floor: Floor) {
        // A replica that is no member any more would wait for entries that nobody sends to it.
        guard let replica = floor.replica(round.group), replica.isLeader,
            replica.raft.configuration.members.contains(where: { $0.node == round.node })
        else {
            return floor.send(.readIndexReply(group: round.group, id: round.id, index: nil), to: round.node)
        }
        if foreign.count >= maximumForeign { giveUpOldest(floor) }
        let own = floor.takeNumber()
        foreign[own] = round
        floor.step(round.group) { $0.readIndex(id: own, floor.source, into: &$1) }
    }

    /// Makes room: a replica that was given up while it led leaves rounds that nobody will answer.
    private mutating func giveUpOldest(_ floor: Floor) {
        for own in foreign.keys.sorted().prefix(maximumForeign / 2) {
            guard let round = foreign.removeValue(forKey: own) else { continue }
            floor.send(.readIndexReply(group: round.group, id: round.id, index: nil), to: round.node)
        }
    }

    // MARK: Answers

    /// The state has what a round must see: its reads are served, or the node that asked is told the index.
    mutating func roundIsReady(_ id: UInt64, of group: GroupID, at index: LogIndex, _ floor: Floor) {
        if let asked = foreign.removeValue(forKey: id) {
            return floor.send(.readIndexReply(group: group, id: asked.id, index: index), to: asked.node)
        }
        guard let calls = floor.groups[group]?.reads.takeRound(id) else { return }
        serve(calls, of: group, floor)
    }

    /// The replica here does not lead, or takes no round now.
    mutating func roundIsRejected(_ id: UInt64, of group: GroupID, _ floor: Floor) {
        if let asked = foreign.removeValue(forKey: id) {
            floor.send(.readIndexReply(group: group, id: asked.id, index: nil), to: asked.node)
        } else if let table = floor.groups[group]?.reads, table.round?.id == id {
            noteRefusal(of: group, to: table, floor)
        }
    }

    /// The node that was taken for the leader has answered a round.
    ///
    /// - Parameter index: nil where the node that was asked does not lead, takes no more, or does not count this node
    ///   among the members.
    func receiveAnswer(
        _ index: LogIndex?,
        to id: UInt64,
        about group: GroupID,
        from node: NodeID,
        _ floor: Floor
    ) {
        guard let table = floor.groups[group]?.reads, table.round?.id == id else { return }
        guard let index else {
            floor.tell(.roundRefused(group, by: node))
            return noteRefusal(of: group, to: table, floor)
        }
        table.noteAnswer()
        floor.step(group) { $0.awaitApplied(id: id, index: index, into: &$1) }
    }

    private func noteRefusal(of group: GroupID, to table: ReadTable, _ floor: Floor) {
        table.noteRefusal(floor.nowMilliseconds, seed: floor.place.session ^ UInt64(group.rawValue))
    }

    /// The group has another leader: the round under way is asked anew, at once.
    func leaderFound(of group: GroupID, _ floor: Floor) {
        guard let table = floor.groups[group]?.reads else { return }
        table.restart()
        table.endPause()
    }

    private func serve(_ calls: [ReadCall], of group: GroupID, _ floor: Floor) {
        let gate = gate
        let inbox = floor.ways.inbox
        let reads = stateReads
        let pass = gate.pass(group)
        for call in calls {
            let id = reads.begin(deadlineMilliseconds: call.deadlineMilliseconds, fail: call.fail)
            floor.ways.blocking.run {
                let tell = gate.isGood(pass, for: group) ? call.read() : nil
                guard reads.end(id) else { return }
                // Rows that took the place of others meanwhile may be older, or none.
                guard let tell, gate.isGood(pass, for: group) else { return inbox.put(.read(call)) }
                tell()
            }
        }
    }

    /// On every tick: rounds without an answer are asked anew, reads that waited too long fail.
    mutating func tick(_ floor: Floor) {
        let now = floor.nowMilliseconds
        for group in reading {
            guard let hosted = floor.groups[group], hosted.reads.count > 0 else {
                reading.remove(group)
                continue
            }
            let table = hosted.reads
            if !floor.mayServeReads(hosted), floor.isServedElsewhere(group) {
                for call in table.takeRemote() { floor.tell(.readElsewhere(call)) }
            }
            if let round = table.round, now - round.sinceMilliseconds >= floor.settings.resendMilliseconds {
                table.restart()
            }
            for call in table.removeExpired(now) { call.fail(.unavailable) }
        }
        stateReads.expire(now)
    }
}
