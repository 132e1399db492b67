/// The limits and timings of a replica. Time is counted in ticks of the shell's election clock.
public struct RaftSettings: Hashable, Sendable {
    /// A follower that hears no leader for this many ticks (up to twice as many, drawn at random) campaigns.
    public var electionTimeoutTicks: Int
    /// A leader sends heartbeats once in so many ticks.
    public var heartbeatTicks: Int
    /// Entries under way to one peer, which has not answered for them yet.
    public var maxInflightEntries: Int
    /// Payload bytes under way to one peer. While nothing is under way, one entry of any size is sent.
    public var maxInflightBytes: Int
    /// Entries in one append.
    public var maxAppendEntries: Int
    /// Payload bytes in one append. An entry that is larger goes alone.
    public var maxAppendBytes: Int
    /// A peer that has no entry is sent the log from the beginning where it is not larger, in payload bytes, and a
    /// snapshot otherwise.
    public var maxBytesFromTheBeginning: Int
    /// Payload bytes that the leader has taken in and that are not committed yet, or not on its own disk.
    public var maxUncommittedBytes: Int
    /// Reads that wait for a quorum to confirm the leader.
    public var maxPendingReads: Int
    /// Whether a replica asks for pre-votes before it campaigns (Raft dissertation, section 9.6).
    public var preVote: Bool
    /// A leader that hears no quorum for an election timeout steps down (section 6.2), and a replica that hears a
    /// leader ignores vote requests (section 4.2.3).
    public var checkQuorum: Bool
    /// How long a quorum's answer lets the leader serve reads alone (section 6.4.1), counted from when the question
    /// was sent. `nil` turns leases off. At least two ticks shorter than the election timeout, because the clocks of
    /// two replicas tick out of phase.
    public var leaseTicks: Int?

    /// The given limits. What does not fit together is found when a ``RaftNode`` is made, which traps.
    public init(
        electionTimeoutTicks: Int = 10,
        heartbeatTicks: Int = 1,
        maxInflightEntries: Int = 4096,
        maxInflightBytes: Int = 16 << 20,
        maxAppendEntries: Int = 512,
        maxAppendBytes: Int = 2 << 20,
        maxBytesFromTheBeginning: Int = 2 << 20,
        maxUncommittedBytes: Int = 64 << 20,
        maxPendingReads: Int = 65_536,
        preVote: Bool = true,
        checkQuorum: Bool = true,
        leaseTicks: Int? = nil
    ) {
        self.electionTimeoutTicks = electionTimeoutTicks
        self.heartbeatTicks = heartbeatTicks
        self.maxInflightEntries = maxInflightEntries
        self.maxInflightBytes = maxInflightBytes
        self.maxAppendEntries = maxAppendEntries
        self.maxAppendBytes = maxAppendBytes
        self.maxBytesFromTheBeginning = maxBytesFromTheBeginning
        self.maxUncommittedBytes = maxUncommittedBytes
        self.maxPendingReads = maxPendingReads
        self.preVote = preVote
        self.checkQuorum = checkQuorum
        self.leaseTicks = leaseTicks
    }

    /// For how long a peer counts as one that does not want the leadership after it has declined it: it stops, and is
    /// gone soon, and may come back.
    var declineTicks: Int { 10 * electionTimeoutTicks }

    /// Stops at settings under which the protocol would be unsafe or never make progress.
    func check() {
        precondition(heartbeatTicks >= 1 && electionTimeoutTicks > heartbeatTicks, "elections outrun heartbeats")
        precondition(maxInflightEntries >= 1 && maxInflightBytes >= 1, "the window is closed")
        precondition(maxAppendEntries >= 1 && maxAppendBytes >= 1, "an append could carry nothing")
        if let leaseTicks {
            precondition(checkQuorum, "a lease needs voters that stick to their leader")
            precondition(leaseTicks >= 1 && leaseTicks + 2 <= electionTimeoutTicks, "the lease outlives the leader")
        }
    }
}
