internal import Consensus
public import MailModel

/// How many nodes that may take a replica have one value of a key.
public struct ValueCount: Hashable, Sendable {
    /// The value.
    public let value: DomainValue
    /// The nodes at hand with that value.
    public let nodes: Int
    /// Whether the value is on probation, and so holds one voter at most.
    public let isCanary: Bool

    /// The voters that the value can hold.
    public var usableNodes: Int { isCanary ? min(nodes, 1) : nodes }

    /// The values of a key, sorted.
    static func counts(of key: String, among nodes: [NodeView], rule: PlacementRule) -> [ValueCount] {
        var counts: [DomainValue: Int] = [:]
        for node in nodes { counts[DomainValue(of: key, node: node.id, labels: node.labels), default: 0] += 1 }
        return counts.map { value, nodes in
            var isCanary = false
            if case .labelled(let text) = value { isCanary = rule.canaries.contains(Label(key: key, value: text)) }
            return ValueCount(value: value, nodes: nodes, isCanary: isCanary)
        }.sorted { $0.value < $1.value }
    }

    /// The voters that the largest value must hold at least, when values can hold so many each. Where they cannot hold
    /// all voters together, as many are counted as they can.
    static func leastLargest(of room: [Int], for voters: Int) -> Int {
        let placeable = min(voters, room.reduce(0, +))
        return (0...placeable).first { largest in
            room.reduce(0) { $0 + min($1, largest) } >= placeable
        } ?? placeable
    }
}

/// Why no set of nodes at hand fulfils a rule's promise: that no single value of a spread key holds a majority of a
/// group's voters.
public struct SpreadShortfall: Hashable, Sendable, CustomStringConvertible {
    /// What the nodes at hand lack.
    public enum Lack: Hashable, Sendable {
        /// There are fewer nodes than voters, by so many.
        case nodes(Int)
        /// So many more values of the key are needed, each with nodes enough.
        case values(Int)
        /// Each key by itself has values enough, but no set of nodes fulfils all keys at once: the values of this key
        /// lie where those of another key are the same.
        case combination
    }

    /// The key that cannot be spread over; `node` where there are too few nodes.
    public let key: String
    /// The values that exist, sorted; of the key `node`, none are listed.
    public let values: [ValueCount]
    /// The voters that the rule wants.
    public let voters: Int
    /// The voters that the largest value must hold.
    public let largestMustHold: Int
    /// What is missing.
    public let lack: Lack

    /// The key that stands for the nodes themselves.
    public static let nodeKey = "node"

    /// All shortfalls of a pool's rule with the nodes at hand: active, alive and within the constraints. None means
    /// that every group of the pool can be placed so that the promise holds, as far as there is room.
    public static func all(ofPool pool: String, in view: ClusterView) -> [SpreadShortfall] {
        guard let number = view.pools.firstIndex(of: pool) else { return [] }
        let index = view.ruleIndexes[number]
        let rule = index.rule
        let nodes = view.nodes.indices.filter { index.mayTake[$0] }.map { view.nodes[$0] }
        var found: [SpreadShortfall] = []
        if nodes.count < rule.voters {
            let lack = Lack.nodes(rule.voters - nodes.count)
            found.append(
                SpreadShortfall(key: nodeKey, values: [], voters: rule.voters, largestMustHold: 1, lack: lack)
            )
        }
        found += rule.spread.compactMap { shortfall(of: $0, among: nodes, rule: rule) }
        return found.isEmpty ? combinations(index, nodes) : found
    }

    private static func shortfall(of key: String, among nodes: [NodeView], rule: PlacementRule) -> SpreadShortfall? {
        let values = ValueCount.counts(of: key, among: nodes, rule: rule)
        let room = values.map(\.usableNodes)
        let largest = ValueCount.leastLargest(of: room, for: rule.voters)
        let placeable = min(rule.voters, room.reduce(0, +))
        guard placeable < rule.voters || largest >= Majority.least(of: rule.voters) else { return nil }
        let allowed = max(1, Majority.least(of: rule.voters) - 1)
        let missing = rule.voters - room.reduce(0) { $0 + min($1, allowed) }
        guard missing > 0 else { return nil }
        return SpreadShortfall(
            key: key,
            values: values,
            voters: rule.voters,
            largestMustHold: largest,
            lack: .values((missing + allowed - 1) / allowed)
        )
    }

    private static func combinations(_ index: RuleIndex, _ nodes: [NodeView]) -> [SpreadShortfall] {
        let rule = index.rule
        let question = SpreadSearch.Question(rule: 0, kept: [], adds: rule.voters, drops: 0, room: index.room)
        let answer = SpreadSearch.search(question, index: index)
        return rule.spread.enumerated().compactMap { number, key in
            guard let answer, answer.measure.excess(ofKey: number) > 0 else { return nil }
            return SpreadShortfall(
                key: key,
                values: ValueCount.counts(of: key, among: nodes, rule: rule),
                voters: rule.voters,
                largestMustHold: answer.measure.largest(ofKey: number),
                lack: .combination
            )
        }
    }

    public var description: String {
        let known = values.map { "\($0.value) (\($0.nodes) \($0.nodes == 1 ? "node" : "nodes"))" }
        let there = known.isEmpty ? "no value" : known.joined(separator: ", ")
        let must = "so that one value must hold \(largestMustHold) of \(voters) voters"
        return switch lack {
        case .nodes(let count): "\(voters) voters need \(voters) nodes, and \(count) of them are missing"
        case .values(let count):
            "\(key) has \(there), \(must); missing: \(Self.ordinals(from: values.count, count)) of \(key)"
        case .combination:
            "\(key) has \(there), but no choice of nodes spreads over all keys at once, \(must)"
        }
    }

    /// `a third value`, or `a third and a fourth value`.
    private static func ordinals(from known: Int, _ count: Int) -> String {
        let names = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh"]
        let ordinals = (known..<(known + count)).map { $0 < names.count ? "a \(names[$0])" : "another" }
        return ordinals.joined(separator: " and ") + " value"
    }
}
