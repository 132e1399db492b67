package import Consensus
internal import LogStorage
internal import MailModel
internal import PeerTransport
internal import ReplicaCore

/// What reaches ``RebuildRoom`` from the applier and the log writer.
package enum RebuildInput: Sendable {
    /// The state holds nothing of the group any more.
    case stateCleared(GroupID)
    /// The log of the group has begun anew, durably, for the replica of that attempt.
    case logBegan(GroupID, attempt: UInt64)
    /// The log holds nothing of the group any more, durably.
    case logRemoved(GroupID)
}

/// The replica that begins in the place of one that was given up: with nothing, under an ID of its own. The leader
/// takes it in as a learner, and lets it vote when it has caught up.
///
/// The order makes a rebuild restartable: first the state is cleared, then the log begins anew. Recovery after a crash
/// between finds a log that does not fit the state, and gives the replica up again.
struct RebuildRoom {
    private static let joinMilliseconds: Int64 = 500

    /// Replicas begun in this run.
    private var attempts: UInt64 = 0
    /// Groups whose replica began on this node and does not vote yet.
    private var joining: Set<GroupID> = []
    private var nextJoinMilliseconds: Int64 = 0

    mutating func finished(_ input: RebuildInput, _ floor: Floor) {
        switch input {
        case .stateCleared(let group):
            if floor.standing(of: group) == .leaving { removeLog(of: group, floor) } else { beginLog(of: group, floor) }
        case .logRemoved(let group):
            guard floor.standing(of: group) == .leaving else { return }
            floor.groups.stand(group, as: floor.isWanted(group) ? .absent : .remote)
            floor.observers.membership?(.removed(group))
            if floor.isWanted(group) { floor.beginEmpty(group) }
        case .logBegan(let group, let attempt): beginReplica(of: group, attempt, floor)
        }
    }

    private mutating func beginLog(of group: GroupID, _ floor: Floor) {
        guard floor.standing(of: group) == .replacing else { return }
        attempts += 1
        let attempt = attempts
        let nobody = SnapshotPoint(index: .zero, term: .zero, configuration: Configuration(members: [], voters: []))
        let replica = Founder.replica(of: group, in: floor.place.session, attempt)
        floor.write(
            .perform(
                [.removeGroup(group), .createGroup(group, replica: replica, nobody)],
                telling: .loop(of: group, .rebuild(.logBegan(group, attempt: attempt)))
            )
        )
    }

    /// Its group goes on without the replica that was here: nothing begins in its place. A crash between leaves a log
    /// without a state, which is given up at the next start, and left again.
    private func removeLog(of group: GroupID, _ floor: Floor) {
        floor.write(.perform([.removeGroup(group)], telling: .loop(of: group, .rebuild(.logRemoved(group)))))
    }

    private mutating func beginReplica(of group: GroupID, _ attempt: UInt64, _ floor: Floor) {
        let replica = Founder.replica(of: group, in: floor.place.session, attempt)
        floor.admitNew(replica, of: group, Configuration(members: [], voters: []), as: .live)
        joining.insert(group)
        floor.observers.membership?(.begun(group, replica))
    }

    /// Whether a replica is what it is to become: a voter, or of the directory, which every node has, a learner too.
    private static func isTakenIn(_ raft: RaftNode, of group: GroupID, _ floor: Floor) -> Bool {
        let configuration = raft.configuration
        if configuration.voters.contains(raft.id) { return true }
        let isToVote = floor.directory.group(group)?.placing.voters.contains(floor.node) ?? true
        return group == .directory && !isToVote && configuration.learners.contains(raft.id)
    }

    /// On every tick: replicas that no leader has told of members yet ask to be taken in.
    ///
    /// One that knows members was taken in before. Where its group goes on without it, it does not ask, as no replica's
    /// ID is used twice: it hears from ``MembershipRoom`` that it is left behind, and another one begins in its place.
    mutating func tick(_ floor: Floor) {
        guard floor.nowMilliseconds >= nextJoinMilliseconds else { return }
        nextJoinMilliseconds = floor.nowMilliseconds + Self.joinMilliseconds
        // What rests has a leader, and a vote.
        for group in floor.rest.awake where floor.standing(of: group).takesPart {
            guard let raft = floor.replica(group)?.raft else { continue }
            if raft.configuration.members.isEmpty {
                for peer in floor.nodesToAsk(about: group) {
                    floor.send(.join(group: group, replica: raft.id), to: peer)
                }
            }
            if !Self.isTakenIn(raft, of: group, floor) { joining.insert(group) }
        }
        // Replicas that vote now may have gone to rest at once.
        for group in joining.sorted() {
            if case .stopped = floor.standing(of: group) { joining.remove(group) }
            guard floor.standing(of: group) != .remote else {
                joining.remove(group)
                continue
            }
            guard let raft = floor.replica(group)?.raft, Self.isTakenIn(raft, of: group, floor) else { continue }
            joining.remove(group)
            let votes = raft.configuration.voters.contains(raft.id)
            floor.observers.membership?(votes ? .admitted(group, raft.id) : .learning(group, raft.id))
        }
    }
}
