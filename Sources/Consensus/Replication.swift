/// What a leader does to bring its log to the others: what it knows of each peer, the appends under way to them, and
/// the bytes that it has taken in and not committed yet (Raft paper, section 5.3). Empty in every other role.
@usableFromInline
struct Replication: Sendable {
    /// Sorted by replica ID, without this replica.
    private(set) var peers: [Progress] = []
    /// Also of entries that are committed, and that its own disk does not have yet.
    @usableFromInline private(set) var uncommittedBytes = 0
    /// Since the last heartbeats.
    private var heartbeatElapsedTicks = 0

    /// The leadership begins: no peer has been heard of yet.
    mutating func begin(_ log: HeaderLog, releasedIndex: LogIndex, own: ReplicaID) {
        heartbeatElapsedTicks = 0
        uncommittedBytes = log.totalPayloadBytes(after: releasedIndex, upTo: log.lastIndex)
        peers = log.configuration.members.map(\.replica).filter { $0 != own }
            .map { Progress(replica: $0, nextIndex: log.lastIndex.next, isActive: false) }
    }

    /// The leadership ends.
    mutating func end() {
        peers.removeAll()
        uncommittedBytes = 0
    }

    /// Takes up the peers of the configuration that is in force now. A newcomer counts as heard: the next check of the
    /// quorum may come before its first answer.
    mutating func reconfigure(_ configuration: Configuration, lastIndex: LogIndex, own: ReplicaID) {
        peers = configuration.members.map(\.replica).filter { $0 != own }.map { replica in
            position(of: replica).map { peers[$0] }
                ?? Progress(replica: replica, nextIndex: lastIndex.next, isActive: true)
        }
    }

    private func position(of replica: ReplicaID) -> Int? {
        peers.firstIndex { $0.replica == replica }
    }

    // MARK: - Uncommitted bytes

    /// Appends as many of the proposed commands as there is room for.
    ///
    /// - Parameter payloadBytes: of the commands, in order.
    /// - Returns: how many were appended.
    mutating func propose(
        _ payloadBytes: [UInt32],
        _ persistent: inout PersistentState,
        settings: RaftSettings,
        into effects: inout Effects
    ) -> Int {
        var count = 0
        while count < payloadBytes.count, hasRoom(for: Int(payloadBytes[count]), settings) {
            uncommittedBytes += Int(payloadBytes[count])
            count += 1
        }
        guard count > 0 else { return 0 }
        let term = persistent.term
        effects.append(.accepted(first: persistent.log.lastIndex.next, term: term, count: count))
        persistent.append(
            payloadBytes[..<count].map { EntryHeader(term: term, payloadBytes: $0, kind: .command) },
            into: &effects
        )
        return count
    }

    /// An entry larger than all the room there ever is must be taken as well: one at a time.
    private func hasRoom(for bytes: Int, _ settings: RaftSettings) -> Bool {
        uncommittedBytes == 0 || uncommittedBytes + bytes <= settings.maxUncommittedBytes
    }

    /// Payload bytes that the leader takes in now; at least 1 where it takes any entry.
    func roomBytes(_ settings: RaftSettings) -> Int {
        uncommittedBytes == 0
            ? max(1, settings.maxUncommittedBytes) : max(0, settings.maxUncommittedBytes - uncommittedBytes)
    }

    /// The leader takes new proposals in place of the entries that were released since `index` was the released index.
    mutating func release(after index: LogIndex, _ persistent: inout PersistentState) {
        uncommittedBytes -= persistent.log.totalPayloadBytes(after: index, upTo: persistent.releasedIndex)
    }

    // MARK: - Sending

    /// Sends every peer the entries that its window has room for, and the commit index where no append will carry it.
    ///
    /// - Parameter readRound: the newest round of heartbeats.
    mutating func sendEntries(
        of persistent: inout PersistentState,
        readRound: UInt64,
        settings: RaftSettings,
        into effects: inout Effects
    ) {
        for position in peers.indices {
            while sendAppend(to: position, of: &persistent, settings: settings, into: &effects) {}
            // Under load the next append tells the commit index, soon. The last commit index needs a message of its
            // own.
            let commitIndex = persistent.commitIndex
            guard commitIndex == persistent.log.lastIndex, peers[position].matchIndex == commitIndex,
                peers[position].commitIndexSent < commitIndex
            else { continue }
            sendHeartbeat(to: position, of: &persistent, readRound: readRound, into: &effects)
        }
    }

