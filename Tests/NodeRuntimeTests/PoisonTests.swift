import Consensus
import MailModel
import MailStore
import NIOCore
import ReplicaCore
import StateStorage
import Testing

@testable import NodeRuntime

/// An entry that cannot be applied stops its group, on the nodes that it hits, and nothing else.
@Suite struct PoisonTests {
    private let poisoned = GroupID(1)
    private let other = GroupID(2)

    private func cluster() throws -> TestCluster {
        let cluster = try TestCluster(groups: 3)
        cluster.run(ticks: 60)
        try #require(cluster.allAreLed)
        return cluster
    }

    /// As many as were asked for have been carried out.
    private func createAccounts(_ range: Range<Int>, _ group: GroupID, _ cluster: TestCluster) throws -> Int {
        let counter = Counter()
        try cluster.leader(of: group)?.createAccounts(range, in: group) { counter.value += 1 }
        cluster.run(ticks: 8)
        return counter.value
    }

    /// Past all checks of who submits it.
    private func propose(_ payload: ByteBuffer, _ cluster: TestCluster) throws {
        let loop = try #require(cluster.leader(of: poisoned)?.core?.loop)
        loop.floor.proposePayload(payload, to: poisoned, for: .housekeeping)
        cluster.run(ticks: 8)
    }

    private func unreadable() -> ByteBuffer {
        let envelope = CommandEnvelope(
            request: RequestID(session: 0, sequence: 0),
            settledBelow: 0,
            timestamp: Timestamp(milliseconds: 1),
            account: AccountID(0),
            command: .deleteAccount
        )
        var payload = envelope.encoded()
        payload.setInteger(UInt8(255), at: payload.writerIndex - 1)
        return payload
    }

    @Test func anUnreadableEntryStopsItsGroupOnAllNodes() throws {
        let cluster = try cluster()
        #expect(try createAccounts(1..<4, poisoned, cluster) == 3)
        try propose(unreadable(), cluster)
        let indexes = cluster.nodes.compactMap { $0.core?.loop.stop(of: poisoned)?.index }
        #expect(indexes.count == 3)
        #expect(Set(indexes).count == 1)
        #expect(try createAccounts(4..<6, poisoned, cluster) == 0)
        // Everything else goes on, also on the same nodes.
        #expect(try createAccounts(6..<9, other, cluster) == 3)
        #expect(cluster.nodes.allSatisfy { $0.failure == nil })

        // And at the next start it is the same.
        let node = cluster[2]
        node.kill()
        try cluster.start(node)
        cluster.run(ticks: 60)
        #expect(node.core?.loop.replica(other) != nil)
        #expect(try createAccounts(9..<12, other, cluster) == 3)
        #expect(node.failure == nil)
    }

    /// What others applied in the same batch is neither lost nor done twice.
    @Test func whatIsInTheSameBatchIsDoneOnce() throws {
        let cluster = try cluster()
        let leader = try #require(cluster.leader(of: poisoned))
        let counter = Counter()
        for node in cluster.nodes { node.isStateBusy = true }
        try cluster.leader(of: other)?.createAccounts(1..<9, in: other) { counter.value += 1 }
        try leader.createAccounts(11..<14, in: poisoned) {}
        cluster.run(ticks: 1)
        try propose(unreadable(), cluster)
        try cluster.leader(of: other)?.createAccounts(21..<29, in: other) { counter.value += 1 }
        cluster.run(ticks: 4)
        for node in cluster.nodes { node.isStateBusy = false }
        cluster.run(ticks: 30)
        #expect(counter.value == 16)
        for node in cluster.nodes {
            let reader = MailReader(store: node.state)
            #expect(try reader.accounts(in: other, after: "", limit: 100).count == 16)
            #expect(try reader.accounts(in: poisoned, after: "", limit: 100).count == 3)
            #expect(try recomputedDigest(other, in: node.state) == reader.digest(other).digest)
            #expect(try recomputedDigest(poisoned, in: node.state) == reader.digest(poisoned).digest)
            #expect(node.core?.loop.stop(of: poisoned) != nil)
        }
    }

