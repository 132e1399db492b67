public import Consensus
internal import MailModel

/// What a replica does in its group.
public enum ReplicaRole: Hashable, Sendable {
    case voter
    case learner
}

/// One replica as placement sees it.
public struct ReplicaView: Hashable, Sendable {
    /// The replica itself.
    public let replica: ReplicaID
    /// The node that holds the replica.
    public let node: NodeID
    /// Voter or learner.
    public let role: ReplicaRole
    /// Whether the replica may have forgotten something, and so must not vote.
    public let isQuarantined: Bool

    public init(replica: ReplicaID, node: NodeID, role: ReplicaRole = .voter, isQuarantined: Bool = false) {
        self.replica = replica
        self.node = node
        self.role = role
        self.isQuarantined = isQuarantined
    }
}

/// One group as placement sees it.
public struct GroupView: Hashable, Sendable {
    /// The group itself.
    public let id: GroupID
    /// The pool whose rule holds for the group.
    public let pool: String
    /// All replicas, sorted by ID.
    public internal(set) var replicas: [ReplicaView]
    /// The node that leads; nil where no leader is known.
    public internal(set) var leader: NodeID?
    /// Bytes that a new replica copies.
    public let bytes: Int
    /// Accounts that the group holds: the weight of the group in ``Survivability``.
    public let accounts: Int

    /// A group. The replicas may come in any order and are sorted here.
    public init(id: GroupID, pool: String, replicas: [ReplicaView], leader: NodeID?, bytes: Int, accounts: Int = 0) {
        self.id = id
        self.pool = pool
        self.replicas = replicas.sorted { ($0.replica, $0.node) < ($1.replica, $1.node) }
        self.leader = leader
        self.bytes = bytes
        self.accounts = accounts
    }
}
