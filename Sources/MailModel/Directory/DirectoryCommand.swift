public import Consensus

/// Changes of group 0's own state. Whoever asks twice for the same gets the same: each is found to be done already.
public enum DirectoryCommand: Hashable, Sendable {
    /// Founds the cluster: its ID, how many mail groups (1...n) share the slots, the version that it begins with, and
    /// the nodes that begin it. The first one wins.
    case found(clusterID: UInt64, mailGroups: UInt32, version: ClusterVersion, founders: [Founder])
    /// Adds a founder, or updates what is known of a node. Refused when the node's program does not know the cluster's
    /// version, when a later run of the node has registered (`run` is higher with every run, see ``NodeDescription``),
    /// and when the node was forgotten.
    case registerNode(NodeDescription, run: UInt64)
    /// Lets all nodes write the next version. Refused unless every node's program knows it. There is no way back.
    case raiseVersion(ClusterVersion)
    /// Lets nodes join by a token that they hold.
    case addToken(JoinToken)
    /// Ends a token, whether or not it is there.
    case removeToken(JoinTokenID)
    /// Takes a data directory in as a node of its own, under a number that no node had before; that of the description
    /// counts for nothing. Answered by ``MailOutcome/nodeAdmitted(_:)``, with the same number for the same data
    /// directory, whatever the token is worth by then. Refused when its program does not know the cluster's version.
    case admitNode(directory: UInt64, JoinTokenProof, NodeDescription)
    /// Moves a node to another state of its life; see ``NodeState/mayBecome(_:)``.
    case setNodeState(NodeID, NodeState)
    /// Begins a group that has no slots yet, under a number that no group had before, with a voter on each node of the
    /// placing. Refused where one of them is not active. Answered by ``MailOutcome/groupAdded(_:)``.
    case addGroup(pool: String, Placing)
    /// Says which nodes are to hold the voters of a group. Refused where the directory says something else by now than
    /// `replacing` (nil: whatever it says), and where a node that is to get a voter is not active.
    case placeGroup(GroupID, Placing, replacing: Placing?)
    /// Ends a group that serves no slot.
    case removeGroup(GroupID)
    /// Says who is a member of a group, as its configuration at an index of its log names them. What is older than what
    /// is known changes nothing.
    case reportMembers(GroupID, at: LogIndex, Configuration)
    /// Gives slots to a group, and raises the epochs of all groups that lose or get some.
    case assignSlots(SlotRange, to: GroupID)
    /// Says where the voters of a pool's groups may lie, and who may lead.
    case setRule(pool: String, PlacementRule)
    /// Says when the scheduler moves something, and how much at once.
    case setScheduler(SchedulerSettings)
    /// Says what labels a node has besides those that it says itself, or instead of them. An empty value takes the
    /// label away.
    case setLabels(NodeID, [Label])
    /// Begins an operation, with all that it changes at once: a node that is drained or decommissioned changes its
    /// state, a group is placed. Answered by ``MailOutcome/operationConflicts(_:)`` where another one stands in the
    /// way.
    case beginOperation(OperationID, OperationKind, OperationWork)
    /// Ends an operation. One that was cancelled is undone as far as it has not happened yet: the node is active again,
    /// the group's voters are to be where they were.
    case endOperation(OperationID, OperationState)
}

/// Which nodes are to hold the voters of a group, and which of them is rather to lead.
public struct Placing: Hashable, Sendable {
    /// The nodes of the voters, sorted, each once.
    public let voters: [NodeID]
    /// One of `voters`; nil where each leads as well as another.
    public let preferredLeader: NodeID?
    /// Whether one value of a label may get a majority of the voters on the way there: an admin has asked for that, or
    /// the nodes at hand allow nothing better.
    public let mayFormMajority: Bool

    /// The voters may come in any order and are sorted here. A preferred leader that is none of them is left out.
    public init(voters: some Sequence<NodeID>, preferredLeader: NodeID? = nil, mayFormMajority: Bool = false) {
        let sorted = Set(voters).sorted()
        self.voters = sorted
        self.preferredLeader = preferredLeader.flatMap { sorted.contains($0) ? $0 : nil }
        self.mayFormMajority = mayFormMajority
    }

    /// How many voters a group can have.
    public static let maximumVoters = 9
}

/// Slots side by side.
public struct SlotRange: Hashable, Sendable {
    /// The first of them.
    public let first: Slot
    /// How many there are, at least 1 and at most ``maximumCount``.
    public let count: Int

    /// Nil where the range is empty, too long for one command, or goes beyond the last slot.
    public init?(first: Slot, count: Int) {
        guard count >= 1, count <= Self.maximumCount, Int(first.rawValue) + count <= Slot.count else { return nil }
        self.first = first
        self.count = count
    }

    /// So that one command touches a bounded number of rows.
    public static let maximumCount = 1_024

    /// All of them, in order.
    public var slots: some Sequence<Slot> {
        (Int(first.rawValue)..<Int(first.rawValue) + count).lazy.map { Slot(rawValue: UInt16($0)) }
    }
}
