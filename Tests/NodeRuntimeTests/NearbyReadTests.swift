import Consensus
import MailModel
import NIOConcurrencyHelpers
import NIOCore
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// Reads that this node's own rows will do for, where they show what a session has seen and done, and the node is in
/// touch with the leader.
@Suite struct NearbyReadTests {
    private let group = GroupID(1)

    /// A cluster with an account, whose INBOX has a message.
    private func makeBench(_ isResting: Bool = false) throws -> NearbyBench {
        try NearbyBench(ticksUntilRest: isResting ? 4 : 1_000_000)
    }

    @Test(arguments: [true, false])
    func `a follower answers by itself`(_ isResting: Bool) throws {
        let bench = try makeBench(isResting)
        #expect(bench.cluster.allRest == isResting)
        for node in [bench.follower, bench.leader] {
            _ = node.takeSent()
            let answer = bench.ask(node, bench.known)
            node.turn()
            #expect(answer.uidNext == UID(2))
            #expect(!node.takeSent().contains { bench.isOfARound($0.0) })
        }
        #expect(bench.cluster.allRest == isResting, "a read of what is here wakes nobody")
        let linearizable = bench.ask(bench.follower, nil)
        bench.follower.turn()
        #expect(linearizable.result == nil)
        bench.cluster.run(ticks: 4)
        #expect(linearizable.uidNext == UID(2))
    }

    /// What a session has done by way of another node, it sees.
    @Test func `rows that are older than what is known will not do`() throws {
        let bench = try makeBench()
        bench.follower.isStateBusy = true
        try bench.deliver()
        bench.cluster.run(ticks: 6)
        let there = bench.ask(bench.leader, bench.known)
        bench.leader.turn()
        try #require(there.uidNext == UID(3))

        let older = bench.ask(bench.follower, bench.known)
        var byUID = bench.known
        byUID.noteUID(UID(2))
        var byModSeq = bench.known
        byModSeq.noteModSeq(bench.known.modSeq.next)
        let newer = [byUID, byModSeq].map { bench.ask(bench.follower, $0) }
        bench.cluster.run(ticks: 6)
        #expect(older.uidNext == UID(2), "as new as the session knows the mailbox")
        #expect(newer.allSatisfy { $0.result == nil })
        bench.follower.isStateBusy = false
        bench.cluster.run(ticks: 6)
        #expect(newer.allSatisfy { $0.uidNext == UID(3) })
    }

    /// A state that is too old may not have the mailbox yet.
    @Test func `a mailbox that is not here is asked for`() throws {
        let bench = try makeBench()
        let answer = bench.ask(bench.follower, bench.known, try MailboxName("none"))
        bench.follower.turn()
        #expect(answer.result == nil)
        bench.cluster.run(ticks: 4)
        #expect((try? answer.result?.get()) == .missing)
    }

    /// For an election timeout, which is up to twice the shortest one, a node may not know that others go on without
    /// it.
    @Test(arguments: [true, false], [true, false])
    func `a node that is cut off asks`(_ isResting: Bool, _ isLeader: Bool) throws {
        let bench = try makeBench(isResting)
        let node = isLeader ? bench.leader : bench.follower
        let timeout = bench.cluster.settings.replica.raft.electionTimeoutTicks
        // Beats prove what was so when they were sent.
        bench.cluster.run(ticks: timeout / 2 - 3) { _, from, to in to == node.id || from == node.id }
        let early = bench.ask(node, bench.known)
        node.turn()
        #expect(early.uidNext == UID(2))
        bench.cluster.run(ticks: 2 * timeout) { _, from, to in to == node.id || from == node.id }
        let late = bench.ask(node, bench.known)
        node.turn()
        #expect(late.result == nil)
        bench.cluster.run(ticks: 60)
        #expect(late.uidNext == UID(2))
    }

    /// The leader may have been another one for long. What the loop's clock has counted says nothing of that time.
    @Test func `a process that stood still asks`() throws {
        let bench = try makeBench()
        bench.cluster.pause(milliseconds: 60_000)
        let answer = bench.ask(bench.follower, bench.known)
        bench.follower.turn()
        #expect(answer.result == nil)
        bench.cluster.run(ticks: 4)
        #expect(answer.uidNext == UID(2))
        bench.cluster.run(ticks: 3 * bench.cluster.settings.replica.raft.electionTimeoutTicks)
        let later = bench.ask(bench.follower, bench.known)
        bench.follower.turn()
        #expect(later.uidNext == UID(2))
    }

