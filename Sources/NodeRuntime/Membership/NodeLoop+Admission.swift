package import Consensus
internal import PeerTransport
internal import ReplicaCore

/// The leader's part in replacing a replica: take the new one in as a learner, and once it has caught up let it vote in
/// place of the one that its node had before. Everything follows from the configuration in force, so that whoever leads
/// next goes on where the last leader stopped.
extension NodeLoop {
    /// Entries that a learner may lack and still be let vote: it gets them within a round trip.
    private static let maximumLearnerLag = 16
    private static let admissionMilliseconds: Int64 = 250

    /// An empty replica on another node wants to be taken in.
    func takeJoin(_ group: GroupID, _ newcomer: ReplicaID, from peer: NodeID) {
        guard let replica = replica(group), replica.isLeader else { return }
        let current = replica.raft.configuration
        guard !current.isJoint, current.member(newcomer) == nil else { return }
        let former = current.members.filter { $0.node == peer }
        let priority = former.map(\.priority).max() ?? NodeIdentity.ordinaryPriority
        // A learner that this node had before began with nothing too, and is given up with it.
        let dismissed = former.map(\.replica).filter { current.learners.contains($0) }
        let members = current.members.filter { !dismissed.contains($0.replica) }
        propose(
            Configuration(
                members: members + [Member(replica: newcomer, node: peer, priority: priority)],
                voters: current.voters,
                learners: current.learners.filter { !dismissed.contains($0) } + [newcomer]
            ),
            in: group
        )
    }

    /// On every tick: learners that have caught up are let vote.
    func tendLearners() {
        guard nowMilliseconds >= nextAdmissionMilliseconds else { return }
        nextAdmissionMilliseconds = nowMilliseconds + Self.admissionMilliseconds
        for group in rest.awake {
            guard let replica = replica(group), replica.isLeader, !replica.raft.configuration.learners.isEmpty else {
                continue
            }
            let status = replica.raft.status
            guard !status.configuration.isJoint, let learner = caughtUpLearner(status) else { continue }
            propose(status.configuration.admitting(learner), in: replica.group)
        }
    }

    private func caughtUpLearner(_ status: RaftStatus) -> Member? {
        for peer in status.peers where status.configuration.learners.contains(peer.replica) {
            guard case .replicate = peer.state, peer.isActive, peer.lag <= Self.maximumLearnerLag else { continue }
            return status.configuration.member(peer.replica)
        }
        return nil
    }

    /// What is refused now (another change is under way) is proposed again when the next one asks.
    package func propose(_ configuration: Configuration, in group: GroupID) {
        withReplica(group) { _ = $0.control(.proposeConfiguration(configuration), source, into: &$1) }
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
