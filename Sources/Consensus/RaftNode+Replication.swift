extension RaftNode {
    mutating func propose(_ payloadBytes: [UInt32], into effects: inout Effects) {
        precondition(!payloadBytes.isEmpty, "an empty proposal")
        guard role == .leader else {
            effects.append(.rejected(.notLeader(leader: leader)))
            return
        }
        guard transfer == nil else {
            effects.append(.rejected(.transferring))
            return
        }
        var count = 0
        while count < payloadBytes.count, hasRoom(for: Int(payloadBytes[count])) {
            uncommittedBytes += Int(payloadBytes[count])
            count += 1
        }
        if count > 0 {
            effects.append(.accepted(first: persistent.log.lastIndex.next, term: term, count: count))
            appendToLog(
                payloadBytes[..<count].map { EntryHeader(term: term, payloadBytes: $0, kind: .command) },
                into: &effects
            )
        }
        if count < payloadBytes.count { effects.append(.rejected(.tooManyUncommittedBytes)) }
    }

    /// An entry larger than all the room there ever is must be taken as well: one at a time.
    private func hasRoom(for bytes: Int) -> Bool {
        uncommittedBytes == 0 || uncommittedBytes + bytes <= settings.maxUncommittedBytes
    }

    /// To whom this leader is handing its leadership; nil where to nobody.
    public var transferTarget: ReplicaID? { transfer?.target }

    /// Payload bytes that a leader takes in now; at least 1 where it takes any entry.
    public var proposalRoomBytes: Int {
        uncommittedBytes == 0
            ? max(1, settings.maxUncommittedBytes) : max(0, settings.maxUncommittedBytes - uncommittedBytes)
    }

    /// A leader takes new proposals in place of the entries that were released since `index` was the released index.
    mutating func release(after index: LogIndex) {
        uncommittedBytes -= persistent.log.totalPayloadBytes(after: index, upTo: persistent.releasedIndex)
    }

    // MARK: - Sending

    /// Sends every peer the entries that its window has room for, and the commit index where no append will carry it.
    mutating func replicate(into effects: inout Effects) {
        for position in peers.indices {
            while sendAppend(to: position, into: &effects) {}
            // Under load the next append tells the commit index, soon. The last commit index needs a message of its
            // own.
            guard commitIndex == persistent.log.lastIndex, peers[position].matchIndex == commitIndex else { continue }
            if peers[position].commitIndexSent < commitIndex { sendHeartbeat(to: position, into: &effects) }
        }
    }

    /// Sends one append, if the peer's state allows.
    ///
    /// - Returns: whether another may follow at once.
    private mutating func sendAppend(to position: Int, into effects: inout Effects) -> Bool {
        switch peers[position].state {
        case .probe(let paused):
            guard !paused, sendAppend(to: position, limits: appendLimits, into: &effects) else { return false }
            peers[position].state = .probe(paused: true)
            return false
        case .replicate(let window):
            let first = peers[position].nextIndex
            guard first <= persistent.log.lastIndex else { return false }
            let limits = (
                entries: min(appendLimits.entries, settings.maxInflightEntries - window.entries),
                bytes: min(appendLimits.bytes, settings.maxInflightBytes - window.bytes)
            )
            let firstBytes = first > persistent.log.snapshot.index ? persistent.log.payloadBytes(at: first) : 0
            if Mutant.isOn(.windowInEntries), limits.entries > 0 {
                return sendAppend(to: position, limits: (limits.entries, .max), into: &effects)
            }
            guard limits.entries > 0, window.isEmpty || firstBytes <= limits.bytes else { return false }
            return sendAppend(to: position, limits: limits, into: &effects)
        case .snapshot:
            return false
        }
    }

    private var appendLimits: (entries: Int, bytes: Int) { (settings.maxAppendEntries, settings.maxAppendBytes) }

    /// Sends the entries from `nextIndex` on, or offers a snapshot where the log begins behind them.
    ///
    /// - Returns: whether entries were sent.
    private mutating func sendAppend(
        to position: Int,
        limits: (entries: Int, bytes: Int),
        into effects: inout Effects
    ) -> Bool {
        let first = peers[position].nextIndex
        guard let previousTerm = persistent.log.term(at: first.previous) else {
            offerSnapshot(to: position, into: &effects)
            return false
        }
        let entries = persistent.log.headers(from: first, maxEntries: limits.entries, maxBytes: limits.bytes)
        let append = AppendEntries(
            previousIndex: first.previous,
            previousTerm: previousTerm,
            entries: entries,
            commitIndex: commitIndex
        )
        persistent.send(.appendEntries(append), to: peers[position].replica, into: &effects)
        switch peers[position].state {
        case .probe, .snapshot: break
        case .replicate: noteSent(entries, to: position)
        }
        return true
    }

    /// Counts the entries as received, until the peer rejects them.
    private mutating func noteSent(_ entries: [EntryHeader], to position: Int) {
        guard !entries.isEmpty else { return }
        let last = peers[position].nextIndex + (entries.count - 1)
        peers[position].nextIndex = last.next
        peers[position].commitIndexSent = max(peers[position].commitIndexSent, min(commitIndex, last))
        let bytes = entries.reduce(0) { $0 + Int($1.payloadBytes) }
        peers[position].changeWindow { $0.add(last: last, entries: entries.count, bytes: bytes) }
    }

    private mutating func offerSnapshot(to position: Int, into effects: inout Effects) {
        // A peer that may be gone is offered nothing: its answer would never end the wait.
        guard peers[position].isActive else { return }
        peers[position].state = .snapshot(index: persistent.log.snapshot.index, ticksSinceOffer: 0)
        persistent.send(.installSnapshot(persistent.log.snapshot), to: peers[position].replica, into: &effects)
    }

    mutating func tickOffers() {
        for position in peers.indices {
            guard case .snapshot(let index, let ticks) = peers[position].state else { continue }
            peers[position].state = .snapshot(index: index, ticksSinceOffer: ticks + 1)
        }
    }

    // MARK: - Answers

    func position(of replica: ReplicaID) -> Int? {
        peers.firstIndex { $0.replica == replica }
    }

    mutating func handleAccepted(matchIndex: LogIndex, from replica: ReplicaID, into effects: inout Effects) {
        guard role == .leader, let position = position(of: replica) else { return }
        peers[position].isActive = true
        // Only a snapshot of a later leader can give a peer more than this log has.
        guard matchIndex <= persistent.log.lastIndex else { return }
        let before = peers[position].matchIndex
        peers[position].accept(upTo: matchIndex)
        guard peers[position].matchIndex > before else { return }
        advanceCommit(into: &effects)
        finishTransferIfCaughtUp(into: &effects)
    }

    mutating func handleRejected(
        _ previousIndex: LogIndex,
        hintIndex: LogIndex,
        hintTerm: Term,
        from replica: ReplicaID
    ) {
        guard role == .leader, let position = position(of: replica) else { return }
        peers[position].isActive = true
        let match = peers[position].matchIndex
        switch peers[position].state {
        case .replicate:
            // The rejection is late: an acceptance has overtaken it.
            guard previousIndex > match else { return }
            peers[position].becomeProbe(paused: false)
        case .probe:
            guard previousIndex == peers[position].nextIndex.previous else { return }
            let candidate = persistent.log.lastIndex(upTo: hintIndex, termUpTo: hintTerm)
            peers[position].nextIndex = max(min(previousIndex, candidate.next), match.next)
            // A peer that rejects what it accepted has forgotten it, and could ask no replica about it when it
            // started. The leader probes it with every heartbeat, not in a tight loop.
            peers[position].state = .probe(paused: previousIndex <= match)
        case .snapshot:
            break
        }
    }

    mutating func handleHeartbeatResponse(
        readSequence: UInt64,
        from replica: ReplicaID,
        into effects: inout Effects
    ) {
        guard role == .leader, let position = position(of: replica) else { return }
        peers[position].isActive = true
        peers[position].readSequence = max(peers[position].readSequence, readSequence)
        resume(position, into: &effects)
        confirmReads(into: &effects)
    }

    /// A peer that answers heartbeats while its match index stands still has probably lost the appends under way: the
    /// leader asks where its log stands.
    private mutating func resume(_ position: Int, into effects: inout Effects) {
        let peer = peers[position]
        peers[position].isMoving = false
        switch peer.state {
        case .probe:
            peers[position].state = .probe(paused: false)
        case .replicate(let window):
            guard !window.isEmpty, !peer.isMoving else { return }
            _ = sendAppend(to: position, limits: (entries: 0, bytes: 0), into: &effects)
        case .snapshot(_, let ticksSinceOffer):
            guard ticksSinceOffer >= settings.electionTimeoutTicks else { return }
            offerSnapshot(to: position, into: &effects)
        }
    }

    mutating func handleSnapshotRejected(index: LogIndex, from replica: ReplicaID) {
        guard role == .leader, let position = position(of: replica) else { return }
        peers[position].isActive = true
        guard case .snapshot(index, _) = peers[position].state else { return }
        // The peer is paused until it answers a heartbeat: a snapshot that always fails must not be offered in a loop.
        peers[position].becomeProbe(paused: true)
    }

    mutating func unreachable(_ replica: ReplicaID) {
        guard role == .leader, let position = position(of: replica) else { return }
        if transfer?.target == replica { transfer?.hasten(settings) }
        switch peers[position].state {
        case .probe, .replicate: peers[position].becomeProbe(paused: true)
        case .snapshot: break
        }
    }

    // MARK: - Committing

    /// Commits what a quorum holds durably, this replica's own log included only as far as its disk has it (figure 2,
    /// leaders, last rule).
    mutating func advanceCommit(into effects: inout Effects) {
        let reached = configuration.quorum.reached { replica in
            if replica == id {
                return Mutant.isOn(.leaderCountsBeforeSync)
                    ? lastIndex.rawValue : persistent.queue.durableIndex.rawValue
            }
            return position(of: replica).map { peers[$0].matchIndex.rawValue } ?? 0
        }
        let index = LogIndex(reached)
        // Counting replicas proves nothing for entries of earlier terms (section 5.4.2, figure 8).
        guard index > commitIndex, persistent.log.term(at: index) == term || Mutant.isOn(.oldTermsCounted) else {
            return
        }
        let released = persistent.releasedIndex
        persistent.commit(upTo: index)
        release(after: released)
        configurationCommitted(into: &effects)
    }
}