    /// Rows that take the place of others may be older, or none.
    @Test func `what was read of rows that were replaced meanwhile is not told`() throws {
        let bench = try makeBench()
        let blocking = HeldBlocking()
        bench.follower.kill()
        bench.follower.blocking = blocking
        try bench.cluster.start(bench.follower)
        bench.cluster.run(ticks: 60)
        let gate = try #require(bench.follower.core?.gate)
        blocking.hold()
        let answer = bench.ask(bench.follower, bench.known)
        bench.follower.turn()
        try #require(blocking.waiting == 1)
        gate.close(group)
        gate.open(group)
        blocking.letGo()
        #expect(answer.result == nil)
        bench.cluster.run(ticks: 4)
        #expect(answer.uidNext == UID(2))
    }

    /// A node that is stopping, or too busy, says so.
    @Test func `each read is counted until it is answered`() throws {
        let bench = try makeBench()
        let answers = (0..<100).map { _ in bench.ask(bench.follower, bench.known) }
        bench.follower.turn()
        #expect(answers.allSatisfy { $0.uidNext == UID(2) })
        #expect(bench.follower.service?.readBudget.used == 0)
    }
}

/// Three nodes and one group with an account.
private struct NearbyBench {
    let cluster: TestCluster
    let leader: TestNode
    let follower: TestNode
    let account: AccountReference
    /// What of INBOX everybody knows.
    let known: KnownMailbox

    init(ticksUntilRest: Int) throws {
        let group = GroupID(1)
        let cluster = try TestCluster(groups: 2, ticksUntilRest: ticksUntilRest)
        self.cluster = cluster
        cluster.run(ticks: 60)
        let leader = try #require(cluster.leader(of: group))
        self.leader = leader
        follower = try #require(cluster.nodes.first { $0 !== leader && cluster.leader(of: GroupID(0)) !== $0 })
        let address = try #require(AccountAddress("anna@example.org"))
        let created = Noted<MailOutcome>()
        leader.service?.submit(
            .createAccount(address: address, credential: nil, quotaBytes: 0, mailboxes: []),
            to: group,
            account: AccountID(0),
            created.completion
        )
        cluster.run(ticks: 6)
        guard case .success(.accountCreated(let id)) = created.result else { throw ServiceFailure.unavailable }
        account = AccountReference(id: id, slot: address.slot)
        Self.deliver(to: account, at: leader, 1)
        cluster.run(ticks: 30)
        let asked = Noted<MailAnswer>()
        leader.service?.query(.mailbox(.inbox), of: account, asked.completion)
        cluster.run(ticks: 30)
        guard case .success(.mailbox(let record)) = asked.result, record.uidNext == UID(2) else {
            throw ServiceFailure.unavailable
        }
        var known = KnownMailbox()
        known.noteRecord(record)
        self.known = known
    }

    func deliver() throws { Self.deliver(to: account, at: leader, 2) }

    private static func deliver(to account: AccountReference, at node: TestNode, _ number: UInt64) {
        let message = NewMessage(
            bodyID: BodyID(high: 1, low: number),
            internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
            sizeBytes: 3,
            summary: ByteBuffer(),
            body: .inline(ByteBuffer(string: "new"))
        )
        node.service?.submit(
            .deliver(message, id: nil),
            to: GroupID(1),
            account: account.id,
            Completion(on: nil) { _ in }
        )
    }

    /// - Parameter known: nil for a read that is linearizable.
    func ask(_ node: TestNode, _ known: KnownMailbox?, _ name: MailboxName = .inbox) -> Noted<MailAnswer> {
        let noted = Noted<MailAnswer>()
        if let known {
            node.service?.queryNearby(.mailbox(name), of: account, showing: known, noted.completion)
        } else {
            node.service?.query(.mailbox(name), of: account, noted.completion)
        }
        return noted
    }

    /// Whether a message belongs to a ReadIndex round.
    func isOfARound(_ message: PeerMessage) -> Bool {
        switch message {
        case .readIndex: true
        case .replica(let message):
            if case .heartbeat = message.message.body { true } else { false }
        default: false
        }
    }
}

/// What came of a call.
///
/// `@unchecked Sendable`: a test cluster has one thread.
private final class Noted<Value: Sendable>: @unchecked Sendable {
    private(set) var result: Result<Value, ServiceFailure>?

    var completion: Completion<Value> { Completion(on: nil) { self.result = $0 } }
}

extension Noted where Value == MailAnswer {
    /// Of the mailbox that was asked for.
    var uidNext: UID? { if case .success(.mailbox(let record))? = result { record.uidNext } else { nil } }
}
