import Consensus
import MailModel
import Testing

@testable import Placement

/// What the scheduler has done, and when operations end.
@Suite struct SchedulerTests {
    private static let dead = PlacementSettings().deadAfterSeconds

    /// Nodes 4, 5 and 6 are like 1, 2 and 3.
    private func living(
        _ groups: [GroupView] = [Sample.group(1, on: [1, 2, 3], leader: 1)],
        _ nodes: [NodeView] = Sample.pairs
    ) -> LivingCluster {
        LivingCluster(Sample.view(nodes, groups), seed: 1)
    }

    private func placing(_ nodes: UInt64..., leader: UInt64? = nil) -> Placing {
        Placing(voters: nodes.map { NodeID($0) }, preferredLeader: leader.map { NodeID($0) })
    }

    private func place(_ group: UInt32, _ next: Placing, _ former: Placing) -> SchedulerDecision {
        .command(.placeGroup(GroupID(group), next, replacing: former))
    }

    private func end(_ id: UInt64, _ state: OperationState) -> SchedulerDecision {
        .command(.endOperation(OperationID(rawValue: id), state))
    }

    /// Of mail groups alone, and of operations.
    private func decisions(_ living: LivingCluster, now: Int64 = 1) -> [SchedulerDecision] {
        let scheduler = Scheduler(living.directory, living.survey, now: Timestamp(milliseconds: now))
        return scheduler.decisions.filter { decision in
            if case .command(.placeGroup(.directory, _, _)) = decision { false } else { true }
        }
    }

    // MARK: Moves

    @Test func whereAllIsWellNothingIsDecided() {
        #expect(decisions(living()) == [])
        #expect(living().scheduler.decisions == [], "of the directory neither")
    }

    @Test func aVoterOnADeadNodeIsReplaced() {
        var living = living()
        living.stop(NodeID(3), seconds: Self.dead - 1)
        #expect(decisions(living) == [])
        living.stop(NodeID(3), seconds: Self.dead)
        #expect(decisions(living) == [place(1, placing(1, 2, 6), placing(1, 2, 3))])
    }

    @Test func thePreferredLeaderStaysWhileItVotes() {
        var living = living()
        living.setPlacing(placing(1, 2, 3, leader: 2), of: 1)
        living.stop(NodeID(3), seconds: Self.dead)
        let kept = place(1, placing(1, 2, 6, leader: 2), placing(1, 2, 3, leader: 2))
        #expect(decisions(living) == [kept])
        living.start(NodeID(3))
        living.stop(NodeID(2), seconds: Self.dead)
        let replaced = place(1, placing(1, 3, 5, leader: 5), placing(1, 2, 3, leader: 2))
        #expect(decisions(living) == [replaced], "its successor is to lead as it was to")
    }

