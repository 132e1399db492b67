import Consensus
import MailModel
import Testing

@testable import MailStore

/// What admins say of where replicas are to be.
@Suite struct DirectoryPolicyTests {
    private let group0: DirectoryUnderTest
    private static let rack = Label(key: "rack", value: "7")

    init() throws { group0 = try DirectoryUnderTest() }

    // MARK: Rules and settings

    @Test func theLastRuleOfAPoolCounts() throws {
        #expect(try group0.directory().policy.rule(ofPool: "paid") == PlacementRule())
        let five = PlacementRule(voters: 5, spread: ["rack"], canaries: [Self.rack])
        #expect(try group0.apply(.setRule(pool: "paid", five)) == .done)
        #expect(try group0.apply(.setRule(pool: "free", PlacementRule(voters: 1))) == .done)
        #expect(try group0.directory().policy.rules == ["paid": five, "free": PlacementRule(voters: 1)])
        let three = PlacementRule(constraints: [.exists(key: "rack")], leaderPreferences: [Self.rack])
        #expect(try group0.apply(.setRule(pool: "paid", three)) == .done)
        #expect(try group0.directory().policy.rule(ofPool: "paid") == three)
        #expect(try group0.directory().policy.rule(ofPool: "free") == PlacementRule(voters: 1))
    }

    @Test func rulesOfSoManyPoolsAndNoMore() throws {
        for number in 0..<PlacementRule.maximumPools {
            #expect(try group0.apply(.setRule(pool: "pool\(number)", PlacementRule(voters: 5))) == .done)
        }
        #expect(try group0.apply(.setRule(pool: "another", PlacementRule())) == .refused(.tooManyEntries))
        #expect(try group0.apply(.setRule(pool: "pool7", PlacementRule(voters: 7))) == .done, "it has one already")
        let policy = try group0.directory().policy
        #expect(policy.rules.count == PlacementRule.maximumPools)
        #expect(policy.rule(ofPool: "pool7").voters == 7)
    }

    @Test func theSchedulersSettingsAreThoseOfAllNodes() throws {
        #expect(try group0.directory().policy.scheduler == SchedulerSettings())
        var settings = SchedulerSettings(
            placement: PlacementSettings(deadAfterSeconds: 30, fullPercent: 80, movesPerCluster: 3),
            copyMebibytesPerSecond: 12,
            pausedUntil: Timestamp(milliseconds: 99)
        )
        #expect(try group0.apply(.setScheduler(settings)) == .done)
        #expect(try group0.directory().policy.scheduler == settings)
        settings.pausedUntil = nil
        #expect(try group0.apply(.setScheduler(settings)) == .done)
        #expect(try group0.directory().policy.scheduler == settings)
    }

    // MARK: Labels

    @Test func whatAnAdminSaysOfANodeCountsMore() throws {
        try group0.register(1, labels: [Label(key: "vendor", value: "alfa"), Label(key: "rack", value: "1")])
        #expect(try group0.apply(.setLabels(NodeID(9), [Self.rack])) == .refused(.noSuchNode))
        let given = [Label(key: "vendor", value: ""), Self.rack, Label(key: "firmware", value: "9")]
        #expect(try group0.apply(.setLabels(NodeID(1), given)) == .done)
        let labels: Labels = ["rack": "7", "firmware": "9"]
        #expect(try group0.directory().labels(of: NodeID(1)) == labels, "one taken away, one replaced, one added")
        // The node says something else of itself: what the admin has said stays.
        try group0.register(1, labels: [Label(key: "vendor", value: "beta"), Label(key: "room", value: "2")])
        let node = try #require(try group0.directory().node(NodeID(1)))
        #expect(node.labels == ["rack": "7", "firmware": "9", "room": "2"])
        #expect(node.givenLabels == given.sorted())
        #expect(node.description.labels.map(\.key) == ["room", "vendor"])
        #expect(try group0.apply(.setLabels(NodeID(1), [])) == .done)
        #expect(try group0.directory().labels(of: NodeID(1)) == ["vendor": "beta", "room": "2"])
    }

    @Test func givenLabelsStayThroughTheStatesOfANode() throws {
        #expect(try group0.apply(.setLabels(NodeID(2), [Self.rack])) == .done)
        for state in [NodeState.decommissioning, .decommissioned, .active] {
            #expect(try group0.apply(.setNodeState(NodeID(2), state)) == .done)
            #expect(try group0.directory().labels(of: NodeID(2)) == ["rack": "7"])
        }
    }

    // MARK: Placing

