/// The writes that are on their way to the disk, and what is durable.
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

    init(index: LogIndex, hardState: HardState) {
        durableIndex = index
        durableTerm = hardState.term
        durableVote = hardState.vote
    }

    var isIdle: Bool { writes.isEmpty }

    /// Entries from `index` on were replaced: no earlier write makes them durable.
    mutating func truncate(from index: LogIndex) {
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
        durableIndex = index
        for position in writes.indices { writes[position].lastIndex = nil }
    }

    mutating func enqueue(hardState: HardState, lastIndex: LogIndex?) -> UInt64 {
        lastSequence += 1
        writes.append(
            Write(sequence: lastSequence, term: hardState.term, vote: hardState.vote, lastIndex: lastIndex)
        )
        return lastSequence
    }

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
