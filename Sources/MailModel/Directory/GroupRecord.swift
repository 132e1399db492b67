public import Consensus

/// A group as the directory keeps it.
public struct GroupRecord: Hashable, Sendable {
    /// The group itself.
    public let id: GroupID
    /// The pool whose rules hold for the group.
    public var pool: String
    /// Rises whenever slots come to the group or leave it: who routes by an older one may reach the wrong group.
    public var epoch: UInt64
    /// How many slots the group serves.
    public var slots: UInt32
    /// Where its voters are to be.
    public var placing: Placing
    /// Who takes part, as far as the directory has heard.
    public var members: Configuration
    /// Where the group's log says so.
    public var membersIndex: LogIndex

    public init(
        id: GroupID,
        pool: String,
        epoch: UInt64,
        slots: UInt32,
        placing: Placing,
        membersIndex: LogIndex,
        members: Configuration
    ) {
        self.id = id
        self.pool = pool
        self.epoch = epoch
        self.slots = slots
        self.placing = placing
        self.members = members
        self.membersIndex = membersIndex
    }

    /// A group as its cluster began with it.
    public init(founded id: GroupID, by founding: Directory.Founding) {
        let founders = founding.founders
        let configuration = Founder.configuration(of: id, by: founders)
        let preferred = configuration.members.first { $0.priority == Founder.preferredPriority }
        self.init(
            id: id,
            pool: Self.defaultPool,
            epoch: 1,
            slots: founding.slots(of: id),
            placing: Placing(voters: founders.map(\.node), preferredLeader: preferred?.node),
            membersIndex: .zero,
            members: configuration
        )
    }

    /// A group that is added to a cluster at work, with its first configuration: its nodes begin it as they began the
    /// groups of the founding. Who its members are, its first leader reports: `membersIndex` is zero until then.
    ///
    /// - Parameter origin: the data directory by which the first replicas of a node are named.
    public init(added id: GroupID, pool: String, placing: Placing, origin: (NodeID) throws -> UInt64) rethrows {
        let voters = try placing.voters.map { Founder(node: $0, directory: try origin($0)) }
        self.init(
            id: id,
            pool: pool,
            epoch: 1,
            slots: 0,
            placing: placing,
            membersIndex: .zero,
            members: Founder.configuration(of: id, on: voters, preferredLeader: placing.preferredLeader)
        )
    }

    /// The pool of all groups for which nobody has said another.
    public static let defaultPool = "default"

    /// The nodes that have a replica, as far as the directory has heard.
    public var holders: [NodeID] { members.members.map(\.node) }
}

extension Configuration {
    /// The nodes of the voters to come, sorted.
    public var voterNodes: [NodeID] { voters.compactMap { member($0)?.node }.sorted() }

    /// The voter on a node, of those to come; nil where there is none.
    public func voter(on node: NodeID) -> ReplicaID? { voters.first { member($0)?.node == node } }
}