    @Test func aPlacingReplacesTheOneThatWasSeen() throws {
        let first = try #require(try group0.directory().group(GroupID(1))?.placing)
        let (a, b) = (placing(1, 2), placing(2, 3))
        #expect(try group0.apply(.placeGroup(GroupID(1), a, replacing: b)) == .refused(.changedMeanwhile))
        #expect(try group0.apply(.placeGroup(GroupID(1), a, replacing: first)) == .done)
        #expect(try group0.apply(.placeGroup(GroupID(1), a, replacing: first)) == .done, "said twice, it is done")
        #expect(try group0.apply(.placeGroup(GroupID(1), b, replacing: first)) == .refused(.changedMeanwhile))
        #expect(try group0.voters(of: 1) == [1, 2])
        #expect(try group0.apply(.placeGroup(GroupID(1), b, replacing: nil)) == .done, "whatever it was")
        #expect(try group0.voters(of: 1) == [2, 3])
        #expect(try group0.apply(.placeGroup(GroupID(9), b, replacing: nil)) == .refused(.noSuchGroup))
    }

    /// The preferred leader and the leave to form a majority are parts of what is compared.
    @Test func theWholePlacingIsCompared() throws {
        let plain = placing(1, 2)
        #expect(try group0.apply(.placeGroup(GroupID(1), plain, replacing: nil)) == .done)
        for other in [placing(1, 2, leader: 1), placing(1, 2, mayFormMajority: true)] {
            let command = DirectoryCommand.placeGroup(GroupID(1), placing(1, 3), replacing: other)
            #expect(try group0.apply(command) == .refused(.changedMeanwhile))
        }
        #expect(try group0.apply(.placeGroup(GroupID(1), placing(1, 2, leader: 2), replacing: plain)) == .done)
        #expect(try group0.directory().group(GroupID(1))?.placing.preferredLeader == NodeID(2))
    }

    @Test(arguments: NodeState.allCases)
    func aNodeThatIsNotActiveGetsNoVoter(_ state: NodeState) throws {
        #expect(try group0.apply(.placeGroup(GroupID(1), placing(1, 2), replacing: nil)) == .done)
        try group0.reportVoters([1, 2], of: 1)
        let way: [NodeState] =
            switch state {
            // A node that was admitted and has not registered.
            case .joining: []
            case .active, .cordoned, .draining, .decommissioning: [state]
            case .drained: [.draining, .drained]
            case .decommissioned: [.decommissioning, .decommissioned]
            case .forgotten: [.decommissioning, .decommissioned, .forgotten]
            }
        let node = state == .joining ? try admitted() : 3
        for state in way { #expect(try group0.apply(.setNodeState(NodeID(node), state)) == .done) }
        try #require(try group0.state(of: node) == state)
        let wanted = MailOutcome.refused(.nodeTakesNothing)
        let placed = try group0.apply(.placeGroup(GroupID(1), placing(1, 2, node), replacing: nil))
        #expect(placed == (state == .active ? .done : wanted))
        let added = try group0.apply(.addGroup(pool: "paid", placing(node)))
        #expect(added == (state == .active ? .groupAdded(GroupID(4)) : wanted))
    }

    private func admitted() throws -> UInt64 {
        let token = JoinToken(
            id: JoinTokenID(rawValue: 1),
            secretHash: Array(repeating: 1, count: 32),
            expires: Timestamp(milliseconds: .max),
            uses: 1
        )
        try group0.apply(.addToken(token))
        let proof = JoinTokenProof(id: token.id, secretHash: token.secretHash)
        let node = NodeDescription(id: 0, peerAddress: "b", labels: [])
        guard case .nodeAdmitted(let id) = try group0.apply(.admitNode(directory: 4, proof, node)) else { return 0 }
        return id.rawValue
    }

    /// What a node has, it may keep: a group on a cordoned node must still be placed when another voter is exchanged.
    @Test func aNodeThatIsNotActiveKeepsWhatItHas() throws {
        #expect(try group0.apply(.placeGroup(GroupID(1), placing(2, 3), replacing: nil)) == .done)
        try group0.reportVoters([1, 2], of: 1)
        for node: UInt64 in [1, 2] { #expect(try group0.apply(.setNodeState(NodeID(node), .cordoned)) == .done) }
        // Node 1 has a voter, node 2 was to have one.
        #expect(try group0.apply(.placeGroup(GroupID(1), placing(1, 2), replacing: nil)) == .done)
        #expect(try group0.apply(.placeGroup(GroupID(2), placing(8), replacing: nil)) == .refused(.noSuchNode))
    }
}
