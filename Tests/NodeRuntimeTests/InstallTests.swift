import Consensus
import MailModel
import MailStore
import PeerTransport
import ReplicaCore
import StateStorage
import Testing

@testable import NodeRuntime

/// Replicas without a state are of use all the same.
@Suite struct InstallTests {
    private let group = GroupID(1)

    /// The leader that offered the snapshot is gone, and who takes over has not applied what was offered: it cannot
    /// commit it without the log of the one that waits for it.
    @Test func aReplicaWithoutItsStateHelpsToCommit() throws {
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
        let (other, follower) = (others[0], others[1])
        let done = Counter()
        try leader.createAccounts(0..<10, in: group) { done.value += 1 }
        cluster.run(ticks: 20)
        try #require(done.value == 10)

        // More is written while the follower is cut off, and the other one does not hear that it is committed.
        try leader.createAccounts(10..<30, in: group) { done.value += 1 }
        var isOtherDeaf = false
        func log(_ node: TestNode) -> RaftNode? { node.core?.loop.replica(group)?.raft }
        let end = try #require(log(leader)).lastIndex + 20
        cluster.run(ticks: 1) { _, from, to in
            if log(other)?.lastIndex == end, log(leader)?.commitIndex == end { isOtherDeaf = true }
            return from == follower.id || to == follower.id || (isOtherDeaf && from == leader.id && to == other.id)
        }
        try #require(done.value == 30)
        try #require(log(other)?.lastIndex == end)
        let known = try #require(log(other)).commitIndex
        try #require(known < end)
        try leader.state.flush()
        cluster.run(ticks: 6) { _, from, to in
            from == follower.id || to == follower.id || (from == leader.id && to == other.id)
        }
        try #require(log(leader)?.snapshot.index == end)

        // Its log does not reach back: the follower gives its state up for a snapshot that never comes.
        func isPiece(_ message: PeerMessage) -> Bool { if case .snapshotPiece = message { true } else { false } }
        cluster.run(ticks: 20) { message, from, to in isPiece(message) || (from == leader.id && to == other.id) }
        try #require(follower.core?.loop.install(of: group) != nil)
        leader.kill()
        cluster.run(ticks: 100) { message, _, _ in isPiece(message) }
        #expect(log(other)?.role == .leader)
        #expect(log(follower)?.isInstalling == true)
        #expect(try #require(log(other)).commitIndex > end)
        let before = done.value
        try other.createAccounts(30..<40, in: group) { done.value += 1 }
        cluster.run(ticks: 20) { message, _, _ in isPiece(message) }
        #expect(done.value == before + 10)

        cluster.run(ticks: 200)
        let digests = try [other, follower].map { try MailReader(store: $0.state).digest(group) }
        #expect(digests[0].index == log(other)?.commitIndex)
        #expect(digests[0] == digests[1])
    }

    /// The leader's rows are spoiled, and do not make its digest: who needs a snapshot takes it from another member.
    @Test func aSnapshotWhoseRowsAreSpoiledIsTakenFromAnother() throws {
        let cluster = try TestCluster(groups: 2) { settings in
            settings.retainedEntries = 0
            settings.compactionStep = 1
            settings.maintenanceMilliseconds = 100
            settings.flush.milliseconds = 200
        }
        cluster.run(ticks: 60)
        let leader = try #require(cluster.leader(of: group))
        let others = cluster.nodes.filter { $0 !== leader }
        let done = Counter()
        try leader.createAccounts(0..<10, in: group) { done.value += 1 }
        cluster.run(ticks: 60)
        try #require(done.value == 10)
        let raft = try #require(leader.core?.loop.replica(group)?.raft)
        try #require(raft.snapshot.index > .zero)
        // group, table of accounts, an account that nobody created
        let batch = leader.state.makeBatch()
        batch.put([0, 0, 0, 1, 4] + Array(repeating: 9, count: 8), [1, 2, 3])
        try leader.state.write(batch)
        others[0].core?.loop.floor.giveUp(group, reason: "for this test")
        cluster.run(ticks: 400)
        #expect(others[0].core?.loop.install(of: group) == nil)
        #expect(others[0].core?.loop.replica(group)?.raft.appliedIndex ?? .zero > .zero)
        let digests = try others.map { try MailReader(store: $0.state).digest(group) }
        #expect(digests[0] == digests[1])
        #expect(try recomputedDigest(group, in: others[0].state) == digests[0].digest)
    }

    /// More is written while a snapshot is on its way than is kept for followers otherwise: who gets it goes on with
    /// the entries behind it, and would else have to begin anew, again and again.
    @Test func theLogIsKeptBehindASnapshotOnItsWay() throws {
        let cluster = try TestCluster(groups: 2) { settings in
            settings.retainedEntries = 0
            settings.compactionStep = 1
            settings.maintenanceMilliseconds = 100
            settings.flush.milliseconds = 1 << 40
            settings.snapshots.pieceBytes = 256
        }
        cluster.run(ticks: 60)
        let leader = try #require(cluster.leader(of: group))
        let follower = try #require(cluster.nodes.first { $0 !== leader })
        func log(_ node: TestNode) -> RaftNode? { node.core?.loop.replica(group)?.raft }
        try leader.createAccounts(0..<20, in: group) {}
        cluster.run(ticks: 20) { _, from, to in from == follower.id || to == follower.id }
        try leader.state.flush()
        cluster.run(ticks: 6) { _, from, to in from == follower.id || to == follower.id }
        let cut = try #require(log(leader)).snapshot.index
        try #require(cut > LogIndex(15))

        var pieces = 0
        func isFurtherPiece(_ message: PeerMessage) -> Bool {
            guard case .snapshotPiece = message else { return false }
            pieces += 1
            return pieces > 2
        }
        cluster.run(ticks: 20) { message, _, _ in isFurtherPiece(message) }
        try #require(pieces > 2)
        let transfer = try #require(follower.core?.loop.install(of: group)?.transfer)
        try leader.createAccounts(20..<60, in: group) {}
        cluster.run(ticks: 20) { message, _, _ in isFurtherPiece(message) }
        try leader.state.flush()
        cluster.run(ticks: 20) { message, _, _ in isFurtherPiece(message) }
        #expect(try #require(log(leader)).appliedIndex > cut + 39)
        #expect(try #require(log(leader)).snapshot.index == cut)

        var transfers: Set<UInt64> = []
        cluster.run(ticks: 600) { _, _, _ in
            if let install = follower.core?.loop.install(of: group) { transfers.insert(install.transfer) }
            return false
        }
        #expect(transfers == [transfer])
        #expect(log(follower)?.appliedIndex == log(leader)?.appliedIndex)
    }

    /// A configuration that names this replica may be known to nobody else any more: then another one begins in its
    /// place. To be taken in it asks nobody, as no replica's ID is used twice.
    @Test func whoHasNoLeaderAsksWhetherItsGroupGoesOn() throws {
        let cluster = try TestCluster(groups: 2)
        cluster.run(ticks: 60)
        cluster[2].kill()
        cluster[3].kill()
        var asked: Set<NodeID> = []
        var joins = 0
        cluster.run(ticks: 200) { message, from, to in
            guard from == cluster[1].id else { return false }
            if case .stranded(self.group, TestCluster.replica(on: NodeID(1))) = message { asked.insert(to) }
            if case .join = message { joins += 1 }
            return false
        }
        #expect(asked == [cluster[2].id, cluster[3].id])
        #expect(joins == 0)
    }
}
