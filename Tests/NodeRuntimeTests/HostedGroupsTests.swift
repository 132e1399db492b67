import Consensus
import ReplicaCore
import Testing

@testable import NodeRuntime

/// The sets by which rooms find the groups that they have to do with.
@Suite struct HostedGroupsTests {
    private func unfound(_ cluster: TestCluster) -> [GroupID] {
        cluster.nodes.flatMap { ($0.core?.loops ?? []).compactMap(\.groups.unfound) }
    }

    @Test func nothingIsUnwellWhereAllAreLed() throws {
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

    /// A group that was well when stock was taken is not looked at again, until it is said that it has changed: what
    /// happens to it behind the set's back is not seen.
    @Test func whatIsWellIsLookedAtOnce() throws {
        let cluster = try TestCluster(groups: 4)
        cluster.run(ticks: 160)
        let floor = try #require(cluster[1].core?.loop.floor)
        #expect(floor.groups.takeStockOfUnwell().isEmpty)
        let group = try #require(floor.groups[GroupID(1)])
        let replica = group.replica
        group.replica = nil
        try #require(!group.isWell)
        #expect(floor.groups.takeStockOfUnwell().isEmpty)
        floor.groups.noteChange(of: GroupID(1))
        #expect(floor.groups.takeStockOfUnwell().map(\.id) == [GroupID(1)])
        // Those that are not well are looked at each time.
        group.replica = replica
        #expect(floor.groups.takeStockOfUnwell().isEmpty)
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

    /// What is told of all groups is what a look at each of them would find.
    @Test func theSummaryIsWhatALookAtAllGroupsFinds() throws {
        let cluster = try TestCluster(groups: 12, loops: [2, 1, 1])
        cluster.run(ticks: 160)
        try #require(cluster.allAreLed)
        func expectSummaries() {
            for node in cluster.nodes where !node.isStopped {
                for loop in node.core?.loops ?? [] {
                    let replicas = Array(loop.floor.groups.replicas)
                    let tally = loop.summary.tally
                    #expect(tally.groups == replicas.count)
                    #expect(tally.withLeader == replicas.count { $0.leaderNode != nil })
                    for other in cluster.nodes {
                        let share = tally.shares[other.id] ?? GroupTally.Share()
                        #expect(share.led == replicas.count { $0.leaderNode == other.id })
                        #expect(share.replicas == replicas.count)
                    }
                    #expect(loop.summary.leaderless == replicas.filter { $0.leaderNode == nil }.map(\.group))
                }
            }
        }
        expectSummaries()
        cluster[3].isStopped = true
        cluster.run(ticks: 100)
        expectSummaries()
        // Who leads misses the node in each of its groups, also in those that rest without it.
        let silent = cluster.nodes.prefix(2).flatMap { ($0.core?.loops ?? []).flatMap(\.summary.silent) }
        #expect(silent.map(\.group).sorted() == cluster.groups && silent.allSatisfy { $0.node == cluster[3].id })
        cluster[2].isStopped = true
        cluster.run(ticks: 60)
        expectSummaries()
        cluster[2].isStopped = false
        cluster[3].isStopped = false
        cluster.run(ticks: 200)
        expectSummaries()
        #expect(cluster.nodes.allSatisfy { ($0.core?.loops ?? []).allSatisfy(\.summary.silent.isEmpty) })
        #expect(unfound(cluster).isEmpty)
    }

    @Test func groupsAreListedPageByPage() throws {
        let cluster = try TestCluster(groups: 12, loops: [2, 1, 1])
        cluster.run(ticks: 60)
        let loop = try #require(cluster[1].core?.loops.first)
        func list(_ after: UInt32?, _ limit: Int) -> [UInt32] {
            loop.reports(of: .behind(after.map { GroupID($0) }, limit: limit)).map(\.group.rawValue)
        }
        #expect(list(nil, .max) == [0, 2, 4, 6, 8, 10])
        #expect(list(nil, 2) == [0, 2])
        #expect(list(2, 2) == [4, 6])
        #expect(list(3, 2) == [4, 6])
        #expect(list(9, 5) == [10])
        #expect(list(10, 5).isEmpty)
    }
}
