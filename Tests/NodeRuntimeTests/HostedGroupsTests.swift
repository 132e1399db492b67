import Consensus
import Testing

@testable import NodeRuntime

/// The sets by which rooms find the groups that they have to do with.
@Suite struct HostedGroupsTests {
    private func unfound(_ cluster: TestCluster) -> [GroupID] {
        cluster.nodes.flatMap { ($0.core?.loops ?? []).compactMap(\.groups.unfound) }
    }

    @Test func whatIsWellIsLookedAtOnce() throws {
        let cluster = try TestCluster(groups: 40)
        cluster.run(ticks: 160)
        try #require(cluster.allAreLed)
        for node in cluster.nodes {
            let floor = try #require(node.core?.loop.floor)
            #expect(floor.groups.takeStockOfUnwell().isEmpty)
            #expect(floor.groups.led.count == cluster.groups.count { cluster.leader(of: $0) === node })
        }
        #expect(unfound(cluster).isEmpty)
    }

    @Test func groupsWithoutALeaderAreFound() throws {
        let cluster = try TestCluster(groups: 8)
        cluster.run(ticks: 160)
        cluster[2].isStopped = true
        cluster[3].isStopped = true
        cluster.run(ticks: 60)
        let floor = try #require(cluster[1].core?.loop.floor)
        #expect(floor.groups.takeStockOfUnwell().map(\.id) == cluster.groups)
        #expect(cluster[1].core?.loop.problems.unready.count == cluster.groups.count)
        cluster[2].isStopped = false
        cluster[3].isStopped = false
        cluster.run(ticks: 160)
        #expect(floor.groups.takeStockOfUnwell().isEmpty)
        #expect(cluster[1].core?.loop.problems.unready == [])
        #expect(unfound(cluster).isEmpty)
    }
}
