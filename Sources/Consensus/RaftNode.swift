/// One replica of one Raft group as a pure machine (Ongaro and Ousterhout, "In Search of an Understandable Consensus
/// Algorithm", and Ongaro's dissertation).
///
/// The shell feeds it events and carries out the effects, in order. The core sees headers only; payloads stay with the
/// shell, addressed by index. Storage is asynchronous: the core never waits for a write, and whatever promises that
/// something is durable rides in the `Persist` effect that makes it so.
///
/// The parts of the machine own their states. This type decides which of them an event concerns, and carries what one
/// part has found out to the others.
public struct RaftNode: Sendable {
    /// This replica. An ID is never used again, so that what one replica promised binds no other.
    public let id: ReplicaID
    /// Limits and timings; fixed for the life of the machine.
    public let settings: RaftSettings

    @usableFromInline var persistent: PersistentState
    @usableFromInline var election: Election
    /// The last entry that the state machine has applied, as far as the shell has said.
    public internal(set) var appliedIndex: LogIndex
    var installation: SnapshotInstallation
    /// Ticks since this replica began.
    var now: UInt64 = 0
    var transfer = Transfer()
    var announced: Announced

    // What a leader knows, besides. Empty in every other role.
    @usableFromInline var replication = Replication()
    var reads: ReadQueue

    /// A replica as it comes back from its disk, or as it first begins.
    ///
    /// - Parameters:
    ///   - snapshot: where the log begins. A new group begins at index 0 with its first configuration, a replica that
    ///     is to join a group with an empty one.
    ///   - headers: the durable entries after `snapshot.index`. Where the stored log does not hold the entry
    ///     `(snapshot.index, snapshot.term)` (or did not when it was cut there), nothing of it follows the snapshot and
    ///     this is empty.
    ///   - appliedIndex: what the state machine holds durably.
    ///   - isStateLost: the state machine holds nothing, because a snapshot was being installed. Until one is, this
    ///     replica votes with the log it has and adds to it, but applies nothing and does not campaign.
    ///   - seed: of the election timeouts.
    public init(
        id: ReplicaID,
        settings: RaftSettings,
        hardState: HardState,
        snapshot: SnapshotPoint,
        headers: [EntryHeader],
        appliedIndex: LogIndex,
        isStateLost: Bool = false,
        seed: UInt64
    ) {
        settings.check()
        self.id = id
        self.settings = settings
        let log = HeaderLog(snapshot: snapshot, headers: headers)
        persistent = PersistentState(id: id, hardState: hardState, log: log, appliedIndex: appliedIndex)
        election = Election(settings, seed: seed)
        self.appliedIndex = appliedIndex
        installation = SnapshotInstallation(pending: isStateLost ? snapshot : nil)
        reads = ReadQueue(settings)
        announced = Announced(term: hardState.term, applyIndex: appliedIndex)
        election.resetTimer(of: id, in: configuration)
    }

    /// What this replica is in the present term.
    @inlinable public var role: RoleKind { election.role }
    /// The leader of the present term, if known.
    @inlinable public var leader: ReplicaID? { election.leader }
    /// The latest term that this replica has seen, perhaps not durable yet.
    public var term: Term { persistent.term }
    /// The candidate that has this replica's vote in the present term, perhaps not durable yet.
    public var vote: ReplicaID? { persistent.vote }
    /// Whether a snapshot is to take the place of the state.
    public var isInstalling: Bool { installation.pending != nil }
    /// The last entry known to be committed.
    public var commitIndex: LogIndex { persistent.commitIndex }
    /// Where the log has the configuration in force; the snapshot's index where that is older.
    public var configurationIndex: LogIndex { persistent.log.configurationIndex }
    /// The last entry of the log, perhaps not durable yet.
    public var lastIndex: LogIndex { persistent.log.lastIndex }
    /// The term of the last entry, or of the snapshot where none follows it.
    public var lastTerm: Term { persistent.log.lastTerm }
    /// The first entry that the log still holds (or would hold next).
    public var firstIndex: LogIndex { persistent.log.firstIndex }
    /// Where the log begins: the last entry that was compacted away or came with a snapshot.
    public var snapshot: SnapshotPoint { persistent.log.snapshot }
    /// The log is durable up to here.
    public var durableIndex: LogIndex { persistent.queue.durableIndex }
    /// To whom this leader is handing its leadership; nil where to nobody.
    public var transferTarget: ReplicaID? { transfer.target }
    /// Payload bytes that a leader has taken in and that are not committed yet, or not on its own disk.
    @inlinable public var uncommittedBytes: Int { replication.uncommittedBytes }
    /// Payload bytes that a leader takes in now; at least 1 where it takes any entry.
    public var proposalRoomBytes: Int { replication.roomBytes(settings) }
    /// The configuration in force: the latest in the log, committed or not.
    @inlinable public var configuration: Configuration { persistent.log.configuration }

