import Consensus
import LogStorage
import MailModel
import PeerTransport
import ReplicaCore
import StateStorage
import Testing

@testable import NodeRuntime

/// Groups that come to a cluster at work, and go again.
@Suite struct AddedGroupTests {
    /// The first that is added.
    private static let group = GroupID(4)
    /// Ticks in which a group begins and elects, also where a node does not answer.
    private static let beginTicks = 200

    private let cluster: TestCluster

    init() throws {
        cluster = try TestCluster(nodes: 4, groups: 4, isFounded: false)
        cluster.run(ticks: 300)
        try #require(cluster.allAreLed)
        try #require(cluster[1].core?.directory.now.members.count == 4)
    }

    // MARK: What tests do

    private func direct(
        _ command: DirectoryCommand,
        isLost: (PeerMessage, NodeID, NodeID) -> Bool = { _, _, _ in false }
    ) throws -> MailOutcome {
        let heard = Heard<MailOutcome>()
        cluster[1].service?.submit(.directory(command), to: .directory, account: AccountID(0), heard.completion)
        for _ in 0..<100 where heard.value == nil { cluster.run(ticks: 1, isLost: isLost) }
        return try #require(heard.value).get()
    }

    private func add(
        on nodes: [UInt64],
        isLost: (PeerMessage, NodeID, NodeID) -> Bool = { _, _, _ in false }
    ) throws {
        let placing = Placing(voters: nodes.map { NodeID($0) }, preferredLeader: NodeID(nodes[0]))
        let outcome = try direct(.addGroup(pool: "paid", placing), isLost: isLost)
        try #require(outcome == .groupAdded(Self.group))
    }

    private func replica(on node: Int, of group: GroupID = Self.group) -> Replica? {
        cluster[node].core?.replica(group)
    }

    private func standing(on node: Int, of group: GroupID = Self.group) -> Standing? {
        cluster[node].core?.loop.standing(of: group)
    }

    /// The replica that begins with the group on a node.
    private func original(on node: Int) -> ReplicaID { Founder.replica(of: Self.group, in: UInt64(node) + 10, 0) }

    private func voters() -> [UInt64]? {
        guard let raft = cluster.leader(of: Self.group)?.core?.replica(Self.group)?.raft else { return nil }
        return raft.configuration.isJoint ? nil : raft.configuration.voterNodes.map(\.rawValue)
    }

    private func record(on node: Int) -> GroupRecord? { cluster[node].core?.directory.now.group(Self.group) }

    /// Has an account created in the group: whether that was committed.
    private func takesWrites() throws -> Bool {
        let done = Counter()
        try cluster[1].createAccounts(0..<1, in: Self.group) { done.value += 1 }
        cluster.run(ticks: 40)
        return done.value == 1
    }

    private func logHasGroup(_ number: Int) throws -> Bool {
        let settings = LogSettings(logID: UInt64(number))
        return try SegmentedLog.open(disk: cluster[number].disk, settings: settings).recovered.contains {
            $0.group == Self.group
        }
    }

    /// What the replicas of the group say to each other.
    private func isOfGroup(_ message: PeerMessage) -> Bool {
        if case .replica(let message) = message { message.group == Self.group } else { false }
    }

    // MARK: Beginning

    @Test func aGroupThatIsAddedBeginsOnItsNodes() throws {
        try add(on: [1, 2, 3])
        cluster.run(ticks: Self.beginTicks)
        #expect(voters() == [1, 2, 3])
        for node in 1...3 {
            #expect(replica(on: node)?.id == original(on: node))
            #expect(replica(on: node)?.raft.configuration == record(on: node)?.members)
            #expect(cluster[node].identity.addedUpTo == Self.group)
        }
        #expect(standing(on: 4) == .remote && replica(on: 4) == nil)
        #expect(cluster[4].identity.addedUpTo == GroupID(0), "the group has nothing to do with the node")
        for node in 1...4 {
            #expect(record(on: node)?.membersIndex == LogIndex(1), "its leader has told of it, once")
        }
        #expect(try takesWrites())
    }

    @Test func aGroupBeginsWithoutANodeThatIsAway() throws {
        cluster[3].kill()
        try add(on: [1, 2, 3])
        cluster.run(ticks: Self.beginTicks)
        #expect(voters() == [1, 2, 3])
        #expect(try takesWrites())
        try cluster.start(cluster[3])
        cluster.run(ticks: 2 * Self.beginTicks)
        #expect(voters() == [1, 2, 3])
        #expect(replica(on: 3)?.leaderNode == cluster.leader(of: Self.group)?.id)
    }

