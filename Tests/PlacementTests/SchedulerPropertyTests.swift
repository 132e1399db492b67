import Consensus
import MailModel
import Testing

@testable import Placement

/// What holds for every cluster whose scheduler's decisions are carried out, while nodes come and go.
@Suite struct SchedulerPropertyTests {
    #if DEBUG
        private static let seedsPerBatch: UInt64 = 12
    #else
        private static let seedsPerBatch: UInt64 = 200
    #endif
    private static let eventfulRounds = 30
    /// More than it takes until a node that is gone is dead.
    private static let quietRounds = 15

    @Test(arguments: 0..<UInt64(8))
    func decisionsEndAndBreakNothing(_ batch: UInt64) {
        for seed in (batch * Self.seedsPerBatch)..<((batch + 1) * Self.seedsPerBatch) {
            var random = SplitMix64(seed: seed)
            var cluster = RandomCluster(seed: seed)
            let view = cluster.view(maximumNodes: 10, maximumGroups: 8)
            var living = LivingCluster(view, seed: seed)
            for round in 0..<Self.eventfulRounds {
                disturb(&living, round, &random)
                _ = living.advance()
            }
            guard settle(&living, seed) else { return }
            judge(living, seed)
            for complaint in living.complaints { Issue.record("seed \(seed): \(complaint)") }
            if !living.complaints.isEmpty { return }
        }
    }

    private func disturb(_ living: inout LivingCluster, _ round: Int, _ random: inout SplitMix64) {
        let node = living.nodes[random.below(living.nodes.count)].id
        let isBusy = living.operations.contains { $0.state == .running && $0.kind.node == node }
        switch random.below(12) {
        case 0: living.stop(node)
        case 1, 2: living.start(node)
        case 3 where !isBusy && living.state(of: node)?.mayBecome(.draining) == true:
            living.begin(UInt64(round), .drain(node))
        case 4 where !isBusy && living.state(of: node)?.mayBecome(.decommissioning) == true:
            living.begin(UInt64(round), .decommission(node))
        case 5 where [.cordoned, .drained].contains(living.state(of: node)): living.setState(.active, of: node)
        default: break
        }
    }

    /// Without anything that happens, the scheduler comes to an end.
    private func settle(_ living: inout LivingCluster, _ seed: UInt64) -> Bool {
        let bound = 200 + 60 * living.groups.count
        let before = living.placings
        var quiet = 0
        for _ in 0..<bound {
            quiet = living.advance() == 0 ? quiet + 1 : 0
            if quiet == Self.quietRounds { break }
        }
        #expect(quiet == Self.quietRounds, "seed \(seed): it still decides \(living.scheduler.decisions)")
        let placings = living.placings - before
        #expect(placings <= 20 * living.groups.count, "seed \(seed): \(placings) placings")
        return quiet == Self.quietRounds
    }

    private func judge(_ living: LivingCluster, _ seed: UInt64) {
        let plan = living.scheduler.plan
        let explained = Set(plan.unrepaired.map(\.group))
        for group in living.groups where !explained.contains(group.id) && living.hasQuorum(group) {
            #expect(group.isSettled, "seed \(seed), group \(group), \(group.members.members)")
        }
        for node in living.nodes where node.state.handsLeadershipsOn && living.isUp(node.id) {
            let led = living.groupsLed(by: node.id).filter { !explained.contains($0) }
            #expect(led == [], "seed \(seed): node \(node.id) is \(node.state.name)")
        }
        // A group that can change nothing keeps an operation from its end.
        func isFree(_ id: GroupID) -> Bool {
            !explained.contains(id) && living.groups.contains { $0.id == id && living.hasQuorum($0) }
        }
        for operation in living.operations where operation.state == .running {
            guard let node = operation.kind.node else { continue }
            let held = Scheduler.groupsHeld(by: node, living.directory).filter(isFree)
            let led = living.groupsLed(by: node).filter(isFree)
            let hasWork = !(operation.kind == .drain(node) ? led : held).isEmpty
            let isStuck = !explained.isEmpty || !living.groups.allSatisfy(living.hasQuorum)
            #expect(!hasWork && isStuck, "seed \(seed): \(operation.kind) does not end, \(held), \(plan.waiting)")
        }
    }
}
