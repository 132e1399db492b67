import Consensus
import MailModel
import NIOCore
import PeerTransport
import ReplicaCore
import StateStorage
import Testing

@testable import MailStore
@testable import NodeRuntime

/// Bodies that a disk has spoiled: whom a node asks for them, and what it makes of the answers.
@Suite struct BodyFetchTests {
    private static let group = GroupID(1)
    private static let account = AccountID(1 << 32 | 1)
    private static let body = BodyID(high: 1, low: 2)
    private static let chunk = BodyChunk(account: account, body: body, index: 0)
    private static let key = MailReader.chunkKey(group, chunk).bytes
    private static let bytes = ByteBuffer(bytes: (0..<3_000).map { UInt8(truncatingIfNeeded: $0) })
    /// Ticks until a node that does not answer is not waited for any more, at most.
    private static let answerTicks = Int(BodiesRoom.answerMilliseconds / 50) + 2

    /// Three nodes with a message. The first fetches, and asks the second and then the third.
    private func cluster() throws -> TestCluster {
        let cluster = try TestCluster(groups: 2)
        cluster.run(ticks: 100)
        let done = Counter()
        try cluster[1].createAccounts(1..<2, in: Self.group) { done.value += 1 }
        cluster.run(ticks: 5)
        let message = NewMessage(
            bodyID: Self.body,
            internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
            sizeBytes: UInt64(Self.bytes.readableBytes),
            summary: ByteBuffer(string: "summary"),
            body: .inline(Self.bytes)
        )
        let call = ClientCall(
            group: Self.group,
            account: Self.account,
            command: .deliver(message, id: nil),
            deadlineMilliseconds: .max,
            completion: Completion(on: nil) { if case .success(.appended) = $0 { done.value += 1 } }
        )
        cluster[1].core?.inbox.put(.submit(call))
        cluster.run(ticks: 5)
        try #require(done.value == 2)
        for node in cluster.nodes { try #require(isWhole(node)) }
        return cluster
    }

    /// Has what a node reads wait until the test lets it go on.
    private func heldBlocking(of node: TestNode, in cluster: TestCluster) throws -> HeldBlocking {
        let blocking = HeldBlocking()
        node.kill()
        node.blocking = blocking
        try cluster.start(node)
        cluster.run(ticks: 100)
        return blocking
    }

    private func isWhole(_ node: TestNode) -> Bool {
        MailReader(store: node.state).wholeChunk(Self.group, Self.chunk) == Self.bytes
    }

    private func spoil(_ node: TestNode) throws {
        var value = try #require(try node.state.get(Self.key))
        value.setInteger(value.getInteger(at: value.writerIndex - 1, as: UInt8.self)! ^ 1, at: value.writerIndex - 1)
        let batch = node.state.makeBatch()
        batch.put(Self.key, value)
        try node.state.write(batch)
    }

    private func remove(_ node: TestNode) throws {
        let batch = node.state.makeBatch()
        batch.delete(Self.key)
        try node.state.write(batch)
    }

    /// What came of a fetch, and who was asked for it.
    ///
    /// `@unchecked Sendable`: a test cluster has one thread.
    private final class Fetch: @unchecked Sendable {
        var results: [ByteBuffer?] = []
        var asked: [NodeID] = []
        var id: UInt64?

        init(by node: TestNode) {
            node.core?.inbox.put(.bodies(.fetch(chunk, of: group) { [self] in results.append($0) }))
        }

        func note(_ message: PeerMessage, to node: NodeID) {
            guard case .body(_, .ask(let id, _)) = message else { return }
            self.id = id
            asked.append(node)
        }
    }

    private func isAnswer(_ message: PeerMessage) -> Bool {
        if case .body(_, .answer) = message { true } else { false }
    }

    /// - Parameter silent: the nodes whose answers are lost.
    private func run(_ cluster: TestCluster, _ fetch: Fetch, ticks: Int = 1, silent: [UInt64] = []) {
        cluster.run(ticks: ticks) { message, sender, target in
            fetch.note(message, to: target)
            return isAnswer(message) && silent.contains(sender.rawValue)
        }
    }

    private func answer(_ fetch: Fetch, _ bytes: ByteBuffer?, of group: GroupID, from sender: UInt64, _ node: TestNode)
        throws
    {
        let answer = PeerMessage.body(group: group, .answer(id: try #require(fetch.id), bytes))
        node.core?.inboxes.receive([answer], from: NodeID(sender))
        node.turn()
        node.turn()
    }

    @Test(arguments: [false, true]) func spoiledBytesComeFromAnotherNodeAndArePutBack(_ isMissing: Bool) throws {
        let cluster = try cluster()
        if isMissing { try remove(cluster[1]) } else { try spoil(cluster[1]) }
        let fetch = Fetch(by: cluster[1])
        run(cluster, fetch)
        #expect(fetch.results == [Self.bytes] && fetch.asked == [NodeID(2)])
        #expect(isWhole(cluster[1]))
    }

    @Test func theNextNodeIsAskedWhereTheFirstHasNothing() throws {
        let cluster = try cluster()
        for number in 1...2 { try spoil(cluster[number]) }
        let fetch = Fetch(by: cluster[1])
        run(cluster, fetch)
        #expect(fetch.results == [Self.bytes] && fetch.asked == [NodeID(2), NodeID(3)])
        #expect(isWhole(cluster[1]) && !isWhole(cluster[2]))
    }

    @Test func whereNobodyHasTheBytesTheReadIsToldSo() throws {
        let cluster = try cluster()
        for node in cluster.nodes { try spoil(node) }
        let before = try cluster[1].state.get(Self.key)
        let fetch = Fetch(by: cluster[1])
        run(cluster, fetch, ticks: 2 * Self.answerTicks)
        #expect(fetch.results == [nil] && fetch.asked == [NodeID(2), NodeID(3)])
        #expect(try cluster[1].state.get(Self.key) == before)
    }

    @Test func aNodeThatDoesNotAnswerIsNotWaitedForLong() throws {
        let cluster = try cluster()
        try spoil(cluster[1])
        let fetch = Fetch(by: cluster[1])
        run(cluster, fetch, ticks: Self.answerTicks / 2, silent: [2])
        #expect(fetch.asked == [NodeID(2)] && fetch.results.isEmpty)
        run(cluster, fetch, ticks: Self.answerTicks, silent: [2])
        #expect(fetch.asked == [NodeID(2), NodeID(3)] && fetch.results == [Self.bytes])
        // Nobody answers: each is asked once.
        try spoil(cluster[1])
        let other = Fetch(by: cluster[1])
        run(cluster, other, ticks: 3 * Self.answerTicks, silent: [2, 3])
        #expect(other.asked == [NodeID(2), NodeID(3)] && other.results == [nil])
        #expect(!isWhole(cluster[1]))
    }

    /// The word of a node that is not waited for any more counts for nothing, and nobody is answered twice.
    @Test func anAnswerThatComesTooLateChangesNothing() throws {
        let cluster = try cluster()
        try spoil(cluster[1])
        let fetch = Fetch(by: cluster[1])
        run(cluster, fetch, ticks: Self.answerTicks, silent: [2, 3])
        try #require(fetch.asked == [NodeID(2), NodeID(3)])
        for bytes in [Self.bytes, nil] { try answer(fetch, bytes, of: Self.group, from: 2, cluster[1]) }
        #expect(fetch.results.isEmpty && !isWhole(cluster[1]))
        try answer(fetch, Self.bytes, of: Self.group, from: 3, cluster[1])
        #expect(fetch.results == [Self.bytes] && isWhole(cluster[1]))
        try spoil(cluster[1])
        for sender in [2, 3] as [UInt64] {
            for bytes in [Self.bytes, nil] { try answer(fetch, bytes, of: Self.group, from: sender, cluster[1]) }
        }
        #expect(fetch.results.count == 1 && !isWhole(cluster[1]))
    }

    /// The answer came in time, and its comparison takes longer than the node is waited for.
    @Test func aComparisonThatEndsTooLateChangesNothing() throws {
        let cluster = try cluster()
        let blocking = try heldBlocking(of: cluster[1], in: cluster)
        try spoil(cluster[1])
        blocking.hold()
        let fetch = Fetch(by: cluster[1])
        run(cluster, fetch, ticks: Self.answerTicks, silent: [3])
        try #require(fetch.asked == [NodeID(2), NodeID(3)] && fetch.results.isEmpty)
        blocking.letGo()
        cluster[1].turn()
        #expect(fetch.results.isEmpty)
        try answer(fetch, Self.bytes, of: Self.group, from: 3, cluster[1])
        #expect(fetch.results == [Self.bytes] && isWhole(cluster[1]))
    }

    private static let wrong: [ByteBuffer] = [
        ByteBuffer(), bytes.getSlice(at: 0, length: 2_999)!, ByteBuffer(bytes: bytes.readableBytesView + [0]),
        ByteBuffer(bytes: [bytes.readableBytesView[0] ^ 1] + bytes.readableBytesView.dropFirst()),
    ]

    /// What does not fit the body's checksum is neither served nor written, whoever sent it.
    @Test(arguments: wrong.indices) func wrongBytesAreAsGoodAsNone(_ index: Int) throws {
        let cluster = try cluster()
        try spoil(cluster[1])
        let before = try cluster[1].state.get(Self.key)
        let fetch = Fetch(by: cluster[1])
        run(cluster, fetch, silent: [2])
        try answer(fetch, Self.wrong[index], of: Self.group, from: 2, cluster[1])
        #expect(fetch.results.isEmpty)
        #expect(try cluster[1].state.get(Self.key) == before)
        run(cluster, fetch, silent: [3])
        #expect(fetch.asked == [NodeID(2), NodeID(3)], "the next one is asked at once")
        try answer(fetch, Self.wrong[index], of: Self.group, from: 3, cluster[1])
        #expect(fetch.results == [nil])
        #expect(try cluster[1].state.get(Self.key) == before)
    }

    @Test func onlyTheNodeThatWasAskedAnswersAndForItsGroup() throws {
        let cluster = try cluster()
        try spoil(cluster[1])
        let fetch = Fetch(by: cluster[1])
        run(cluster, fetch, silent: [2])
        try answer(fetch, Self.bytes, of: Self.group, from: 3, cluster[1])
        try answer(fetch, Self.bytes, of: .directory, from: 2, cluster[1])
        let id = try #require(fetch.id)
        fetch.id = id &+ 1
        try answer(fetch, Self.bytes, of: Self.group, from: 2, cluster[1])
        #expect(fetch.results.isEmpty && !isWhole(cluster[1]))
        fetch.id = id
        try answer(fetch, Self.bytes, of: Self.group, from: 2, cluster[1])
        #expect(fetch.results == [Self.bytes] && isWhole(cluster[1]))
    }

    @Test func noMoreAreFetchedAtOnceThanTheLimit() throws {
        let cluster = try cluster()
        let fetches = (0...BodiesRoom.maximumFetches).map { _ in Fetch(by: cluster[1]) }
        cluster[1].turn()
        #expect(fetches.map(\.results.count) == Array(repeating: 0, count: BodiesRoom.maximumFetches) + [1])
        #expect(fetches.last?.results == [nil])
        cluster.run(ticks: 2)
        // The node that is asked reads one answer after the other, as many at once as it may.
        cluster.run(ticks: 2)
        #expect(fetches.dropLast().allSatisfy { $0.results == [Self.bytes] })
        let next = Fetch(by: cluster[1])
        cluster.run(ticks: 1)
        #expect(next.results == [Self.bytes])
    }

    @Test func aNodeThatStopsAsksNobody() throws {
        let cluster = try cluster()
        cluster[1].core?.loop.floor.isStopping = true
        let fetch = Fetch(by: cluster[1])
        run(cluster, fetch)
        #expect(fetch.results == [nil] && fetch.asked.isEmpty)
    }

    // MARK: The answers

    private func ask(_ node: TestNode, _ ids: Range<UInt64>, _ body: BodyID, in group: GroupID) {
        let chunk = BodyChunk(account: Self.account, body: body, index: 0)
        let messages = ids.map { PeerMessage.body(group: group, .ask(id: $0, chunk)) }
        node.core?.inboxes.receive(messages, from: NodeID(3))
        node.turn()
        node.turn()
    }

    private func answers(of node: TestNode) -> [UInt64: ByteBuffer?] {
        var answers: [UInt64: ByteBuffer?] = [:]
        for (message, target) in node.takeSent() where target == NodeID(3) {
            if case .body(_, .answer(let id, let bytes)) = message { answers[id] = .some(bytes) }
        }
        return answers
    }

    @Test func aNodeAnswersWithWhatItHasWhole() throws {
        let cluster = try cluster()
        _ = answers(of: cluster[2])
        ask(cluster[2], 1..<2, Self.body, in: Self.group)
        #expect(answers(of: cluster[2]) == [1: Self.bytes])
        ask(cluster[2], 2..<3, BodyID(high: 9, low: 9), in: Self.group)
        #expect(answers(of: cluster[2]) == [2: nil], "there is no such body")
        ask(cluster[2], 3..<4, Self.body, in: GroupID(99))
        #expect(answers(of: cluster[2]) == [3: nil], "the node has nothing of the group")
        try spoil(cluster[2])
        ask(cluster[2], 4..<5, Self.body, in: Self.group)
        #expect(answers(of: cluster[2]) == [4: nil])
    }

    @Test func noMoreAreReadForOthersAtOnceThanTheLimit() throws {
        let cluster = try cluster()
        let blocking = try heldBlocking(of: cluster[2], in: cluster)
        blocking.hold()
        let limit = UInt64(BodiesRoom.maximumAnswers + BodiesRoom.maximumQuestions)
        ask(cluster[2], 0..<limit + 2, Self.body, in: Self.group)
        #expect(answers(of: cluster[2]) == [limit: nil, limit + 1: nil])
        #expect(blocking.waiting == BodiesRoom.maximumAnswers)
        blocking.letGo()
        for _ in 0...limit / UInt64(BodiesRoom.maximumAnswers) { cluster[2].turn() }
        let rest = answers(of: cluster[2])
        #expect(rest.count == Int(limit) && rest.values.allSatisfy { $0 == Self.bytes })
        ask(cluster[2], 10_000..<10_001, Self.body, in: Self.group)
        #expect(answers(of: cluster[2]) == [10_000: Self.bytes])
    }

    @Test func whatHasWaitedTooLongIsNotReadForOthers() throws {
        let cluster = try cluster()
        let blocking = try heldBlocking(of: cluster[2], in: cluster)
        blocking.hold()
        let limit = UInt64(BodiesRoom.maximumAnswers)
        ask(cluster[2], 0..<limit + 2, Self.body, in: Self.group)
        cluster.run(ticks: Self.answerTicks)
        _ = answers(of: cluster[2])
        blocking.letGo()
        cluster[2].turn()
        cluster[2].turn()
        #expect(Set(answers(of: cluster[2]).keys) == Set(0..<limit))
    }
}
