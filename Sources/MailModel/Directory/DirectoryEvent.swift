public import Consensus

/// What happened to the cluster, as the directory remembers it: who it was about, without a sentence, which whoever
/// shows it makes.
public struct DirectoryEvent: Hashable, Sendable {
    /// What happened. The comments name the fields that are filled in.
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        /// `node`.
        case nodeAdmitted = 1
        /// `node`, and `number` its run.
        case nodeStarted = 2
        /// `node`, and `number` its state.
        case nodeStateChanged = 3
        /// `node`.
        case nodeLabelled = 4
        /// `group`, `nodes` of its voters, `name` of its pool.
        case groupAdded = 5
        /// `group`.
        case groupRemoved = 6
        /// `group`, and the `nodes` that are to hold its voters.
        case groupPlaced = 7
        /// `group`, and the `nodes` that hold its voters now.
        case votersChanged = 8
        /// `group`, and the `nodes` that are to hold its voters although one value of a label has a majority of them:
        /// an admin has said so, or the nodes at hand allow nothing better.
        case majorityAllowed = 9
        /// `name` of the pool.
        case ruleSet = 10
        case schedulerSet = 11
        /// `operation`, and its node or its group.
        case operationBegan = 12
        /// `operation`, its node or its group, and `number` its state.
        case operationEnded = 13
        /// `number` is the version.
        case versionRaised = 14
        /// `group`, and `number` how many slots it was given.
        case slotsAssigned = 15
        /// `number` is the token's ID.
        case tokenAdded = 16
        /// `number` is the token's ID.
        case tokenRevoked = 17
    }

    /// What happened.
    public let kind: Kind
    /// The node that it happened to.
    public var node: NodeID?
    /// The group that it happened to.
    public var group: GroupID?
    /// The operation that it happened to.
    public var operation: OperationID?
    /// Further nodes, sorted.
    public var nodes: [NodeID] = []
    /// What the kind says.
    public var number: UInt64 = 0
    /// What the kind says.
    public var name = ""

    public init(
        _ kind: Kind,
        node: NodeID? = nil,
        group: GroupID? = nil,
        operation: OperationID? = nil,
        nodes: [NodeID] = [],
        number: UInt64 = 0,
        name: String = ""
    ) {
        self.kind = kind
        self.node = node
        self.group = group
        self.operation = operation
        self.nodes = nodes
        self.number = number
        self.name = name
    }

    /// How many events are remembered; the oldest go first.
    public static let maximumCount: UInt64 = 4_096
}

/// An event with its place among all events.
public struct NumberedEvent: Hashable, Sendable {
    /// Rises by one with each event, from 1.
    public let sequence: UInt64
    /// When it happened.
    public let time: Timestamp
    /// What happened.
    public let event: DirectoryEvent

    public init(sequence: UInt64, time: Timestamp, event: DirectoryEvent) {
        self.sequence = sequence
        self.time = time
        self.event = event
    }
}
