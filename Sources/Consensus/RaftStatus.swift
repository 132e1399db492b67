/// A replica at a glance, for admins and tests.
public struct RaftStatus: Hashable, Sendable {
    public let id: ReplicaID
    public let role: RoleKind
    public let term: Term
    public let vote: ReplicaID?
    public let leader: ReplicaID?
    public let firstIndex: LogIndex
    public let lastIndex: LogIndex
    public let durableIndex: LogIndex
    public let commitIndex: LogIndex
    public let appliedIndex: LogIndex
    public let uncommittedBytes: Int
    public let configuration: Configuration
    public let transferTarget: ReplicaID?
    /// The snapshot that is being installed, if any.
    public let installing: SnapshotPoint?
    /// What a leader knows of the others, sorted by replica; empty in other roles.
    public let peers: [PeerStatus]
}

/// What a leader knows of one peer.
public struct PeerStatus: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        case probe(paused: Bool)
        case replicate(inflightEntries: Int, inflightBytes: Int)
        case snapshot(index: LogIndex)
    }

    public let replica: ReplicaID
    public let state: State
    public let matchIndex: LogIndex
    public let nextIndex: LogIndex
    /// Entries of the leader's log that the peer is not known to have.
    public let lag: Int
    /// Heard of since the last check of the quorum.
    public let isActive: Bool
    /// Not heard of for an election timeout at some time since this replica leads.
    public let wasAway: Bool
}

extension RaftNode {
    public var status: RaftStatus {
        RaftStatus(
            id: id,
            role: role,
            term: term,
            vote: vote,
            leader: leader,
            firstIndex: firstIndex,
            lastIndex: lastIndex,
            durableIndex: durableIndex,
            commitIndex: commitIndex,
            appliedIndex: appliedIndex,
            uncommittedBytes: uncommittedBytes,
            configuration: configuration,
            transferTarget: transfer?.target,
            installing: pendingSnapshot,
            peers: peerStatus
        )
    }

    public var peerStatus: [PeerStatus] {
        peers.map { peer in
            let state: PeerStatus.State =
                switch peer.state {
                case .probe(let paused): .probe(paused: paused)
                case .replicate(let window): .replicate(inflightEntries: window.entries, inflightBytes: window.bytes)
                case .snapshot(let index, _): .snapshot(index: index)
                }
            return PeerStatus(
                replica: peer.replica,
                state: state,
                matchIndex: peer.matchIndex,
                nextIndex: peer.nextIndex,
                lag: lastIndex - peer.matchIndex,
                isActive: peer.isActive,
                wasAway: peer.wasAway
            )
        }
    }
}
