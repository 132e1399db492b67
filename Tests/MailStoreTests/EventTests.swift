import Consensus
import MailModel
import Testing

@testable import MailStore

/// What the directory remembers of what happened.
@Suite struct EventTests {
    private let group0: DirectoryUnderTest

    init() throws { group0 = try DirectoryUnderTest() }

    private func event(_ command: DirectoryCommand) throws -> DirectoryEvent? {
        let events = try group0.events { try group0.apply(command) }
        #expect(events.count <= 1)
        return events.first
    }

    @Test func nodesComeAndChange() throws {
        let founded = try group0.events()
        #expect(founded.map(\.kind) == [.nodeStarted, .nodeStarted, .nodeStarted])
        #expect(founded.map(\.node) == [1, 2, 3].map { NodeID($0) })
        let token = JoinToken(
            id: JoinTokenID(rawValue: 5),
            secretHash: Array(repeating: 7, count: 32),
            expires: Timestamp(milliseconds: 100),
            uses: 2
        )
        #expect(try event(.addToken(token)) == DirectoryEvent(.tokenAdded, number: 5))
        #expect(try event(.addToken(token)) == nil)
        let proof = JoinTokenProof(id: token.id, secretHash: token.secretHash)
        let node = NodeDescription(id: 0, peerAddress: "b", labels: [])
        let admit = DirectoryCommand.admitNode(directory: 4, proof, node)
        #expect(try event(admit) == DirectoryEvent(.nodeAdmitted, node: NodeID(4)))
        #expect(try event(admit) == nil)
        #expect(try event(.removeToken(token.id)) == DirectoryEvent(.tokenRevoked, number: 5))
        #expect(try event(.removeToken(token.id)) == nil)
        let started = DirectoryEvent(.nodeStarted, node: NodeID(4), number: 90)
        #expect(try event(.registerNode(node.numbered(4), run: 90)) == started)
        #expect(try event(.registerNode(node.numbered(4), run: 89)) == nil)
        let state = UInt64(NodeState.cordoned.rawValue)
        let cordoned = DirectoryEvent(.nodeStateChanged, node: NodeID(4), number: state)
        #expect(try event(.setNodeState(NodeID(4), .cordoned)) == cordoned)
        #expect(try event(.setNodeState(NodeID(4), .cordoned)) == nil)
        #expect(try event(.setNodeState(NodeID(4), .forgotten)) == nil)
        let labels = [Label(key: "rack", value: "7"), Label(key: "a", value: "b")]
        #expect(try event(.setLabels(NodeID(4), labels)) == DirectoryEvent(.nodeLabelled, node: NodeID(4)))
        #expect(try event(.setLabels(NodeID(4), labels.reversed())) == nil, "the same in another order")
    }

    @Test func groupsComeAndMove() throws {
        let nodes = [1, 2].map { NodeID($0) }
        let added = DirectoryEvent(.groupAdded, group: GroupID(4), nodes: nodes, name: "paid")
        #expect(try event(.addGroup(pool: "paid", placing(2, 1))) == added)
        let place = DirectoryCommand.placeGroup(GroupID(4), placing(1), replacing: nil)
        #expect(try event(place) == DirectoryEvent(.groupPlaced, group: GroupID(4), nodes: [NodeID(1)]))
        #expect(try event(place) == nil)
        #expect(try event(.placeGroup(GroupID(4), placing(1, leader: 1), replacing: nil)) == nil, "only the leader")
        let range = try #require(SlotRange(first: Slot(rawValue: 0), count: 9))
        let assigned = DirectoryEvent(.slotsAssigned, group: GroupID(4), number: 9)
        #expect(try event(.assignSlots(range, to: GroupID(4))) == assigned)
        #expect(try event(.assignSlots(range, to: GroupID(4))) == nil)
        #expect(try event(.removeGroup(GroupID(4))) == nil, "it serves slots")
        #expect(try event(.assignSlots(range, to: GroupID(1)))?.kind == .slotsAssigned)
        #expect(try event(.removeGroup(GroupID(4))) == DirectoryEvent(.groupRemoved, group: GroupID(4)))
        #expect(try event(.removeGroup(GroupID(4))) == nil)
    }

    @Test func aMajorityThatAnAdminHasAllowedIsToldOfByItself() throws {
        let events = try group0.events {
            try group0.apply(.placeGroup(GroupID(1), placing(1, 2, mayFormMajority: true), replacing: nil))
            try group0.apply(.placeGroup(GroupID(1), placing(1, mayFormMajority: true), replacing: nil))
            try group0.apply(.placeGroup(GroupID(1), placing(1), replacing: nil))
            try group0.apply(.placeGroup(GroupID(1), placing(1, mayFormMajority: true), replacing: nil))
        }
        #expect(events.map(\.kind) == [.groupPlaced, .majorityAllowed, .groupPlaced, .majorityAllowed])
        #expect(events.map(\.nodes.count) == [2, 2, 1, 1])
    }

