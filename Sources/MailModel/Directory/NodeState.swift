/// Where a node stands in its life. Placement and admins move it on; the directory keeps it.
public enum NodeState: UInt8, Hashable, Sendable, CaseIterable {
    /// Registered, not yet open for replicas.
    case joining = 0
    /// Takes replicas and leads.
    case active = 1
    /// Keeps what it has and takes nothing new.
    case cordoned = 2
    /// Gives its replicas away.
    case draining = 3
    /// Has given its replicas away.
    case drained = 4
    /// Will never come back.
    case decommissioned = 5
    /// Decommissioned, and no longer listed. Its number is never used again.
    case forgotten = 6

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
        }
    }

    /// Whether a node in this state belongs to the cluster: others talk to it, and it holds the directory.
    public var isMember: Bool {
        switch self {
        case .joining, .active, .cordoned, .draining, .drained: true
        case .decommissioned, .forgotten: false
        }
    }

    /// Whether a node goes from this state to another in one step. From being forgotten, no way leads back.
    public func mayBecome(_ next: NodeState) -> Bool {
        switch (self, next) {
        case (let same, let other) where same == other: true
        case (.joining, .active), (.joining, .decommissioned): true
        case (.active, .cordoned), (.active, .draining): true
        case (.cordoned, .active), (.cordoned, .draining): true
        case (.draining, .active), (.draining, .cordoned), (.draining, .drained): true
        case (.drained, .active), (.drained, .cordoned), (.drained, .draining), (.drained, .decommissioned): true
        case (.decommissioned, .forgotten): true
        default: false
        }
    }
}