    /// Sends one append, if the peer's state allows.
    ///
    /// - Returns: whether another may follow at once.
    private mutating func sendAppend(
        to position: Int,
        of persistent: inout PersistentState,
        settings: RaftSettings,
        into effects: inout Effects
    ) -> Bool {
        switch peers[position].state {
        case .probe(let paused):
            let limits = (settings.maxAppendEntries, settings.maxAppendBytes)
            guard !paused else { return false }
            if isFarBehind(peers[position], log: persistent, settings) {
                offerSnapshot(to: position, of: &persistent, into: &effects)
            } else if sendAppend(to: position, of: &persistent, limits: limits, into: &effects) {
                peers[position].state = .probe(paused: true)
            }
            return false
        case .replicate(let window):
            let first = peers[position].nextIndex
            guard first <= persistent.log.lastIndex else { return false }
            let limits = (
                entries: min(settings.maxAppendEntries, settings.maxInflightEntries - window.entries),
                bytes: min(settings.maxAppendBytes, settings.maxInflightBytes - window.bytes)
            )
            let isInLog = first > persistent.log.snapshot.index
            let firstBytes = isInLog ? persistent.log.payloadBytes(at: first) : 0
            if Mutant.isOn(.windowInEntries), limits.entries > 0 {
                return sendAppend(to: position, of: &persistent, limits: (limits.entries, .max), into: &effects)
            }
            guard limits.entries > 0, window.isEmpty || firstBytes <= limits.bytes else { return false }
            return sendAppend(to: position, of: &persistent, limits: limits, into: &effects)
        case .snapshot:
            return false
        }
    }

    /// Sends the entries from `nextIndex` on, or offers a snapshot where the log begins behind them.
    ///
    /// - Returns: whether entries were sent.
    private mutating func sendAppend(
        to position: Int,
        of persistent: inout PersistentState,
        limits: (entries: Int, bytes: Int),
        into effects: inout Effects
    ) -> Bool {
        let first = peers[position].nextIndex
        guard let previousTerm = persistent.log.term(at: first.previous) else {
            offerSnapshot(to: position, of: &persistent, into: &effects)
            return false
        }
        let entries = persistent.log.headers(from: first, maxEntries: limits.entries, maxBytes: limits.bytes)
        let append = AppendEntries(
            previousIndex: first.previous,
            previousTerm: previousTerm,
            entries: entries,
            commitIndex: persistent.commitIndex
        )
        persistent.send(.appendEntries(append), to: peers[position].replica, into: &effects)
        switch peers[position].state {
        case .probe, .snapshot: break
        case .replicate: peers[position].noteSent(entries, commitIndex: persistent.commitIndex)
        }
        return true
    }

    /// Whether a peer has nothing, and the log has all entries, and so many that a snapshot costs the peer less: rows
    /// are written, entries would have to be applied one by one.
    private func isFarBehind(_ peer: Progress, log persistent: PersistentState, _ settings: RaftSettings) -> Bool {
        guard peer.nextIndex == LogIndex.zero.next, persistent.log.snapshot.index == .zero else { return false }
        return persistent.log.hasMorePayload(than: settings.maxBytesFromTheBeginning, upTo: persistent.commitIndex)
    }

    private mutating func offerSnapshot(
        to position: Int,
        of persistent: inout PersistentState,
        into effects: inout Effects
    ) {
        // A peer that may be gone is offered nothing: its answer would never end the wait.
        guard peers[position].isActive else { return }
        let point = offeredPoint(for: peers[position], persistent)
        peers[position].state = .snapshot(index: point.index, ticksSinceOffer: 0)
        persistent.send(.installSnapshot(point), to: peers[position].replica, into: &effects)
    }

    /// What a snapshot for a peer has to contain at least: all that the log begins behind; for a log that has all
    /// entries, what is committed. An offer that is made again stays the same: the peer may be fetching it.
    private func offeredPoint(for peer: Progress, _ persistent: PersistentState) -> SnapshotPoint {
        let log = persistent.log
        let index =
            switch peer.state {
            case .snapshot(let offered, _): offered
            case .probe, .replicate: log.snapshot.index == .zero ? persistent.commitIndex : log.snapshot.index
            }
        guard index > log.snapshot.index, let term = log.term(at: index) else { return log.snapshot }
        return SnapshotPoint(index: index, term: term, configuration: log.configuration(at: index))
    }

    // MARK: - Heartbeats

