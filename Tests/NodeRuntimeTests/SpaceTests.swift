import Consensus
import ReplicaCore
import Testing

@testable import NodeRuntime

/// What a node does when its disk fills up.
@Suite struct SpaceTests {
    private func led(by number: Int, _ cluster: TestCluster) -> Int {
        cluster.groups.count { cluster.leader(of: $0) === cluster[number] }
    }

    @Test func leadershipsGoToWhomMayHaveRoom() throws {
        let cluster = try TestCluster(groups: 12)
        cluster.run(ticks: 140)
        try #require(cluster.allAreLed && led(by: 1, cluster) > 0)
        let loop = try #require(cluster[1].core?.loop)
        cluster[1].noteFreeBytes(loop.floor.settings.disk.reservedBytes - 1)
        cluster.run(ticks: 4)
        #expect(cluster.allAreLed)
        #expect(led(by: 1, cluster) == 0)
        #expect(loop.floor.health.isSpaceLow)
    }

    /// One that comes back, because an operator or a balance wants it so, is handed on as well.
    @Test func leadershipsThatComeBackGoAgain() throws {
        let cluster = try TestCluster(groups: 12)
        cluster.run(ticks: 140)
        let loop = try #require(cluster[1].core?.loop)
        cluster[1].noteFreeBytes(loop.floor.settings.disk.reservedBytes - 1)
        cluster.run(ticks: 4)
        for node in cluster.nodes.dropFirst() { node.core?.inboxes.putToAll(.order(.handOver(to: cluster[1].id))) }
        cluster.run(ticks: 12)
        #expect(cluster.allAreLed)
        #expect(led(by: 1, cluster) == 0)
    }

    @Test func whereNobodyHasRoomLeadershipsSettle() throws {
        let cluster = try TestCluster(groups: 12)
        cluster.run(ticks: 140)
        let reserve = cluster.settings.disk.reservedBytes
        for node in cluster.nodes {
            node.noteFreeBytes(reserve - 1)
        }
        cluster.run(ticks: 100)
        let terms = cluster.groups.map { cluster[1].core?.loop.replica($0)?.raft.term }
        for node in cluster.nodes { node.noteFreeBytes(reserve - 1) }
        cluster.run(ticks: 100)
        #expect(cluster.allAreLed)
        #expect(cluster.groups.map { cluster[1].core?.loop.replica($0)?.raft.term } == terms)
    }

    @Test func theReserveEndsWithSomeMoreThanItself() throws {
        let cluster = try TestCluster(groups: 2)
        let loop = try #require(cluster[1].core?.loop)
        let reserve = loop.floor.settings.disk.reservedBytes
        cluster[1].noteFreeBytes(reserve - 1)
        #expect(loop.floor.health.isSpaceLow)
        cluster[1].noteFreeBytes(reserve + 1)
        #expect(loop.floor.health.isSpaceLow)
        cluster[1].noteFreeBytes(reserve + reserve / 10)
        #expect(!loop.floor.health.isSpaceLow)
    }

    /// There is nobody to hand leaderships to: groups that are woken for that on every tick would never rest.
    @Test func aNodeThatIsAloneRestsAlsoWithoutRoom() throws {
        let cluster = try TestCluster(nodes: 1, groups: 4)
        cluster.run(ticks: 100)
        try #require(cluster.allAreLed)
        let floor = try #require(cluster[1].core?.loop.floor)
        cluster[1].noteFreeBytes(floor.settings.disk.reservedBytes - 1)
        cluster.run(ticks: 100)
        try #require(floor.health.isSpaceLow && floor.rest.awake.isEmpty)
        let wakes = floor.restCounts.wakes
        cluster.run(ticks: 100)
        #expect(floor.restCounts.wakes == wakes)
    }
}
