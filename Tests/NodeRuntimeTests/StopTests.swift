import Consensus
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// What becomes of leaderships when nodes stop in order.
@Suite struct StopTests {
    private static let settleTicks = 200

    private func cluster(groups: UInt32 = 6) throws -> TestCluster {
        let cluster = try TestCluster(groups: groups)
        cluster.run(ticks: Self.settleTicks)
        try #require(cluster.allAreLed)
        return cluster
    }

    /// `@unchecked Sendable`: a test cluster has one thread.
    private final class Elections: @unchecked Sendable {
        private(set) var winners: [NodeID] = []

        init(_ cluster: TestCluster) {
            for node in cluster.nodes {
                var observers = Observers()
                observers.roles = { [id = node.id, self] _, role, _, _ in
                    if role == .leader { winners.append(id) }
                }
                node.core?.observe(observers)
            }
        }
    }

    /// What a node that stops asks its loops, again and again.
    private func resign(_ nodes: [TestNode]) -> [Counter] {
        nodes.map { node in
            let leading = Counter()
            node.core?.inbox.put(.question(.resign { leading.value = $0 }))
            return leading
        }
    }

    /// Has nodes stop, and looks at them after every tick.
    ///
    /// - Returns: after how many ticks nobody could be handed anything any more; nil when that did not come.
    private func stop(_ nodes: [TestNode], of cluster: TestCluster, within ticks: Int) -> Int? {
        for tick in 1...ticks {
            let leading = resign(nodes)
            cluster.run(ticks: 1)
            if leading.allSatisfy({ $0.value == 0 }) { return tick }
        }
        return nil
    }

    private func terms(_ cluster: TestCluster) -> [Term] {
        cluster.nodes.flatMap { $0.core?.replicas.map(\.term) ?? [] }
    }

    @Test func whereAllNodesStopNobodyTakesALeadership() throws {
        let cluster = try cluster()
        let terms = terms(cluster)
        let elections = Elections(cluster)
        #expect(stop(cluster.nodes, of: cluster, within: 4) != nil, "nobody waits for one who could take it")
        cluster.run(ticks: 8)
        #expect(elections.winners == [])
        #expect(self.terms(cluster) == terms)
    }

    @Test func whereOneNodeStopsEachLeadershipIsHandedOnOnce() throws {
        let cluster = try cluster()
        let leader = try #require(cluster.leader(of: GroupID(1)))
        let led = try #require(leader.core?.replicas.count { $0.isLeader })
        let elections = Elections(cluster)
        #expect(stop([leader], of: cluster, within: 4) != nil)
        cluster.run(ticks: 8)
        #expect(elections.winners.count == led && !elections.winners.contains(leader.id))
        #expect(cluster.allAreLed)
    }

    /// The first choice of the leader stops as well: the other follower leads before any election timeout has passed.
    @Test(arguments: [0, 1]) func aTargetThatStopsIsPassedOver(_ position: Int) throws {
        let cluster = try cluster()
        let group = GroupID(1)
        let leader = try #require(cluster.leader(of: group))
        let others = cluster.nodes.filter { $0 !== leader }
        let (stopping, third) = (others[position], others[1 - position])
        try #require(stop([stopping], of: cluster, within: 4) != nil)
        try #require(cluster.allAreLed)
        let led = try #require(leader.core?.replicas.count { $0.isLeader })
        let elections = Elections(cluster)
        #expect(stop([leader, stopping], of: cluster, within: 6) != nil)
        #expect(elections.winners == Array(repeating: third.id, count: led))
        #expect(cluster.groups.allSatisfy { cluster.leader(of: $0) === third })
    }

    /// A leader that stays is told as well, and goes on without a pause.
    @Test func aLeaderThatStaysIsTold() throws {
        let cluster = try cluster()
        let group = GroupID(1)
        let leader = try #require(cluster.leader(of: group))
        let target = try #require(cluster.nodes.first { $0 !== leader })
        try #require(stop([target], of: cluster, within: 4) != nil)
        let replica = try #require(leader.core?.replica(group))
        let term = replica.term
        leader.core?.inbox.put(.question(.transferLeadership(of: group, to: target.id) { #expect($0 == nil) }))
        cluster.run(ticks: 1)
        #expect(replica.isLeader && replica.term == term && replica.raft.transferTarget == nil)
        #expect(replica.raft.peerStatus.filter(\.hasDeclined).map(\.replica) == [TestCluster.replica(on: target.id)])
        // The node is gone soon, and may have come back since then.
        cluster.run(ticks: 12 * cluster.settings.replica.raft.electionTimeoutTicks)
        leader.core?.loop.floor.wake(group)
        #expect(replica.raft.peerStatus.allSatisfy { !$0.hasDeclined })
    }

    /// The connection breaks while the target is asked: nobody waits for its answer.
    @Test func aTargetThatIsLostIsPassedOver() throws {
        let cluster = try cluster()
        let group = GroupID(1)
        let leader = try #require(cluster.leader(of: group))
        let others = cluster.nodes.filter { $0 !== leader }
        let led = try #require(leader.core?.replicas.count { $0.isLeader })
        let elections = Elections(cluster)
        others[0].isStopped = true
        _ = resign([leader])
        leader.turn()
        leader.core?.inbox.put(.lost(others[0].id))
        #expect(stop([leader], of: cluster, within: 6) != nil)
        #expect(elections.winners == Array(repeating: others[1].id, count: led))
    }

    /// Two stop and one of them is gone: the other goes on for as long as it is there.
    @Test func aNodeThatStopsLeadsWhereNobodyElseCan() throws {
        let cluster = try cluster()
        let group = GroupID(1)
        let leader = try #require(cluster.leader(of: group))
        let others = cluster.nodes.filter { $0 !== leader }
        _ = resign(others)
        cluster.run(ticks: 1)
        leader.kill()
        cluster.run(ticks: 120)
        #expect(others.contains { $0.core?.replica(group)?.isLeader == true })
    }
}