    /// Only what a group has reached is told of, not the joint configurations on the way.
    @Test func votersThatHaveChanged() throws {
        let members = (1...3).map { Member(replica: ReplicaID(10 * $0), node: NodeID($0)) }
        func report(_ index: UInt64, _ configuration: Configuration) throws -> DirectoryEvent? {
            try event(.reportMembers(GroupID(1), at: LogIndex(index), configuration))
        }
        let two = Configuration(voters: Array(members.prefix(2)))
        let changed = DirectoryEvent(.votersChanged, group: GroupID(1), nodes: [1, 2].map { NodeID($0) })
        #expect(try report(2, two) == changed)
        #expect(try report(3, two) == nil)
        let learning = Configuration(
            members: members,
            voters: members.prefix(2).map(\.replica),
            outgoingVoters: [],
            learners: [members[2].replica]
        )
        #expect(try report(4, learning) == nil)
        let joint = Configuration(
            members: members,
            voters: members.suffix(2).map(\.replica),
            outgoingVoters: members.prefix(2).map(\.replica),
            learners: []
        )
        #expect(try report(5, joint) == nil)
        let final = Configuration(voters: Array(members.suffix(2)))
        #expect(try report(6, final)?.nodes == [2, 3].map { NodeID($0) })
        #expect(try report(5, joint) == nil, "what is older is passed over")
        #expect(try report(6, two) == nil)
    }

    @Test func policyAndOperations() throws {
        let rule = PlacementRule(voters: 5)
        #expect(try event(.setRule(pool: "paid", rule)) == DirectoryEvent(.ruleSet, name: "paid"))
        #expect(try event(.setRule(pool: "paid", rule)) == nil)
        let settings = SchedulerSettings(copyMebibytesPerSecond: 5)
        #expect(try event(.setScheduler(settings)) == DirectoryEvent(.schedulerSet))
        #expect(try event(.setScheduler(settings)) == nil)
        let id = OperationID(rawValue: 6)
        let (began, ended) = (DirectoryEvent.Kind.operationBegan, DirectoryEvent.Kind.operationEnded)
        var events = try group0.events { try group0.begin(6, .drain(NodeID(1))) }
        #expect(events.map(\.kind) == [.nodeStateChanged, began])
        #expect(events.last == DirectoryEvent(began, node: NodeID(1), operation: id))
        events = try group0.events { try group0.begin(6, .drain(NodeID(1))) }
        #expect(events == [])
        events = try group0.events { try group0.end(6, .succeeded) }
        #expect(events.map(\.kind) == [.nodeStateChanged, ended])
        let state = UInt64(OperationState.succeeded.rawValue)
        #expect(events.last == DirectoryEvent(ended, node: NodeID(1), operation: id, number: state))
        events = try group0.events {
            try group0.end(6, .succeeded)
            try group0.begin(7, .moveReplicas(GroupID(1), from: placing(1), to: placing(2)))
        }
        #expect(events == [], "one has ended, the other could not begin")
    }

    @Test func theVersionThatRises() throws {
        let versions = KnownVersions(.first, ClusterVersion(rawValue: 2))
        for node: UInt64 in 1...3 {
            let description = NodeDescription(id: node, peerAddress: "a", labels: [], versions: versions)
            try group0.apply(.registerNode(description, run: 100 + node))
        }
        let raise = DirectoryCommand.raiseVersion(ClusterVersion(rawValue: 2))
        #expect(try event(raise) == DirectoryEvent(.versionRaised, number: 2))
        #expect(try event(raise) == nil)
    }

    /// The last so many are there, each with its number and its time, and who has read some reads on behind them.
    @Test func theOldestAreForgotten() throws {
        let total = DirectoryEvent.maximumCount + 50
        while try group0.lastEvent() < total {
            group0.milliseconds += 1
            let pace = UInt32(group0.milliseconds)
            try group0.apply(.setScheduler(SchedulerSettings(copyMebibytesPerSecond: pace)))
        }
        let reader = MailReader(store: group0.store)
        let all = try reader.events(after: 0, limit: .max)
        #expect(all.map(\.sequence) == Array(51...total))
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.time < $1.time })
        #expect(try reader.events(after: 0, limit: 3).map(\.sequence) == [51, 52, 53])
        #expect(try reader.events(after: 60, limit: 2).map(\.sequence) == [61, 62])
        #expect(try reader.events(after: total - 1, limit: 9).map(\.sequence) == [total])
        #expect(try reader.events(after: total, limit: 9) == [])
        #expect(try reader.events(after: .max, limit: 9) == [])
        #expect(try reader.events(after: 60, limit: 0) == [])
        #expect(try recomputedDigest(.directory, in: group0.store) == group0.applier.digest(.directory))
    }
}
