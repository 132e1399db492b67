import Consensus
import MailModel
import Testing

@testable import Placement

@Suite struct RuleCheckTests {
    private func violations(
        _ group: GroupView,
        _ nodes: [NodeView] = Sample.six,
        _ rule: PlacementRule = PlacementRule()
    ) -> [Violation] {
        RuleCheck.violations(of: group.id, in: Sample.view(nodes, [group], rule: rule))
    }

    @Test func aGroupThatObeysItsRule() {
        #expect(violations(Sample.group(1, on: [1, 2, 3], leader: 1)) == [])
        #expect(violations(Sample.group(1, on: [1, 2, 3], learners: [4])) == [])
        #expect(RuleCheck.violations(of: GroupID(9), in: Sample.view(Sample.six, [])) == [])
    }

    @Test func votersAreCounted() {
        #expect(violations(Sample.group(1, on: [1, 2])) == [.tooFewVoters(has: 2, wants: 3)])
        #expect(violations(Sample.group(1, on: [1, 2, 3, 4])) == [.tooManyVoters(has: 4, wants: 3)])
    }

    @Test func noNodeHoldsTwoReplicas() {
        let shared = Violation.replicasShareNode(NodeID(1), replicas: [ReplicaID(100), ReplicaID(103)])
        #expect(violations(Sample.group(1, on: [1, 2, 3], learners: [1])) == [shared])
        let twice = violations(Sample.group(1, on: [1, 2, 1]))
        #expect(twice.contains(.replicasShareNode(NodeID(1), replicas: [ReplicaID(100), ReplicaID(102)])))
    }

    @Test func aMajorityIsNamed() throws {
        let found = violations(Sample.group(1, on: [1, 4, 3]))
        #expect(found.count == 2)
        guard case .majorityOnValue(let finding) = found[0] else { throw Unexpected.violations }
        #expect(finding.key == "vendor" && finding.holders == [NodeID(1), NodeID(4)])
        #expect(found[1] == .spreadWorseThanPossible(key: "vendor", largest: 2, possible: 1))
        #expect(found[1].description == "One value of vendor holds 2 voters, where 1 would do.")
    }

    private enum Unexpected: Error { case violations }

    @Test func aMajorityThatTheNodesForceIsNoWorseThanPossible() {
        let nodes = Sample.six.filter { $0.labels["vendor"] != "gamma" }
        let found = violations(Sample.group(1, on: [1, 2, 5]), nodes)
        #expect(found.count == 1)
        // One data center twice is worse than the nodes allow, though the vendors are as good as they can be.
        let worse = violations(Sample.group(1, on: [1, 2, 4]), nodes)
        #expect(worse.contains(.spreadWorseThanPossible(key: "datacenter", largest: 2, possible: 1)))
    }

    @Test(arguments: [
        (Constraint.exists(key: "vendor"), false), (.exists(key: "firmware"), true),
        (.isIn(key: "vendor", values: ["alfa", "beta"]), false), (.isIn(key: "vendor", values: ["beta"]), true),
        (.isNotIn(key: "vendor", values: ["alfa"]), true), (.isNotIn(key: "firmware", values: ["7"]), false),
    ])
    func constraints(_ constraint: Constraint, _ isBroken: Bool) {
        let found = violations(Sample.group(1, on: [1, 2, 3]), Sample.six, PlacementRule(constraints: [constraint]))
        #expect(found.contains(.constraintBroken(NodeID(1), constraint)) == isBroken)
    }

    @Test func valuesOnProbation() {
        let alfa = Label(key: "vendor", value: "alfa")
        let rule = PlacementRule(canaries: [alfa])
        #expect(violations(Sample.group(1, on: [1, 2, 3], leader: 2), Sample.six, rule) == [])
        let leads = violations(Sample.group(1, on: [1, 2, 3], leader: 1), Sample.six, rule)
        #expect(leads == [.canaryLeads(alfa, NodeID(1))])
        let two = violations(Sample.group(1, on: [1, 3, 4], leader: 3), Sample.six, rule)
        #expect(two.contains(.canaryHoldsReplicas(alfa, nodes: [NodeID(1), NodeID(4)])))
    }

    @Test(arguments: [
        (NodeState.joining, false, false), (.active, false, false), (.cordoned, false, false),
        (.draining, false, true), (.drained, false, true), (.decommissioning, true, true),
        (.decommissioned, true, true), (.forgotten, true, true),
    ])
    func nodesThatGiveReplicasAway(_ state: NodeState, _ isViolation: Bool, _ mayNotLead: Bool) {
        let nodes = Sample.six.with(1) { $0.state = state }
        let found = violations(Sample.group(1, on: [1, 2, 3], leader: 1), nodes)
        #expect(found.contains(.replicaMustLeave(NodeID(1), .state(state))) == isViolation)
        #expect(found.contains(.leaderMustLeave(NodeID(1), .state(state))) == mayNotLead)
    }

    @Test func aNodeIsDeadWhenItWasGoneForLongEnough() {
        for (seconds, isDead) in [(1, false), (599, false), (600, true), (5_000, true)] {
            let nodes = Sample.six.with(1) { $0.liveness = .gone(seconds: seconds) }
            let found = violations(Sample.group(1, on: [1, 2, 3], leader: 1), nodes)
            #expect(found == (isDead ? [.replicaMustLeave(NodeID(1), .dead(goneSeconds: seconds))] : []))
        }
    }

