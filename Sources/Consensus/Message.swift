/// A message between two replicas of one group. The group travels in the envelope of the shell.
public struct Message: Hashable, Sendable {
    /// The replica that sends the message.
    public let from: ReplicaID
    /// The replica that the message is for; any other drops it.
    public let to: ReplicaID
    /// The sender's term; for pre-votes the term it would campaign in.
    public let term: Term
    /// What is said.
    public let body: Body

    public init(from: ReplicaID, to: ReplicaID, term: Term, body: Body) {
        self.from = from
        self.to = to
        self.term = term
        self.body = body
    }

    /// The kinds of messages (Raft paper, figure 2, and the sections of the dissertation that the cases name).
    public enum Body: Hashable, Sendable {
        /// "Would you vote for me?" Changes nothing at the receiver (Raft dissertation, section 9.6).
        case preVote(lastIndex: LogIndex, lastTerm: Term)
        case preVoteResponse(granted: Bool)
        /// `byTransfer` lets the receiver vote although it still hears a leader (leadership transfer).
        case requestVote(lastIndex: LogIndex, lastTerm: Term, byTransfer: Bool)
        case voteResponse(granted: Bool)
        case appendEntries(AppendEntries)
        /// The follower's log matches the leader's up to `matchIndex`, durably.
        case appendAccepted(matchIndex: LogIndex)
        /// The entry at `previousIndex` did not match. `hint*` say where to look next: the follower's last possible
        /// match (index and term), so that whole terms are skipped at once (Raft paper, section 5.3, end).
        case appendRejected(previousIndex: LogIndex, hintIndex: LogIndex, hintTerm: Term)
        /// `readSequence` is the newest read-index round the leader wants confirmed; 0 when there is none.
        case heartbeat(commitIndex: LogIndex, readSequence: UInt64)
        case heartbeatResponse(readSequence: UInt64)
        /// The follower needs state that the leader's log no longer holds: it is to fetch this snapshot.
        case installSnapshot(SnapshotPoint)
        /// The follower could not use the snapshot offer; the leader probes again.
        case snapshotRejected(index: LogIndex)
        /// Campaign at once (leadership transfer, Raft dissertation, section 3.10).
        case timeoutNow
    }
}

/// The header of an append: the payloads of `entries` travel beside it, in the same order.
public struct AppendEntries: Hashable, Sendable {
    /// The index of the entry just before `entries` (`prevLogIndex`).
    public let previousIndex: LogIndex
    /// The leader's term of the entry at `previousIndex` (`prevLogTerm`).
    public let previousTerm: Term
    /// Headers of the entries that follow `previousIndex`, contiguous.
    public let entries: [EntryHeader]
    /// The leader's commit index (`leaderCommit`). It may lie behind the last of `entries`.
    public let commitIndex: LogIndex

    public init(previousIndex: LogIndex, previousTerm: Term, entries: [EntryHeader], commitIndex: LogIndex) {
        self.previousIndex = previousIndex
        self.previousTerm = previousTerm
        self.entries = entries
        self.commitIndex = commitIndex
    }
}
