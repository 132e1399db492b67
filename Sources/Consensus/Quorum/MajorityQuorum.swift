/// A set of voters of which more than half must agree.
public struct MajorityQuorum: Hashable, Sendable {
    /// The replicas that are asked. None of them twice.
    public let voters: [ReplicaID]

    public init(voters: [ReplicaID]) {
        self.voters = voters
    }

    /// The smallest number of voters that is a majority.
    public var size: Int { voters.count / 2 + 1 }

    /// The highest value that a majority has reached (Raft paper, figure 2, leaders: "a majority of matchIndex[i] ≥
    /// N"). An empty set has reached every value.
    public func reached(_ value: (ReplicaID) -> UInt64) -> UInt64 {
        guard !voters.isEmpty else { return .max }
        var values: [UInt64] = []
        values.reserveCapacity(voters.count)
        for voter in voters { values.append(value(voter)) }
        if !Mutant.isOn(.matchesUnsorted) { values.sort() }
        return values[voters.count - size]
    }

    /// The state of an election, given each voter's answer (`nil`: none yet).
    public func voteResult(_ vote: (ReplicaID) -> Bool?) -> VoteResult {
        guard !voters.isEmpty else { return .won }
        var granted = 0
        var missing = 0
        for voter in voters {
            switch vote(voter) {
            case true?: granted += 1
            case false?: break
            case nil: missing += 1
            }
        }
        if granted >= size { return .won }
        return granted + missing >= size ? .pending : .lost
    }
}
