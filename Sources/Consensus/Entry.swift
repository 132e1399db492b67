/// What an entry is for. Payload bytes are not the core's business: it counts them and never reads them.
public enum EntryKind: Hashable, Sendable {
    /// A command for the state machine; its payload travels beside the core.
    case command
    /// The empty entry with which a leader opens its term (Raft dissertation, section 6.4).
    case noop
    /// A change of membership; takes effect as soon as it is in the log, committed or not.
    case configuration(Configuration)
}

/// All that the core knows of an entry: the log position is implied by where the header stands.
///
/// The shell keeps the payloads, addressed by index, in its log and cache. So the core stays free of byte buffers,
/// and message bytes go from socket to log, peers and state by reference.
public struct EntryHeader: Hashable, Sendable {
    /// The term of the leader that took the entry in.
    public let term: Term
    /// Size of the payload in bytes, as counted against windows and limits.
    public let payloadBytes: UInt32
    /// What the entry does when it is applied.
    public let kind: EntryKind

    public init(term: Term, payloadBytes: UInt32, kind: EntryKind) {
        self.term = term
        self.payloadBytes = payloadBytes
        self.kind = kind
    }
}

/// What a replica must never forget besides its log (Raft paper, figure 2: persistent state).
public struct HardState: Hashable, Sendable {
    /// The latest term that the replica has seen (`currentTerm`).
    public var term: Term
    /// The candidate that got this replica's vote in `term` (`votedFor`); nil while it has not voted.
    public var vote: ReplicaID?
    /// A hint that spares a restart from waiting; the log itself decides what is committed.
    public var commitIndex: LogIndex

    public init(term: Term = .zero, vote: ReplicaID? = nil, commitIndex: LogIndex = .zero) {
        self.term = term
        self.vote = vote
        self.commitIndex = commitIndex
    }
}

/// The last entry that a snapshot covers, and the configuration that was in force there.
public struct SnapshotPoint: Hashable, Sendable {
    /// The index of the last entry that the snapshot covers; 0 where no entry is covered.
    public let index: LogIndex
    /// The term of the entry at `index`.
    public let term: Term
    /// The configuration in force at `index`.
    public let configuration: Configuration

    public init(index: LogIndex, term: Term, configuration: Configuration) {
        self.index = index
        self.term = term
        self.configuration = configuration
    }
}
