/// Two majorities that must both agree (Raft dissertation, section 4.3). With an empty outgoing half it is a plain one.
public struct JointQuorum: Hashable, Sendable {
    /// The voters of the configuration that is entered, or of the only one.
    public let incoming: MajorityQuorum
    /// The voters of the configuration that is left; empty outside a joint configuration.
    public let outgoing: MajorityQuorum

    /// A quorum of both sets of voters, or of `incoming` alone.
    public init(incoming: [ReplicaID], outgoing: [ReplicaID] = []) {
        self.incoming = MajorityQuorum(voters: incoming)
        self.outgoing = MajorityQuorum(voters: outgoing)
    }

    /// The highest value that both majorities have reached.
    public func reached(_ value: (ReplicaID) -> UInt64) -> UInt64 {
        min(incoming.reached(value), outgoing.reached(value))
    }

    /// Won only in both halves, lost in either.
    public func voteResult(_ vote: (ReplicaID) -> Bool?) -> VoteResult {
        switch (incoming.voteResult(vote), outgoing.voteResult(vote)) {
        case (.won, .won): .won
        case (.lost, _), (_, .lost): .lost
        case (.pending, _), (_, .pending): .pending
        }
    }
}

extension Configuration {
    /// The quorum that elects and commits under this configuration.
    public var quorum: JointQuorum { JointQuorum(incoming: voters, outgoing: outgoingVoters) }
}
