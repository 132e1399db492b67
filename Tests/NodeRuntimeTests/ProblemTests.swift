import Consensus
import MailModel
import MailStore
import ReplicaCore
import Testing

@testable import NodeRuntime

/// What an operator and a health check are told.
@Suite struct ProblemTests {
    private func cluster() throws -> TestCluster {
        let cluster = try TestCluster(groups: 3)
        cluster.run(ticks: 60)
        try #require(cluster.allAreLed)
        return cluster
    }

    @Test func aNodeIsReadyWhileItKnowsAllLeaders() throws {
        let cluster = try TestCluster(groups: 3)
        let loop = try #require(cluster[1].core?.loop)
        #expect(loop.problems.unready.count == 3)
        cluster.run(ticks: 60)
        #expect(loop.problems.unready.isEmpty)
        #expect(loop.problems.membership.isEmpty)
    }

    /// Also while groups rest: silence between nodes wakes them.
    @Test func aNodeThatIsCutOffIsNotReady() throws {
        let cluster = try cluster()
        cluster.run(ticks: 60)
        try #require(cluster.allRest)
        let cut = cluster[1].id
        cluster.run(ticks: 80) { _, from, to in from == cut || to == cut }
        let loop = try #require(cluster[1].core?.loop)
        #expect(loop.problems.unready.count == 3)
        #expect(loop.problems.unready.allSatisfy { $0.contains("no leader that this node knows") })
        #expect(cluster[2].core?.loop.problems.unready == [])
        cluster.run(ticks: 80)
        #expect(loop.problems.unready.isEmpty)
    }

    @Test func aGroupThatStandsStillIsAProblem() throws {
        let cluster = try cluster()
        let loop = try #require(cluster[1].core?.loop)
        loop.floor.stop(GroupID(1), at: LogIndex(7), reason: "its entry cannot be read")
        #expect(loop.problems.membership.count == 1)
        #expect(loop.problems.membership.first?.contains("group 1 stands still before entry 7") == true)
        #expect(loop.problems.unready == ["group 1 stands still here"])
    }

    /// Only the leader knows it.
    @Test func theLeaderTellsHowFarHousekeepingIsBehind() throws {
        let cluster = try cluster()
        for node in cluster.nodes {
            let loop = try #require(node.core?.loop)
            var due = HousekeepingDue()
            // The others of the look had nothing that is late.
            for (milliseconds, seconds) in [(7_300_999, 7_300), (5_000, 5), (0, 0)] as [(Int64, Int64)] {
                due.backlogMilliseconds = milliseconds
                loop.inbox.put(.housekeepingDue([(GroupID(1), due), (GroupID(2), HousekeepingDue())]))
                node.turn()
                for replica in loop.replicas {
                    let own = replica.group == GroupID(1) ? seconds : 0
                    #expect(loop.rooms.housekeeping.backlogSeconds(of: replica) == (replica.isLeader ? own : nil))
                }
            }
        }
    }
}
