import Consensus
import MailModel
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// Nodes that share their groups out over several loops, each another number of them.
@Suite struct LoopTests {
    private static let settleTicks = 160

    private func cluster(_ loops: [Int], groups: UInt32 = 13) throws -> TestCluster {
        let cluster = try TestCluster(groups: groups, loops: loops)
        cluster.run(ticks: Self.settleTicks)
        try #require(cluster.allAreLed)
        return cluster
    }

    private func wakes(_ node: TestNode) -> Int {
        node.core?.loops.reduce(0) { $0 + $1.floor.restCounts.wakes } ?? 0
    }

    @Test func aGroupBelongsToOneLoop() throws {
        let cluster = try cluster([3, 2, 1])
        for node in cluster.nodes {
            let core = try #require(node.core)
            for group in cluster.groups {
                let owners = core.loops.filter { $0.replica(group) != nil }
                #expect(owners.count == 1)
                #expect(owners.first === core.loop(of: group))
            }
        }
    }

    @Test(arguments: [[1, 1, 1], [2, 2, 2], [3, 2, 1], [3, 5, 4]])
    func groupsRestAndSayNothing(_ loops: [Int]) throws {
        let cluster = try cluster(loops)
        #expect(cluster.allRest)
        let before = cluster.nodes.map(wakes)
        cluster.run(ticks: 200)
        #expect(cluster.allRest)
        #expect(cluster.nodes.map(wakes) == before, "nothing wakes without work")
    }

    /// Beats of loops that share no group, or more of them than needed, cost for nothing.
    @Test func thereIsOneBeatForEachPairOfLoopsWithGroups() throws {
        let cluster = try cluster([3, 3, 3])
        let before = cluster.nodes.map(\.sentCount)
        cluster.run(ticks: 100)
        #expect(zip(cluster.nodes, before).map { $0.sentCount - $1 } == [300, 300, 300])
    }

    @Test func callsReachTheirGroupThroughAnyNode() throws {
        let cluster = try cluster([3, 2, 1])
        let answered = Counter()
        for (number, node) in cluster.nodes.enumerated() {
            for group in cluster.groups.dropFirst() {
                try node.createAccounts(number..<number + 1, in: group) { answered.value += 1 }
            }
        }
        cluster.run(ticks: 20)
        #expect(answered.value == 3 * (cluster.groups.count - 1))
    }

    /// Each node counts its calls for each group, so that two groups get the same request ID at the same time.
    @Test func forwardedCallsOfSeveralGroupsAreAnsweredEach() throws {
        let cluster = try cluster([1, 1, 1])
        for node in cluster.nodes { node.core?.inboxes.putToAll(.order(.handOver(to: cluster[1].id))) }
        cluster.run(ticks: 40)
        let groups = cluster.groups.dropFirst().filter { cluster.leader(of: $0) === cluster[1] }
        try #require(groups.count > 1)
        // It hears of the outcome by the leader's answer alone.
        cluster[2].isStateBusy = true
        let answered = Counter()
        for group in groups { try cluster[2].createAccounts(0..<1, in: group) { answered.value += 1 } }
        // Before anything is sent again.
        cluster.run(ticks: 4)
        #expect(answered.value == groups.count)
    }

    /// Another number of loops is told with the first beat: what rested with the former ones goes to rest anew.
    @Test func aNodeComesBackWithOtherLoops() throws {
        let cluster = try cluster([2, 2, 2])
        try #require(cluster.allRest)
        for loops in [5, 1, 3] {
            cluster[3].kill()
            cluster.run(ticks: 20)
            cluster[3].loops = loops
            try cluster.start(cluster[3])
            cluster.run(ticks: Self.settleTicks)
            #expect(cluster.allAreLed)
            #expect(cluster.allRest, "with \(loops) loops")
        }
        let answered = Counter()
        try cluster[3].createAccounts(0..<4, in: GroupID(5)) { answered.value += 1 }
        cluster.run(ticks: 10)
        #expect(answered.value == 4)
    }

    /// A list for a loop that is no more, or a beat, does nothing to the loops that there are.
    @Test func whatIsMeantForALoopThatIsGoneIsDropped() throws {
        let cluster = try cluster([2, 2, 2])
        try #require(cluster.allRest)
        let before = wakes(cluster[1])
        let lanes = Lanes(from: 0, of: 2, to: 7)
        let list = RestList(lanes: lanes, groups: [], range: GroupID(0)...GroupID(.max))
        // Taken for one of the loops that there are, it would be the beat of a node that has started again.
        let beat = Beat(lanes: lanes, session: 1, number: 1, leading: RestDigest(), echo: nil)
        for messages in [[.resting(list)], [.beat(beat)], [.beat(beat), .resting(list)]] as [[PeerMessage]] {
            cluster[1].core?.inboxes.receive(messages, from: cluster[2].id)
        }
        cluster.run(ticks: 4)
        #expect(wakes(cluster[1]) == before)
        // The same for a loop that is there wakes groups.
        let there = Lanes(from: 0, of: 2, to: 0)
        let other = Beat(lanes: there, session: 1, number: 1, leading: RestDigest(), echo: nil)
        cluster[1].core?.inboxes.receive([.beat(other)], from: cluster[2].id)
        cluster.run(ticks: 4)
        #expect(wakes(cluster[1]) > before)
    }

    @Test func everyNodeIsToldWhatItsDiskIsLikeInEveryLoop() throws {
        let cluster = try cluster([3, 2, 1])
        cluster[1].noteFreeBytes(cluster.settings.disk.reservedBytes - 1)
        let loops = try #require(cluster[1].core?.loops)
        #expect(loops.allSatisfy { $0.floor.health.isSpaceLow })
        cluster.run(ticks: 8)
        #expect(cluster.groups.allSatisfy { cluster.leader(of: $0) !== cluster[1] })
    }
}
