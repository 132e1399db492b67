/// What a replica must not forget (Raft paper, figure 2: persistent state), as it will be once everything under way is
/// durable, and the queue that makes it so.
///
/// Only the functions of this type change the term, the vote, the commit index and the log. So each change is noted for
/// the next write, and every message says what its sender has promised.
@usableFromInline
struct PersistentState: Sendable {
    /// The replica whose state this is: the sender of every message.
    let id: ReplicaID
    private(set) var hardState: HardState
    @usableFromInline private(set) var log: HeaderLog
    private(set) var queue: PersistQueue

    /// The state as it comes back from the disk.
    ///
    /// - Parameter appliedIndex: what the state machine holds durably.
    init(id: ReplicaID, hardState: HardState, log: HeaderLog, appliedIndex: LogIndex) {
        let snapshot = log.snapshot
        precondition(hardState.commitIndex <= log.lastIndex, "the log lost committed entries")
        precondition(appliedIndex <= log.lastIndex, "the log lost applied entries")
        precondition(appliedIndex >= snapshot.index, "the state is older than the log's beginning")
        precondition(
            max(hardState.term, snapshot.term) >= log.lastTerm,
            "the log knows a newer term than the hard state"
        )
        self.id = id
        self.log = log
        self.hardState = hardState
        queue = PersistQueue(index: log.lastIndex, hardState: hardState)
        self.hardState.commitIndex = max(hardState.commitIndex, snapshot.index, appliedIndex)
        // A crash right after a snapshot went live: the first step makes its term durable.
        if snapshot.term > hardState.term { enterTerm(snapshot.term) }
    }

    var term: Term { hardState.term }
    var vote: ReplicaID? { hardState.vote }
    var commitIndex: LogIndex { hardState.commitIndex }

    /// Whether everything is durable and committed, and nothing is on its way to the disk.
    var isSettled: Bool {
        commitIndex == log.lastIndex && queue.isIdle && queue.durableIndex == log.lastIndex
    }

    /// Whether an entry of the present term is committed. Until then, a leader may not know what earlier leaders
    /// committed (dissertation, section 6.4, step 1).
    var hasCommittedInTerm: Bool { log.term(at: commitIndex) == term }

    /// Entries up to here are committed, and on this replica's disk: they need not be in memory any more. The followers
    /// of a leader with a slow disk may commit much that the leader's disk does not have yet.
    var releasedIndex: LogIndex { max(min(commitIndex, queue.durableIndex), log.snapshot.index) }

    // MARK: - Terms and votes

    /// Enters a newer term, in which this replica has not voted.
    mutating func enterTerm(_ term: Term) {
        precondition(term > hardState.term, "the term went back")
        hardState.term = term
        hardState.vote = nil
    }

    /// Gives this replica's vote of the present term to `candidate`.
    mutating func giveVote(to candidate: ReplicaID) { hardState.vote = candidate }

    /// Whether this replica's vote for itself is durable, and counts.
    var isOwnVoteDurable: Bool { queue.durableTerm == term && queue.durableVote == id }

    /// Whether this replica votes, or voted in the last committed configuration: until the change that removes it is
    /// known to be committed, only its log may win the half of the old voters (dissertation, section 4.2.2).
    var isNeeded: Bool {
        log.configuration.isVoter(id) || log.configuration(at: commitIndex).isVoter(id)
    }

    /// Whether this replica is a majority by itself.
    var isQuorumAlone: Bool { isQuorum { _ in false } }

    /// Whether this replica and the others for which `isPresent` holds are a quorum.
    func isQuorum(_ isPresent: (ReplicaID) -> Bool) -> Bool {
        log.configuration.quorum.voteResult { $0 == id || isPresent($0) } == .won
    }

    // MARK: - Output

    /// Sends a message of the present term, as soon as what the message promises is durable.
    mutating func send(_ body: Message.Body, to peer: ReplicaID, into effects: inout Effects) {
        let message = Message(from: id, to: peer, term: hardState.term, body: body)
        queue.send(message, vote: hardState.vote, into: &effects)
    }

    /// Ends a step: writes what it has changed.
    mutating func flush(into effects: inout Effects) {
        guard let first = queue.firstIndexToWrite(hardState, lastIndex: log.lastIndex) else { return }
        queue.write(hardState, entries: log.headers(from: first), from: first, into: &effects)
    }

    /// The write with this sequence number and all before it are durable.
    mutating func complete(upTo sequence: UInt64) { queue.complete(upTo: sequence) }

    // MARK: - The log

    /// Appends entries, and says so where they change the configuration in force.
    ///
    /// - Returns: whether they do.
    @discardableResult
    mutating func append(_ headers: [EntryHeader], into effects: inout Effects) -> Bool {
        guard !headers.isEmpty else { return false }
        queue.noteChange(from: log.lastIndex.next)
        var reconfigured = false
        for header in headers {
            log.append(header)
            if case .configuration = header.kind { reconfigured = true }
        }
        if reconfigured { effects.append(.configurationChanged(log.configuration)) }
        return reconfigured
    }

