public import Consensus

/// A node that began the cluster, by the data directory that it had then.
public struct Founder: Hashable, Sendable {
    /// The ID that the node has in the cluster.
    public let node: NodeID
    /// Drawn at random when the directory was made.
    public let directory: UInt64

    public init(node: NodeID, directory: UInt64) {
        self.node = node
        self.directory = directory
    }

    /// How many nodes can begin a cluster together.
    public static let maximumCount = 1_024

    /// A group's first configuration: every founder votes, and leaderships are spread over them.
    ///
    /// - Parameter founders: sorted by node.
    public static func configuration(of group: GroupID, by founders: [Founder]) -> Configuration {
        guard !founders.isEmpty else { return Configuration(voters: []) }
        return configuration(
            of: group,
            on: founders,
            preferredLeader: founders[Int(group.rawValue) % founders.count].node
        )
    }

    /// A group's first configuration, for a group that the cluster began with or one that was added later.
    ///
    /// - Parameters:
    ///   - voters: the nodes that vote, by the data directory that each was admitted with; sorted by node.
    ///   - preferredLeader: the node that is rather to lead; nil where each leads as well as another.
    public static func configuration(
        of group: GroupID,
        on voters: [Founder],
        preferredLeader: NodeID?
    ) -> Configuration {
        Configuration(
            voters: voters.map { voter in
                Member(
                    replica: replica(of: group, in: voter.directory, 0),
                    node: voter.node,
                    priority: voter.node == preferredLeader ? preferredPriority : ordinaryPriority
                )
            }
        )
    }

    /// The priority of the voter that is to lead a group, and of the replica that comes in its place.
    public static let preferredPriority: UInt8 = 200
    /// The priority of every other voter, and of a replica whose node had none of the group.
    public static let ordinaryPriority: UInt8 = 100

    /// The ID of a replica that begins with nothing. It belongs to the directory, not to the node: a node that
    /// comes back with another directory, or begins anew in the same one, has another replica.
    ///
    /// - Parameters:
    ///   - group: whose replica it is.
    ///   - origin: the directory for its first replicas, later the run of the node in which the replica began.
    ///   - attempt: counts the replicas that began in one run.
    public static func replica(of group: GroupID, in origin: UInt64, _ attempt: UInt64) -> ReplicaID {
        let seed = origin ^ (UInt64(group.rawValue) &* 0x9e37_79b9_7f4a_7c15) ^ (attempt &* 0xd6e8_feb8_6659_fd93)
        // 48 bits are enough never to meet again in one group, and can be read out. 0 means nobody.
        return ReplicaID(max(1, SplitMix64.mix(seed) >> 16))
    }
}
