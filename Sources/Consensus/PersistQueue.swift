/// The durable-output queue: the writes that are on their way to the disk, what is durable, and the messages that
/// promise what is not durable yet.
///
/// An index alone does not say what is durable: entries may be written, truncated and written again with other terms
/// while the first write is still under way (the ABA problem). So each write has a sequence number, and a truncation
/// takes from older writes the entries that they do not make durable any more.
struct PersistQueue: Sendable {
    private struct Write {
        let sequence: UInt64
        let term: Term
        let vote: ReplicaID?
        /// The last entry of the write that is still part of the log, `nil` for none.
        var lastIndex: LogIndex?
    }

    private var writes: [Write] = []
    private(set) var lastSequence: UInt64 = 0
    private(set) var durableSequence: UInt64 = 0
    /// The log is durable up to here, with the entries it has now.
    private(set) var durableIndex: LogIndex
    private(set) var durableTerm: Term
    private(set) var durableVote: ReplicaID?

    // What the last write held of the hard state, so that it is written again only when it has changed.
    private var writtenTerm: Term
    private var writtenVote: ReplicaID?

    // Of the current step.
    /// The first entry that the step has added or replaced: its write begins there.
    private var firstChangedIndex: LogIndex?
    /// Messages that leave when the step's write is durable.
    private var deferred: [Message] = []

    init(index: LogIndex, hardState: HardState) {
        durableIndex = index
        durableTerm = hardState.term
        durableVote = hardState.vote
        writtenTerm = hardState.term
        writtenVote = hardState.vote
    }

    var isIdle: Bool { writes.isEmpty }

    // MARK: - What changes the log

    /// The step's write holds the entry at `index` and all after it.
    mutating func noteChange(from index: LogIndex) {
        firstChangedIndex = min(firstChangedIndex ?? index, index)
    }

    /// Entries from `index` on were replaced: no earlier write makes them durable.
    mutating func truncate(from index: LogIndex) {
        noteChange(from: index)
        durableIndex = min(durableIndex, index.previous)
        for position in writes.indices {
            guard let last = writes[position].lastIndex, last >= index else { continue }
            writes[position].lastIndex = index.previous
        }
    }

    /// A snapshot took the place of the log up to `index`.
    mutating func installSnapshot(at index: LogIndex) {
        durableIndex = max(durableIndex, index)
    }

    /// The whole log gave way to a snapshot at `index`.
    mutating func reset(to index: LogIndex) {
        // The disk sees a truncation, so that no older write brings back the entries that followed.
        noteChange(from: index.next)
        durableIndex = index
        for position in writes.indices { writes[position].lastIndex = nil }
    }

    // MARK: - Output

    /// Sends now what promises nothing that is not durable yet. Any other message leaves with the step's write.
    ///
    /// - Parameters:
    ///   - message: of this replica's present term.
    ///   - vote: that this replica has given in that term.
    mutating func send(_ message: Message, vote: ReplicaID?, into effects: inout Effects) {
        if isDurable(message, vote: vote) {
            effects.append(.send(message))
        } else {
            deferred.append(message)
        }
    }

    /// Whether everything that `message` promises has reached the disk.
    private func isDurable(_ message: Message, vote: ReplicaID?) -> Bool {
        // A term that is shown to others must survive a crash.
        guard durableTerm == message.term else { return false }
        switch message.body {
        case .requestVote: return durableVote == vote
        case .voteResponse(let granted): return !granted || durableVote == vote
        case .appendAccepted(let matchIndex): return matchIndex <= durableIndex
        case .preVote, .preVoteResponse, .appendEntries, .appendRejected, .heartbeat, .heartbeatResponse,
            .installSnapshot, .snapshotRejected, .timeoutNow:
            return true
        }
    }

    /// Where the step's write begins; nil when the step leaves nothing to write and no message that waits.
    ///
    /// - Parameter lastIndex: of the log. A write without entries begins behind it.
    func firstIndexToWrite(_ hardState: HardState, lastIndex: LogIndex) -> LogIndex? {
        precondition(hardState.term >= writtenTerm, "the term went back")
        precondition(
            hardState.term > writtenTerm || writtenVote == nil || hardState.vote == writtenVote,
            "a vote was changed"
        )
        guard isNew(hardState) || firstChangedIndex != nil || !deferred.isEmpty else { return nil }
        return firstChangedIndex ?? lastIndex.next
    }

    private func isNew(_ hardState: HardState) -> Bool {
        hardState.term != writtenTerm || hardState.vote != writtenVote
    }

    /// Writes what the step has changed, together with the messages that wait for it. A write without content only
    /// keeps its messages behind the writes that are under way.
    ///
    /// - Parameter entries: the log from `firstIndex` to its end.
    mutating func write(
        _ hardState: HardState,
        entries: [EntryHeader],
        from firstIndex: LogIndex,
        into effects: inout Effects
    ) {
        lastSequence += 1
        let lastIndex = entries.isEmpty ? nil : firstIndex + (entries.count - 1)
        writes.append(
            Write(sequence: lastSequence, term: hardState.term, vote: hardState.vote, lastIndex: lastIndex)
        )
        effects.append(
            .persist(
                Persist(
                    sequence: lastSequence,
                    hardState: isNew(hardState) || !entries.isEmpty ? hardState : nil,
                    firstIndex: firstIndex,
                    entries: entries,
                    messages: deferred
                )
            )
        )
        writtenTerm = hardState.term
        writtenVote = hardState.vote
        firstChangedIndex = nil
        deferred.removeAll(keepingCapacity: true)
    }

    /// The write with this sequence number and all before it are durable.
    mutating func complete(upTo sequence: UInt64) {
        precondition(sequence <= lastSequence, "something durable that was never written")
        guard sequence > durableSequence else { return }
        let done = writes.prefix { $0.sequence <= sequence }
        for write in done {
            if let last = write.lastIndex { durableIndex = max(durableIndex, last) }
            durableTerm = write.term
            durableVote = write.vote
        }
        writes.removeFirst(done.count)
        durableSequence = sequence
    }
}
