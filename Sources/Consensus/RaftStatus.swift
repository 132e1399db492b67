/// A replica at a glance, for admins and tests.
public struct RaftStatus: Hashable, Sendable {
    /// The replica that is described.
    public let id: ReplicaID
    /// What the replica is in `term`.
    public let role: RoleKind
    /// The latest term that the replica has seen.
    public let term: Term
    /// The candidate that has its vote in `term`, if any.
    public let vote: ReplicaID?
    /// The leader of `term` as far as the replica knows.
    public let leader: ReplicaID?
    /// The first entry that its log still holds, or would hold next.
    public let firstIndex: LogIndex
    /// The last entry of its log, durable or not.
    public let lastIndex: LogIndex
    /// The last entry of its log that its disk has.
    public let durableIndex: LogIndex
    /// The last entry that it knows to be committed.
    public let commitIndex: LogIndex
    /// The last entry that its state machine has applied.
    public let appliedIndex: LogIndex
    /// Payload bytes that count against ``RaftSettings/maxUncommittedBytes``; 0 unless it leads.
    public let uncommittedBytes: Int
    /// The configuration in force, committed or not.
    public let configuration: Configuration
    /// The replica that leadership is being handed to, if any.
    public let transferTarget: ReplicaID?
    /// The snapshot that is being installed, if any.
    public let installing: SnapshotPoint?
    /// What a leader knows of the others, sorted by replica; empty in other roles.
    public let peers: [PeerStatus]
}

/// What a leader knows of one peer.
public struct PeerStatus: Hashable, Sendable {
    /// How the leader sends to the peer.
    public enum State: Hashable, Sendable {
        case probe(paused: Bool)
        case replicate(inflightEntries: Int, inflightBytes: Int)
        case snapshot(index: LogIndex)
    }

    /// The peer.
    public let replica: ReplicaID
    /// How the leader sends to it now.
    public let state: State
    /// The peer's log equals the leader's up to here, durably.
    public let matchIndex: LogIndex
    /// The first entry that is sent to the peer next.
    public let nextIndex: LogIndex
    /// Entries of the leader's log that the peer is not known to have.
    public let lag: Int
    /// The peer was heard of since the last check of the quorum.
    public let isActive: Bool
    /// At some time since this replica leads, the peer was not heard of for an election timeout.
    public let wasAway: Bool
    /// The peer has declined the leadership, within ``RaftSettings/declineTicks``.
    public let hasDeclined: Bool
}

extension RaftStatus {
    /// The picture of `node` as it stands between two steps.
    init(_ node: RaftNode) {
        self.init(
            id: node.id,
            role: node.role,
            term: node.term,
            vote: node.vote,
            leader: node.leader,
            firstIndex: node.firstIndex,
            lastIndex: node.lastIndex,
            durableIndex: node.durableIndex,
            commitIndex: node.commitIndex,
            appliedIndex: node.appliedIndex,
            uncommittedBytes: node.uncommittedBytes,
            configuration: node.configuration,
            transferTarget: node.transferTarget,
            installing: node.installation.pending,
            peers: node.peerStatus
        )
    }
}

extension PeerStatus {
    /// - Parameter now: in ticks of the leader.
    init(_ peer: Progress, lastIndex: LogIndex, now: UInt64, declineTicks: Int) {
        replica = peer.replica
        state =
            switch peer.state {
            case .probe(let paused): .probe(paused: paused)
            case .replicate(let window): .replicate(inflightEntries: window.entries, inflightBytes: window.bytes)
            case .snapshot(let index, _): .snapshot(index: index)
            }
        matchIndex = peer.matchIndex
        nextIndex = peer.nextIndex
        lag = lastIndex - peer.matchIndex
        isActive = peer.isActive
        wasAway = peer.wasAway
        hasDeclined = peer.declinedAt.map { now < $0 + UInt64(declineTicks) } ?? false
    }
}
