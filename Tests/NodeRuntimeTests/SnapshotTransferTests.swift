import Consensus
import MailModel
import MailStore
import PeerTransport
import ReplicaCore
import StateStorage
import Testing

@testable import NodeRuntime

/// Pieces that are lost, that come twice, and that never come since one side has begun anew.
@Suite struct SnapshotTransferTests {
    @Test func aLostPieceIsAskedForAgain() throws {
        let keys = try Transfer().pullsUndisturbed()
        for lost in 2...keys.count {
            let transfer = try Transfer()
            var count = 0
            try transfer.run { _, _ in
                count += 1
                return count == lost ? .lost : .arrives
            }
            #expect(transfer.names.count == 1, "piece \(lost)")
            var expected = keys
            expected.insert(keys[lost - 1], at: lost)
            #expect(transfer.pulls.map(\.after) == expected, "piece \(lost)")
            let waited = transfer.pulls[lost].milliseconds - transfer.pulls[lost - 1].milliseconds
            try #require(transfer.pulls.count == expected.count)
            let settings = transfer.cluster.settings
            #expect(waited >= settings.snapshots.stallMilliseconds - settings.tickMilliseconds, "piece \(lost)")
            #expect(try transfer.isWhole)
        }
    }

    /// The sender's first word may have been lost, or the whole snapshot be gone: it is asked from the beginning.
    @Test func aLostFirstPieceBeginsAnew() throws {
        let transfer = try Transfer()
        var count = 0
        try transfer.run { _, _ in
            count += 1
            return count == 1 ? .lost : .arrives
        }
        #expect(transfer.names.count == 2)
        #expect(try transfer.isWhole)
    }

    @Test func aPieceThatComesTwiceIsTakenOnce() throws {
        let keys = try Transfer().pullsUndisturbed()
        let transfer = try Transfer()
        try transfer.run { _, _ in .arrivesTwice }
        #expect(transfer.names.count == 1)
        #expect(transfer.pulls.map(\.after) == keys)
        #expect(try transfer.isWhole)
    }

    @Test func aPieceThatComesLateIsNotTaken() throws {
        let keys = try Transfer().pullsUndisturbed()
        let transfer = try Transfer()
        var former: PeerMessage?
        try transfer.run { piece, _ in
            if let former { transfer.follower.core?.inbox.put(.received([former], from: transfer.leader.id, nil)) }
            former = piece
            return .arrives
        }
        #expect(transfer.names.count == 1)
        #expect(transfer.pulls.map(\.after) == keys)
        #expect(try transfer.isWhole)
    }

    @Test func aReceiverThatRestartsBeginsAnew() throws {
        for interrupted in 1..<(try Transfer().undisturbed()) {
            let transfer = try Transfer()
            try transfer.run(untilPiece: interrupted)
            try transfer.restartFollower()
            try transfer.run { _, _ in .arrives }
            #expect(transfer.names.count == 2, "after piece \(interrupted)")
            #expect(try transfer.isWhole, "after piece \(interrupted)")
        }
    }

    /// As when it has been open for too long, or its rows are found to be in doubt.
    @Test func aTransferThatIsRefusedBeginsAnew() throws {
        for interrupted in 1..<(try Transfer().undisturbed()) {
            let transfer = try Transfer()
            try transfer.run(untilPiece: interrupted)
            transfer.leader.core?.loop.floor.ways.snapshots.dropAll(of: transfer.group)
            try transfer.run { _, _ in .arrives }
            #expect(transfer.names.count == 2, "after piece \(interrupted)")
            #expect(try transfer.isWhole, "after piece \(interrupted)")
        }
    }

    /// A snapshot that is all on its way stays open for its last piece, but takes nobody's place, and not for ever.
    @Test func whatIsAllSentGivesWay() throws {
        let transfer = try Transfer()
        let sources = SnapshotSources(CoreSettings(), 0)
        let store = try #require(transfer.leader.core).loop.floor.ways.state
        func isOpen(_ number: UInt64, at time: Int64, after: [UInt8] = []) throws -> Bool {
            let pull = SnapshotPull(group: transfer.group, transfer: number, atLeast: .zero, term: .zero, after: after)
            return try sources.source(for: pull, from: NodeID(9), store: store, nowMilliseconds: time) != nil
        }
        func sent(_ number: UInt64) {
            let pull = SnapshotPull(group: transfer.group, transfer: number, atLeast: .zero, term: .zero, after: [])
            sources.noteAllSent(pull, to: NodeID(9))
        }
        let most = UInt64(SnapshotSources.maximumOpen)
        for number in 1...most { #expect(try isOpen(number, at: Int64(number))) }
        #expect(try !isOpen(most + 1, at: 10))
        sent(2)
        #expect(try isOpen(2, at: 10, after: [1]))
        #expect(try isOpen(most + 1, at: 10))
        #expect(try !isOpen(2, at: 10, after: [1]))
        sources.closeIdle(10 + SnapshotSources.idleMilliseconds)
        #expect(sources.oldestIndex(of: transfer.group, nowMilliseconds: 10) == nil)
    }

    /// A leader that answers everything else is not waited for: others have the same.
    @Test(arguments: [0, 2]) func aSenderThatFallsSilentIsNotWaitedFor(sent: Int) throws {
        let transfer = try Transfer()
        let leader = transfer.leader.id
        var count = 0
        try transfer.run { _, from in
            guard from == leader else { return .arrives }
            count += 1
            return count <= sent ? .arrives : .lost
        }
        #expect(transfer.pulls.count { $0.target == leader } <= sent + SnapshotInstall.maximumRepeats + 1)
        #expect(try transfer.isWhole)
    }

    /// What came last takes its time to the disk: longer than any piece may take to come.
    @Test func whoHasAllPiecesAsksForNoMore() throws {
        let pieces = try Transfer().undisturbed()
        let transfer = try Transfer()
        try transfer.run(untilPiece: pieces - 1)
        transfer.follower.isStateBusy = true
        for _ in 0..<60 { try transfer.step { _, _ in .arrives } }
        #expect(!(try transfer.isWhole))
        transfer.follower.isStateBusy = false
        try transfer.run { _, _ in .arrives }
        #expect(transfer.names.count == 1)
        #expect(try transfer.isWhole)
    }
}

/// A follower whose log ends before its leader's begins.
private final class Transfer {
    enum Fate { case arrives, arrivesTwice, lost }

