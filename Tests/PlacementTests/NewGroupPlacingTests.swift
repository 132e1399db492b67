import Consensus
import MailModel
import Testing

@testable import Placement

/// Where a new group is put.
@Suite struct NewGroupPlacingTests {
    private func place(
        _ nodes: [NodeView],
        groups: [GroupView] = [],
        rule: PlacementRule = PlacementRule(spread: ["vendor"])
    ) -> Placing? {
        NewGroupPlacing.best(ofPool: "paid", in: ClusterView(nodes: nodes, groups: groups, rules: ["paid": rule]))
    }

    private func voters(_ placing: Placing?) -> [UInt64]? { placing?.voters.map(\.rawValue) }

    @Test func votersAreSpread() {
        let nodes = [1, 2, 3, 4].map { Sample.node($0, "alfa") } + [Sample.node(5, "beta"), Sample.node(6, "gamma")]
        let placing = place(nodes)
        #expect(voters(placing)?.suffix(2) == [5, 6] && placing?.voters.count == 3)
        #expect(placing?.preferredLeader != nil)
    }

    /// The one vendor has the empty node, and the spread comes first.
    @Test func amongEqualsTheEmptiestNodeIsTaken() {
        let nodes = (1...6).map { Sample.node($0, ["alfa", "beta", "gamma"][Int($0) % 3]) }
        let groups = (1...4).map { Sample.group($0, on: [1, 2, 3], leader: 1) }
        let placing = place(nodes, groups: groups)
        #expect(voters(placing) == [4, 5, 6])
        #expect(placing?.preferredLeader == NodeID(4), "which leads as little as the others")
    }

    @Test func nodesThatTakeNothingAreLeftOut() {
        let nodes = [
            Sample.node(1, "alfa", state: .cordoned), Sample.node(2, "alfa"), Sample.node(3, "beta"),
            Sample.node(4, "gamma", liveness: .gone(seconds: 1)), Sample.node(5, "delta", capacity: 100, used: 99),
        ]
        #expect(voters(place(nodes)) == [2, 3], "fewer than the rule wants")
        #expect(place([nodes[0], nodes[3]]) == nil)
        #expect(place([]) == nil)
    }

    @Test func theRuleSaysWhoLeads() throws {
        let nodes = [Sample.node(1, "alfa"), Sample.node(2, "beta"), Sample.node(3, "gamma")]
        func label(_ vendor: String) -> Label { Label(key: "vendor", value: vendor) }
        let preferring = PlacementRule(spread: ["vendor"], leaderPreferences: [label("gamma")])
        #expect(place(nodes, rule: preferring)?.preferredLeader == NodeID(3))
        let probation = PlacementRule(spread: ["vendor"], canaries: [label("alfa")])
        let placing = place(nodes, rule: probation)
        #expect(voters(placing) == [1, 2, 3] && placing?.preferredLeader == NodeID(2))
    }

    /// No set of nodes does better, whatever the cluster is like.
    @Test(arguments: 1...40 as ClosedRange<UInt64>) func nothingIsBetterSpread(_ seed: UInt64) {
        var random = RandomCluster(seed: seed)
        let view = random.view(maximumNodes: 8)
        let index = RuleIndex(rule: view.rule(ofPool: "paid") ?? PlacementRule(), nodes: view.nodes)
        guard let placing = NewGroupPlacing.best(ofPool: "paid", in: view) else { return }
        let loads = NodeLoads(view)
        let takers = view.nodes.indices.filter { index.mayTake[$0] && loads.freeBytes($0) >= 0 }
        func measure(_ nodes: [Int]) -> SpreadMeasure {
            index.shapes.measure(nodes.map { index.shapeOfNode[$0] }, voters: nodes.count)
        }
        let chosen = placing.voters.compactMap { view.nodeNumber(of: $0) }
        #expect(chosen.allSatisfy { takers.contains($0) })
        for bits in 0..<(1 << takers.count) where bits.nonzeroBitCount == chosen.count {
            let others = takers.indices.filter { bits & (1 << $0) != 0 }.map { takers[$0] }
            #expect(measure(chosen) <= measure(others))
        }
    }
}
