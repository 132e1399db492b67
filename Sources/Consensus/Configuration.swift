/// A replica's place: which node holds it, and how eagerly it should lead.
public struct Member: Hashable, Sendable {
    /// The replica itself: never another one's ID again.
    public let replica: ReplicaID
    /// The node whose data directory holds the replica.
    public let node: NodeID
    /// Higher campaigns sooner; 0 never campaigns by itself.
    public let priority: UInt8

    public init(replica: ReplicaID, node: NodeID, priority: UInt8 = 100) {
        self.replica = replica
        self.node = node
        self.priority = priority
    }
}

/// Who votes and who learns. In a joint configuration (Raft dissertation, section 4.3) both `voters` and
/// `outgoingVoters` must agree. All arrays are kept sorted by replica ID, so that iteration is deterministic.
public struct Configuration: Hashable, Sendable {
    /// Every replica that takes part in any role, sorted by replica ID.
    public private(set) var members: [Member]
    /// The (incoming) voters, sorted.
    public private(set) var voters: [ReplicaID]
    /// The outgoing voters of a joint configuration, sorted; empty when the configuration is not joint.
    public private(set) var outgoingVoters: [ReplicaID]
    /// Replicas that receive the log without a vote, sorted.
    public private(set) var learners: [ReplicaID]

    /// A configuration of any kind. The arrays may come in any order and are sorted here.
    public init(
        members: [Member],
        voters: [ReplicaID],
        outgoingVoters: [ReplicaID] = [],
        learners: [ReplicaID] = []
    ) {
        self.members = members.sorted { $0.replica < $1.replica }
        self.voters = voters.sorted()
        self.outgoingVoters = outgoingVoters.sorted()
        self.learners = learners.sorted()
    }

    /// A plain configuration in which every member votes.
    public init(voters members: [Member]) {
        self.init(members: members, voters: members.map(\.replica))
    }

    /// Whether two sets of voters must agree (section 4.3).
    public var isJoint: Bool { !outgoingVoters.isEmpty }

    /// Whether the replica votes, in either half of a joint configuration.
    public func isVoter(_ replica: ReplicaID) -> Bool {
        voters.contains(replica) || outgoingVoters.contains(replica)
    }

    /// The member with that replica ID; nil where there is none.
    public func member(_ replica: ReplicaID) -> Member? { members.first { $0.replica == replica } }
}
