import Consensus
import MailStore
import PeerTransport
import ReplicaCore
import StateStorage
import Testing

@testable import NodeRuntime

/// Installs of snapshots that something comes between.
@Suite struct InterruptedInstallTests {
    private let group = GroupID(1)

    private func isPiece(_ message: PeerMessage) -> Bool { if case .snapshotPiece = message { true } else { false } }

    private func log(_ node: TestNode) -> RaftNode? { node.core?.loop.replica(group)?.raft }

    private func digests(_ nodes: [TestNode]) throws -> [(index: LogIndex, digest: StateDigest)] {
        try nodes.map { try MailReader(store: $0.state).digest(group) }
    }

    private func cluster(groups: UInt32 = 2, _ change: (inout CoreSettings) -> Void = { _ in }) throws -> TestCluster {
        try TestCluster(groups: groups) { settings in
            settings.retainedEntries = 0
            settings.compactionStep = 1
            settings.maintenanceMilliseconds = 100
            // Only when a test says so.
            settings.flush.milliseconds = 1 << 40
            change(&settings)
        }
    }

    /// A leader that has cut its log behind what a follower has, which does not know yet.
    private func lagging(_ cluster: TestCluster) throws -> (leader: TestNode, other: TestNode, follower: TestNode) {
        cluster.run(ticks: 60)
        let leader = try #require(cluster.leader(of: group))
        let others = cluster.nodes.filter { $0 !== leader }
        let (other, follower) = (others[0], others[1])
        try leader.createAccounts(0..<10, in: group) {}
        cluster.run(ticks: 20)
        try leader.createAccounts(10..<30, in: group) {}
        cluster.run(ticks: 10) { _, from, to in from == follower.id || to == follower.id }
        try leader.state.flush()
        cluster.run(ticks: 6) { _, from, to in from == follower.id || to == follower.id }
        let (cut, last) = (try #require(log(leader)).snapshot.index, try #require(log(follower)).lastIndex)
        try #require(cut > last)
        return (leader, other, follower)
    }

    /// The follower has given its state up, for a snapshot that does not come.
    private func interrupt(_ follower: TestNode, _ cluster: TestCluster) throws {
        cluster.run(ticks: 20) { message, _, _ in isPiece(message) }
        try #require(follower.core?.loop.install(of: group) != nil)
    }

    /// Its log knows of more that is committed than anybody who could send it a snapshot: it gets an older state, and
    /// goes on from there by itself.
    @Test func anOlderStateThanTheOneGivenUpIsGoodEnough() throws {
        let cluster = try cluster()
        let (leader, other, follower) = try lagging(cluster)
        try interrupt(follower, cluster)
        leader.kill()
        cluster.run(ticks: 100) { message, _, _ in isPiece(message) }
        let done = Counter()
        try other.createAccounts(30..<40, in: group) { done.value += 1 }
        cluster.run(ticks: 20) { message, _, _ in isPiece(message) }
        try #require(done.value == 10)
        try #require(log(follower)?.isInstalling == true)
        // Who has committed that is lost, and who comes back has never heard of it.
        other.kill()
        try cluster.start(leader)
        cluster.run(ticks: 1) { message, _, _ in isPiece(message) }
        let (known, committed) = (try #require(log(leader)).lastIndex, try #require(log(follower)).commitIndex)
        try #require(known < committed)

        cluster.run(ticks: 300)
        #expect(log(follower)?.isInstalling == false)
        try leader.createAccounts(40..<50, in: group) { done.value += 1 }
        cluster.run(ticks: 20)
        #expect(done.value == 20)
        let digests = try digests([leader, follower])
        #expect(digests[0].index > committed)
        #expect(digests[0] == digests[1])
    }

    /// The state holds nothing, although the log had come far before; and nobody reads from it.
    @Test func aCrashInTheMiddleBeginsAnew() throws {
        let cluster = try cluster()
        let (leader, _, follower) = try lagging(cluster)
        func isClosed() throws -> Bool {
            let gate = try #require(follower.core?.gate)
            guard gate.isGood(gate.pass(group), for: group) else { return true }
            return false
        }
        try interrupt(follower, cluster)
        #expect(try isClosed())
        follower.kill()
        try cluster.start(follower)
        // Before anybody offers it a snapshot.
        cluster.run(ticks: 1) { _, _, _ in true }
        #expect(try isClosed())
        #expect(log(follower)?.isInstalling == true)

        cluster.run(ticks: 200)
        #expect(try !isClosed())
        #expect(log(follower)?.id == TestCluster.replica(on: follower.id))
        let digests = try digests([leader, follower])
        #expect(digests[0].index == log(leader)?.commitIndex)
        #expect(digests[0] == digests[1])
    }

    /// The state is new and the log is not: the note in the state says what the log has to follow.
    @Test func aCrashBeforeTheLogHasFollowedLosesNothing() throws {
        let cluster = try cluster()
        let (leader, _, follower) = try lagging(cluster)
        var pieces: [PeerMessage] = []
        cluster.run(ticks: 6) { message, _, _ in
            if isPiece(message) { pieces.append(message) }
            return isPiece(message)
        }
        let core = try #require(follower.core)
        core.inbox.put(.received(Array(pieces.prefix(1)), from: leader.id, nil))
        core.loop.turn()
        core.appliers[0].turn()
        core.installer.turn()
        try #require(try GroupSnapshotSink.note(of: group, in: follower.state) != nil)
        follower.kill()
        try cluster.start(follower)
        let snapshot = try #require(log(leader)).snapshot.index
        cluster.run(ticks: 1) { _, _, _ in true }
        #expect(try #require(log(follower)).snapshot.index >= snapshot)
        #expect(log(follower)?.id == TestCluster.replica(on: follower.id))
        cluster.run(ticks: 100)
        let digests = try digests([leader, follower])
        #expect(digests[0] == digests[1])
    }

    /// What a disk takes for a snapshot keeps no mail of other groups waiting.
    @Test func otherGroupsAreAppliedWhileASnapshotIsWritten() throws {
        let cluster = try cluster(groups: 3)
        let (leader, _, follower) = try lagging(cluster)
        follower.isInstallerBusy = true
        cluster.run(ticks: 10)
        try #require(follower.core?.loop.install(of: group)?.isComplete == true)
        let other = GroupID(2)
        let applied = try #require(follower.core?.loop.replica(other)?.appliedIndex)
        let done = Counter()
        try #require(cluster.leader(of: other)).createAccounts(30..<40, in: other) { done.value += 1 }
        cluster.run(ticks: 10)
        #expect(done.value == 10)
        #expect(try #require(follower.core?.loop.replica(other)?.appliedIndex).rawValue >= applied.rawValue + 10)
        #expect(follower.core?.loop.install(of: group) != nil)
        follower.isInstallerBusy = false
        cluster.run(ticks: 10)
        #expect(follower.core?.loop.install(of: group) == nil)
        let digests = try digests([leader, follower])
        #expect(digests[0] == digests[1])
    }

    /// A replica is given up whose snapshot is being written: what the installer says of that snapshot comes too late.
    @Test func aSnapshotOfAReplicaThatIsGivenUpIsNotMadeLive() throws {
        let cluster = try cluster()
        let (leader, _, follower) = try lagging(cluster)
        follower.isInstallerBusy = true
        cluster.run(ticks: 10)
        let core = try #require(follower.core)
        try #require(core.loop.install(of: group)?.isComplete == true)
        core.loop.floor.giveUp(group, reason: "a test")
        cluster.run(ticks: 1)
        let point = SnapshotPoint(index: LogIndex(1), term: Term(1), configuration: Configuration(voters: []))
        let handover = InstallerLoop.Handover(group: group, number: 1)
        core.appliers[0].inbox.put(.installed(handover, transfer: 1, point))
        cluster.run(ticks: 1)
        #expect(!core.gate.isGood(core.gate.pass(group), for: group))
        #expect(core.loop.standing(of: group) == .replacing)
        follower.isInstallerBusy = false
        cluster.run(ticks: 200)
        #expect(core.gate.isGood(core.gate.pass(group), for: group))
        #expect(log(follower)?.id != TestCluster.replica(on: follower.id))
        let digests = try digests([leader, follower])
        #expect(digests[0] == digests[1])
    }

    /// Who refuses has to get on first.
    @Test func aRefusedTransferIsNotBegunAgainAtOnce() throws {
        let cluster = try cluster()
        let (_, _, follower) = try lagging(cluster)
        var pulls = 0
        cluster.run(ticks: 20) { message, _, to in
            guard case .snapshotPull(let pull) = message else { return false }
            pulls += 1
            let refusal = SnapshotPiece(group: pull.group, transfer: pull.transfer, point: nil, content: .refused)
            follower.core?.inbox.put(.received([.snapshotPiece(refusal)], from: to, nil))
            return true
        }
        let resends = 20 * cluster.settings.tickMilliseconds / cluster.settings.resendMilliseconds
        #expect(pulls > 0 && pulls <= resends + 1)
    }

    /// What a follower lacks did not fit its window; now that it is gone from the log, a snapshot is offered at once.
    /// And who takes one in takes no second one before Raft knows of the first.
    @Test func theLogIsCutBehindAFullWindow() throws {
        let cluster = try cluster { $0.replica.raft.maxInflightBytes = 200 }
        cluster.run(ticks: 60)
        let leader = try #require(cluster.leader(of: group))
        let follower = try #require(cluster.nodes.first { $0 !== leader })
        try leader.createAccounts(0..<5, in: group) {}
        var offers = 0
        func isCutOff(_ message: PeerMessage, from: NodeID, to: NodeID) -> Bool {
            if case .replica(let message) = message, case .installSnapshot = message.message.body { offers += 1 }
            return from == follower.id || to == follower.id
        }
        // Not for long: to who may be gone nothing is offered.
        cluster.run(ticks: 1, isLost: isCutOff)
        try #require(offers == 0)
        try leader.state.flush()
        cluster.run(ticks: 3, isLost: isCutOff)
        #expect(offers == 1)
        cluster.run(ticks: 100) { _, _, _ in
            #expect((follower.core?.loop.install(of: group) != nil) == log(follower)?.isInstalling)
            return false
        }
        #expect(follower.core?.loop.floor.groups.replacedStates == 1)
        #expect(try digests([leader, follower]).map(\.index) == [log(leader), log(follower)].map { $0?.commitIndex })
    }
}
