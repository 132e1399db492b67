/// What a replica is in its present term (Raft paper, figure 4), with the pre-candidate of a pre-vote (dissertation,
/// section 9.6).
public enum RoleKind: UInt8, Hashable, Sendable {
    case follower, preCandidate, candidate, leader
}

/// Why the core refused a proposal or a read. Nothing happened in any of these cases.
public enum Rejection: Hashable, Sendable {
    /// This replica does not lead; `leader` is the one it knows, if any.
    case notLeader(leader: ReplicaID?)
    /// The leader is handing over and takes nothing new until that is decided.
    case transferring
    /// The bytes proposed but not yet committed have reached their limit.
    case tooManyUncommittedBytes
    /// More reads wait for the leader to be confirmed than is allowed.
    case tooManyPendingReads
    /// Another configuration change is still in flight.
    case configurationInFlight
    /// The configuration cannot follow the current one in a safe way.
    case unsafeConfiguration
    /// The leader has not yet committed an entry of its own term, and so can neither answer reads (ReadIndex) nor
    /// change the configuration.
    case leaderNotReady
    /// Only another voter can take over leadership.
    case notAVoter
}

/// What the shell has to do, in the order given.
public enum Effect: Hashable, Sendable {
    /// Send now. An `appendEntries` goes out with the payloads that its headers name.
    case send(Message)
    /// Make durable, in sequence order; then send `messages`; then step `.persisted(sequence:)`.
    case persist(Persist)
    /// The proposal batch has these positions. The shell stores the payloads under them before the persist effect.
    case accepted(first: LogIndex, term: Term, count: Int)
    case rejected(Rejection)
    /// Entries up to `upTo` are committed: apply what has not been applied yet. Never goes back.
    case apply(upTo: LogIndex)
    /// The read with this ID may be served once the state machine has applied `index`.
    case readReady(id: UInt64, index: LogIndex)
    case readRejected(id: UInt64, Rejection)
    /// Fetch the snapshot at (or past) this point from the replica `from` and install it. The shell makes the snapshot
    /// live only after every persist effect so far is durable. Where the log lacks the entry of the point, the shell
    /// drops the log.
    case installSnapshot(SnapshotPoint, from: ReplicaID)
    /// A replica sent what no correct one sends. Nothing was changed; for a snapshot that is live already, the group
    /// cannot go on here.
    case contradicted(Contradiction, by: ReplicaID)
    /// The role, term or known leader changed.
    case roleChanged(RoleKind, term: Term, leader: ReplicaID?)
    /// The configuration in force changed (appended, rolled back, or from a snapshot).
    case configurationChanged(Configuration)
}

/// One durable step. Everything in it reaches the disk before any of `messages` leaves (rule: acknowledged means
/// durable).
public struct Persist: Hashable, Sendable {
    /// Rises by one with every persist effect of this replica.
    public let sequence: UInt64
    /// The new hard state, when it changed.
    public let hardState: HardState?
    /// Index of the first entry of `entries`; everything the log held from here on is replaced.
    public let firstIndex: LogIndex
    /// Headers of the entries to write, contiguous from `firstIndex`; empty where only the hard state changed.
    public let entries: [EntryHeader]
    /// Messages that promise what is made durable here.
    public let messages: [Message]

    public init(
        sequence: UInt64,
        hardState: HardState?,
        firstIndex: LogIndex,
        entries: [EntryHeader],
        messages: [Message]
    ) {
        self.sequence = sequence
        self.hardState = hardState
        self.firstIndex = firstIndex
        self.entries = entries
        self.messages = messages
    }
}

/// The effects of a step, in order. Reused between steps to spare allocations.
public struct Effects: Sendable {
    /// All effects since the last ``removeAll()``, oldest first.
    public var list: [Effect] = []
    /// No effects.
    public init() {}
    /// Adds an effect behind all others.
    public mutating func append(_ effect: Effect) { list.append(effect) }
    /// Forgets all effects and keeps their storage for the next step.
    public mutating func removeAll() { list.removeAll(keepingCapacity: true) }
}