    /// A node that is given a replica later waits until it knows that the group is not a new one.
    @Test func aReplicaComesToAnotherNodeLater() throws {
        try add(on: [1, 2, 3])
        cluster.run(ticks: Self.beginTicks)
        let placing = Placing(voters: [2, 3, 4].map { NodeID($0) })
        #expect(try direct(.placeGroup(Self.group, placing, replacing: nil)) == .done)
        cluster.run(ticks: 600)
        #expect(voters() == [2, 3, 4])
        #expect(replica(on: 4) != nil && replica(on: 4)?.id != original(on: 4))
        #expect(cluster[4].identity.addedUpTo == Self.group)
        #expect(standing(on: 1) == .remote && replica(on: 1) == nil)
    }

    /// What was placed elsewhere before it began begins where it was to begin: nobody else could elect.
    @Test func aGroupThatIsPlacedElsewhereAtOnceBeginsFirst() throws {
        try add(on: [1, 2]) { message, _, _ in isOfGroup(message) }
        let placing = Placing(voters: [3, 4].map { NodeID($0) })
        #expect(try direct(.placeGroup(Self.group, placing, replacing: nil)) == .done)
        cluster.run(ticks: 800)
        #expect(voters() == [3, 4])
    }

    // MARK: Votes

    /// Nobody has elected yet, and the directory names the replica that was lost: it must not vote again.
    @Test func aReplicaThatWasLostDoesNotBeginAgain() throws {
        try add(on: [1, 2, 3]) { message, _, _ in isOfGroup(message) }
        cluster.run(ticks: Self.beginTicks) { message, _, _ in isOfGroup(message) }
        #expect((1...3).allSatisfy { replica(on: $0)?.id == original(on: $0) })
        #expect(record(on: 1)?.membersIndex == .zero)
        cluster[2].loseDisk()
        try cluster.start(cluster[2])
        for _ in 0..<Self.beginTicks {
            cluster.run(ticks: 1) { message, _, _ in isOfGroup(message) }
            #expect(replica(on: 2)?.id != original(on: 2))
        }
        #expect(replica(on: 2)?.raft.configuration.members.isEmpty == true, "it waits to be taken in")
        cluster.run(ticks: 600)
        #expect(voters() == [1, 2, 3])
        #expect(replica(on: 2).map { $0.id != original(on: 2) } == true)
        #expect(try takesWrites())
    }

