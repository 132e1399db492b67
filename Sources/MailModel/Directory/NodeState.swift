/// Where a node stands in its life. Admins and the scheduler move it on; the directory keeps it.
public enum NodeState: UInt8, Hashable, Sendable, CaseIterable {
    /// Admitted, and not heard of yet.
    case joining = 0
    /// Takes replicas and leads.
    case active = 1
    /// Keeps what it has and takes nothing new.
    case cordoned = 2
    /// Hands its leaderships on, keeps its replicas, and takes nothing new.
    case draining = 3
    /// Leads nothing: to stop it interrupts nobody.
    case drained = 4
    /// Holds no replica and belongs to the cluster no more. Its data can be thrown away.
    case decommissioned = 5
    /// Was decommissioned, and is no longer listed. Its number is never used again.
    case forgotten = 6
    /// Gives its replicas away, and takes nothing new.
    case decommissioning = 7

    /// The name that admins see.
    public var name: String {
        switch self {
        case .joining: "joining"
        case .active: "active"
        case .cordoned: "cordoned"
        case .draining: "draining"
        case .drained: "drained"
        case .decommissioned: "decommissioned"
        case .forgotten: "forgotten"
        case .decommissioning: "decommissioning"
        }
    }

    /// Whether a node in this state belongs to the cluster: others talk to it, and it holds the directory.
    public var isMember: Bool {
        switch self {
        case .joining, .active, .cordoned, .draining, .drained, .decommissioning: true
        case .decommissioned, .forgotten: false
        }
    }

    /// Whether replicas must leave a node in this state.
    public var sendsReplicasAway: Bool {
        switch self {
        case .joining, .active, .cordoned, .draining, .drained: false
        case .decommissioning, .decommissioned, .forgotten: true
        }
    }

    /// Whether a node in this state is to lead nothing.
    public var handsLeadershipsOn: Bool {
        switch self {
        case .joining, .active, .cordoned: false
        case .draining, .drained, .decommissioning, .decommissioned, .forgotten: true
        }
    }

    /// Whether a node goes from this state to another in one step. From being forgotten, no way leads back.
    public func mayBecome(_ next: NodeState) -> Bool {
        switch (self, next) {
        case (let same, let other) where same == other: true
        case (.joining, .active), (.joining, .decommissioning): true
        case (.active, .cordoned), (.active, .draining), (.active, .decommissioning): true
        case (.cordoned, .active), (.cordoned, .draining), (.cordoned, .decommissioning): true
        case (.draining, .active), (.draining, .cordoned), (.draining, .drained), (.draining, .decommissioning): true
        case (.drained, .active), (.drained, .cordoned), (.drained, .draining), (.drained, .decommissioning): true
        case (.decommissioning, .active), (.decommissioning, .cordoned), (.decommissioning, .decommissioned): true
        case (.decommissioned, .active), (.decommissioned, .forgotten): true
        default: false
        }
    }
}
