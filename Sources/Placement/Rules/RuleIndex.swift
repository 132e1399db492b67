internal import Consensus
internal import MailModel

/// What one rule makes of the nodes of a view.
struct RuleIndex: Sendable {
    let rule: PlacementRule
    /// For each node of the view, the number of its shape; see ``ShapeTable``.
    let shapeOfNode: [Int]
    /// For each node, the first constraint that the node breaks.
    let brokenConstraint: [Constraint?]
    /// For each node, whether a new replica may be put there, as far as room allows.
    let mayTake: [Bool]
    /// For each node, whether it may lead.
    let mayLead: [Bool]
    /// For each node, the place of its first label among the rule's leader preferences; their number where it has none.
    let preference: [Int]
    /// For each shape, the nodes with it that may take a replica.
    let room: [Int]
    /// No set of as many voters as the rule wants, on the nodes that may take one, measures less.
    let bound: SpreadMeasure
    /// What tells nodes apart.
    let shapes: ShapeTable

    init(rule: PlacementRule, nodes: [NodeView]) {
        self.rule = rule
        var shapes = ShapeTable(keys: rule.spread.count)
        shapeOfNode = nodes.map { node in
            shapes.number(of: rule.spread.map { node.labels[$0] }, canaries: Self.canaries(of: node.labels, rule))
        }
        brokenConstraint = nodes.map { node in rule.constraints.first { !$0.allows(node.labels) } }
        let broken = brokenConstraint
        let takers = nodes.indices.map { nodes[$0].isAtHand && nodes[$0].disk != .full && broken[$0] == nil }
        mayTake = takers
        mayLead = nodes.map { node in
            node.isAtHand && node.disk == .well && Self.canaries(of: node.labels, rule) == 0
        }
        preference = nodes.map { node in
            rule.leaderPreferences.firstIndex { node.labels.contains($0) } ?? rule.leaderPreferences.count
        }
        var room = Array(repeating: 0, count: shapes.count)
        for node in nodes.indices where takers[node] { room[shapeOfNode[node]] += 1 }
        self.room = room
        bound = shapes.bound(room: room, voters: rule.voters)
        self.shapes = shapes
    }

    private static func canaries(of labels: Labels, _ rule: PlacementRule) -> UInt64 {
        rule.canaries.enumerated().reduce(0) { labels.contains($1.element) ? $0 | 1 << UInt64($1.offset) : $0 }
    }
}