    /// No vote is given before the node has noted that the replica has begun. A crash of all nodes there does not leave
    /// a group that nobody begins.
    @Test func nothingTakesPartBeforeItIsNoted() throws {
        struct NoRoom: Error {}
        for node in cluster.nodes {
            node.expectsFailure = true
            node.savingFailure = NoRoom()
        }
        try add(on: [1, 2, 3])
        cluster.run(ticks: Self.beginTicks)
        for _ in 0..<2 {
            #expect((1...3).allSatisfy { cluster[$0].failure is NoRoom && replica(on: $0) == nil })
            for number in 1...3 { #expect(try logHasGroup(number)) }
            for node in cluster.nodes { node.kill() }
            for node in cluster.nodes { try cluster.start(node) }
            cluster.run(ticks: Self.beginTicks)
        }
        for node in cluster.nodes { node.kill() }
        for node in cluster.nodes {
            node.savingFailure = nil
            try cluster.start(node)
        }
        cluster.run(ticks: 2 * Self.beginTicks)
        #expect((1...3).allSatisfy { replica(on: $0)?.id == original(on: $0) })
        #expect(voters() == [1, 2, 3])
        #expect(try takesWrites())
    }

    /// The node knows the directory only as it was when the group was new.
    @Test func aNodeThatWasAwayBeginsNothingThatOthersHaveBegun() throws {
        func isCutOff(_ message: PeerMessage, _: NodeID, _ to: NodeID) -> Bool {
            if case .readIndexReply(.directory, _, _) = message, to == NodeID(3) { true } else { false }
        }
        let placing = Placing(voters: [1, 2, 3].map { NodeID($0) })
        let heard = Heard<MailOutcome>()
        cluster[1].service?.submit(
            .directory(.addGroup(pool: "paid", placing)),
            to: .directory,
            account: AccountID(0),
            heard.completion
        )
        for _ in 0..<100 where record(on: 3) == nil { cluster.run(ticks: 1, isLost: isCutOff) }
        #expect(record(on: 3)?.membersIndex == .zero)
        cluster[3].kill()
        cluster.run(ticks: Self.beginTicks)
        let others = Placing(voters: [1, 2, 4].map { NodeID($0) })
        #expect(try direct(.placeGroup(Self.group, others, replacing: nil)) == .done)
        cluster.run(ticks: 600)
        #expect(voters() == [1, 2, 4])
        try cluster.start(cluster[3])
        #expect(record(on: 3)?.membersIndex == .zero)
        for _ in 0..<2 * Self.beginTicks {
            cluster.run(ticks: 1)
            #expect(replica(on: 3) == nil)
        }
        #expect(standing(on: 3) == .remote)
    }

    /// The directory's state may come back as it was before the group: that does not say that the group is gone.
    @Test(arguments: [1, 5, 30, 100]) func allNodesStartAgainBehindTheAdding(_ ticks: Int) throws {
        for node in cluster.nodes { try node.state.flush() }
        try add(on: [1, 2, 3])
        cluster.run(ticks: ticks)
        for node in cluster.nodes {
            node.kill()
            node.state.crash()
        }
        for node in cluster.nodes { try cluster.start(node) }
        cluster.run(ticks: 2 * Self.beginTicks)
        #expect(voters() == [1, 2, 3])
        #expect((1...3).allSatisfy { replica(on: $0)?.id == original(on: $0) })
        #expect(record(on: 4)?.membersIndex == LogIndex(1))
        #expect(try takesWrites())
    }

    // MARK: Going

    private func expectGone(_ nodes: ClosedRange<Int> = 1...4) throws {
        for node in nodes {
            #expect(replica(on: node) == nil)
            // A loop that has never heard of a group says that it is absent.
            #expect(standing(on: node) == .remote || standing(on: node) == .absent)
            cluster[node].kill()
            #expect(try !logHasGroup(node))
            try cluster.start(cluster[node])
        }
    }

    /// The group rests by then: nothing but the directory's word reaches it.
    @Test(arguments: [[1], [1, 2], [1, 2, 3]] as [[UInt64]])
    func aGroupThatIsRemovedLeavesNothing(_ nodes: [UInt64]) throws {
        try add(on: nodes)
        cluster.run(ticks: Self.beginTicks)
        #expect(voters() == nodes)
        #expect(try direct(.removeGroup(Self.group)) == .done)
        cluster.run(ticks: 60)
        try expectGone()
        cluster.run(ticks: Self.beginTicks)
        #expect(record(on: 1) == nil)
        let placing = Placing(voters: [NodeID(2)])
        #expect(try direct(.addGroup(pool: "paid", placing)) == .groupAdded(GroupID(5)))
        cluster.run(ticks: Self.beginTicks)
        #expect(replica(on: 2, of: GroupID(5))?.isLeader == true)
        #expect((1...4).allSatisfy { replica(on: $0) == nil })
    }

    @Test func aReplicaThatWasAwayWhenItsGroupWasRemovedIsDropped() throws {
        try add(on: [1, 2, 3])
        cluster.run(ticks: Self.beginTicks)
        cluster[3].kill()
        #expect(try direct(.removeGroup(Self.group)) == .done)
        cluster.run(ticks: 60)
        try cluster.start(cluster[3])
        #expect(replica(on: 3) == nil)
        cluster.run(ticks: Self.beginTicks)
        try expectGone()
    }

    /// All of them come back with a log that has the group, and with a directory that does not know it yet.
    @Test func aGroupIsDroppedByNodesThatHadForgottenIt() throws {
        for node in cluster.nodes { try node.state.flush() }
        try add(on: [1, 2, 3])
        cluster.run(ticks: Self.beginTicks)
        for node in cluster.nodes { node.isStateBusy = true }
        let heard = Heard<MailOutcome>()
        cluster[1].service?.submit(
            .directory(.removeGroup(Self.group)),
            to: .directory,
            account: AccountID(0),
            heard.completion
        )
        cluster.run(ticks: 20)
        for node in cluster.nodes {
            node.kill()
            node.state.crash()
        }
        for node in cluster.nodes { try cluster.start(node) }
        cluster.run(ticks: Self.beginTicks)
        #expect(voters() == [1, 2, 3] && record(on: 1) == nil)
        for node in cluster.nodes { node.isStateBusy = false }
        cluster.run(ticks: Self.beginTicks)
        try expectGone()
    }
}
