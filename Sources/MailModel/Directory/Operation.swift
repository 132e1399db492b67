public import Consensus

/// The number of an operation, which its author draws: who asks for the same one again gets the same one.
public struct OperationID: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static func < (a: OperationID, b: OperationID) -> Bool { a.rawValue < b.rawValue }
}

/// What an admin has asked for that takes its time.
public enum OperationKind: Hashable, Sendable {
    /// Others are to lead in the node's place, so that it can be stopped.
    case drain(NodeID)
    /// The node's replicas are to be elsewhere, so that it can be thrown away.
    case decommission(NodeID)
    /// The voters of a group are to be where `to` says. `from` is where they were to be before.
    case moveReplicas(GroupID, from: Placing, to: Placing)
    /// Replicas and leaderships are to be shared out as evenly as the rules allow.
    case rebalance

    /// The node that the operation is about; nil where it is about none.
    public var node: NodeID? {
        switch self {
        case .drain(let node), .decommission(let node): node
        case .moveReplicas, .rebalance: nil
        }
    }

    /// The group that the operation is about; nil where it is about none.
    public var group: GroupID? {
        switch self {
        case .moveReplicas(let group, _, _): group
        case .drain, .decommission, .rebalance: nil
        }
    }

    /// Whether the two cannot go on at once.
    public func conflicts(with other: OperationKind) -> Bool {
        switch (self, other) {
        case (.rebalance, .rebalance): true
        default: node != nil && node == other.node || group != nil && group == other.group
        }
    }
}

/// How an operation stands.
public enum OperationState: UInt8, Hashable, Sendable, CaseIterable {
    case running = 0
    case succeeded = 1
    case failed = 2
    case cancelled = 3

    /// The name that admins see.
    public var name: String {
        switch self {
        case .running: "running"
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }
}

/// How much there is to do, in replicas and in bytes of them. For leaderships, only their number is counted.
public struct OperationWork: Hashable, Sendable {
    /// Replicas, or leaderships, that are to be elsewhere.
    public var replicas: UInt32
    /// Bytes that are copied for that.
    public var bytes: UInt64

    public init(replicas: UInt32 = 0, bytes: UInt64 = 0) {
        self.replicas = replicas
        self.bytes = bytes
    }
}

/// An operation as the directory keeps it. How far it is follows from the state of the cluster, so that it goes on
/// whoever looks at it.
public struct OperationRecord: Hashable, Sendable {
    /// By which it is named.
    public let id: OperationID
    /// What was asked for.
    public let kind: OperationKind
    /// How it stands.
    public var state: OperationState
    /// When it began.
    public let began: Timestamp
    /// When it ended; nil while it runs.
    public var ended: Timestamp?
    /// All that there was to do when it began.
    public let work: OperationWork

    public init(
        id: OperationID,
        kind: OperationKind,
        state: OperationState = .running,
        began: Timestamp,
        ended: Timestamp? = nil,
        work: OperationWork
    ) {
        self.id = id
        self.kind = kind
        self.state = state
        self.began = began
        self.ended = ended
        self.work = work
    }

    /// How many operations can run at once.
    public static let maximumRunning = 64
    /// How many that have ended are remembered.
    public static let maximumEnded = 192
}