    /// A row that only one node cannot read stops the group there; the others serve it, and the node goes on when a
    /// start finds the row as it should be.
    @Test func anUnreadableRowStopsTheGroupOnItsNode() throws {
        let cluster = try cluster()
        #expect(try createAccounts(1..<2, poisoned, cluster) == 1)
        let leader = try #require(cluster.leader(of: poisoned))
        let harmed = try #require(cluster.nodes.first { $0.id != leader.id })
        let account = try #require(
            try MailReader(store: harmed.state).accounts(in: poisoned, after: "", limit: 1).first
        )
        // group, table of accounts, account: what an applier that begins anew reads.
        let key: [UInt8] = [0, 0, 0, 1, 4] + withUnsafeBytes(of: account.id.rawValue.bigEndian) { Array($0) }
        let row = try #require(try harmed.state.get(key))
        harmed.kill()
        put(Array(row.readableBytesView.dropLast(3)), key, harmed)
        try cluster.start(harmed)
        cluster.run(ticks: 60)
        let answer = Counter()
        let quota = ClientCall(
            group: poisoned,
            account: account.id,
            command: .setQuota(bytes: 7),
            deadlineMilliseconds: .max,
            completion: Completion(on: nil) { if (try? $0.get()) == .done { answer.value += 1 } }
        )
        cluster.leader(of: poisoned)?.core?.inbox.put(.submit(quota))
        cluster.run(ticks: 60)
        #expect(answer.value == 1)
        #expect(harmed.core?.loop.stop(of: poisoned) != nil)
        #expect(harmed.failure == nil)
        #expect(cluster.nodes.count { $0.core?.loop.stop(of: poisoned) == nil } == 2)
        #expect(try createAccounts(2..<4, other, cluster) == 2)

        harmed.kill()
        put(Array(row.readableBytesView), key, harmed)
        try cluster.start(harmed)
        cluster.run(ticks: 60)
        #expect(harmed.core?.loop.stop(of: poisoned) == nil)
        let digests = try cluster.nodes.map { try MailReader(store: $0.state).digest(poisoned).digest }
        #expect(Set(digests).count == 1)
    }

    private func put(_ value: [UInt8], _ key: [UInt8], _ node: TestNode) {
        let batch = node.state.makeBatch()
        batch.put(key, value)
        try? node.state.write(batch)
    }

    /// A group's own row that cannot be read costs this replica, and no start.
    @Test func anUnreadableGroupRowGivesTheReplicaUp() throws {
        let cluster = try cluster()
        #expect(try createAccounts(1..<3, poisoned, cluster) == 2)
        let node = cluster[3]
        node.kill()
        put([1, 2, 3], [0, 0, 0, 1, 1], node)
        try cluster.start(node)
        cluster.run(ticks: 200)
        #expect(node.failure == nil)
        #expect(node.core?.loop.replica(other) != nil)
        let digests = try cluster.nodes.map { try MailReader(store: $0.state).digest(poisoned).digest }
        #expect(Set(digests).count == 1)
    }

    /// An answer row that cannot be read stops the group from the start, and nothing else.
    @Test func anUnreadableAnswerStopsTheGroupAtTheStart() throws {
        let cluster = try cluster()
        #expect(try createAccounts(1..<3, poisoned, cluster) == 2)
        let node = cluster[3]
        node.kill()
        // group, table of requests, session, sequence
        put([1, 2, 3], [0, 0, 0, 1, 2] + Array(repeating: 7, count: 16), node)
        try cluster.start(node)
        cluster.run(ticks: 60)
        #expect(node.failure == nil)
        #expect(node.core?.loop.stop(of: poisoned) != nil)
        #expect(try createAccounts(3..<5, poisoned, cluster) == 2)
        #expect(try createAccounts(3..<5, other, cluster) == 2)
    }

    /// A read that fails is heard of, once for many, and the replicas are compared.
    @Test func readsThatFailAreTold() throws {
        let cluster = try cluster()
        let leader = try #require(cluster.leader(of: poisoned))
        let loop = try #require(leader.core?.loop)
        let told = Counter()
        loop.floor.observers.membership = { event in if case .unreadable = event { told.value += 1 } }
        for _ in 0..<5 { leader.core?.inbox.put(.unreadable(poisoned, reason: "for this test")) }
        leader.turn()
        #expect(told.value == 1)
        #expect(loop.rooms.trouble.unreadable[poisoned]?.count == 5)
        #expect(loop.rooms.verification.isRunning(poisoned))
    }
}
