extension RaftNode {
    /// Appends a configuration (Raft dissertation, chapter 4). Every change of voters goes through the joint
    /// configuration of the current and the new voters, and the leader leaves it once it is committed. This one rule
    /// holds for all changes: changes of one voter (section 4.1) need no joint configuration, but more conditions.
    mutating func proposeConfiguration(_ proposed: Configuration, into effects: inout Effects) {
        if let rejection = rejection(of: proposed) {
            effects.append(.rejected(rejection))
            return
        }
        effects.append(.accepted(first: persistent.log.lastIndex.next, term: term, count: 1))
        appendConfiguration(
            configuration.hasSameVoters(as: proposed) ? proposed : configuration.joint(with: proposed),
            into: &effects
        )
    }

    private func rejection(of proposed: Configuration) -> Rejection? {
        guard role == .leader else { return .notLeader(leader: leader) }
        guard transfer == nil else { return .transferring }
        return persistent.rejection(of: proposed)
    }

    private mutating func appendConfiguration(_ next: Configuration, into effects: inout Effects) {
        appendToLog([EntryHeader(term: term, payloadBytes: 0, kind: .configuration(next))], into: &effects)
    }

    /// Takes up the configuration that is now in force.
    mutating func configurationChanged() {
        let current = configuration
        guard role == .leader else { return }
        // A newcomer counts as heard: the next check of the quorum may come before its first answer.
        peers = current.members.map(\.replica).filter { $0 != id }.map { replica in
            position(of: replica).map { peers[$0] }
                ?? Progress(replica: replica, nextIndex: persistent.log.lastIndex.next, isActive: true)
        }
        if let target = transfer?.target, !current.isVoter(target) { transfer = nil }
    }

    /// Once the configuration in force is committed, the leader leaves a joint configuration, and steps down if it has
    /// no vote (section 4.2.2).
    mutating func configurationCommitted(into effects: inout Effects) {
        guard persistent.log.configurationIndex <= commitIndex else { return }
        if configuration.isJoint {
            appendConfiguration(configuration.leavingJoint, into: &effects)
            // Without the outgoing voters, the entries in the logs may be committed.
            advanceCommit(into: &effects)
        } else if !configuration.isVoter(id) {
            replicate(into: &effects)
            if let successor = bestSuccessor { persistent.send(.timeoutNow, to: successor, into: &effects) }
            becomeFollower(term: term, leader: nil, into: &effects)
        }
    }

    /// The voter that can take over at once, the most willing first.
    private var bestSuccessor: ReplicaID? {
        configuration.members
            .filter { member in
                configuration.isVoter(member.replica) && member.priority > 0
                    && position(of: member.replica).map { peers[$0].matchIndex == persistent.log.lastIndex } ?? false
            }
            .max { ($0.priority, $1.replica) < ($1.priority, $0.replica) }?
            .replica
    }
}