    @Test func aReplicaOnANodeThatNobodyKnows() {
        let found = violations(Sample.group(1, on: [1, 2, 77]))
        #expect(found.contains(.replicaMustLeave(NodeID(77), .state(.forgotten))))
    }

    @Test func quarantine() {
        let found = violations(Sample.group(1, on: [1, 2, 3], leader: 1, quarantined: [2]))
        #expect(found == [.quarantinedReplica(ReplicaID(101), NodeID(2))])
        #expect(found[0].description == "Replica 101 on node 2 is in quarantine.")
    }

    @Test func leaders() {
        let slow = Sample.six.with(1) { $0.disk = .slow }
        #expect(violations(Sample.group(1, on: [1, 2, 3], leader: 1), slow) == [.poorDiskLeads(NodeID(1), .slow)])
        let roma = Label(key: "datacenter", value: "roma")
        let torino = Label(key: "datacenter", value: "torino")
        let rule = PlacementRule(leaderPreferences: [roma, torino])
        let against = violations(Sample.group(1, on: [1, 2, 3], leader: 3), Sample.six, rule)
        #expect(against == [.leaderAgainstPreference(leader: NodeID(3), preferred: NodeID(2), roma)])
        #expect(violations(Sample.group(1, on: [1, 2, 3], leader: 2), Sample.six, rule) == [])
        // Who is preferred may not lead: the next one is good enough.
        let slowRoma = Sample.six.with(2) { $0.disk = .slow }
        #expect(violations(Sample.group(1, on: [1, 2, 3], leader: 3), slowRoma, rule) == [])
    }

    @Test func theDirectoryMayHaveLearnersAnywhere() {
        let nodes = Sample.six.with(6) { $0.state = .decommissioning }
        let directory = Sample.group(0, on: [1, 2, 3], learners: [4, 5, 6])
        #expect(violations(directory, nodes) == [])
        let other = violations(Sample.group(1, on: [1, 2, 3], learners: [6]), nodes)
        #expect(other == [.replicaMustLeave(NodeID(6), .state(.decommissioning))])
    }
}

@Suite struct PlacementRuleTests {
    @Test(
        arguments: [
            (3, ["vendor"], 0, nil), (7, [], 64, nil), (1, ["vendor"], 0, nil),
            (2, [], 0, PlacementRule.Problem.voters(2)), (9, [], 0, .voters(9)), (-1, [], 0, .voters(-1)),
            (3, ["vendor", "rack", "vendor"], 0, .keyTwice("vendor")),
            (3, ["a", "b", "c", "d", "e", "f", "g", "h"], 0, .tooManyKeys(8)), (3, [], 65, .tooManyCanaries(65)),
        ] as [(Int, [String], Int, PlacementRule.Problem?)]
    )
    func whatIsNoRule(_ voters: Int, _ spread: [String], _ canaries: Int, _ problem: PlacementRule.Problem?) {
        let labels = Array(repeating: Label(key: "vendor", value: "alfa"), count: canaries)
        #expect(PlacementRule.problem(voters: voters, spread: spread, canaries: labels) == problem)
    }

    @Test func theLaterOfTwoLabelsCounts() {
        let labels = Labels([
            Label(key: "vendor", value: "alfa"), Label(key: "rack", value: "7"), Label(key: "vendor", value: "beta"),
        ])
        #expect(labels["vendor"] == "beta" && labels["rack"] == "7" && labels["region"] == nil)
        #expect(labels.sorted.map(\.description) == ["rack=7", "vendor=beta"])
        #expect(labels == ["vendor": "beta", "rack": "7"])
    }
}

@Suite struct ScoreTests {
    private let view = Sample.view(
        Sample.six.with(6) { $0.usedBytes = 500 * Sample.gigabyte }.with(3) { $0.usedBytes = 100 * Sample.gigabyte },
        [Sample.group(1, on: [1, 2], leader: 1, learners: [4])],
        rule: PlacementRule(constraints: [.exists(key: "vendor")]),
        settings: PlacementSettings(balanceTolerancePercent: 10)
    )

    private func score(_ nodes: UInt64...) throws -> Score {
        try #require(Score(of: nodes.map { NodeID($0) }, for: GroupID(1), in: view))
    }

    @Test func thePartsHaveTheirOrder() throws {
        // A node twice is worse than a majority, a majority of vendors worse than one of data centers.
        #expect(try score(1, 2, 4) < score(1, 2, 2))
        #expect(try score(1, 2, 6) < score(1, 4, 3))
        #expect(try score(1, 2, 3) < score(1, 2, 6))
        #expect(try score(1, 2, 3).majorityExcess == [0, 0])
        #expect(try score(1, 2, 4).majorityExcess == [1, 1])
        #expect(try score(1, 2, 6).majorityExcess == [0, 1])
        #expect(try score(1, 2, 6).largest == [1, 2])
    }

    @Test func loadComesBeforeBytes() throws {
        // Nodes 5 and 3 lie in torino; node 5 is emptier.
        #expect(try score(1, 5).loadSteps < score(1, 3).loadSteps)
        #expect(try score(1, 5) < score(1, 3))
    }

    @Test func bytesAreCopiedWhereThereIsNoReplica() throws {
        #expect(try score(1, 2, 3).bytesToCopy == Sample.gigabyte)
        #expect(try score(1, 2, 4).bytesToCopy == 0)
        #expect(try score(3, 5, 6).bytesToCopy == 3 * Sample.gigabyte)
        #expect(Score(of: [NodeID(99)], for: GroupID(1), in: view) == nil)
        #expect(Score(of: [], for: GroupID(7), in: view) == nil)
    }
}
