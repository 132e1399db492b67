package import Consensus
package import MailModel
package import PeerTransport

/// What a data directory knows of itself and of its cluster.
package struct NodeIdentity: Hashable, Sendable {
    /// Names this directory among all others, for ever.
    package let directory: UInt64
    /// How many groups the accounts are shared among; the directory's group is not counted.
    package let mailGroups: UInt32
    /// Who began the cluster, sorted by node; empty as long as this directory belongs to none.
    package var founders: [Founder]
    /// Whether this node has what it began with: all groups as they were founded, or, if it is no founder, none.
    package var isComplete: Bool

    package init(directory: UInt64, mailGroups: UInt32, founders: [Founder] = [], isComplete: Bool = false) {
        self.directory = directory
        self.mailGroups = mailGroups
        self.founders = founders
        self.isComplete = isComplete
    }

    /// Whether this node knows how its cluster began.
    package var isFounded: Bool { !founders.isEmpty }

    /// The directory group and all mail groups.
    package var groups: [GroupID] { (0...mailGroups).map { GroupID($0) } }

    /// A group's first configuration: every founder votes, and leaderships are spread over them.
    package func configuration(of group: GroupID) -> Configuration {
        let preferred = Int(group.rawValue) % max(1, founders.count)
        return Configuration(
            voters: founders.enumerated().map { index, founder in
                Member(
                    replica: Self.replica(of: group, in: founder.directory, 0),
                    node: founder.node,
                    priority: index == preferred ? Self.preferredPriority : Self.ordinaryPriority
                )
            }
        )
    }

    /// The priority of the voter that is to lead a group, and of the replica that comes in its place.
    package static let preferredPriority: UInt8 = 200
    /// The priority of every other voter, and of a replica whose node had none of the group.
    package static let ordinaryPriority: UInt8 = 100

    /// The ID of a replica that begins with nothing. It belongs to the directory, not to the node: a node that
    /// comes back with another directory, or begins anew in the same one, has another replica.
    ///
    /// - Parameters:
    ///   - origin: the directory for its first replicas, later the run of the node in which the replica began.
    ///   - attempt: counts the replicas that began in one run.
    package static func replica(of group: GroupID, in origin: UInt64, _ attempt: UInt64) -> ReplicaID {
        let seed = origin ^ (UInt64(group.rawValue) &* 0x9e37_79b9_7f4a_7c15) ^ (attempt &* 0xd6e8_feb8_6659_fd93)
        // 48 bits are enough never to meet again in one group, and can be read out. 0 means nobody.
        return ReplicaID(max(1, SplitMix64.mix(seed) >> 16))
    }
}

/// Keeps a node's identity. Saving blocks on the disk.
package protocol NodeIdentityStore: Sendable {
    /// Writes the identity in the place of the one that is there, and returns when it is durable.
    ///
    /// - Throws: where the identity cannot be made durable.
    func save(_ identity: NodeIdentity) throws
}

/// What an operator should hear of the membership of this node's replicas.
package enum MembershipEvent: Sendable {
    /// The cluster cannot begin before these nodes are there.
    case waiting(for: [NodeID])
    /// The cluster began, with this node or before it came.
    case founded([Founder])
    /// A replica may have forgotten something: it is given up, and built anew from the others.
    case quarantined(GroupID, reason: String)
    /// An empty replica stands ready and asks to be taken in.
    case begun(GroupID, ReplicaID)
    /// A replica that began here votes.
    case admitted(GroupID, ReplicaID)
    /// A group cannot go on here: an entry cannot be applied, or a snapshot contradicts what is committed.
    case stopped(GroupID, at: LogIndex, reason: String)
    /// A peer sent what no correct one sends; it was not listened to.
    case contradicted(GroupID, Contradiction, by: NodeID?)
    /// So many reads have failed since the node started, the last one for this reason.
    case unreadable(GroupID, count: Int, reason: String)
    /// All nodes know this version, and may write it from now on.
    case version(ClusterVersion)
}
