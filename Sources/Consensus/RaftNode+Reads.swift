extension RaftNode {
    mutating func read(id read: UInt64, into effects: inout Effects) {
        guard role == .leader else {
            effects.append(.readRejected(id: read, .notLeader(leader: leader)))
            return
        }
        guard persistent.hasCommittedInTerm else {
            effects.append(.readRejected(id: read, .leaderNotReady))
            return
        }
        let isAlone = persistent.isQuorumAlone
        if reads.addRead(read, at: commitIndex, isQuorumAlone: isAlone, now: clock.now, into: &effects) {
            startRound(into: &effects)
        }
    }

    mutating func broadcastHeartbeat(into effects: inout Effects) {
        clock.heartbeatElapsed = 0
        if reads.isGathering || settings.leaseTicks != nil { reads.beginRound(at: clock.now) }
        for position in peers.indices { sendHeartbeat(to: position, into: &effects) }
    }

    private mutating func startRound(into effects: inout Effects) {
        reads.beginRound(at: clock.now)
        for position in peers.indices { sendHeartbeat(to: position, into: &effects) }
    }

    mutating func sendHeartbeat(to position: Int, into effects: inout Effects) {
        let known = min(peers[position].matchIndex, commitIndex)
        peers[position].commitIndexSent = max(peers[position].commitIndexSent, known)
        persistent.send(
            .heartbeat(commitIndex: known, readSequence: reads.round),
            to: peers[position].replica,
            into: &effects
        )
    }

    mutating func confirmReads(into effects: inout Effects) {
        guard reads.awaitsAnswers else { return }
        let round = reads.round
        let confirmed = configuration.quorum.reached { replica in
            if replica == id { return round }
            return position(of: replica).map { peers[$0].readSequence } ?? 0
        }
        reads.confirm(upTo: confirmed, into: &effects)
        if reads.isRoundDue { startRound(into: &effects) }
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
