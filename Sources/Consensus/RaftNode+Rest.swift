/// A leadership as a quiet group has it: who leads which term, and where the log ends that all have, committed.
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

/// Rest: nothing is under way, so that nothing but the proof that leader and followers are there would be said. A
/// shell that has that proof from elsewhere may stop the clock of a replica at rest, and make up for it by `rested`
/// before anything else is stepped.
///
/// Nothing here changes what a replica may do: safety never rests on a clock. Leases would, so that with leases no
/// replica rests.
extension RaftNode {
    /// The leadership that this follower follows, when nothing is under way here.
    public var restAsFollower: Leadership? {
        guard role == .follower, let leader, leader != id, isSettled else { return nil }
        return Leadership(leader: leader, term: term, lastIndex: lastIndex)
    }

    /// The leadership that this leader holds, when nothing is under way here.
    public var restAsLeader: Leadership? {
        guard role == .leader, isSettled, !configuration.isJoint, configuration.learners.isEmpty, transfer == nil,
            reads.waiting.isEmpty,
            log.lastTerm == term
        else { return nil }
        return Leadership(leader: id, term: term, lastIndex: lastIndex)
    }

    /// How a node stands to this one, as far as the shell knows.
    public enum Presence: Hashable, Sendable {
        case present
        /// Not heard of for long: replicas on it are not waited for.
        case gone
        /// Neither the one nor the other is certain.
        case unclear
    }

    /// The peers that are known to have this leader's whole log and to have been heard of lately, sorted by replica.
    ///
    /// - Returns: nil when some peer is neither at rest nor gone, or when those at rest and this replica are no quorum.
    public func peersAtRest(_ presence: (NodeID) -> Presence) -> [Member]? {
        var resting: [Member] = []
        for peer in peers {
            guard let member = configuration.member(peer.replica) else { return nil }
            switch presence(member.node) {
            case .present:
                guard peer.isActive, peer.hasAll(upTo: lastIndex) else { return nil }
                resting.append(member)
            case .gone:
                // Not before the check of the quorum has found that out, too: what admins are told stands still.
                guard !peer.isActive else { return nil }
            case .unclear: return nil
            }
        }
        return isQuorum { replica in resting.contains { $0.replica == replica } } ? resting : nil
    }

    /// Whether this replica and the others for which `isPresent` holds are a quorum.
    public func isQuorum(_ isPresent: (ReplicaID) -> Bool) -> Bool {
        configuration.quorum.voteResult { $0 == id || isPresent($0) } == .won
    }

    private var isSettled: Bool {
        settings.leaseTicks == nil && commitIndex == lastIndex && appliedIndex == lastIndex
            && persists.isIdle && durableIndex == lastIndex && pendingSnapshot == nil && termToTakeOver != term
    }

    /// Whether this follower, woken now, would campaign at its next tick.
    ///
    /// - Parameters: as of the event `rested`.
    public func isElectionDue(ticks: Int, heard: [Heard]) -> Bool {
        let silent = heard.first { $0.replica == leader }?.ticksAgo ?? .max
        return min(electionElapsed + ticks, silent) + 1 >= electionTimeout
    }

    /// Makes up for the ticks of a rest.
    mutating func rested(ticks: Int, heard: [Heard]) {
        now += UInt64(ticks)
        switch role {
        case .leader:
            // The first tick asks all peers.
            heartbeatElapsed = settings.heartbeatTicks
            electionElapsed += ticks
            let recent = heard.filter { $0.ticksAgo < settings.electionTimeoutTicks }
            func isRecent(_ replica: ReplicaID) -> Bool { recent.contains { $0.replica == replica } }
            // The check of the quorum that would have come: else the count goes on, so that no row of short rests puts
            // the check off.
            guard isQuorum(isRecent) else { return }
            electionElapsed = 0
            for position in peers.indices { peers[position].isActive = isRecent(peers[position].replica) }
        case .follower, .preCandidate, .candidate:
            let silent = heard.first { $0.replica == leader }?.ticksAgo ?? .max
            electionElapsed = min(electionElapsed + ticks, silent)
            ticksSinceLeader = min(ticksSinceLeader + ticks, silent)
        }
    }
}

extension Progress {
    /// Whether the peer has everything up to `index`, knows that it is committed, and owes no answer.
    fileprivate func hasAll(upTo index: LogIndex) -> Bool {
        switch state {
        case .replicate(let window): window.isEmpty && matchIndex == index && commitIndexSent >= index
        case .probe, .snapshot: false
        }
    }
}
