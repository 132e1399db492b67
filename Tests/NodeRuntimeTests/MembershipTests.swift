import Consensus
import MailModel
import ReplicaCore
import Testing

@testable import NodeRuntime

/// Members that become those that the directory wants.
@Suite struct MembershipTests {
    private static let group = RemoteBench.group

    private func voters(_ bench: RemoteBench) -> [UInt64]? {
        let replicas = bench.cluster.nodes.compactMap { $0.core?.replica(Self.group) }
        guard let raft = replicas.first(where: \.isLeader)?.raft else { return nil }
        return raft.configuration.voters.compactMap { raft.configuration.member($0)?.node.rawValue }.sorted()
    }

    /// Nothing of the group or of the directory changes when the node is back: the leader must look again by itself.
    @Test func aStepThatWaitsForANodeIsTakenWhenTheNodeIsBack() throws {
        let bench = try RemoteBench()
        bench.cluster[2].kill()
        bench.run(ticks: 200)
        try bench.place(Self.group, at: [1, 2])
        bench.run(ticks: 200)
        #expect(voters(bench) == [1, 2, 3], "without node 3 there would be no majority")
        try bench.cluster.start(bench.cluster[2])
        bench.run(ticks: 400)
        #expect(voters(bench) == [1, 2])
        #expect(bench.cluster[3].core?.loop.standing(of: Self.group) == .remote)
    }

    /// A leader that rests earlier than it looks at its group, and that did not lead when the directory was changed.
    @Test func aLeaderCarriesOutWhatTheOneBeforeWasTold() throws {
        let bench = try RemoteBench()
        let leader = try #require(bench.cluster.leader(of: Self.group))
        let others = [1, 2, 3].filter { NodeID($0) != leader.id }
        try bench.place(Self.group, at: others)
        bench.run(ticks: 400)
        #expect(voters(bench) == others, "the leader has handed its leadership on first")
    }

    /// A founder that lost its disk knows the other founders by its settings. None of them leads the directory.
    @Test func whoHasLostTheDirectoryIsToldWhoElseHasIt() throws {
        let bench = try RemoteBench()
        let leader = try #require(bench.cluster.leader(of: .directory))
        let victim = try #require(bench.cluster.nodes.first { $0 !== leader })
        victim.loseDisk()
        victim.acquaintances = bench.cluster.nodes.map(\.id).filter { $0 != leader.id }
        try bench.cluster.start(victim)
        // What is sent to a node whose address is not known is lost.
        bench.run(ticks: 300) { _, from, to in
            from == victim.id && to == leader.id && !victim.reached.contains(to)
        }
        let replica = try #require(victim.core?.replica(.directory))
        #expect(replica.raft.configuration.member(replica.id) != nil)
        #expect(victim.core?.directory.now.index == leader.core?.directory.now.index)
    }

    /// What one replica has promised binds no other: an ID that a group has let go of never comes back.
    @Test func whoIsTakenBackBeginsAnotherReplica() throws {
        let bench = try RemoteBench()
        let node = bench.guest
        try bench.place(.directory, at: [1, 2, 3])
        bench.run(ticks: 200)
        let former = try #require(node.core?.replica(.directory)?.id)
        node.kill()
        try bench.direct(.setNodeState(node.id, .decommissioning))
        try bench.direct(.setNodeState(node.id, .decommissioned))
        bench.run(ticks: 400)
        let leader = try #require(bench.cluster.leader(of: .directory))
        #expect(leader.core?.replica(.directory)?.raft.configuration.member(former) == nil)
        try bench.direct(.setNodeState(node.id, .active))
        try bench.cluster.start(node)
        bench.run(ticks: 1_000)
        let next = try #require(node.core?.replica(.directory))
        #expect(next.id != former && next.raft.configuration.learners.contains(next.id))
        #expect(leader.core?.replica(.directory)?.raft.configuration.member(former) == nil)
        #expect(node.core?.directory.now.index == leader.core?.directory.now.index)
    }

    /// Those that a node was told of when it joined may all be gone by the day on which it loses its log.
    @Test func whomToAskIsNotedAsNodesComeAndGo() throws {
        let bench = try RemoteBench()
        #expect(bench.guest.contacts.sorted() == [1, 2, 3].map { NodeID($0) })
        try bench.place(.directory, at: [1, 2, 4])
        bench.run(ticks: 200)
        try bench.direct(.setNodeState(NodeID(3), .decommissioning))
        try bench.direct(.setNodeState(NodeID(3), .decommissioned))
        bench.run(ticks: 50)
        #expect(bench.guest.contacts.sorted() == [1, 2].map { NodeID($0) })
    }

    /// A node knows what it is not to have before it hears anything new.
    @Test func aNodeThatStartsMissesOnlyWhatItIsToHave() throws {
        let bench = try RemoteBench()
        bench.guest.kill()
        try bench.cluster.start(bench.guest)
        bench.guest.core?.loop.turn()
        #expect(bench.guest.core?.loop.standing(of: Self.group) == .remote)
    }
}
