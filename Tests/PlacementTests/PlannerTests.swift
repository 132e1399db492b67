import Consensus
import MailModel
import Testing

@testable import Placement

@Suite struct PlannerTests {
    private func plan(
        _ groups: [GroupView],
        _ nodes: [NodeView] = Sample.six,
        _ rule: PlacementRule = PlacementRule()
    ) -> Plan {
        Planner.plan(Sample.view(nodes, groups, rule: rule))
    }

    private func kinds(_ plan: Plan) -> [Move.Kind] { plan.moves.map(\.kind) }

    @Test func nothingIsMovedWithoutNeed() {
        let groups = [
            Sample.group(1, on: [1, 2, 3], leader: 1), Sample.group(2, on: [4, 5, 6], leader: 5),
            Sample.group(3, on: [1, 2, 3], leader: 3),
        ]
        #expect(plan(groups) == Plan())
        #expect(plan([]) == Plan())
    }

    // MARK: Repair

    @Test func aDeadNodeIsReplacedByTheSameVendorElsewhere() throws {
        let nodes = Sample.six.with(3) { $0.liveness = .gone(seconds: 600) }
        // Node 6 is the other one of gamma, and lies in milano as node 1 does: the vendor comes first.
        let plan = plan([Sample.group(1, on: [1, 2, 3], leader: 1)], nodes)
        let move = try #require(plan.moves.first)
        #expect(plan.moves.count == 1)
        #expect(move.kind == .replaceVoter(ReplicaID(102), from: NodeID(3), to: NodeID(6)))
        #expect(move.reason == .repair(.replicaMustLeave(NodeID(3), .dead(goneSeconds: 600))))
        #expect(move.bytesToCopy == Sample.gigabyte)
        #expect(move.sender == NodeID(1))
        let (before, after) = ([1, 2, 3].map { NodeID($0) }, [1, 2, 6].map { NodeID($0) })
        #expect(
            move.steps == [
                .learner(MoveConfiguration(voters: before, learners: [NodeID(6)])),
                .joint(MoveConfiguration(voters: after, outgoingVoters: before)),
                .final(MoveConfiguration(voters: after)),
            ]
        )
    }

    @Test func aNodeThatWasGoneForAMomentIsWaitedFor() {
        let nodes = Sample.six.with(3) { $0.liveness = .gone(seconds: 599) }
        #expect(plan([Sample.group(1, on: [1, 2, 3], leader: 1)], nodes) == Plan())
    }

    @Test func quarantineIsRepairedAtOnceWhereTheReplicaLies() {
        let plan = plan([Sample.group(1, on: [1, 2, 3], leader: 1, quarantined: [2])])
        #expect(kinds(plan) == [.replaceVoter(ReplicaID(101), from: NodeID(2), to: NodeID(2))])
        #expect(plan.moves[0].bytesToCopy == Sample.gigabyte)
    }

    @Test func aLearnerBecomesAVoterWithoutACopy() {
        let nodes = Sample.six.with(3) { $0.state = .decommissioned }
        let plan = plan([Sample.group(1, on: [1, 2, 3], leader: 1, learners: [6])], nodes)
        #expect(kinds(plan) == [.replaceVoter(ReplicaID(102), from: NodeID(3), to: NodeID(6))])
        #expect(plan.bytesToCopy == 0)
    }

    @Test func aDrainingLeaderHandsOverBeforeItLeaves() {
        let nodes = Sample.six.with(1) { $0.state = .decommissioning }
        let plan = plan([Sample.group(1, on: [1, 2, 3], leader: 1)], nodes)
        #expect(kinds(plan) == [.replaceVoter(ReplicaID(100), from: NodeID(1), to: NodeID(4))])
        #expect(plan.moves[0].transfer == LeadershipTransfer(from: NodeID(1), to: NodeID(2)))
        #expect(plan.moves[0].steps[1] == .transfer(LeadershipTransfer(from: NodeID(1), to: NodeID(2))))
    }

    @Test func votersAreAddedAndRemoved() throws {
        let grown = plan([Sample.group(1, on: [1, 2], leader: 1)])
        #expect(kinds(grown) == [.addVoter(to: NodeID(3))])
        try #require(grown.moves.count == 1)
        #expect(grown.moves[0].reason == .repair(.tooFewVoters(has: 2, wants: 3)))
        // Node 4 has the vendor of node 1.
        let shrunk = plan([Sample.group(1, on: [2, 1, 3, 4], leader: 1)])
        #expect(kinds(shrunk) == [.removeVoter(ReplicaID(103), from: NodeID(4))])
        #expect(shrunk.moves[0].bytesToCopy == 0)
    }

    @Test func theLeastSlackGoesFirst() {
        let nodes = Sample.six.with(6) { $0.state = .decommissioning }.with(3) { $0.liveness = .gone(seconds: 900) }
        let plan = plan(
            [
                Sample.group(1, on: [1, 2, 6], leader: 1), Sample.group(2, on: [4, 5, 6], leader: 4),
                Sample.group(3, on: [1, 2, 3], leader: 1), Sample.group(4, on: [1, 3, 5], leader: 1),
            ],
            nodes + [Sample.node(7, "gamma", "torino"), Sample.node(8, "gamma", "roma")]
        )
        #expect(plan.moves.prefix(2).map(\.group) == [GroupID(3), GroupID(4)])
    }

    @Test func aGroupWithoutQuorumCannotBeChanged() {
        let nodes = Sample.six.with(2) { $0.liveness = .gone(seconds: 900) }.with(3) { $0.liveness = .gone(seconds: 9) }
        let plan = plan([Sample.group(1, on: [1, 2, 3])], nodes)
        #expect(plan.moves == [])
        #expect(plan.unrepaired.map(\.obstacle) == [.noQuorum(live: 1, needed: 2)])
        #expect(plan.unrepaired[0].violation == .replicaMustLeave(NodeID(2), .dead(goneSeconds: 900)))
    }

    @Test func aRepairThatNoNodeAllowsIsExplained() throws {
        let nodes = [
            Sample.node(1, "alfa", "milano"), Sample.node(2, "beta", "roma"),
            Sample.node(3, "gamma", "torino", state: .decommissioned),
            Sample.node(4, "gamma", "roma", state: .cordoned),
            Sample.node(5, "delta", "torino", liveness: .gone(seconds: 30)),
            Sample.node(6, "", "torino"),
            Sample.node(7, "gamma", "torino", capacity: 100 * Sample.gigabyte, used: 89 * Sample.gigabyte + 1),
            Sample.node(8, "omega", "torino"),
        ]
        let omega = Label(key: "vendor", value: "omega")
        let constraints: [Constraint] = [.exists(key: "vendor"), .isNotIn(key: "vendor", values: ["omega"])]
        let found = plan(
            [Sample.group(1, on: [1, 2, 3], leader: 1)],
            nodes,
            PlacementRule(constraints: constraints, canaries: [omega])
        )
        #expect(found.moves == [])
        let report = try #require(found.unrepaired.first)
        #expect(report.violation == .replicaMustLeave(NodeID(3), .state(.decommissioned)))
        #expect(report.obstacle == .noNode)
        #expect(
            report.rejected.map(\.rejection) == [
                .holdsReplica, .holdsReplica, .state(.decommissioned), .state(.cordoned), .gone(seconds: 30),
                .constraint(constraints[0]), .noRoom(freeBytes: Sample.gigabyte - 1, neededBytes: Sample.gigabyte),
                .constraint(constraints[1]),
            ]
        )
        #expect(report.rejected[3].description == "node 4 is cordoned")
    }

    @Test func twoVendorsForThreeVotersAreReportedAndRun() throws {
        let nodes = Sample.six.filter { $0.labels["vendor"] != "gamma" }
        let plan = plan([Sample.group(1, on: [1, 2, 5], leader: 1)], nodes)
        #expect(plan.moves == [])
        let report = try #require(plan.unrepaired.first)
        #expect(plan.unrepaired.count == 1)
        #expect(report.rejected.map(\.rejection)[2] == .valueIsTaken(key: "vendor", .labelled("alfa"), voters: 1))
    }

    @Test func aSecondReplicaNeverComesToAValueOnProbation() {
        let gamma = Label(key: "vendor", value: "gamma")
        let nodes = [
            Sample.node(1, "alfa", "milano"), Sample.node(2, "beta", "roma"), Sample.node(3, "gamma", "torino"),
            Sample.node(4, "gamma", "roma"),
        ]
        let dead = nodes.with(2) { $0.liveness = .gone(seconds: 900) }
        let plan = plan([Sample.group(1, on: [1, 2, 3], leader: 1)], dead, PlacementRule(canaries: [gamma]))
        #expect(plan.moves == [])
        #expect(plan.unrepaired[0].rejected[3].rejection == .canaryTaken(gamma))
    }

    // MARK: Leaders

    @Test func leadersFollowThePreferences() {
        let preferences = ["torino", "roma"].map { Label(key: "datacenter", value: $0) }
        let rule = PlacementRule(leaderPreferences: preferences)
        let group = Sample.group(1, on: [1, 2, 3], leader: 1)
        let transfer = LeadershipTransfer(from: NodeID(1), to: NodeID(3))
        #expect(kinds(plan([group], Sample.six, rule)) == [.transferLeadership(transfer)])
        let slow = Sample.six.with(3) { $0.disk = .slow }
        let second = LeadershipTransfer(from: NodeID(1), to: NodeID(2))
        #expect(kinds(plan([group], slow, rule)) == [.transferLeadership(second)])
    }

    @Test func whoMayNotLeadHandsOverToWhoLeadsLeast() {
        let nodes = Sample.six.with(1) { $0.disk = .slow }
        let groups = [
            Sample.group(1, on: [1, 2, 3], leader: 1), Sample.group(2, on: [4, 2, 3], leader: 2),
            Sample.group(3, on: [1, 2, 3], leader: 1),
        ]
        let targets = plan(groups, nodes).moves.compactMap(\.transfer?.to)
        #expect(targets == [NodeID(3), NodeID(2)])
        let all = Sample.six.map { node in
            var node = node
            node.disk = .slow
            return node
        }
        let stuck = plan([groups[0]], all)
        #expect(stuck.moves == [])
        #expect(stuck.unrepaired.map(\.obstacle) == [.nobodyMayLead])
        #expect(stuck.unrepaired[0].rejected.map(\.rejection)[1...3] == [.disk(.slow), .disk(.slow), .holdsNoVoter])
    }

    @Test func aNodeWhoseDiskIsFullTakesNothing() {
        let full = Sample.six.with(1) { $0.disk = .full }
        let group = Sample.group(1, on: [1, 2, 3], leader: 1)
        #expect(plan([group], full).moves.map { $0.transfer?.from } == [NodeID(1)])
        let dead = full.with(2) { $0.liveness = .gone(seconds: 10_000) }
        let lacking = plan([Sample.group(1, on: [2, 3, 5], leader: 3)], dead)
        #expect(lacking.moves.flatMap(\.targets).contains(NodeID(1)) == false)
        let only = plan([Sample.group(1, on: [2, 3], leader: 3)], Array(full.prefix(3)))
        #expect(only.moves == [] && only.unrepaired.first?.rejected.first?.rejection == .disk(.full))
    }

    // MARK: Limits

    @Test func limitsHoldTogetherWithMovesUnderWay() throws {
        let nodes = Sample.pairs.with(3) { $0.liveness = .gone(seconds: 900) }
        let groups = (1...4).map { Sample.group($0, on: [1, 2, 3], leader: $0 % 2 == 0 ? 1 : 2) }
        let settings = PlacementSettings(balanceTolerancePercent: 1_000, movesPerNode: 1, movesPerCluster: 8)
        let view = Sample.view(nodes, groups, settings: settings)
        let first = Planner.plan(view)
        // Only node 6 has the vendor.
        #expect(first.moves.map(\.group) == [GroupID(1)])
        #expect(first.waiting == [GroupID(2), GroupID(3), GroupID(4)])
        let busy = Planner.plan(view.withMovesUnderWay(first.moves))
        #expect(busy.moves == [])
        #expect(busy.waiting == [GroupID(2), GroupID(3), GroupID(4)])
        let done = view.withMovesUnderWay(first.moves).applying(first.moves, round: 1)
        #expect(done.movesUnderWay == [])
        #expect(done.node(NodeID(6))?.usedBytes == Sample.gigabyte)
        #expect(Planner.plan(done).moves.map(\.group) == [GroupID(2)])
    }

    @Test func theClusterHasALimitToo() {
        let nodes = Sample.pairs.with(3) { $0.liveness = .gone(seconds: 900) }
        let groups = (1...9).map { Sample.group($0, on: [1, 2, 3], leader: 1) }
        let settings = PlacementSettings(balanceTolerancePercent: 1_000, movesPerNode: 100, movesPerCluster: 4)
        let plan = Planner.plan(Sample.view(nodes, groups, settings: settings))
        #expect(plan.moves.count { !$0.changesLeaderOnly } == 4)
        #expect(plan.waiting.count == 5)
    }

    // MARK: Balance

    @Test func anEmptyNodeIsFilledUpToTheTolerance() {
        let nodes = Sample.pairs.map { node in
            var node = node
            node.usedBytes = node.id < NodeID(4) ? 40 * Sample.gigabyte : 0
            return node
        }
        let groups = (1...40).map { Sample.group($0, on: [1, 2, 3], leader: UInt64($0 % 3 + 1)) }
        var referee = Referee(Sample.view(nodes, groups, settings: PlacementSettings()))
        referee.settle()
        #expect(referee.complaints == [])
        for node in referee.view.nodes {
            #expect((18...22).contains(node.usedBytes / Sample.gigabyte), "node \(node.id)")
            #expect((5...8).contains(referee.view.groups.count { $0.leader == node.id }), "node \(node.id)")
        }
        #expect(RuleCheck.violationsByGroup(in: referee.view).isEmpty)
        let replaced = referee.moves
        #expect(replaced < 100)
    }

    @Test func repairComesBeforeBalance() {
        let nodes = Sample.pairs.with(3) { $0.liveness = .gone(seconds: 900) }
        let groups = (1...8).map { Sample.group($0, on: [1, 2, $0 == 1 ? 3 : 6], leader: 1) }
        let plan = Planner.plan(Sample.view(nodes, groups, settings: PlacementSettings()))
        #expect(plan.moves.filter { !$0.changesLeaderOnly }.allSatisfy { $0.reason.isRepair })
        #expect(plan.moves.contains { $0.group == GroupID(1) })
    }
}