    private mutating func truncate(from index: LogIndex, into effects: inout Effects) {
        precondition(index > commitIndex, "truncating what is committed")
        let reconfigured = log.configurationIndex >= index
        log.truncate(from: index)
        queue.truncate(from: index)
        if reconfigured { effects.append(.configurationChanged(log.configuration)) }
    }

    mutating func commit(upTo index: LogIndex) {
        precondition(index >= commitIndex, "the commit index went back")
        precondition(index <= log.lastIndex, "committing what the log does not have")
        hardState.commitIndex = index
    }

    /// Forgets entries up to `point`, which the log has.
    mutating func compact(to point: SnapshotPoint) { log.compact(to: point) }

    // MARK: - What a leader sends

    /// AppendEntries receiver (figure 2), in the current term and from its leader.
    ///
    /// - Returns: the answer to the leader.
    mutating func receiveAppend(_ append: AppendEntries, into effects: inout Effects) -> Message.Body {
        // Entries that are committed here match in any case. They are not looked at: they may be compacted.
        let skipped = min(max(commitIndex - append.previousIndex, 0), append.entries.count)
        let previous = append.previousIndex + skipped
        if previous < commitIndex { return .appendAccepted(matchIndex: commitIndex) }
        let previousTerm = skipped > 0 ? log.term(at: previous) : append.previousTerm
        guard let previousTerm, log.matches(index: previous, term: previousTerm) else {
            let hint = log.lastIndex(upTo: append.previousIndex, termUpTo: append.previousTerm)
            return .appendRejected(
                previousIndex: append.previousIndex,
                hintIndex: hint,
                hintTerm: log.term(at: hint) ?? .zero
            )
        }
        merge(append.entries.dropFirst(skipped), after: previous, into: &effects)
        let lastNew = append.previousIndex + append.entries.count
        commit(upTo: max(commitIndex, min(append.commitIndex, lastNew)))
        return .appendAccepted(matchIndex: lastNew)
    }

    /// Appends the entries that the log lacks. The log is cut only at a conflict: an old append must not undo newer
    /// ones.
    private mutating func merge(
        _ entries: ArraySlice<EntryHeader>,
        after previous: LogIndex,
        into effects: inout Effects
    ) {
        var index = previous
        for position in entries.indices {
            index = index.next
            let header = entries[position]
            if log.matches(index: index, term: header.term) { continue }
            if index <= log.lastIndex { truncate(from: index, into: &effects) }
            precondition(header.term <= term, "an entry from the future")
            append(Array(entries[position...]), into: &effects)
            return
        }
    }

    /// Learns a commit index by a heartbeat. The leader names no index beyond this replica's match index.
    mutating func receiveCommitIndex(_ index: LogIndex) {
        if index > commitIndex, index <= log.lastIndex { commit(upTo: index) }
    }

    /// The entry is committed. Where this log has that very entry, all entries before it are committed here as well
    /// (log matching).
    mutating func learnCommitted(_ index: LogIndex, term: Term) {
        guard index > commitIndex, log.matches(index: index, term: term) else { return }
        commit(upTo: index)
    }

    // MARK: - What a leader proposes

    /// Why the leader may not propose this configuration now; nil where it may.
    func rejection(of proposed: Configuration) -> Rejection? {
        // Two changes in flight could have disjoint quorums, also across leaders: the change of an earlier one counts
        // until an entry of this term is committed (Ongaro, raft-dev, 2015).
        guard hasCommittedInTerm else { return .leaderNotReady }
        let isSettled = log.configurationIndex <= commitIndex && !log.configuration.isJoint
        guard isSettled || Mutant.isOn(.changesInFlight) else { return .configurationInFlight }
        return log.configuration.mayBeFollowed(by: proposed) ? nil : .unsafeConfiguration
    }

    // MARK: - Snapshots (Raft dissertation, chapter 5)

    /// How far this log reaches as the leader's does, when it needs no snapshot at `point`; nil when it needs one.
    mutating func matchIndex(withSnapshotAt point: SnapshotPoint) -> LogIndex? {
        if point.index <= commitIndex { return commitIndex }
        guard log.matches(index: point.index, term: point.term) else { return nil }
        commit(upTo: point.index)
        return point.index
    }

    /// The state machine holds the snapshot at `point`, durably. Where the log has the entry of the point, the entries
    /// behind that one are kept; otherwise the snapshot takes the place of the whole log.
    ///
    /// - Returns: false when the snapshot lacks what is committed here. Nothing is changed then.
    mutating func installSnapshot(at point: SnapshotPoint) -> Bool {
        let isOnLog = log.matches(index: point.index, term: point.term)
        guard point.index > commitIndex || isOnLog, point.index >= log.snapshot.index else { return false }
        if isOnLog {
            log.compact(to: point)
            queue.installSnapshot(at: point.index)
        } else {
            log.reset(to: point)
            queue.reset(to: point.index)
        }
        commit(upTo: max(commitIndex, point.index))
        return true
    }
}