    /// The term of the entry at `index`; `nil` where this replica does not know it (any more).
    public func term(at index: LogIndex) -> Term? { persistent.log.term(at: index) }
    /// The header of the entry at `index`, which lies between `firstIndex` and `lastIndex`.
    public func header(at index: LogIndex) -> EntryHeader { persistent.log.header(at: index) }
    /// The configuration in force at `index`, which lies between the snapshot and `lastIndex`: what a snapshot taken
    /// there must name.
    public func configuration(at index: LogIndex) -> Configuration { persistent.log.configuration(at: index) }

    /// How far the log may be cut when up to so many entries, of up to so many payload bytes, are kept behind `index`.
    public func retentionPoint(behind index: LogIndex, entries: Int, bytes: Int) -> LogIndex {
        persistent.log.retentionPoint(behind: index, entries: entries, bytes: bytes)
    }

    /// A picture of this replica as it stands between two steps.
    public var status: RaftStatus { RaftStatus(self) }
    /// What this leader knows of each peer, sorted by replica; empty in other roles.
    public var peerStatus: [PeerStatus] {
        replication.peers.map {
            PeerStatus($0, lastIndex: lastIndex, now: now, declineTicks: settings.declineTicks)
        }
    }

    /// Whether this replica and the others for which `isPresent` holds are a quorum.
    public func isQuorum(_ isPresent: (ReplicaID) -> Bool) -> Bool { persistent.isQuorum(isPresent) }

    /// Takes in one event and appends to `effects` what has to be done about it.
    public mutating func step(_ event: Event, into effects: inout Effects) {
        switch event {
        case .tick: tick(into: &effects)
        case .received(let message): receive(message, into: &effects)
        case .propose(let payloadBytes): propose(payloadBytes, into: &effects)
        case .proposeConfiguration(let configuration): proposeConfiguration(configuration, into: &effects)
        case .readIndex(let id): read(id: id, into: &effects)
        case .persisted(let sequence): persisted(sequence, into: &effects)
        case .applied(let index): applied(upTo: index, into: &effects)
        case .compacted(let point): compact(to: point)
        case .snapshotInstalled(let point): snapshotInstalled(point, into: &effects)
        case .snapshotFailed(let index):
            installation.fail(at: index, leader: leader, &persistent, into: &effects)
        // A leader counts for itself.
        case .committed(let index, let term): if role != .leader { persistent.learnCommitted(index, term: term) }
        case .unreachable(let replica): unreachable(replica)
        case .transferLeadership(let target): transferLeadership(to: target, into: &effects)
        case .declineLeadership: declineLeadership()
        case .campaign: campaignNow(into: &effects)
        case .rested(let ticks, let heard): rested(ticks: ticks, heard: heard)
        }
        finishStep(into: &effects)
    }

    /// Ends a step: what it changed is replicated, announced and made durable, each once.
    private mutating func finishStep(into effects: inout Effects) {
        if role == .leader { replicate(into: &effects) }
        announced.announceRole(role, term: term, leader: leader, into: &effects)
        // Nothing is applied before this replica's own log has it: else the state could outlive the log.
        let applicable = Mutant.isOn(.appliedBeforeDurable) ? commitIndex : min(commitIndex, durableIndex)
        announced.announceApply(upTo: applicable, into: &effects)
        persistent.flush(into: &effects)
    }

    private mutating func applied(upTo index: LogIndex, into effects: inout Effects) {
        precondition(index <= commitIndex, "applied what is not committed")
        appliedIndex = max(appliedIndex, index)
        if transfer.takeOverTerm == term { takeOver(into: &effects) }
    }

    private mutating func compact(to point: SnapshotPoint) {
        precondition(point.index <= appliedIndex, "compacted what is not applied")
        persistent.compact(to: point)
    }

    private mutating func persisted(_ sequence: UInt64, into effects: inout Effects) {
        let released = persistent.releasedIndex
        persistent.complete(upTo: sequence)
        switch role {
        case .follower, .preCandidate: break
        case .candidate:
            if persistent.isOwnVoteDurable { countVote(of: id, isGranted: true, into: &effects) }
        case .leader:
            replication.release(after: released, &persistent)
            advanceCommit(into: &effects)
        }
    }

    private mutating func tick(into effects: inout Effects) {
        now += 1
        switch role {
        case .leader: tickLeader(into: &effects)
        case .follower, .preCandidate, .candidate:
            guard election.tickTimer() else { return }
            election.resetTimer(of: id, in: configuration)
            if mayCampaign, configuration.member(id)?.priority != 0 {
                election.campaign(preVote: settings.preVote, &persistent, into: &effects)
            } else {
                election.forgetLeader()
            }
        }
    }
}