    struct Pull {
        let transfer: UInt64
        let target: NodeID
        let after: [UInt8]
        let milliseconds: Int64
    }

    static let group = GroupID(1)
    let group = Transfer.group
    let cluster: TestCluster
    let leader: TestNode
    let follower: TestNode
    private(set) var pulls: [Pull] = []

    var names: Set<UInt64> { Set(pulls.map(\.transfer)) }

    init() throws {
        let cluster = try TestCluster(groups: 2) { settings in
            settings.retainedEntries = 0
            settings.compactionStep = 1
            settings.maintenanceMilliseconds = 100
            // Only when this test says so.
            settings.flush.milliseconds = 1 << 40
            settings.snapshots.pieceBytes = 1_800
            settings.snapshots.stallMilliseconds = 1_000
            settings.resendMilliseconds = 200
        }
        for _ in 0..<60 where !cluster.allAreLed { cluster.run(ticks: 1) }
        let leader = try #require(cluster.leader(of: Self.group))
        let follower = try #require(cluster.nodes.first { $0 !== leader })
        (self.cluster, self.leader, self.follower) = (cluster, leader, follower)
        for number in 0..<20 {
            let address = try #require(AccountAddress("someone\(number)@example.org"))
            let call = ClientCall(
                group: Self.group,
                account: AccountID(UInt64(number)),
                command: .createAccount(address: address, credential: nil, quotaBytes: 0, mailboxes: []),
                deadlineMilliseconds: .max,
                completion: Completion(on: nil) { _ in }
            )
            leader.core?.inbox.put(.submit(call))
        }
        cluster.run(ticks: 10) { _, from, to in from == follower.id || to == follower.id }
        try leader.state.flush()
        cluster.run(ticks: 6) { _, from, to in from == follower.id || to == follower.id }
        try #require(leader.core?.loop.replica(Self.group)?.raft.snapshot.index.rawValue ?? 0 > 15)
    }

    /// Runs for a tick, deciding over every piece.
    func step(_ fate: (PeerMessage, _ from: NodeID) -> Fate) throws {
        cluster.run(ticks: 1) { message, from, to in
            if case .snapshotPull(let pull) = message, from == follower.id, pull.group == group {
                pulls.append(
                    Pull(
                        transfer: pull.transfer,
                        target: to,
                        after: pull.after,
                        milliseconds: cluster.timeOfDay.rawValue
                    )
                )
            }
            guard case .snapshotPiece(let piece) = message, case .rows = piece.content, piece.group == group,
                to == follower.id
            else { return false }
            switch fate(message, from) {
            case .arrives: return false
            case .arrivesTwice:
                follower.core?.inbox.put(.received([message], from: from, nil))
                return false
            case .lost: return true
            }
        }
    }

    /// Until the follower has what the leader has.
    func run(_ fate: (PeerMessage, _ from: NodeID) -> Fate) throws {
        for _ in 0..<600 {
            try step(fate)
            if try isWhole { return }
        }
        Issue.record("the snapshot does not arrive")
    }

    /// Until so many pieces have arrived; those behind them are lost.
    func run(untilPiece last: Int) throws {
        var count = 0
        for _ in 0..<100 where count <= last {
            try step { _, _ in
                count += 1
                return count <= last ? .arrives : .lost
            }
            if try isWhole { return }
        }
    }

    /// It loses what it has not flushed.
    func restartFollower() throws {
        follower.kill()
        follower.state.crash()
        try cluster.start(follower)
    }

    /// - Returns: how many pieces there are.
    func undisturbed() throws -> Int {
        var count = 0
        try run { _, _ in
            count += 1
            return .arrives
        }
        try #require(count > 3)
        return count
    }

    /// From where the pieces of an undisturbed transfer are asked for.
    func pullsUndisturbed() throws -> [[UInt8]] {
        let count = try undisturbed()
        return pulls.prefix(count).map(\.after)
    }

    /// The follower has the leader's rows, all of them and none else.
    var isWhole: Bool {
        get throws {
            guard follower.core?.loop.replica(group)?.appliedIndex == leader.core?.loop.replica(group)?.appliedIndex,
                follower.core?.loop.install(of: group) == nil,
                try !GroupSnapshotSink.isInterrupted(group, in: follower.state)
            else { return false }
            let digests = try [leader, follower].map { try MailReader(store: $0.state).digest(group) }
            let rows = try recomputedDigest(group, in: follower.state)
            return digests[0] == digests[1] && rows == digests[1].digest
        }
    }
}
