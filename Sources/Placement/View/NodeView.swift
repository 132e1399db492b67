public import Consensus

/// Where a node stands in its life.
public enum NodeState: String, Hashable, Sendable, CaseIterable {
    /// Registered, not yet open for replicas.
    case joining
    /// Takes replicas and leads.
    case active
    /// Keeps what it has and takes nothing new.
    case cordoned
    /// Gives its replicas away.
    case draining
    /// Has given its replicas away.
    case drained
    /// Will never come back.
    case decommissioned
    /// Decommissioned, and no longer listed.
    case forgotten

    /// Whether replicas must leave a node in this state.
    public var sendsReplicasAway: Bool {
        switch self {
        case .joining, .active, .cordoned: false
        case .draining, .drained, .decommissioned, .forgotten: true
        }
    }
}

/// Whether a node has been heard of.
public enum Liveness: Hashable, Sendable {
    case alive
    /// Nobody has heard of the node for so many seconds.
    case gone(seconds: Int)
}

/// Why the replicas of a node must go elsewhere.
public enum Departure: Hashable, Sendable, CustomStringConvertible {
    /// The node has been gone for longer than `PlacementSettings.deadAfterSeconds`.
    case dead(goneSeconds: Int)
    /// The node is in a state that sends replicas away.
    case state(NodeState)

    public var description: String {
        switch self {
        case .dead(let seconds): "has been gone for \(seconds) s"
        case .state(let state): "is \(state.rawValue)"
        }
    }
}

/// One node as placement sees it.
public struct NodeView: Hashable, Sendable {
    /// The node itself.
    public let id: NodeID
    /// Its labels.
    public let labels: Labels
    /// Where the node stands in its life.
    public var state: NodeState
    /// Whether the node has been heard of.
    public var liveness: Liveness
    /// Room for data, in bytes. A node whose capacity is not known has 0, and takes no replica.
    public let capacityBytes: Int
    /// Bytes in use, by replicas and whatever else lies on the disk.
    public var usedBytes: Int
    /// Whether the disk answers slowly: such a node keeps its replicas and leads none.
    public var hasSlowDisk: Bool

    public init(
        id: NodeID,
        labels: Labels,
        state: NodeState = .active,
        liveness: Liveness = .alive,
        capacityBytes: Int,
        usedBytes: Int = 0,
        hasSlowDisk: Bool = false
    ) {
        self.id = id
        self.labels = labels
        self.state = state
        self.liveness = liveness
        self.capacityBytes = capacityBytes
        self.usedBytes = usedBytes
        self.hasSlowDisk = hasSlowDisk
    }

    /// Why replicas must leave the node; nil while they may stay.
    public func departure(deadAfterSeconds: Int) -> Departure? {
        if state.sendsReplicasAway { return .state(state) }
        if case .gone(let seconds) = liveness, seconds >= deadAfterSeconds { return .dead(goneSeconds: seconds) }
        return nil
    }

    /// Whether the node is active and heard of: nothing else is given new work.
    var isAtHand: Bool { state == .active && liveness == .alive }
}
