public import Consensus
public import MailModel

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
        case .state(let state): "is \(state.name)"
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
    /// How the disk is. A node keeps its replicas and leads none while it is slow or full, and takes none while it is
    /// full.
    public var disk: DiskCondition

    public init(
        id: NodeID,
        labels: Labels,
        state: NodeState = .active,
        liveness: Liveness = .alive,
        capacityBytes: Int,
        usedBytes: Int = 0,
        disk: DiskCondition = .well
    ) {
        self.id = id
        self.labels = labels
        self.state = state
        self.liveness = liveness
        self.capacityBytes = capacityBytes
        self.usedBytes = usedBytes
        self.disk = disk
    }

    /// Why replicas must leave the node; nil while they may stay.
    public func departure(deadAfterSeconds: Int) -> Departure? {
        if state.sendsReplicasAway { return .state(state) }
        if case .gone(let seconds) = liveness, seconds >= deadAfterSeconds { return .dead(goneSeconds: seconds) }
        return nil
    }

    /// Whether the node has been gone for so long that nobody waits for it.
    func isDead(afterSeconds limit: Int) -> Bool {
        if case .gone(let seconds) = liveness { seconds >= limit } else { false }
    }

    /// Why others are to lead in the node's place; nil while it may lead.
    public func leaderDeparture(deadAfterSeconds: Int) -> Departure? {
        state.handsLeadershipsOn ? .state(state) : departure(deadAfterSeconds: deadAfterSeconds)
    }

    /// Whether the node is active and heard of: nothing else is given new work.
    var isAtHand: Bool { state == .active && liveness == .alive }
}
