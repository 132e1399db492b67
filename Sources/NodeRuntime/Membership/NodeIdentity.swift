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
    /// Up to which group this node has begun those that were added and that it is to begin; 0 where none was.
    package var addedUpTo: GroupID

    package init(
        directory: UInt64,
        mailGroups: UInt32,
        founders: [Founder] = [],
        isComplete: Bool = false,
        addedUpTo: GroupID = GroupID(0)
    ) {
        self.directory = directory
        self.mailGroups = mailGroups
        self.founders = founders
        self.isComplete = isComplete
        self.addedUpTo = addedUpTo
    }

    /// No replica of a group up to this one is begun here any more as that of a new group: it would be begun twice.
    package var begunUpTo: GroupID { max(GroupID(mailGroups), addedUpTo) }

    /// Whether this node knows how its cluster began.
    package var isFounded: Bool { !founders.isEmpty }

    /// The directory group and all mail groups.
    package var groups: [GroupID] { (0...mailGroups).map { GroupID($0) } }

    /// A group's first configuration: every founder votes, and leaderships are spread over them.
    package func configuration(of group: GroupID) -> Configuration { Founder.configuration(of: group, by: founders) }
}

/// Keeps a node's identity. Saving blocks on the disk.
package protocol NodeIdentityStore: Sendable {
    /// Writes the identity in the place of the one that is there, and returns when it is durable.
    ///
    /// - Throws: where the identity cannot be made durable.
    func save(_ identity: NodeIdentity) throws
    /// Writes whom a node that has joined can ask for the directory when it has lost it, and returns when that is
    /// durable. Of a node that was there when its cluster began, the settings say it, and nothing is written.
    ///
    /// - Throws: where it cannot be made durable.
    func saveContacts(_ contacts: [JoinContact]) throws
}

/// What an operator should hear of the membership of this node's replicas.
package enum MembershipEvent: Sendable {
    /// The cluster cannot begin before these nodes are there.
    case waiting(for: [NodeID])
    /// The cluster began, with this node or before it came.
    case founded([Founder])
    /// A replica may have forgotten something: it is given up, and built anew from the others.
    case quarantined(GroupID, reason: String)
    /// The directory wants a replica of a group here, of which this node has had none.
    case wanted(GroupID)
    /// An empty replica stands ready and asks to be taken in.
    case begun(GroupID, ReplicaID)
    /// A replica that began here votes.
    case admitted(GroupID, ReplicaID)
    /// A replica that began here learns the directory, as every node does.
    case learning(GroupID, ReplicaID)
    /// A group goes on without the replica that is here, which is being removed.
    case leaving(GroupID)
    /// Log and state have nothing of a group any more that is served by others.
    case removed(GroupID)
    /// A group cannot go on here: an entry cannot be applied, or a snapshot contradicts what is committed.
    case stopped(GroupID, at: LogIndex, reason: String)
    /// A peer sent what no correct one sends; it was not listened to.
    case contradicted(GroupID, Contradiction, by: NodeID?)
    /// So many reads have failed since the node started, the last one for this reason.
    case unreadable(GroupID, count: Int, reason: String)
    /// All nodes know this version, and may write it from now on.
    case version(ClusterVersion)
}
