internal import Consensus
internal import LogStorage
internal import PeerTransport
internal import ReplicaCore

/// A replica that may have forgotten something does not vote again: it is given up, and another one begins in its
/// place, with nothing, under an ID of its own. The leader takes it in as a learner, and lets it vote when it has
/// caught up.
///
/// The order makes it restartable: first the state is cleared, then the log begins anew. A crash between finds a log
/// that does not fit the state, and that is quarantined again.
extension NodeLoop {
    private static let joinMilliseconds: Int64 = 500

    /// Gives up what this node has of a group.
    func quarantine(_ group: GroupID, reason: String) {
        guard standing(of: group) != .replacing else { return }
        floor.observers.membership?(.quarantined(group, reason: reason))
        remove(group, leaving: .replacing)
        applier.put(.reset(group))
    }

    /// Groups of which a member of the cluster should have a replica, and this node has none.
    func replaceMissing() {
        guard identity.isComplete else { return }
        for group in identity.groups where standing(of: group) == .absent {
            quarantine(group, reason: "The log of this node has nothing of it.")
        }
    }

    /// The state holds nothing of the group any more.
    func stateCleared(_ group: GroupID) {
        guard standing(of: group) == .replacing else { return }
        attempts += 1
        let attempt = attempts
        let nobody = SnapshotPoint(index: .zero, term: .zero, configuration: Configuration(members: [], voters: []))
        let inbox = inbox
        let operations: [LogOperation] = [
            .removeGroup(group),
            .createGroup(group, replica: NodeIdentity.replica(of: group, in: session, attempt), nobody),
        ]
        writer.put(
            .perform(operations) { inbox.put(.control { $0.begin(group, attempt) }) }
        )
    }

    private func begin(_ group: GroupID, _ attempt: UInt64) {
        addNew(group, configuration: Configuration(members: [], voters: []), attempt)
        joining.insert(group)
        if let replica = replica(group) { floor.observers.membership?(.begun(group, replica.raft.id)) }
    }

    /// A replica with an empty log, which is on the disk.
    func addNew(_ group: GroupID, configuration: Configuration, _ attempt: UInt64) {
        let origin = attempt == 0 ? identity.directory : session
        let raft = RaftNode(
            id: NodeIdentity.replica(of: group, in: origin, attempt),
            settings: settings.replica.raft,
            hardState: HardState(),
            snapshot: SnapshotPoint(index: .zero, term: .zero, configuration: configuration),
            headers: [],
            appliedIndex: .zero,
            seed: electionSeed(group)
        )
        add(Replica(group: group, raft: raft, settings: settings.replica), as: .live)
    }

    func electionSeed(_ group: GroupID) -> UInt64 { session ^ (UInt64(group.rawValue) &* 0x9e37_79b9_7f4a_7c15) }

    /// On every tick: replicas that nobody leads ask to be taken in.
    ///
    /// Not only those whose own configuration does not name them: the one that took them in may never have been
    /// committed, and be known to nobody else any more. A leader that has the replica takes no notice.
    func tendJoining() {
        guard nowMilliseconds >= nextJoinMilliseconds else { return }
        nextJoinMilliseconds = nowMilliseconds + Self.joinMilliseconds
        // What rests has a leader, and a vote.
        for group in rest.awake where standing(of: group).takesPart {
            guard let replica = replica(group) else { continue }
            let raft = replica.raft
            if raft.configuration.member(raft.id) == nil || raft.leader == nil {
                for peer in peers where peer != node { send(.join(group: group, replica: raft.id), to: peer) }
            }
            if !raft.configuration.voters.contains(raft.id) { joining.insert(group) }
        }
        // Those that have come to vote may have gone to rest at once.
        for group in joining.sorted() {
            guard let raft = replica(group)?.raft, raft.configuration.voters.contains(raft.id) else { continue }
            joining.remove(group)
            floor.observers.membership?(.admitted(group, raft.id))
        }
    }
}
