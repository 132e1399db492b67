internal import Consensus
internal import PeerTransport
internal import ReplicaCore

/// What more than one room does with a group.
extension Floor {
    /// Takes a replica in.
    func admit(_ replica: Replica, as standing: Standing) {
        groups.admit(replica, as: standing)
        rest.awake.insert(replica.group)
        observers.changes?(replica.group)
        for member in replica.raft.configuration.members where member.node != node {
            _ = rest.position(of: member.node, for: replica.group)
        }
    }

    /// Takes in a replica with an empty log, which is on the disk.
    func admitNew(
        _ id: ReplicaID,
        of group: GroupID,
        _ configuration: Configuration,
        as standing: Standing
    ) {
        let raft = RaftNode(
            id: id,
            settings: settings.replica.raft,
            hardState: HardState(),
            snapshot: SnapshotPoint(index: .zero, term: .zero, configuration: configuration),
            headers: [],
            appliedIndex: .zero,
            seed: electionSeed(of: group)
        )
        admit(Replica(group: group, raft: raft, settings: settings.replica), as: standing)
    }

    /// What the election timeouts of the replica here are drawn from.
    func electionSeed(of group: GroupID) -> UInt64 {
        place.session ^ (UInt64(group.rawValue) &* 0x9e37_79b9_7f4a_7c15)
    }

    /// Lets go of a replica; what it has under way leads nowhere.
    ///
    /// - Parameter standing: how the group stands without it.
    func removeReplica(of group: GroupID, leaving standing: Standing) {
        // The nodes that count on its rest are told.
        wake(group)
        rest.awake.remove(group)
        groups[group]?.touchedTick = 0
        groups.removeReplica(of: group, leaving: standing)
        tell(.replicaRemoved(group))
    }

    /// Gives up what this node has of a group: a replica that may have forgotten something does not vote again. Another
    /// one begins in its place, with nothing, under an ID of its own.
    func giveUp(_ group: GroupID, reason: String) {
        guard standing(of: group) != .replacing else { return }
        observers.membership?(.quarantined(group, reason: reason))
        removeReplica(of: group, leaving: .replacing)
        apply(.reset(group))
    }

    /// Begins a replica of a group of which this node has had none, with nothing: it asks to be taken in.
    func beginEmpty(_ group: GroupID) {
        guard standing(of: group) != .replacing else { return }
        observers.membership?(.wanted(group))
        removeReplica(of: group, leaving: .replacing)
        apply(.reset(group))
    }

    /// Removes what this node has of a group that goes on without its replica here.
    func leave(_ group: GroupID) {
        guard standing(of: group) != .leaving else { return }
        observers.membership?(.leaving(group))
        removeReplica(of: group, leaving: .leaving)
        apply(.reset(group))
    }

    /// Lets a group stand still on this node, alone: log and state are kept, so that a newer program can go on with
    /// them. Its replica takes part in nothing until the node starts again.
    func stop(_ group: GroupID, at index: LogIndex, reason: String) {
        if case .stopped = standing(of: group) { return }
        removeReplica(of: group, leaving: .stopped(StoppedGroup(index: index, reason: reason)))
        observers.membership?(.stopped(group, at: index, reason: reason))
    }

    /// Hands a leadership over.
    ///
    /// - Parameter target: nil for the best follower: rather one that has not declined than one that has, rather one
    ///   that keeps up than one that lags, and then the one that has most of the log.
    /// - Returns: why it is not handed over; nil when it is under way.
    func transferLeadership(of group: GroupID, to target: NodeID?) -> Rejection? {
        guard let replica = replica(group) else { return .notLeader(leader: nil) }
        // A group that nobody else could lead is left alone: woken for nothing, it would never rest.
        guard replica.raft.configuration.members.contains(where: { $0.node != node }) else {
            return replica.isLeader ? .notAVoter : .notLeader(leader: nil)
        }
        // What the replica knows of the others is up to date once it is awake.
        wake(group)
        let status = replica.raft.status
        let candidates = status.peers.filter { peer in
            guard let member = status.configuration.member(peer.replica), member.node != node else { return false }
            guard target == nil else { return member.node == target }
            return peer.isActive && status.configuration.isVoter(peer.replica)
        }
        guard let best = candidates.max(by: { $0.fitness < $1.fitness }) else {
            return replica.isLeader ? .notAVoter : .notLeader(leader: status.leader)
        }
        return step(group) { $0.control(.transferLeadership(to: best.replica), source, into: &$1) } ?? nil
    }

    /// Proposes another configuration to a group that this node leads. One that is refused, because another change is
    /// under way, is proposed again when it is asked for again.
    func proposeConfiguration(_ configuration: Configuration, in group: GroupID) {
        step(group) { _ = $0.control(.proposeConfiguration(configuration), source, into: &$1) }
    }
}

extension PeerStatus {
    /// The peer takes what it is sent, as far as the leader knows.
    var keepsUp: Bool {
        switch state {
        case .replicate: true
        case .probe, .snapshot: false
        }
    }

    /// How well the peer would do as the next leader; more is better.
    fileprivate var fitness: (Int, Int, LogIndex) { (hasDeclined ? 0 : 1, keepsUp ? 1 : 0, matchIndex) }
}
