import Consensus
import MailModel
import Testing

@testable import Placement

/// A cluster as its directory and its nodes tell it.
@Suite struct ClusterSurveyTests {
    private static let gone = PlacementSettings().deadAfterSeconds

    private static func living() -> LivingCluster {
        let groups = [Sample.group(1, on: [1, 2, 3], leader: 2), Sample.group(2, on: [1, 2, 3], leader: 3)]
        return LivingCluster(Sample.view(Sample.pairs, groups), seed: 1)
    }

    private func view(_ living: LivingCluster) -> ClusterView { ClusterView(living.directory, living.survey) }

    @Test func whatTheNodesSay() throws {
        let view = view(Self.living())
        #expect(view.nodes.map(\.id) == (1...6).map { NodeID($0) })
        let node = try #require(view.node(NodeID(1)))
        #expect(node.labels == ["vendor": "alfa", "datacenter": "milano"])
        #expect(node.liveness == .alive && node.state == .active && node.disk == .well)
        #expect(node.capacityBytes == 1_000 * Sample.gigabyte && node.usedBytes == 2 * Sample.gigabyte)
        #expect(view.groups.map(\.id) == [0, 1, 2].map { GroupID($0) })
        let group = try #require(view.group(GroupID(1)))
        #expect(group.voters == [1, 2, 3] && group.leader == NodeID(2) && group.bytes == Sample.gigabyte)
        #expect(group.pool == "paid")
        #expect(view.movesUnderWay == [])
        #expect(view.group(.directory)?.replicas.count { $0.role == .learner } == 3)
    }

    /// Each replica counts for itself; the largest is what a new one may have to copy.
    @Test func theLargestReportOfAGroupCounts() {
        let living = Self.living()
        var survey = living.survey
        for (node, bytes) in [(1, 5), (2, 9), (3, 7)] as [(UInt64, UInt64)] {
            let held = HeldGroup(group: GroupID(1), isLeader: false, accounts: UInt32(10 - bytes), bytes: bytes)
            survey.reports[NodeID(node)] = NodeReport(
                directoryIndex: .zero,
                capacityBytes: 10,
                freeBytes: 20,
                disk: node == 2 ? .slow : .well,
                groups: [held]
            )
        }
        let view = ClusterView(living.directory, survey)
        #expect(view.group(GroupID(1))?.bytes == 9 && view.group(GroupID(1))?.accounts == 5)
        #expect(view.node(NodeID(1))?.usedBytes == 0, "more is free than there is: that cannot be")
        #expect(view.nodes.map(\.disk) == [.well, .slow, .well, .well, .well, .well])
    }

    /// Who is late has not gone.
    @Test func whatWasSaidShortlyBeforeCompletesAnInquiry() {
        let report = NodeReport(directoryIndex: .zero, capacityBytes: 1, freeBytes: 0, disk: .well, groups: [])
        let newer = NodeReport(directoryIndex: .zero, capacityBytes: 2, freeBytes: 0, disk: .well, groups: [])
        let earlier = ClusterSurvey(
            reports: [NodeID(1): report, NodeID(2): report],
            goneSeconds: [NodeID(3): 0, NodeID(4): 0]
        )
        let later = ClusterSurvey(
            reports: [NodeID(1): newer, NodeID(4): newer],
            goneSeconds: [NodeID(2): 0, NodeID(3): 0]
        )
        let survey = later.completed(by: earlier)
        #expect(survey.reports.mapValues(\.capacityBytes) == [NodeID(1): 2, NodeID(2): 1, NodeID(4): 2])
        #expect(survey.goneSeconds == [NodeID(3): 0])
    }

    @Test func aNodeThatIsGoneLeadsNothing() {
        var living = Self.living()
        living.stop(NodeID(2), seconds: 5)
        let view = view(living)
        #expect(view.node(NodeID(2))?.liveness == .gone(seconds: 5))
        #expect(view.group(GroupID(1))?.leader == nil && view.group(GroupID(2))?.leader == NodeID(3))
        #expect(view.node(NodeID(2))?.capacityBytes == 1_000 * Sample.gigabyte, "its last report stays")
    }

    /// Nobody talks to it, so its last report says nothing any more.
    @Test(arguments: [NodeState.decommissioned, .forgotten])
    func aNodeThatHasLeftLeadsNothing(_ state: NodeState) {
        var living = Self.living()
        let survey = living.survey
        living.setState(state, of: NodeID(2))
        let view = ClusterView(living.directory, survey)
        #expect(view.group(GroupID(1))?.leader == nil)
        #expect(view.node(NodeID(2))?.liveness == .gone(seconds: .max))
        #expect(view.node(NodeID(2))?.state == state)
    }

    @Test func whoHasNotBeenHeard() {
        let living = Self.living()
        var survey = living.survey
        #expect(survey.covers(living.directory))
        survey.reports[NodeID(4)] = nil
        #expect(!survey.covers(living.directory))
        #expect(view(living).node(NodeID(4))?.capacityBytes != 0)
        #expect(ClusterView(living.directory, survey).node(NodeID(4))?.capacityBytes == 0)
        survey.goneSeconds[NodeID(4)] = 3
        #expect(survey.covers(living.directory))
    }

    // MARK: Moves under way

    private func underWay(_ change: (inout LivingCluster) -> Void) -> Move? {
        var living = Self.living()
        change(&living)
        return view(living).movesUnderWay.first { $0.group == GroupID(1) }
    }

    private static func placing(_ nodes: UInt64...) -> Placing { Placing(voters: nodes.map { NodeID($0) }) }

