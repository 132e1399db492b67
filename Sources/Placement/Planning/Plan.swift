public import Consensus
public import MailModel

/// Why a node was not taken.
public enum Rejection: Hashable, Sendable, CustomStringConvertible {
    case state(NodeState)
    case gone(seconds: Int)
    case constraint(Constraint)
    case holdsReplica
    case noRoom(freeBytes: Int, neededBytes: Int)
    /// The label is on probation, and a node with it holds a replica of the group already.
    case canaryTaken(Label)
    /// The value already holds so many voters that stay: one more does not spread the group any better.
    case valueIsTaken(key: String, DomainValue, voters: Int)
    /// With the node, no rule would be broken less.
    case doesNotHelp
    /// The node holds no voter of the group, and so cannot lead it.
    case holdsNoVoter
    case disk(DiskCondition)
    case canary(Label)
    case quarantined

    public var description: String {
        switch self {
        case .state(let state): "is \(state.name)"
        case .gone(let seconds): "has been gone for \(seconds) s"
        case .constraint(let constraint): "breaks the constraint \(constraint)"
        case .holdsReplica: "holds a replica already"
        case .noRoom(let free, let needed): "has room for \(max(0, free)) bytes of \(needed)"
        case .canaryTaken(let label): "\(label) is on probation and holds a replica already"
        case .valueIsTaken(let key, let value, let voters): "\(key) \(value) holds \(voters) voters already"
        case .doesNotHelp: "would not help"
        case .holdsNoVoter: "holds no voter"
        case .disk(let disk): "has a \(disk) disk"
        case .canary(let label): "\(label) is on probation"
        case .quarantined: "holds a replica in quarantine"
        }
    }
}

/// A node that was considered and not taken.
public struct RejectedNode: Hashable, Sendable, CustomStringConvertible {
    /// The node.
    public let node: NodeID
    /// Why it was not taken.
    public let rejection: Rejection

    public var description: String { "node \(node.rawValue) \(rejection)" }
}

/// What stands in the way of a repair.
public enum Obstacle: Hashable, Sendable, CustomStringConvertible {
    /// The group cannot change its configuration: too few voters are alive.
    case noQuorum(live: Int, needed: Int)
    /// No node at hand makes it better.
    case noNode
    /// Nodes are at hand, but on the way a rule that holds now would be broken.
    case noSafeStep
    /// No voter of the group may lead.
    case nobodyMayLead

    public var description: String {
        switch self {
        case .noQuorum(let live, let needed): "only \(live) of the \(needed) voters of a quorum are alive"
        case .noNode: "no node at hand makes it better"
        case .noSafeStep: "every change would break a rule that holds now"
        case .nobodyMayLead: "no voter may lead"
        }
    }
}

/// A violation that stays, and why.
public struct Unrepaired: Hashable, Sendable, CustomStringConvertible {
    /// The group.
    public let group: GroupID
    /// What is wrong with the group.
    public let violation: Violation
    /// What stands in the way.
    public let obstacle: Obstacle
    /// Every node of the view, and why it was not taken; empty where the group has no quorum.
    public let rejected: [RejectedNode]

    public var description: String { "Group \(group.rawValue): \(violation) Not repaired: \(obstacle)." }

    /// The same with every node that was considered, and why it was not taken.
    public var explanation: String {
        rejected.isEmpty
            ? description : "\(self) Considered: " + rejected.map(\.description).joined(separator: "; ") + "."
    }
}

/// What to do next.
public struct Plan: Hashable, Sendable {
    /// Moves that may all begin now, at most one for each group, the most urgent first.
    public internal(set) var moves: [Move] = []
    /// What stays wrong, sorted by group.
    public internal(set) var unrepaired: [Unrepaired] = []
    /// Groups whose repair waits for a limit of moves at once, sorted.
    public internal(set) var waiting: [GroupID] = []

    /// Bytes that all moves copy.
    public var bytesToCopy: Int { moves.reduce(0) { $0 + $1.bytesToCopy } }
}
