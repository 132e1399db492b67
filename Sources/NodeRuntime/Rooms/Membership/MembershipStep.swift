internal import Consensus
internal import MailModel
internal import Placement

/// The next step from the members that a group has to those that the directory wants it to have.
///
/// Replacing a replica is always: a learner, which catches up, one joint change that lets it vote and takes the vote of
/// the one that leaves, and the leader leaves the joint configuration. Each step follows from the configuration in
/// force, so that the next leader goes on where the last one stopped.
enum MembershipStep: Equatable {
    case propose(Configuration)
    /// The leader's replica is to leave: one that stays takes the lead first.
    case transferLeadership(to: NodeID)
    /// What would be next breaks the rule that no value of a label holds a majority of the voters.
    case refused([MajorityFinding])

    /// What a step follows from.
    struct Situation {
        /// The members, not in a joint configuration.
        let configuration: Configuration
        /// The replica that leads.
        let leader: ReplicaID
        /// The replicas that have what the leader has, but for a few entries.
        let caughtUp: Set<ReplicaID>
        /// Where the voters are to be.
        let placing: Placing
        /// Whether a node may have a replica that does not vote.
        let mayLearn: (NodeID) -> Bool
        /// The labels of a node, as far as they are known.
        let labels: (NodeID) -> Labels
        /// The keys over which the voters are to be spread.
        let spread: [String]
    }

    /// Nil where the members are those that are wanted, or nothing can be done now.
    init?(from situation: Situation) {
        let planner = StepPlanner(situation)
        guard let next = planner.next else { return nil }
        self = next
    }

    /// The priority by which a replica on a node campaigns.
    static func priority(of node: NodeID, in placing: Placing) -> UInt8 {
        placing.preferredLeader == node ? Founder.preferredPriority : Founder.ordinaryPriority
    }
}

private struct StepPlanner {
    let situation: MembershipStep.Situation

    init(_ situation: MembershipStep.Situation) { self.situation = situation }

    private var configuration: Configuration { situation.configuration }
    private var wanted: [NodeID] { situation.placing.voters }

    private func node(of replica: ReplicaID) -> NodeID? { configuration.member(replica)?.node }

    /// The voters that are not wanted; the leader comes last.
    private var surplus: [ReplicaID] {
        let surplus = configuration.voters.filter { replica in
            node(of: replica).map { !wanted.contains($0) } ?? true
        }
        return surplus.filter { $0 != situation.leader } + surplus.filter { $0 == situation.leader }
    }

    /// Whether a wanted node has a voter.
    private func hasVoter(_ wanted: NodeID) -> Bool { configuration.voters.contains { node(of: $0) == wanted } }

    var next: MembershipStep? {
        // A placing that is not known says nothing.
        guard !wanted.isEmpty, !configuration.isJoint else { return nil }
        guard let change = admission ?? dismissal else { return end(ofLearners: strayLearners) ?? otherPriorities }
        guard case .refused = change else { return change }
        return wholeChange(insteadOf: change)
    }

    /// All wanted voters at once, where to change one after the other would break the rule of majorities on the way:
    /// two vendors change places. Nil while one of them has not caught up.
    private func wholeChange(insteadOf refused: MembershipStep) -> MembershipStep? {
        guard findings(in: wanted).isEmpty else { return refused }
        guard node(of: situation.leader).map({ wanted.contains($0) }) == true else {
            return heirs.isEmpty ? refused : handOver
        }
        var voters: [ReplicaID] = []
        for wanted in wanted {
            let ready = configuration.voters + configuration.learners.filter(situation.caughtUp.contains)
            guard let replica = ready.first(where: { node(of: $0) == wanted }) else { return nil }
            voters.append(replica)
        }
        func learnsOn(_ replica: ReplicaID) -> Bool {
            configuration.voters.contains(replica) && node(of: replica).map(situation.mayLearn) == true
        }
        let gone = configuration.voters.filter { !voters.contains($0) }
        let members = configuration.members.filter { !gone.contains($0.replica) || learnsOn($0.replica) }
        return propose(
            Configuration(
                members: members,
                voters: voters,
                learners: configuration.learners.filter { !voters.contains($0) } + gone.filter(learnsOn)
            )
        )
    }

