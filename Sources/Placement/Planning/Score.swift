public import Consensus
internal import MailModel

/// How good a set of nodes is for the voters of a group. Smaller is better. From the most important part on: rules that
/// are hard, the spread over the keys in their order, the load, the bytes to copy.
public struct Score: Hashable, Comparable, Sendable {
    /// Nodes that may hold no replica, that break a constraint, or come twice; and one more where no node may lead.
    public let brokenRules: Int
    /// The rules of the spread, from majorities down to the largest value of each key.
    let measure: SpreadMeasure
    /// How uneven the spread is in each key, packed.
    private let unevenness: UInt64
    /// The load of all nodes together, in steps of the tolerance of the balance.
    public let loadSteps: Int
    /// Bytes that must be copied to the nodes that have no replica yet.
    public let bytesToCopy: Int
    /// The load of all nodes together, in thousandths of the average load of a node.
    public let loadPerMille: Int
    /// The keys of the rule.
    private let keys: Int

    /// Voters too many on labels on probation.
    public var canaryExcess: Int { measure.canaryExcess }
    /// For each spread key in order, voters of the largest value above what is less than a majority.
    public var majorityExcess: [Int] { (0..<keys).map(measure.excess(ofKey:)) }
    /// For each spread key in order, voters of the largest value.
    public var largest: [Int] { (0..<keys).map(measure.largest(ofKey:)) }

    public static func < (a: Score, b: Score) -> Bool {
        if a.brokenRules != b.brokenRules { return a.brokenRules < b.brokenRules }
        if a.measure != b.measure { return a.measure < b.measure }
        if a.unevenness != b.unevenness { return a.unevenness < b.unevenness }
        if a.loadSteps != b.loadSteps { return a.loadSteps < b.loadSteps }
        if a.bytesToCopy != b.bytesToCopy { return a.bytesToCopy < b.bytesToCopy }
        return a.loadPerMille < b.loadPerMille
    }

    /// The score of nodes as the voters of a group; nil where the view lacks the group or one of the nodes.
    public init?(of nodes: [NodeID], for group: GroupID, in view: ClusterView) {
        guard let number = view.groupNumber(of: group) else { return nil }
        let numbers = nodes.compactMap { view.nodeNumber(of: $0) }
        guard numbers.count == nodes.count else { return nil }
        self.init(of: numbers, forGroup: number, in: view, loads: NodeLoads(view))
    }

    /// The same by numbers, with what the nodes hold by now.
    init(of nodes: [Int], forGroup group: Int, in view: ClusterView, loads: NodeLoads) {
        let index = view.ruleIndexes[view.ruleOfGroup[group]]
        let seating = view.seatings[group]
        let size = view.groups[group].bytes
        var broken = 0
        var load = 0.0
        var copied = 0
        for (place, node) in nodes.enumerated() {
            let isBroken =
                index.brokenConstraint[node] != nil || view.departure(ofNode: node) != nil
                || nodes[..<place].contains(node)
            broken += isBroken ? 1 : 0
            let voter = seating.voters.first { $0.node == node }
            let isLearning = seating.hasSoundLearner(on: node)
            if voter?.isQuarantined ?? !isLearning { copied += size }
            let isNew = voter == nil && !isLearning
            load += loads.byteShare(node, adding: isNew ? size : 0)
            load += loads.replicaShare(node, adding: isNew ? 1 : 0)
        }
        let shapes = nodes.map { index.shapeOfNode[$0] }
        brokenRules = broken + (nodes.contains { index.mayLead[$0] } ? 0 : 1)
        measure = index.shapes.measure(shapes, voters: nodes.count)
        unevenness = index.shapes.unevenness(shapes)
        // A node without capacity has a share beyond all bounds.
        loadPerMille = Int(min(load * 500, 1e9))
        loadSteps = loadPerMille / (10 * view.settings.balanceTolerancePercent)
        bytesToCopy = copied
        keys = index.rule.spread.count
    }
}