    @Test func tooFewAndTooManyVoters() {
        #expect(
            decisions(living([Sample.group(1, on: [1, 2], leader: 1)])) == [place(1, placing(1, 2, 3), placing(1, 2))]
        )
        let many = decisions(living([Sample.group(1, on: [1, 2, 3, 4], leader: 2)]))
        #expect(many.count == 1)
        guard case .command(.placeGroup(_, let next, _)) = many.first else { return }
        #expect(next == placing(1, 2, 3) || next == placing(2, 3, 4))
    }

    @Test func aLeadershipIsHandedOver() {
        var living = living()
        living.setState(.draining, of: NodeID(1))
        let decided = decisions(living)
        guard case .handOver(GroupID(1), NodeID(1), let target) = decided.last else {
            Issue.record("nothing is handed over: \(decided)")
            return
        }
        let next = Placing(voters: [1, 2, 3].map { NodeID($0) }, preferredLeader: target)
        #expect(decided == [place(1, next, placing(1, 2, 3)), .handOver(GroupID(1), from: NodeID(1), to: target)])
        // The directory says so by now, and the leader has not heard of it.
        living.setPlacing(next, of: 1)
        #expect(decisions(living) == [.handOver(GroupID(1), from: NodeID(1), to: target)])
        living.setLeader(target.rawValue, of: 1)
        #expect(decisions(living) == [])
    }

    @Test func nothingIsDecidedTwiceWhileItIsUnderWay() {
        var living = living()
        living.stop(NodeID(3), seconds: Self.dead)
        living.setPlacing(placing(1, 2, 6), of: 1)
        #expect(decisions(living) == [])
        living.stop(NodeID(6), seconds: Self.dead)
        // No node of that vendor is left: redundancy comes before spread, and the placing says so.
        let decided = decisions(living)
        guard case .command(.placeGroup(GroupID(1), let next, replacing: placing(1, 2, 6)))? = decided.first else {
            Issue.record("nothing is replaced: \(decided)")
            return
        }
        #expect(decided.count == 1 && next.mayFormMajority)
        #expect([4, 5].map { [1, 2, $0].map { NodeID($0) } }.contains(next.voters))
    }

    /// Before all nodes are heard, a group without a leader may have one, and a node may be full.
    @Test func nothingIsDecidedOfWhatIsNotKnown() {
        var living = living()
        living.stop(NodeID(3), seconds: Self.dead)
        living.begin(1, .drain(NodeID(1)))
        living.begin(2, .rebalance)
        var survey = living.survey
        survey.reports[NodeID(1)] = nil
        #expect(Scheduler(living.directory, survey, now: Timestamp(milliseconds: 1)).decisions == [])
        survey.goneSeconds[NodeID(1)] = 3
        #expect(Scheduler(living.directory, survey, now: Timestamp(milliseconds: 1)).decisions != [])
    }

    // MARK: Pauses

    private func pause(_ living: inout LivingCluster, until end: Int64) {
        var settings = living.policy.scheduler
        settings.pausedUntil = Timestamp(milliseconds: end)
        living.policy = Directory.Policy(rules: living.policy.rules, scheduler: settings)
    }

    @Test func whilePausedNothingIsRepaired() {
        var living = living()
        living.stop(NodeID(3), seconds: Self.dead)
        pause(&living, until: 100)
        #expect(decisions(living, now: 99) == [])
        #expect(decisions(living, now: 100).count == 1)
        #expect(Scheduler(living.directory, living.survey, now: Timestamp(milliseconds: 99)).isPaused)
        living.begin(1, .rebalance)
        #expect(decisions(living, now: 99).count == 1, "an admin wants it")
    }

    @Test func whilePausedNodesAreEmptiedAllTheSame() {
        var living = living()
        pause(&living, until: 100)
        living.begin(1, .drain(NodeID(1)))
        #expect(decisions(living).contains { if case .handOver = $0 { true } else { false } })
        living = self.living()
        pause(&living, until: 100)
        living.begin(1, .decommission(NodeID(3)))
        #expect(decisions(living) == [place(1, placing(1, 2, 6), placing(1, 2, 3))])
    }

    @Test func whilePausedOperationsEnd() {
        var living = living([Sample.group(1, on: [4, 5, 6], leader: 4)])
        pause(&living, until: 100)
        living.begin(1, .drain(NodeID(1)))
        #expect(decisions(living) == [end(1, .succeeded)])
    }

    // MARK: What waits in vain

    /// No node is there in the place of the dead one: the group keeps the voters that it has.
    @Test func aPlacingThatCannotBeReachedIsWithdrawn() {
        var living = living([Sample.group(1, on: [1, 2, 3], leader: 1)], Array(Sample.pairs.prefix(4)))
        living.setPlacing(placing(2, 3, 4, leader: 4), of: 1)
        #expect(decisions(living) == [])
        living.stop(NodeID(4), seconds: Self.dead)
        #expect(decisions(living) == [place(1, placing(1, 2, 3, leader: 1), placing(2, 3, 4, leader: 4))])
    }

    /// Node 6, which comes in node 3's place, gets the vendor of node 2 meanwhile: the group's leader refuses to take
    /// it in, and would wait for ever.
    @Test func aMoveThatNewLabelsForbidIsPlannedAnew() {
        var living = living()
        living.stop(NodeID(3), seconds: Self.dead)
        living.setPlacing(placing(1, 2, 6), of: 1)
        #expect(decisions(living) == [])
        living.setLabels([Label(key: "vendor", value: "beta")], of: NodeID(6))
        living.setLabels([Label(key: "vendor", value: "gamma")], of: NodeID(5))
        #expect(decisions(living) == [place(1, placing(1, 5, 6), placing(1, 2, 6))], "nodes 2 and 5 are in roma both")
        // Where an admin has allowed it, it goes on.
        living.setPlacing(Placing(voters: [1, 2, 6].map { NodeID($0) }, mayFormMajority: true), of: 1)
        #expect(decisions(living) == [])
    }

    /// The learner on the dead node is one to be removed, but its group keeps it while the directory wants it.
    @Test func aPlacingIsWithdrawnAlsoWhereTheDeadNodeLearnsAlready() {
        let group = Sample.group(1, on: [1, 2, 3], leader: 1, learners: [4])
        var living = living([group], Array(Sample.pairs.prefix(4)))
        living.setPlacing(placing(2, 3, 4), of: 1)
        living.stop(NodeID(4), seconds: Self.dead)
        #expect(decisions(living) == [place(1, placing(1, 2, 3, leader: 1), placing(2, 3, 4))])
        for _ in 0..<3 { _ = living.advance() }
        #expect(living.groups[1].members.learners == [])
    }

    @Test func aJointConfigurationIsLeftFirst() throws {
        var living = living()
        let members = try #require(living.directory.group(GroupID(1))?.members)
        let joint = Configuration(
            members: members.members,
            voters: members.voters,
            outgoingVoters: Array(members.voters.dropLast())
        )
        living.setMembers(joint, of: 1)
        living.setPlacing(placing(1, 2, 6), of: 1)
        living.stop(NodeID(6), seconds: Self.dead)
        #expect(decisions(living) == [])
    }

    // MARK: Preferences

    @Test func whoMayNotLeadIsNotPreferred() {
        var living = living()
        living.setPlacing(placing(1, 2, 3, leader: 2), of: 1)
        #expect(decisions(living) == [], "another one leads, for a while")
        living.setState(.draining, of: NodeID(2))
        #expect(decisions(living) == [place(1, placing(1, 2, 3, leader: 1), placing(1, 2, 3, leader: 2))])
        living.setLeader(nil, of: 1)
        #expect(decisions(living) == [], "nobody is known to lead")
    }

    @Test func aCanaryIsNotPreferred() {
        var living = living()
        let rule = PlacementRule(canaries: [Label(key: "vendor", value: "beta")])
        living.policy = Directory.Policy(rules: ["paid": rule], scheduler: living.policy.scheduler)
        living.setPlacing(placing(1, 2, 3, leader: 2), of: 1)
        #expect(decisions(living) == [place(1, placing(1, 2, 3, leader: 1), placing(1, 2, 3, leader: 2))])
    }

    // MARK: Operations

    @Test func aDrainEndsWhenTheNodeLeadsNothing() {
        var living = living()
        living.begin(1, .drain(NodeID(1)))
        #expect(!decisions(living).contains(end(1, .succeeded)))
        living.setLeader(2, of: 1)
        #expect(decisions(living).contains(end(1, .succeeded)))
        living.setLeader(1, of: 1)
        living.stop(NodeID(1), seconds: 5)
        #expect(decisions(living).contains(end(1, .succeeded)), "who is gone leads nothing")
    }

    @Test(arguments: [NodeState.active, .cordoned, .drained, .decommissioning])
    func aDrainFailsWhereAnAdminDecidesOtherwise(_ state: NodeState) {
        var living = living()
        living.begin(1, .drain(NodeID(1)))
        living.setState(state, of: NodeID(1))
        #expect(decisions(living).contains(end(1, .failed)))
    }

    @Test func aDecommissionEndsWhenTheNodeIsEmpty() throws {
        var living = living()
        living.begin(1, .decommission(NodeID(6)))
        #expect(decisions(living) == [end(1, .succeeded)], "of the directory it only learns")
        living.begin(2, .decommission(NodeID(3)))
        var rounds = 0
        while living.operations.contains(where: { $0.state == .running }), rounds < 20 {
            _ = living.advance()
            rounds += 1
        }
        // Node 6 goes first, so no node of that vendor is left: redundancy comes before spread.
        #expect(living.operations.allSatisfy { $0.state == .succeeded })
        #expect(living.complaints == [])
        #expect(living.state(of: NodeID(3)) == .decommissioned)
        let voters = living.groups.flatMap(\.members.voterNodes)
        #expect(!voters.contains(NodeID(3)) && !voters.contains(NodeID(6)))
    }

    @Test func aNodeThatIsToHoldSomethingIsNotEmpty() {
        var living = living([Sample.group(1, on: [1, 2, 6], leader: 1, learners: [5])])
        living.setPlacing(placing(1, 2, 4), of: 1)
        let directory = living.directory
        let held = (1...6).map { Scheduler.groupsHeld(by: NodeID($0), directory).map(\.rawValue) }
        #expect(held == [[0, 1], [0, 1], [0], [1], [1], [1]])
    }

    @Test func aMoveEndsWhenTheGroupIsThere() {
        var living = living()
        let kind = OperationKind.moveReplicas(GroupID(1), from: placing(1, 2, 3), to: placing(1, 2, 6))
        living.begin(1, kind)
        #expect(decisions(living) == [])
        for _ in 0..<3 { _ = living.advance() }
        #expect(living.operations.map(\.state) == [.running], "the group is on its way")
        for _ in 0..<3 { _ = living.advance() }
        #expect(living.operations.map(\.state) == [.succeeded])
        #expect(living.groups[1].members.voterNodes == [1, 2, 6].map { NodeID($0) })
    }

    @Test func aMoveFailsWhereTheGroupIsPlacedOtherwise() {
        var living = living()
        living.begin(1, .moveReplicas(GroupID(1), from: placing(1, 2, 3), to: placing(1, 2, 6)))
        living.setPlacing(placing(1, 2, 6, leader: 2), of: 1)
        #expect(!decisions(living).contains(end(1, .failed)), "who leads does not matter")
        living.setPlacing(placing(1, 2, 3), of: 1)
        #expect(decisions(living) == [end(1, .failed)])
        living = self.living()
        living.begin(1, .moveReplicas(GroupID(9), from: placing(1), to: placing(2)))
        #expect(decisions(living) == [end(1, .failed)], "the group is gone")
    }

    @Test func aRebalanceEndsWhenNothingIsToBeMoved() {
        var living = living()
        living.begin(1, .rebalance)
        #expect(decisions(living) == [end(1, .succeeded)])
        living.setPlacing(placing(1, 2, 6), of: 1)
        #expect(decisions(living) == [], "a group is on its way")
        living.setPlacing(placing(1, 2, 3), of: 1)
        living.stop(NodeID(3), seconds: Self.dead)
        #expect(decisions(living).count == 1 && !decisions(living).contains(end(1, .succeeded)))
    }

    @Test func whatHasEndedDoesNotEndAgain() {
        var living = living()
        living.begin(1, .rebalance)
        _ = living.advance()
        #expect(living.operations.map(\.state) == [.succeeded])
        #expect(decisions(living) == [])
    }
}
