/// The leadership of a group at rest: the leader, its term, and the end of the log, which all replicas have committed.
public struct Leadership: Hashable, Sendable {
    /// The replica that leads.
    public let leader: ReplicaID
    /// The term that it leads.
    public let term: Term
    /// The last entry of every log. It is committed and applied.
    public let lastIndex: LogIndex

    public init(leader: ReplicaID, term: Term, lastIndex: LogIndex) {
        self.leader = leader
        self.term = term
        self.lastIndex = lastIndex
    }
}

/// A replica of which something was heard while this one's clock stood still, and how long ago that was.
public struct Heard: Hashable, Sendable {
    /// The replica that was heard of.
    public let replica: ReplicaID
    /// Ticks since then, by this replica's clock had it not stood still.
    public let ticksAgo: Int

    public init(_ replica: ReplicaID, ticksAgo: Int) {
        self.replica = replica
        self.ticksAgo = ticksAgo
    }
}

/// Rest: nothing is under way in the group, and heartbeats would only prove that leader and followers are there. A
/// shell that has this proof from elsewhere may stop the clock of a replica at rest. The shell makes up for the time by
/// the event `rested`, before it steps anything else.
///
/// Rest changes nothing of what a replica may do: safety depends on no clock. Leases do depend on one, so with leases
/// no replica rests.
extension RaftNode {
    /// The leadership that this follower follows, when nothing is under way here.
    public var restAsFollower: Leadership? {
        guard role == .follower, let leader, leader != id, isSettled else { return nil }
        return Leadership(leader: leader, term: term, lastIndex: lastIndex)
    }

    /// The leadership that this leader holds, when nothing is under way here.
    public var restAsLeader: Leadership? {
        guard role == .leader, isSettled, !configuration.isJoint, configuration.learners.isEmpty,
            transfer.target == nil, reads.isEmpty, lastTerm == term
        else { return nil }
        return Leadership(leader: id, term: term, lastIndex: lastIndex)
    }

    /// Whether a node is there, as far as the shell knows.
    public enum Presence: Hashable, Sendable {
        case present
        /// The node was not heard of for long: a leader does not wait for replicas on it.
        case gone
        /// The node may be there or gone.
        case unclear
    }

    /// The peers that are known to have this leader's whole log and to have been heard of lately, sorted by replica.
    ///
    /// - Returns: nil when some peer is neither at rest nor gone, or when those at rest and this replica are no quorum.
    public func peersAtRest(_ presence: (NodeID) -> Presence) -> [Member]? {
        let peers = replication.peersAtRest(in: configuration, lastIndex: lastIndex, presence)
        guard let peers, isQuorum({ replica in peers.contains { $0.replica == replica } }) else { return nil }
        return peers
    }

    private var isSettled: Bool {
        settings.leaseTicks == nil && persistent.isSettled && appliedIndex == lastIndex
            && !isInstalling && transfer.takeOverTerm != term
    }

    /// Whether this follower, woken now, would campaign at its next tick.
    ///
    /// - Parameters: as of the event `rested`.
    public func isElectionDue(ticks: Int, heard: [Heard]) -> Bool { election.isDue(ticks: ticks, heard: heard) }

    /// Makes up for the ticks of a rest.
    mutating func rested(ticks: Int, heard: [Heard]) {
        now += UInt64(ticks)
        switch role {
        case .leader:
            let quorum = configuration.quorum
            let isHeard = replication.makeUpForRest(heard: heard, own: id, quorum: quorum, settings)
            election.makeUpForLeadersRest(ticks: ticks, isHeardByQuorum: isHeard)
        case .follower, .preCandidate, .candidate:
            election.makeUpForRest(ticks: ticks, heard: heard)
        }
    }
}