    /// One tick passed.
    ///
    /// - Returns: whether heartbeats are due.
    mutating func tickHeartbeats(_ settings: RaftSettings) -> Bool {
        heartbeatElapsedTicks += 1
        for position in peers.indices {
            guard case .snapshot(let index, let ticks) = peers[position].state else { continue }
            peers[position].state = .snapshot(index: index, ticksSinceOffer: ticks + 1)
        }
        return heartbeatElapsedTicks >= settings.heartbeatTicks
    }

    /// Makes up for a rest: the first tick asks all peers. A peer counts as heard when it was within an election
    /// timeout, unless no quorum was: the check of the quorum is still to come then.
    ///
    /// - Returns: whether a quorum was heard.
    mutating func makeUpForRest(
        heard: [Heard],
        own: ReplicaID,
        quorum: JointQuorum,
        _ settings: RaftSettings
    ) -> Bool {
        heartbeatElapsedTicks = settings.heartbeatTicks
        let recent = heard.filter { $0.ticksAgo < settings.electionTimeoutTicks }
        func isRecent(_ replica: ReplicaID) -> Bool { recent.contains { $0.replica == replica } }
        guard quorum.voteResult({ $0 == own || isRecent($0) }) == .won else { return false }
        for position in peers.indices { peers[position].isActive = isRecent(peers[position].replica) }
        return true
    }

    /// The heartbeats that were due are sent now.
    mutating func restartHeartbeatTimer() { heartbeatElapsedTicks = 0 }

    /// Asks every peer whether it follows.
    mutating func sendHeartbeats(
        of persistent: inout PersistentState,
        readRound: UInt64,
        into effects: inout Effects
    ) {
        for position in peers.indices {
            sendHeartbeat(to: position, of: &persistent, readRound: readRound, into: &effects)
        }
    }

    private mutating func sendHeartbeat(
        to position: Int,
        of persistent: inout PersistentState,
        readRound: UInt64,
        into effects: inout Effects
    ) {
        let known = min(peers[position].matchIndex, persistent.commitIndex)
        peers[position].commitIndexSent = max(peers[position].commitIndexSent, known)
        persistent.send(
            .heartbeat(commitIndex: known, readSequence: readRound),
            to: peers[position].replica,
            into: &effects
        )
    }

    // MARK: - Answers

    /// A peer has the log up to `matchIndex`, durably.
    ///
    /// - Returns: whether that is news.
    mutating func receiveAccepted(upTo matchIndex: LogIndex, from replica: ReplicaID, lastIndex: LogIndex) -> Bool {
        guard let position = position(of: replica) else { return false }
        peers[position].isActive = true
        // Only a snapshot of a later leader can give a peer more than this log has.
        guard matchIndex <= lastIndex else { return false }
        let before = peers[position].matchIndex
        peers[position].accept(upTo: matchIndex)
        return peers[position].matchIndex > before
    }

    /// A peer has rejected an append.
    ///
    /// - Parameters:
    ///   - previousIndex: where the entry of the append did not match.
    ///   - candidate: the last entry of this log that may match the peer's.
    mutating func receiveRejected(at previousIndex: LogIndex, candidate: LogIndex, from replica: ReplicaID) {
        guard let position = position(of: replica) else { return }
        peers[position].isActive = true
        peers[position].reject(at: previousIndex, candidate: candidate)
    }

    /// A peer follows still.
    ///
    /// - Parameter readRound: of the heartbeat that the peer answers.
    mutating func receiveHeartbeatResponse(
        readRound: UInt64,
        from replica: ReplicaID,
        _ persistent: inout PersistentState,
        settings: RaftSettings,
        into effects: inout Effects
    ) {
        guard let position = position(of: replica) else { return }
        peers[position].isActive = true
        peers[position].readSequence = max(peers[position].readSequence, readRound)
        resume(position, of: &persistent, settings: settings, into: &effects)
    }

    /// A peer that answers heartbeats while its match index stands still has probably lost the appends under way: the
    /// leader asks where its log stands.
    private mutating func resume(
        _ position: Int,
        of persistent: inout PersistentState,
        settings: RaftSettings,
        into effects: inout Effects
    ) {
        let wasMoving = peers[position].isMoving
        peers[position].isMoving = false
        switch peers[position].state {
        case .probe:
            peers[position].state = .probe(paused: false)
        case .replicate(let window):
            guard !window.isEmpty, !wasMoving else { return }
            _ = sendAppend(to: position, of: &persistent, limits: (entries: 0, bytes: 0), into: &effects)
        case .snapshot(_, let ticksSinceOffer):
            guard ticksSinceOffer >= settings.electionTimeoutTicks else { return }
            offerSnapshot(to: position, of: &persistent, into: &effects)
        }
    }

