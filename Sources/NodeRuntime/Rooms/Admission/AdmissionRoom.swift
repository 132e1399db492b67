internal import Consensus
internal import MailModel
internal import PeerTransport
internal import ReplicaCore

/// The leader's part in replacing a replica: take the new one in as a learner, and once it has caught up let it vote in
/// place of the one that its node had before. Everything follows from the configuration in force, so that the next
/// leader goes on where the last one stopped.
struct AdmissionRoom {
    /// Entries that a learner may lack and still be let vote: it gets them within a round trip.
    private static let maximumLearnerLag = 16
    private static let admissionMilliseconds: Int64 = 250

    private var nextMilliseconds: Int64 = 0

    /// An empty replica on another node wants to be taken in.
    func receiveJoin(of newcomer: ReplicaID, to group: GroupID, from peer: NodeID, _ floor: Floor) {
        guard let replica = floor.replica(group), replica.isLeader else { return }
        let current = replica.raft.configuration
        guard !current.isJoint, current.member(newcomer) == nil else { return }
        let former = current.members.filter { $0.node == peer }
        let priority = former.map(\.priority).max() ?? Founder.ordinaryPriority
        // A learner that this node had before began with nothing too, and is given up with it.
        let dismissed = former.map(\.replica).filter { current.learners.contains($0) }
        let members = current.members.filter { !dismissed.contains($0.replica) }
        floor.proposeConfiguration(
            Configuration(
                members: members + [Member(replica: newcomer, node: peer, priority: priority)],
                voters: current.voters,
                learners: current.learners.filter { !dismissed.contains($0) } + [newcomer]
            ),
            in: group
        )
    }

    /// On every tick: learners that have caught up are let vote.
    mutating func tick(_ floor: Floor) {
        guard floor.nowMilliseconds >= nextMilliseconds else { return }
        nextMilliseconds = floor.nowMilliseconds + Self.admissionMilliseconds
        for group in floor.rest.awake {
            guard let replica = floor.replica(group), replica.isLeader, !replica.raft.configuration.learners.isEmpty
            else {
                continue
            }
            let status = replica.raft.status
            guard !status.configuration.isJoint, let learner = caughtUpLearner(status) else { continue }
            floor.proposeConfiguration(status.configuration.admitting(learner), in: replica.group)
        }
    }

    private func caughtUpLearner(_ status: RaftStatus) -> Member? {
        for peer in status.peers where status.configuration.learners.contains(peer.replica) {
            guard case .replicate = peer.state, peer.isActive, peer.lag <= Self.maximumLearnerLag else { continue }
            return status.configuration.member(peer.replica)
        }
        return nil
    }
}

extension Configuration {
    /// With a learner as a voter, in place of what else its node has in the group.
    func admitting(_ learner: Member) -> Configuration {
        let former = members.filter { $0.node == learner.node && $0.replica != learner.replica }.map(\.replica)
        return Configuration(
            members: members.filter { !former.contains($0.replica) },
            voters: voters.filter { !former.contains($0) } + [learner.replica],
            learners: learners.filter { $0 != learner.replica && !former.contains($0) }
        )
    }
}
