import Consensus
import MailModel
import Testing

@testable import Placement

/// The planner against all that is possible, on clusters small enough to try everything.
@Suite struct BestSpreadTests {
    @Test func thePlannerReachesTheBestSpreadOfSmallClusters() {
        for seed in UInt64(0)..<4_000 {
            var cluster = RandomCluster(seed: seed)
            let view = small(&cluster)
            var referee = Referee(view)
            referee.settle()
            for complaint in referee.complaints { Issue.record("seed \(seed): \(complaint)") }
            for group in referee.view.groups {
                guard let best = referee.bestReachable(group, view.rules[0]) else { continue }
                let reached = measure(group.replicas.map(\.node), view)
                let possible = measure(best, view)
                #expect(reached == possible, "seed \(seed), group \(group.id): \(group.voters), possible \(best)")
            }
        }
    }

    private func measure(_ nodes: [NodeID], _ view: ClusterView) -> [Int] {
        DumbSpread.measure(nodes.compactMap { view.node($0) }, view.rules[0].spread)
    }

    /// Up to six nodes with room enough, all in order, and groups with a quorum.
    private func small(_ cluster: inout RandomCluster) -> ClusterView {
        let nodes = cluster.nodes(3 + cluster.random.below(4)).map { node in
            Sample.node(
                node.id.rawValue,
                node.labels["vendor"] ?? "",
                node.labels["datacenter"] ?? "",
                liveness: cluster.random.below(8) == 0 ? .gone(seconds: 5_000) : .alive
            )
        }
        let alive = nodes.filter { $0.liveness == .alive }.map(\.id.rawValue)
        let groups = (1...3).map { id in
            let count = min(alive.count, 1 + cluster.random.below(4))
            let voters = Array(alive.shuffled(using: &cluster.random).prefix(count))
            return Sample.group(UInt32(id), on: voters, leader: voters.first, bytes: Sample.gigabyte)
        }
        return Sample.view(nodes, groups.filter { !$0.replicas.isEmpty })
    }

    /// Two vendors must change places, which no single exchange does: `alfa` in milano and roma, `beta` in roma and
    /// milano, `gamma` in torino alone.
    @Test func exchangesThatHelpOnlyTogetherAreFound() {
        let nodes = [
            Sample.node(1, "alfa", "milano"), Sample.node(2, "beta", "roma"), Sample.node(3, "gamma", "roma"),
            Sample.node(4, "beta", "milano"), Sample.node(5, "alfa", "torino"),
        ]
        var referee = Referee(Sample.view(nodes, [Sample.group(1, on: [1, 2, 3], leader: 3)]))
        referee.settle()
        #expect(referee.complaints == [])
        #expect(referee.view.groups[0].voters == [3, 4, 5])
        #expect(referee.moves == 2)
        #expect(referee.lastPlan.unrepaired == [])
    }

    @Test func theSearchAgreesWithTryingAllSets() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<2_000 {
            let nodes = (1...UInt64(4 + random.below(5))).map { id in
                let vendor = ["alfa", "beta", "gamma", "delta", ""][random.below(5)]
                return Sample.node(id, vendor, ["milano", "roma", "torino", ""][random.below(4)])
            }
            let voters = [3, 5][random.below(2)]
            guard nodes.count >= voters else { continue }
            let rule = PlacementRule(voters: voters)
            let index = RuleIndex(rule: rule, nodes: nodes)
            let question = SpreadSearch.Question(rule: 0, kept: [], adds: voters, drops: 0, room: index.room)
            let measure = SpreadSearch.search(question, index: index)?.measure
            let view = Sample.view(nodes, [Sample.group(1, on: [1])], rule: rule)
            let best = Referee(view).bestReachable(view.groups[0], rule)?.compactMap { view.node($0) } ?? []
            let dumb = DumbSpread.measure(best, rule.spread)
            let packed = (0..<2).map { measure?.excess(ofKey: $0) } + (0..<2).map { measure?.largest(ofKey: $0) }
            #expect(packed == dumb)
            #expect(measure.map { index.bound <= $0 } ?? false)
        }
    }
}
