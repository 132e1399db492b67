public import Consensus
public import MailModel

/// All that placement knows of a cluster, as one value. The same nodes, groups, rules, settings and moves make the same
/// view, in whatever order they come.
public struct ClusterView: Sendable {
    /// All nodes, sorted by ID. A node that only a replica names is listed as forgotten.
    public let nodes: [NodeView]
    /// All groups, sorted by ID.
    public let groups: [GroupView]
    /// All pools, sorted; the rule of `pools[i]` is `rules[i]`.
    public let pools: [String]
    /// The rules of the pools. A pool that only a group names has the default rule.
    public let rules: [PlacementRule]
    /// When placement acts, and how much of it goes on at once.
    public let settings: PlacementSettings
    /// Moves that were planned earlier and have not ended, sorted by group.
    public let movesUnderWay: [Move]
    /// Whether loads are to be evened out whatever has to be copied for it. Otherwise voters that can change their
    /// nodes only two at once stay where they are, unless it is for a new node.
    public private(set) var evensOut = false

    /// What each rule makes of the nodes, in the order of `pools`.
    let ruleIndexes: [RuleIndex]
    /// The number in `rules` of each group's rule.
    let ruleOfGroup: [Int]
    /// Where the replicas of each group lie, by numbers of nodes.
    let seatings: [Seating]
    /// Whether a move of each group is under way.
    let isUnderWay: [Bool]
    private let nodeNumbers: [NodeID: Int]
    private let groupNumbers: [GroupID: Int]

    /// A view of a cluster. Traps where an ID of a node or a group comes twice.
    public init(
        nodes: [NodeView],
        groups: [GroupView],
        rules: [String: PlacementRule] = [:],
        settings: PlacementSettings = PlacementSettings(),
        movesUnderWay: [Move] = []
    ) {
        self.groups = groups.sorted { $0.id < $1.id }
        self.nodes = Self.withForgotten(nodes, self.groups).sorted { $0.id < $1.id }
        self.settings = settings
        self.movesUnderWay = movesUnderWay.sorted { $0.group < $1.group }
        pools = Set(rules.keys).union(groups.map(\.pool)).sorted()
        self.rules = pools.map { rules[$0] ?? PlacementRule() }
        nodeNumbers = Dictionary(uniqueKeysWithValues: self.nodes.enumerated().map { ($1.id, $0) })
        groupNumbers = Dictionary(uniqueKeysWithValues: self.groups.enumerated().map { ($1.id, $0) })
        let poolNumbers = Dictionary(uniqueKeysWithValues: pools.enumerated().map { ($1, $0) })
        ruleOfGroup = self.groups.map { poolNumbers[$0.pool] ?? 0 }
        let allNodes = self.nodes
        ruleIndexes = self.rules.map { RuleIndex(rule: $0, nodes: allNodes) }
        let numbers = nodeNumbers
        seatings = self.groups.map { Seating($0, nodeNumbers: numbers, nodes: allNodes) }
        let moving = Set(movesUnderWay.map(\.group))
        isUnderWay = self.groups.map { moving.contains($0.id) }
    }

    private static func withForgotten(_ nodes: [NodeView], _ groups: [GroupView]) -> [NodeView] {
        var known = Set(nodes.map(\.id))
        var all = nodes
        for replica in groups.lazy.flatMap(\.replicas) where known.insert(replica.node).inserted {
            let gone = Liveness.gone(seconds: .max)
            all.append(NodeView(id: replica.node, labels: [:], state: .forgotten, liveness: gone, capacityBytes: 0))
        }
        return all
    }

    /// The node of that ID; nil where there is none.
    public func node(_ id: NodeID) -> NodeView? { nodeNumbers[id].map { nodes[$0] } }

    /// The group of that ID; nil where there is none.
    public func group(_ id: GroupID) -> GroupView? { groupNumbers[id].map { groups[$0] } }

