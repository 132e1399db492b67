import Consensus
import MailModel
import MailStore
import ReplicaCore
import StateStorage
import Testing

@testable import NodeRuntime

/// Two of three are harmed: what is left is in a log without a state, and in a state that is behind that log.
@Suite struct LastCopyTests {
    private let group = GroupID(1)

    /// The longest log is that of the replica that has lost its state, so nobody else can be elected. The other one has
    /// all that came before that log, but nobody ever told it that this is committed.
    @Test func aLogThatBeginsLaterSaysWhatIsCommitted() throws {
        let cluster = try TestCluster(groups: 2) { settings in
            settings.retainedEntries = 0
            settings.compactionStep = 1
            settings.maintenanceMilliseconds = 100
            // Only when this test says so.
            settings.flush.milliseconds = 1 << 40
        }
        cluster.run(ticks: 60)
        let leader = try #require(cluster.leader(of: group))
        let others = cluster.nodes.filter { $0 !== leader }
        let (stateless, behind) = (others[0], others[1])
        func log(_ node: TestNode) -> RaftNode? { node.core?.loop.replica(group)?.raft }
        try leader.createAccounts(0..<10, in: group) {}
        cluster.run(ticks: 20)

        // One has ten more, and does not hear that they are committed; the other one cuts its log behind them.
        try leader.createAccounts(10..<20, in: group) {}
        let cut = try #require(log(leader)).lastIndex + 10
        var isDeaf = false
        cluster.run(ticks: 1) { _, from, to in
            if log(behind)?.lastIndex == cut, log(leader)?.commitIndex == cut { isDeaf = true }
            return isDeaf && from == leader.id && to == behind.id
        }
        try #require(try #require(log(behind)).commitIndex < cut)
        try stateless.state.flush()
        cluster.run(ticks: 6) { _, from, to in from == leader.id && to == behind.id }
        try #require(log(stateless)?.snapshot.index == cut)

        // And then it gets five that the first one does not have.
        try leader.createAccounts(20..<25, in: group) {}
        cluster.run(ticks: 6) { _, from, to in from == leader.id && to == behind.id }
        try #require(log(stateless)?.commitIndex == cut + 5)
        try #require(log(behind)?.lastIndex == cut)

        leader.kill()
        stateless.kill()
        stateless.isStateLost = true
        try cluster.start(stateless)
        cluster.run(ticks: 300)
        #expect(cluster.leader(of: group) != nil)
        let digests = try [stateless, behind].map { try MailReader(store: $0.state).digest(group) }
        #expect(digests[0] == digests[1])
        #expect(digests[0].index > cut + 5)
        let last = try #require(AccountAddress("someone24@example.org"))
        #expect(try MailReader(store: behind.state).find(last, in: group) != nil)
    }
}
