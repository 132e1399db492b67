import Consensus
import MailModel
import Testing

@testable import Placement

/// What holds for every cluster, tried on thousands.
@Suite struct PlannerPropertyTests {
    #if DEBUG
        private static let seedsPerBatch: UInt64 = 100
    #else
        private static let seedsPerBatch: UInt64 = 400
    #endif

    @Test(arguments: 0..<UInt64(12))
    func plansEndAndBreakNothing(_ batch: UInt64) {
        for seed in (batch * Self.seedsPerBatch)..<((batch + 1) * Self.seedsPerBatch) {
            var cluster = RandomCluster(seed: seed)
            let start = cluster.view()
            var referee = Referee(start)
            referee.settle()
            for complaint in referee.complaints { Issue.record("seed \(seed): \(complaint)") }
            let bound = start.groups.count * 12
            #expect(referee.moves <= bound, "seed \(seed): \(referee.moves) moves of \(start.groups.count) groups")
            if !referee.complaints.isEmpty { return }
        }
    }

    @Test func theOrderOfTheInputDoesNotMatter() {
        for seed in UInt64(0)..<400 {
            var cluster = RandomCluster(seed: seed)
            let view = cluster.view()
            var random = SplitMix64(seed: seed)
            let shuffled = ClusterView(
                nodes: view.nodes.shuffled(using: &random),
                groups: view.groups.shuffled(using: &random).map { group in
                    GroupView(
                        id: group.id,
                        pool: group.pool,
                        replicas: group.replicas.shuffled(using: &random),
                        leader: group.leader,
                        bytes: group.bytes,
                        accounts: group.accounts
                    )
                },
                rules: Dictionary(uniqueKeysWithValues: zip(view.pools, view.rules).shuffled(using: &random)),
                settings: view.settings
            )
            #expect(Planner.plan(shuffled) == Planner.plan(view), "seed \(seed)")
        }
    }

    @Test func everyViolationIsRepairedOrExplained() {
        for seed in UInt64(0)..<1_000 {
            var cluster = RandomCluster(seed: seed)
            var referee = Referee(cluster.view())
            referee.settle()
            if !referee.complaints.isEmpty { continue }
            let explained = referee.lastPlan.unrepaired
            for (group, violations) in RuleCheck.violationsByGroup(in: referee.view) {
                for violation in violations
                where !explained.contains(where: { $0.group == group && $0.violation == violation }) {
                    Issue.record("seed \(seed), group \(group): \(violation)")
                }
            }
        }
    }
}