    /// The rule of that pool; nil where there is neither a rule nor a group of it.
    public func rule(ofPool pool: String) -> PlacementRule? { pools.firstIndex(of: pool).map { rules[$0] } }

    /// The number in `nodes` of that node; nil where there is none.
    func nodeNumber(of node: NodeID) -> Int? { nodeNumbers[node] }

    /// The number in `groups` of that group; nil where there is none.
    func groupNumber(of group: GroupID) -> Int? { groupNumbers[group] }

    /// Why replicas must leave the node of that number; nil while they may stay.
    func departure(ofNode number: Int) -> Departure? {
        nodes[number].departure(deadAfterSeconds: settings.deadAfterSeconds)
    }

    /// The same cluster, whose loads are to be evened out or not.
    public func evening(out: Bool = true) -> ClusterView {
        var view = self
        view.evensOut = out
        return view
    }

    /// The same cluster with these moves under way, instead of those that were.
    public func withMovesUnderWay(_ moves: [Move]) -> ClusterView {
        ClusterView(nodes: nodes, groups: groups, rules: rulesByPool, settings: settings, movesUnderWay: moves)
            .evening(out: evensOut)
    }

    /// The same cluster with other nodes: for what would be if a node were drained, or had vanished.
    public func withNodes(_ nodes: [NodeView]) -> ClusterView {
        ClusterView(
            nodes: nodes,
            groups: groups,
            rules: rulesByPool,
            settings: settings,
            movesUnderWay: movesUnderWay
        )
        .evening(out: evensOut)
    }

    var rulesByPool: [String: PlacementRule] { Dictionary(uniqueKeysWithValues: zip(pools, rules)) }

    /// The cluster as it will be when these moves have ended; they are no longer under way then.
    ///
    /// - Parameters:
    ///   - moves: Moves of groups in this view, at most one for each group. A move of another group is passed over.
    ///   - newReplica: The ID of a replica that a move adds, another one with each call. It is not asked where a
    ///     learner becomes a voter.
    public func applying(_ moves: [Move], newReplica: (Move) -> ReplicaID) -> ClusterView {
        var nodes = nodes
        var groups = groups
        for move in moves {
            guard let number = groupNumbers[move.group] else { continue }
            for node in groups[number].carryOut(move, newReplica: newReplica) {
                guard let at = nodeNumbers[node.id] else { continue }
                nodes[at].usedBytes = max(0, nodes[at].usedBytes + node.bytes)
            }
        }
        let ended = Set(moves.map(\.group))
        let left = movesUnderWay.filter { !ended.contains($0.group) }
        return ClusterView(nodes: nodes, groups: groups, rules: rulesByPool, settings: settings, movesUnderWay: left)
            .evening(out: evensOut)
    }
}

extension GroupView {
    /// Changes the replicas and the leader as the move says. Returns by how many bytes each node's use changes.
    fileprivate mutating func carryOut(_ move: Move, newReplica: (Move) -> ReplicaID) -> [(id: NodeID, bytes: Int)] {
        var changes: [(id: NodeID, bytes: Int)] = []
        for leaving in move.leavingReplicas {
            guard let at = replicas.firstIndex(where: { $0.replica == leaving }) else { continue }
            changes.append((replicas[at].node, -bytes))
            replicas.remove(at: at)
        }
        for target in move.targets {
            let learner = replicas.firstIndex { $0.node == target && $0.role == .learner }
            let replica = learner.map { replicas[$0].replica } ?? newReplica(move)
            if let learner { replicas.remove(at: learner) } else { changes.append((target, bytes)) }
            replicas.append(ReplicaView(replica: replica, node: target))
            replicas.sort { ($0.replica, $0.node) < ($1.replica, $1.node) }
        }
        if let transfer = move.transfer { leader = transfer.to }
        if let known = leader, !replicas.contains(where: { $0.node == known && $0.role == .voter }) { leader = nil }
        return changes
    }
}
