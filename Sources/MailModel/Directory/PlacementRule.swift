/// What the labels of a node must be like for a replica of the pool to lie there.
public enum Constraint: Hashable, Sendable, CustomStringConvertible {
    /// The node has the key with one of these values.
    case isIn(key: String, values: [String])
    /// The node lacks the key, or has it with another value.
    case isNotIn(key: String, values: [String])
    /// The node has the key with any value.
    case exists(key: String)

    /// Whether a node with these labels may hold a replica.
    public func allows(_ labels: Labels) -> Bool {
        switch self {
        case .isIn(let key, let values): labels[key].map(values.contains) ?? false
        case .isNotIn(let key, let values): !(labels[key].map(values.contains) ?? false)
        case .exists(let key): labels[key] != nil
        }
    }

    public var description: String {
        switch self {
        case .isIn(let key, let values): "\(key) in \(values.joined(separator: ", "))"
        case .isNotIn(let key, let values): "\(key) not in \(values.joined(separator: ", "))"
        case .exists(let key): "\(key) exists"
        }
    }
}

/// Where the replicas of a pool's groups may lie, and who may lead them.
public struct PlacementRule: Hashable, Sendable {
    /// More keys than this do not fit into ``Score``.
    public static let maximumSpreadKeys = 7
    /// More labels on probation at once than this are refused.
    public static let maximumCanaries = 64
    /// Rules of more pools than this are refused.
    public static let maximumPools = 64
    /// More constraints than this are refused.
    public static let maximumConstraints = 64
    /// More labels of preferred leaders than this are refused.
    public static let maximumPreferences = 64
    /// More voters than this make every write slower and nothing safer.
    public static let maximumVoters = 7

    /// Voters of each group: 3, 5 or 7. One is allowed, and survives nothing.
    public let voters: Int
    /// Keys of labels to spread over, the most important first. Behind the last key comes the node itself: no node
    /// holds two replicas of a group.
    public let spread: [String]
    /// What every node with a replica must fulfil.
    public let constraints: [Constraint]
    /// Who should lead: nodes with the first label, then those with the second, and so on.
    public let leaderPreferences: [Label]
    /// Labels on probation: the nodes with such a label hold at most one replica of a group, and never lead.
    public let canaries: [Label]

    /// Why there is no such rule.
    public enum Problem: Hashable, Sendable, CustomStringConvertible {
        case voters(Int)
        case keyTwice(String)
        case tooManyKeys(Int)
        case tooManyCanaries(Int)

        public var description: String {
            switch self {
            case .voters(let count): "A group has 1, 3, 5 or 7 voters, not \(count)."
            case .keyTwice(let key): "The key \(key) is named twice."
            case .tooManyKeys(let count): "\(count) spread keys are more than \(maximumSpreadKeys)."
            case .tooManyCanaries(let count): "\(count) labels on probation are more than \(maximumCanaries)."
            }
        }
    }

    /// What is wrong with what shall become a rule; nil where the initialiser takes it.
    public static func problem(voters: Int, spread: [String], canaries: [Label]) -> Problem? {
        guard voters % 2 == 1, (1...maximumVoters).contains(voters) else { return .voters(voters) }
        guard spread.count <= maximumSpreadKeys else { return .tooManyKeys(spread.count) }
        for (place, key) in spread.enumerated() where spread[..<place].contains(key) { return .keyTwice(key) }
        return canaries.count > maximumCanaries ? .tooManyCanaries(canaries.count) : nil
    }

    /// A rule. Traps where ``problem(voters:spread:canaries:)`` finds one.
    public init(
        voters: Int = 3,
        spread: [String] = ["vendor", "datacenter"],
        constraints: [Constraint] = [],
        leaderPreferences: [Label] = [],
        canaries: [Label] = []
    ) {
        precondition(Self.problem(voters: voters, spread: spread, canaries: canaries) == nil)
        self.voters = voters
        self.spread = spread
        self.constraints = constraints
        self.leaderPreferences = leaderPreferences
        self.canaries = canaries
    }
}
