/// Reads that wait for the proof that this replica still leads: ReadIndex, by rounds of heartbeats (Raft dissertation,
/// section 6.4), and the lease that answered rounds give (section 6.4.1). Empty in every other role.
struct ReadQueue: Sendable {
    private struct Waiting: Sendable {
        let id: UInt64
        let index: LogIndex
        /// The round of heartbeats that was sent after the read came in.
        let round: UInt64
    }

    private let leaseTicks: Int?
    private let maxPendingReads: Int
    /// The newest round that was sent. The number rises for the life of the replica, so that no answer fits two rounds.
    private(set) var round: UInt64 = 0
    private var waiting: [Waiting] = []
    /// When the rounds that no quorum has confirmed yet were sent; kept for leases only.
    private var sent: [(round: UInt64, at: UInt64)] = []
    private var leaseEnd: UInt64 = 0
    /// Whether this term's leases are void, since a successor may have been told to ignore them.
    private var isLeaseForfeited = false

    /// As in a replica that does not lead.
    init(_ settings: RaftSettings) {
        leaseTicks = settings.leaseTicks
        maxPendingReads = settings.maxPendingReads
    }

    var isEmpty: Bool { waiting.isEmpty }
    /// Whether any answer to a round matters.
    var awaitsAnswers: Bool { !waiting.isEmpty || !sent.isEmpty }
    /// Whether reads gather for a round that was not sent yet.
    var isGathering: Bool { waiting.last.map { $0.round > round } ?? false }
    /// Whether reads wait for a round that was not sent yet, and none for one that was.
    var isRoundDue: Bool { waiting.first.map { $0.round > round } ?? false }

    /// The leader gives its lease up for the rest of its term.
    mutating func forfeitLease() { isLeaseForfeited = true }

    /// Serves a read at once where no other replica can lead. Any other read waits for the next round: while a round is
    /// under way, reads gather, as a round costs the same for one read or a thousand.
    ///
    /// - Parameters:
    ///   - index: what is committed now.
    ///   - isQuorumAlone: whether the leader is a majority by itself.
    ///   - now: in ticks of the leader, as in all of this type.
    /// - Returns: whether a round is to begin, because no other read waits.
    mutating func addRead(
        _ id: UInt64,
        at index: LogIndex,
        isQuorumAlone: Bool,
        now: UInt64,
        into effects: inout Effects
    ) -> Bool {
        if isQuorumAlone || holdsLease(at: now) {
            effects.append(.readReady(id: id, index: index))
            return false
        }
        guard waiting.count < maxPendingReads else {
            effects.append(.readRejected(id: id, .tooManyPendingReads))
            return false
        }
        let wasEmpty = waiting.isEmpty
        waiting.append(Waiting(id: id, index: index, round: round + 1))
        return wasEmpty
    }

    private func holdsLease(at now: UInt64) -> Bool {
        leaseTicks != nil && !isLeaseForfeited && now < leaseEnd
    }

    /// Begins a round: the heartbeats that are sent now carry its number.
    mutating func beginRound(at now: UInt64) {
        round += 1
        if leaseTicks != nil { sent.append((round: round, at: now)) }
    }

    /// Serves the reads whose round a quorum has answered: no other replica led when they came in.
    mutating func confirm(upTo confirmed: UInt64, into effects: inout Effects) {
        while let read = waiting.first, read.round <= confirmed {
            effects.append(.readReady(id: read.id, index: read.index))
            waiting.removeFirst()
        }
        guard let leaseTicks else { return }
        while let answered = sent.first, answered.round <= confirmed {
            leaseEnd = max(leaseEnd, answered.at + UInt64(leaseTicks))
            sent.removeFirst()
        }
    }

    /// The leadership ends, and every read that waits is refused.
    mutating func rejectAll(into effects: inout Effects) {
        for read in waiting { effects.append(.readRejected(id: read.id, .notLeader(leader: nil))) }
        waiting.removeAll()
        sent.removeAll()
        leaseEnd = 0
        isLeaseForfeited = false
    }
}