    /// A learner on a wanted node that has caught up votes, in place of what else its node has, or of a voter too many.
    private var admission: MembershipStep? {
        for learner in configuration.learners where situation.caughtUp.contains(learner) {
            guard let member = configuration.member(learner), wanted.contains(member.node) else { continue }
            var leaving = configuration.members.filter { $0.node == member.node && $0.replica != learner }
                .map(\.replica)
            let isAddition = !leaving.contains { configuration.voters.contains($0) }
            if isAddition, configuration.voters.count >= wanted.count, let other = surplus.first {
                if other != situation.leader {
                    leaving.append(other)
                } else if !heirs.isEmpty {
                    return handOver
                }
                // Nobody but the leader votes who may stay: the newcomer votes beside the leader, and leads next.
            }
            return propose(configuration.admitting(learner, inPlaceOf: leaving))
        }
        return nil
    }

    /// A voter too many loses its vote, once every wanted node has one.
    private var dismissal: MembershipStep? {
        guard wanted.allSatisfy(hasVoter) || Mutant.isOn(.voterGoesFirst), let replica = surplus.first else {
            return nil
        }
        guard replica != situation.leader else { return handOver }
        // It learns on where it may, as every node learns the directory.
        let learnsOn = node(of: replica).map(situation.mayLearn) ?? false
        return propose(configuration.dismissing(replica, asLearner: learnsOn))
    }

    /// The voters on wanted nodes that may lead in the leader's place.
    private var heirs: [ReplicaID] {
        configuration.voters.filter { replica in
            replica != situation.leader && node(of: replica).map { wanted.contains($0) } == true
        }
    }

    private var handOver: MembershipStep? {
        let nodes = heirs.filter(situation.caughtUp.contains).compactMap(node(of:))
        let best = nodes.first { $0 == situation.placing.preferredLeader } ?? nodes.first
        return best.map { .transferLeadership(to: $0) }
    }

    private var strayLearners: [ReplicaID] {
        configuration.learners.filter { replica in
            guard let node = node(of: replica) else { return true }
            return !wanted.contains(node) && !situation.mayLearn(node)
        }
    }

    private func end(ofLearners learners: [ReplicaID]) -> MembershipStep? {
        guard !learners.isEmpty else { return nil }
        return .propose(
            Configuration(
                members: configuration.members.filter { !learners.contains($0.replica) },
                voters: configuration.voters,
                learners: configuration.learners.filter { !learners.contains($0) }
            )
        )
    }

    private var otherPriorities: MembershipStep? {
        let members = configuration.members.map { member in
            let priority = MembershipStep.priority(of: member.node, in: situation.placing)
            return Member(replica: member.replica, node: member.node, priority: priority)
        }
        guard members != configuration.members else { return nil }
        return .propose(
            Configuration(members: members, voters: configuration.voters, learners: configuration.learners)
        )
    }

    /// A change of voters must leave a majority that is there now: a voter that is gone for good may be one of those
    /// that stay, and its successor comes first. And it passes the rule of majorities: no value of a label gets a
    /// majority that has none now.
    private func propose(_ next: Configuration) -> MembershipStep? {
        let present = next.voters.count { $0 == situation.leader || situation.caughtUp.contains($0) }
        guard present > next.voters.count / 2 else { return nil }
        let new = findings(in: next.voterNodes)
        return new.isEmpty ? .propose(next) : .refused(new)
    }

    /// Values of labels that have a majority of voters on these nodes, where none has one now.
    private func findings(in nodes: [NodeID]) -> [MajorityFinding] {
        func labelled(_ nodes: [NodeID]) -> [LabelledVoter] {
            nodes.map { LabelledVoter(node: $0, labels: situation.labels($0)) }
        }
        guard !Mutant.isOn(.majorityUnchecked) else { return [] }
        return MajorityCheck.findingsOfChange(
            from: labelled(configuration.voterNodes),
            to: labelled(nodes),
            spread: situation.spread
        )
    }
}

extension Configuration {
    /// With a learner as a voter, and without other replicas.
    fileprivate func admitting(_ learner: ReplicaID, inPlaceOf leaving: [ReplicaID]) -> Configuration {
        Configuration(
            members: members.filter { !leaving.contains($0.replica) },
            voters: voters.filter { !leaving.contains($0) } + [learner],
            learners: learners.filter { $0 != learner && !leaving.contains($0) }
        )
    }

    /// Without the vote of a replica.
    fileprivate func dismissing(_ replica: ReplicaID, asLearner learnsOn: Bool) -> Configuration {
        Configuration(
            members: members.filter { learnsOn || $0.replica != replica },
            voters: voters.filter { $0 != replica },
            learners: learnsOn ? learners + [replica] : learners
        )
    }
}
