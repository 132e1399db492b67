extension Configuration {
    /// Whether a leader may propose `next` where this configuration is in force.
    func mayBeFollowed(by next: Configuration) -> Bool {
        next.isWellFormed && (!next.isJoint || next.outgoingVoters == voters)
    }

    /// Every member has a role, every role is a member's, and someone votes.
    var isWellFormed: Bool {
        func rises(_ list: [ReplicaID]) -> Bool { zip(list, list.dropFirst()).allSatisfy { $0 < $1 } }
        let replicas = members.map(\.replica)
        return !voters.isEmpty && rises(replicas) && rises(voters) && rises(outgoingVoters) && rises(learners)
            && learners.allSatisfy { !voters.contains($0) }
            && (voters + outgoingVoters + learners).allSatisfy { replicas.contains($0) }
            && replicas.allSatisfy { isVoter($0) || learners.contains($0) }
    }

    /// Whether `next` asks the same voters, or is the joint configuration that leads from here to others.
    func hasSameVoters(as next: Configuration) -> Bool {
        next.isJoint ? next.outgoingVoters == voters : next.voters == voters
    }

    /// Both sets of voters at once, on the way to `next` (section 4.3).
    func joint(with next: Configuration) -> Configuration {
        let leaving = members.filter { member in
            voters.contains(member.replica) && next.member(member.replica) == nil
        }
        return Configuration(
            members: next.members + leaving,
            voters: next.voters,
            outgoingVoters: voters,
            learners: next.learners
        )
    }

    /// The incoming half alone.
    var leavingJoint: Configuration {
        Configuration(
            members: members.filter { voters.contains($0.replica) || learners.contains($0.replica) },
            voters: voters,
            learners: learners
        )
    }
}
