import Consensus
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// Leaderships stay spread over the nodes.
@Suite struct BalanceTests {
    /// More than the time between two looks.
    private static let balanceTicks = 140

    /// Six groups besides the directory: each node is to lead two of them, or three.
    private func cluster() throws -> TestCluster {
        let cluster = try TestCluster(groups: 7, isFounded: false)
        cluster.run(ticks: 200)
        for node in cluster.nodes { node.core?.inboxes.putToAll(.order(.balance(onlyToReturned: false))) }
        cluster.run(ticks: 20)
        try #require(misplaced(cluster) == [])
        return cluster
    }

    private func preferred(_ group: GroupID, _ cluster: TestCluster) -> TestNode {
        cluster[Int(group.rawValue) % 3 + 1]
    }

    private func misplaced(_ cluster: TestCluster) -> [GroupID] {
        cluster.groups.filter { leader(of: $0, cluster) !== preferred($0, cluster) }
    }

    /// Of the nodes that run: one that was stopped may not know that it leads no more.
    private func leader(of group: GroupID, _ cluster: TestCluster) -> TestNode? {
        cluster.nodes.first { !$0.isStopped && $0.core?.replica(group)?.isLeader == true }
    }

    private func terms(_ cluster: TestCluster) -> [Term] {
        cluster.groups.map { leader(of: $0, cluster)?.core?.replica($0)?.term ?? .zero }
    }

    /// A node is gone for so long that others lead its groups.
    private func stop(_ node: TestNode, _ cluster: TestCluster) {
        node.isStopped = true
        cluster.run(ticks: 80)
    }

    @Test func leadershipsGoBackToANodeThatWasAway() throws {
        let cluster = try cluster()
        stop(cluster[2], cluster)
        let terms = terms(cluster)
        let moved = misplaced(cluster)
        try #require(moved == cluster.groups.filter { preferred($0, cluster) === cluster[2] })
        cluster[2].isStopped = false
        cluster.run(ticks: Self.balanceTicks)
        #expect(misplaced(cluster) == [])
        let rises = zip(self.terms(cluster), terms).map { $0.0.rawValue - $0.1.rawValue }
        #expect(rises == cluster.groups.map { moved.contains($0) ? 1 : 0 }, "each is handed back once")
        let settled = self.terms(cluster)
        cluster.run(ticks: Self.balanceTicks)
        #expect(self.terms(cluster) == settled)
    }

    @Test func whatAnOperatorHasMovedStaysUntilOneBalances() throws {
        let cluster = try cluster()
        let group = GroupID(1)
        let (from, to) = (cluster[2], cluster[3])
        from.core?.inbox.put(.question(.transferLeadership(of: group, to: to.id) { #expect($0 == nil) }))
        cluster.run(ticks: Self.balanceTicks)
        #expect(cluster.leader(of: group) === to && misplaced(cluster) == [group])
        to.core?.inboxes.putToAll(.order(.balance(onlyToReturned: false)))
        cluster.run(ticks: 4)
        #expect(misplaced(cluster) == [])
    }

    /// It would have to catch up while nothing is taken in.
    @Test func aNodeThatLagsIsGivenNothing() throws {
        let cluster = try cluster()
        let group = GroupID(1)
        stop(cluster[2], cluster)
        let leader = try #require(self.leader(of: group, cluster))
        cluster[2].isStopped = false
        try leader.createAccounts(0..<30, in: group) {}
        // The node answers heartbeats, and gets nothing else.
        func isAppend(_ message: PeerMessage) -> Bool {
            guard case .replica(let message) = message, case .appendEntries = message.message.body else { return false }
            return message.group == group
        }
        let replica = try #require(leader.core?.replica(group))
        var handovers = 0
        for _ in 0..<Self.balanceTicks {
            cluster.run(ticks: 1) { message, _, to in to == cluster[2].id && isAppend(message) }
            if replica.raft.transferTarget != nil { handovers += 1 }
        }
        #expect(handovers == 0 && misplaced(cluster) == [group])
        cluster.run(ticks: Self.balanceTicks)
        #expect(misplaced(cluster) == [])
    }

    @Test func aNodeThatStopsGivesNothingBack() throws {
        let cluster = try cluster()
        let group = GroupID(1)
        cluster[2].core?.inbox.put(.question(.transferLeadership(of: group, to: cluster[3].id) { _ in }))
        cluster.run(ticks: 4)
        try #require(misplaced(cluster) == [group])
        let loop = try #require(cluster[3].core?.loop)
        loop.floor.isStopping = true
        loop.inbox.put(.order(.balance(onlyToReturned: false)))
        cluster.run(ticks: 4)
        #expect(misplaced(cluster) == [group])
    }

    @Test func allLeadershipsGoToTheNodeThatIsNamed() throws {
        let cluster = try cluster()
        for node in cluster.nodes { node.core?.inboxes.putToAll(.order(.handOver(to: cluster[1].id))) }
        cluster.run(ticks: 4)
        #expect(cluster.groups.allSatisfy { cluster.leader(of: $0) === cluster[1] })
        #expect(cluster.allAreLed)
    }
}