    /// A peer could not use the snapshot at `index`.
    mutating func receiveSnapshotRejected(at index: LogIndex, from replica: ReplicaID) {
        guard let position = position(of: replica) else { return }
        peers[position].isActive = true
        guard case .snapshot(index, _) = peers[position].state else { return }
        // The peer is paused until it answers a heartbeat: a snapshot that always fails must not be offered in a loop.
        peers[position].becomeProbe(paused: true)
    }

    /// The transport lost what was under way to a peer.
    mutating func noteUnreachable(_ replica: ReplicaID) {
        guard let position = position(of: replica) else { return }
        switch peers[position].state {
        case .probe, .replicate: peers[position].becomeProbe(paused: true)
        case .snapshot: break
        }
    }

    /// A peer has declined the leadership.
    ///
    /// - Parameter now: in ticks of the leader.
    mutating func noteDeclined(by replica: ReplicaID, at now: UInt64) {
        guard let position = position(of: replica) else { return }
        peers[position].declinedAt = now
    }

    // MARK: - What a quorum has

    /// Commits what a quorum holds durably, this replica's own log included only as far as its disk has it (figure 2,
    /// leaders, last rule).
    ///
    /// - Returns: whether the commit index rose.
    mutating func advanceCommit(of persistent: inout PersistentState) -> Bool {
        let own = persistent.id
        let ownIndex =
            Mutant.isOn(.leaderCountsBeforeSync) ? persistent.log.lastIndex : persistent.queue.durableIndex
        let reached = persistent.log.configuration.quorum.reached { replica in
            if replica == own { return ownIndex.rawValue }
            return position(of: replica).map { peers[$0].matchIndex.rawValue } ?? 0
        }
        let index = LogIndex(reached)
        // Counting replicas proves nothing for entries of earlier terms (section 5.4.2, figure 8).
        guard index > persistent.commitIndex,
            persistent.log.term(at: index) == persistent.term || Mutant.isOn(.oldTermsCounted)
        else { return false }
        let released = persistent.releasedIndex
        persistent.commit(upTo: index)
        release(after: released, &persistent)
        return true
    }

    /// The newest round of heartbeats that a quorum has answered.
    func confirmedRound(_ round: UInt64, of own: ReplicaID, quorum: JointQuorum) -> UInt64 {
        quorum.reached { replica in
            if replica == own { return round }
            return position(of: replica).map { peers[$0].readSequence } ?? 0
        }
    }

    /// Whether a quorum was heard since the last check. Starts the next count.
    mutating func hearsQuorum(_ own: ReplicaID, quorum: JointQuorum) -> Bool {
        let result = quorum.voteResult { replica in
            if replica == own { return true }
            return position(of: replica).map { peers[$0].isActive } ?? false
        }
        for position in peers.indices {
            if !peers[position].isActive { peers[position].wasAway = true }
            peers[position].isActive = false
        }
        return result == .won
    }

    // MARK: - Who has all

    /// Whether the log of a peer is known to reach `index`, this log's end.
    func hasCaughtUp(_ replica: ReplicaID, to index: LogIndex) -> Bool {
        position(of: replica).map { peers[$0].matchIndex == index } ?? false
    }

    /// The voter that can take over at once, the most willing first.
    func bestSuccessor(in configuration: Configuration, lastIndex: LogIndex) -> ReplicaID? {
        configuration.members
            .filter { member in
                configuration.isVoter(member.replica) && member.priority > 0
                    && hasCaughtUp(member.replica, to: lastIndex)
            }
            .max { ($0.priority, $1.replica) < ($1.priority, $0.replica) }?
            .replica
    }

    /// The peers that have the whole log and were heard of lately.
    ///
    /// - Returns: nil when some peer is neither at rest nor gone.
    func peersAtRest(
        in configuration: Configuration,
        lastIndex: LogIndex,
        _ presence: (NodeID) -> RaftNode.Presence
    ) -> [Member]? {
        var resting: [Member] = []
        for peer in peers {
            guard let member = configuration.member(peer.replica) else { return nil }
            switch presence(member.node) {
            case .present:
                guard peer.isActive, peer.hasAll(upTo: lastIndex) else { return nil }
                resting.append(member)
            case .gone:
                // The check of the quorum must have found that out, too: the status that admins see stands still at
                // rest.
                guard !peer.isActive else { return nil }
            case .unclear: return nil
            }
        }
        return resting
    }
}