    @Test func groupsOnTheirWay() {
        let replaced = underWay { $0.setPlacing(Self.placing(1, 2, 6), of: 1) }
        #expect(replaced?.kind == .replaceVoter(ReplicaID(102), from: NodeID(3), to: NodeID(6)))
        #expect(replaced?.bytesToCopy == Sample.gigabyte && replaced?.sender == NodeID(2))
        let added = underWay { $0.setPlacing(Self.placing(1, 2, 3, 4), of: 1) }
        #expect(added?.kind == .addVoter(to: NodeID(4)))
        let removed = underWay { $0.setPlacing(Self.placing(1, 2), of: 1) }
        #expect(removed?.kind == .removeVoter(ReplicaID(102), from: NodeID(3)))
        #expect(removed?.bytesToCopy == 0)
        // What the target has already is not to come again.
        let copied = underWay { living in
            living.setPlacing(Self.placing(1, 2, 6), of: 1)
            _ = living.advance()
        }
        #expect(copied?.kind == replaced?.kind && copied?.bytesToCopy == 0)
    }

    /// A joint change that one half has lost its quorum for goes on no more: others do not wait for it, and what is
    /// said of the group is what that half lacks.
    @Test func aJointConfigurationWithoutAQuorumIsNotUnderWay() throws {
        var living = Self.living()
        let members = try #require(living.directory.group(GroupID(1))?.members)
        let dead = members.voterNodes.prefix(2)
        let lone = Array(members.voters.suffix(1))
        living.setMembers(
            Configuration(members: members.members, voters: lone, outgoingVoters: members.voters),
            of: 1
        )
        #expect(view(living).movesUnderWay.map(\.group) == [GroupID(1)])
        for node in dead { living.stop(node, seconds: Self.gone) }
        let stopped = view(living)
        #expect(stopped.movesUnderWay.isEmpty)
        #expect(stopped.group(GroupID(1))?.replicas.map(\.node).sorted() == members.voterNodes)
        let obstacles = living.scheduler.plan.unrepaired.filter { $0.group == GroupID(1) }.map(\.obstacle)
        #expect(!obstacles.isEmpty && obstacles.allSatisfy { $0 == .noQuorum(live: 1, needed: 2) })
    }

    /// A forgotten node is not listed, and its vote is lost all the same.
    @Test func aForgottenNodeHasNoVote() throws {
        var living = Self.living()
        living.setPlacing(Self.placing(1, 2, 6), of: 1)
        living.setState(.forgotten, of: NodeID(3))
        #expect(view(living).movesUnderWay.map(\.group) == [GroupID(1)])
        living.stop(NodeID(2), seconds: Self.gone)
        #expect(view(living).movesUnderWay.isEmpty)
    }

    @Test func aJointConfigurationIsUnderWay() throws {
        let members = try #require(Self.living().directory.group(GroupID(1))?.members)
        let joint = Configuration(
            members: members.members,
            voters: members.voters,
            outgoingVoters: Array(members.voters.dropLast())
        )
        #expect(underWay { $0.setMembers(joint, of: 1) } != nil)
        #expect(underWay { _ in } == nil)
    }

    @Test func whatWaitsForADeadNodeIsOpenForAnotherPlan() {
        func isUnderWay(_ change: (inout LivingCluster) -> Void) -> Bool {
            underWay { living in
                living.setPlacing(Self.placing(1, 2, 6), of: 1)
                change(&living)
            } != nil
        }
        #expect(isUnderWay { _ in })
        #expect(isUnderWay { $0.stop(NodeID(6), seconds: Self.gone - 1) }, "it may come back")
        #expect(!isUnderWay { $0.stop(NodeID(6), seconds: Self.gone) })
        #expect(!isUnderWay { $0.setState(.decommissioning, of: NodeID(6)) })
        #expect(isUnderWay { $0.setState(.draining, of: NodeID(6)) }, "it keeps its replicas")
        #expect(isUnderWay { $0.stop(NodeID(3), seconds: Self.gone) }, "who leaves need not be there")
    }

    /// It would count among the moves at once, and keep other groups from theirs.
    @Test func aGroupWithoutAQuorumIsNotUnderWay() {
        var living = Self.living()
        living.setPlacing(Self.placing(1, 2, 6), of: 1)
        living.stop(NodeID(2), seconds: Self.gone - 1)
        living.stop(NodeID(3), seconds: Self.gone - 1)
        #expect(view(living).movesUnderWay.count == 1, "it may come back")
        living.stop(NodeID(3), seconds: Self.gone)
        #expect(view(living).movesUnderWay.count == 1, "one of three is lost")
        living.stop(NodeID(2), seconds: Self.gone)
        #expect(view(living).movesUnderWay == [])
        let scheduler = living.scheduler
        #expect(
            !scheduler.decisions.contains { decision in
                if case .command(.placeGroup(GroupID(1), _, _)) = decision { true } else { false }
            },
            "when its voters are back, it goes on"
        )
        #expect(scheduler.plan.unrepaired.contains { $0.obstacle == .noQuorum(live: 1, needed: 2) })
    }

    @Test func aRuleThatIsNotSetIsTheDefaultOne() {
        var living = Self.living()
        living.policy = Directory.Policy(rules: ["free": PlacementRule(voters: 5)])
        let view = view(living)
        #expect(view.rule(ofPool: "paid") == PlacementRule())
        #expect(view.rule(ofPool: "free") == PlacementRule(voters: 5))
        #expect(view.settings == PlacementSettings())
    }
}
