/// Reads that wait for the proof that this replica still leads (Raft dissertation, section 6.4).
struct ReadQueue: Sendable {
    struct Waiting: Sendable {
        let id: UInt64
        let index: LogIndex
        /// The round of heartbeats that was sent after the read came in.
        let round: UInt64
    }

    /// The newest round that was sent. The number rises for the life of the replica, so that no answer fits two rounds.
    var round: UInt64 = 0
    var waiting: [Waiting] = []
    /// When the rounds that no quorum has confirmed yet were sent; kept for leases only.
    var sent: [(round: UInt64, at: UInt64)] = []
    var leaseEnd: UInt64 = 0
    /// Whether this term's leases are void, since a successor may have been told to ignore them.
    var leaseForfeited = false

    mutating func removeAll() -> [UInt64] {
        let ids = waiting.map(\.id)
        waiting.removeAll()
        sent.removeAll()
        leaseEnd = 0
        leaseForfeited = false
        return ids
    }
}

extension RaftNode {
    mutating func read(id read: UInt64, into effects: inout Effects) {
        guard role == .leader else {
            effects.append(.readRejected(id: read, .notLeader(leader: leader)))
            return
        }
        // Until then, a leader may not know what earlier leaders committed (section 6.4, step 1).
        guard log.term(at: commitIndex) == term else {
            effects.append(.readRejected(id: read, .leaderNotReady))
            return
        }
        if isQuorumAlone || holdsLease {
            effects.append(.readReady(id: read, index: commitIndex))
            return
        }
        guard reads.waiting.count < settings.maxPendingReads else {
            effects.append(.readRejected(id: read, .tooManyPendingReads))
            return
        }
        // While a round is under way, reads gather for the next one: a round costs the same for one read or a thousand.
        let isIdle = reads.waiting.isEmpty
        reads.waiting.append(ReadQueue.Waiting(id: read, index: commitIndex, round: reads.round + 1))
        if isIdle { startRound(into: &effects) }
    }

    var isQuorumAlone: Bool {
        configuration.quorum.voteResult { $0 == id ? true : nil } == .won
    }

    private var holdsLease: Bool {
        settings.leaseTicks != nil && !reads.leaseForfeited && clock.now < reads.leaseEnd
    }

    mutating func broadcastHeartbeat(into effects: inout Effects) {
        clock.heartbeatElapsed = 0
        let gathering = reads.waiting.last.map { $0.round > reads.round } ?? false
        if gathering || settings.leaseTicks != nil { beginRound() }
        for position in peers.indices { sendHeartbeat(to: position, into: &effects) }
    }

    private mutating func startRound(into effects: inout Effects) {
        beginRound()
        for position in peers.indices { sendHeartbeat(to: position, into: &effects) }
    }

    private mutating func beginRound() {
        reads.round += 1
        if settings.leaseTicks != nil { reads.sent.append((round: reads.round, at: clock.now)) }
    }

    mutating func sendHeartbeat(to position: Int, into effects: inout Effects) {
        let known = min(peers[position].matchIndex, commitIndex)
        peers[position].commitIndexSent = max(peers[position].commitIndexSent, known)
        send(
            .heartbeat(commitIndex: known, readSequence: reads.round),
            to: peers[position].replica,
            into: &effects
        )
    }

    /// Serves the reads whose round a quorum has answered: no other replica led when they came in.
    mutating func confirmReads(into effects: inout Effects) {
        guard !reads.waiting.isEmpty || !reads.sent.isEmpty else { return }
        let confirmed = configuration.quorum.reached { replica in
            if replica == id { return reads.round }
            return position(of: replica).map { peers[$0].readSequence } ?? 0
        }
        while let read = reads.waiting.first, read.round <= confirmed {
            effects.append(.readReady(id: read.id, index: read.index))
            reads.waiting.removeFirst()
        }
        if let leaseTicks = settings.leaseTicks {
            while let sent = reads.sent.first, sent.round <= confirmed {
                reads.leaseEnd = max(reads.leaseEnd, sent.at + UInt64(leaseTicks))
                reads.sent.removeFirst()
            }
        }
        if let next = reads.waiting.first, next.round > reads.round { startRound(into: &effects) }
    }

    /// Whether a quorum was heard since the last check. Starts the next count.
    mutating func hearsQuorum() -> Bool {
        let result = configuration.quorum.voteResult { replica in
            if replica == id { return true }
            return position(of: replica).map { peers[$0].isActive } ?? false
        }
        for position in peers.indices {
            if !peers[position].isActive { peers[position].wasAway = true }
            peers[position].isActive = false
        }
        return result == .won
    }
}
