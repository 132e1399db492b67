import Consensus
import MailModel
import MailStore
import NIOCore
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// What a node does for its clients of a group of which it has no replica: reads.
@Suite struct RemoteReadTests {
    /// Far less than the patience with a node that does not answer.
    private static let promptTicks = 6

    /// What another node has acknowledged is seen at once, whatever is lost.
    @Test(arguments: [1, 2] as [UInt64]) func readsSeeWhatWasAcknowledged(_ seed: UInt64) throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        var generator = SplitMix64(seed: seed)
        for number in 1...12 as ClosedRange<UInt32> {
            let writer = bench.holders[Int.random(in: 0..<3, using: &generator)]
            let call = bench.submit(RemoteBench.message(UInt64(number)), account: account.id, through: writer)
            bench.run(ticks: 4)
            guard case .success(.appended)? = call.value else {
                Issue.record("\(String(describing: call.value))")
                continue
            }
            let answer = bench.query(.mailbox(.inbox), of: account, through: bench.guest)
            for _ in 0..<290 where answer.value == nil {
                bench.run(ticks: 1) { message, _, _ in
                    if case .read = message { Int.random(in: 0..<4, using: &generator) == 0 } else { false }
                }
            }
            #expect(RemoteBench.messages(in: answer.value) == number && answer.count == 1)
        }
        bench.run(ticks: 100)
        #expect(bench.guest.core?.readBudget.used == 0)
        #expect(bench.holders.allSatisfy { $0.core?.foreignReads.used.reads == 0 })
        #expect(bench.holders.allSatisfy { $0.core?.foreignReads.used.bytes == 0 })
    }

    /// A replica that is cut off from its leader has no answer: nothing old is told, and another one is asked.
    @Test func aReplicaThatIsCutOffTellsNothingOld() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        let first = bench.query(.mailbox(.inbox), of: account, through: bench.guest)
        bench.run(ticks: 2)
        #expect(RemoteBench.messages(in: first.value) == 0)
        let nearest = try #require(bench.questions.first?.node)
        func isCut(_ message: PeerMessage, _ from: NodeID, _ to: NodeID) -> Bool {
            (from == nearest) != (to == nearest) && from != bench.guest.id && to != bench.guest.id
        }
        bench.run(ticks: 80, isLost: isCut)
        let writer = try #require(bench.holders.first { $0.id != nearest })
        let call = bench.submit(RemoteBench.message(1), account: account.id, through: writer)
        bench.run(ticks: 40, isLost: isCut)
        guard case .success(.appended)? = call.value else { throw NotWritten() }
        let answer = bench.query(.mailbox(.inbox), of: account, through: bench.guest)
        bench.run(ticks: 100, isLost: isCut)
        #expect(RemoteBench.messages(in: answer.value) == 1)
        #expect(bench.questions.first?.node == nearest)
    }

    private struct NotWritten: Error {}

    @Test func anotherNodeIsAskedWhenOneDies() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        let first = bench.query(.account, of: account, through: bench.guest)
        bench.run(ticks: 2)
        #expect(first.value != nil)
        let nearest = try #require(bench.questions.first?.node)
        bench.cluster.nodes.first { $0.id == nearest }?.kill()
        bench.run(ticks: 60)
        let second = bench.query(.account, of: account, through: bench.guest)
        bench.run(ticks: 40)
        #expect(second.value == first.value)
        #expect(bench.questions.map(\.node).first == nearest && Set(bench.questions.map(\.node)).count == 2)
        // For a while nobody waits for the one that was silent.
        let third = bench.query(.account, of: account, through: bench.guest)
        bench.run(ticks: 2)
        #expect(third.value == first.value && bench.questions.allSatisfy { $0.node != nearest })
    }

    @Test func theSameDataCenterIsAskedFirst() throws {
        for near in 0..<3 {
            var datacenters = ["a", "b", "c", "d"]
            datacenters[3] = datacenters[near]
            let bench = try RemoteBench(datacenters: datacenters)
            let (_, account) = try bench.makeAccount()
            let answer = bench.query(.account, of: account, through: bench.guest)
            bench.run(ticks: 2)
            #expect(answer.value != nil)
            #expect(bench.questions.map(\.node) == [NodeID(UInt64(near + 1))])
        }
    }

    @Test func accountsAreFoundByTheirAddresses() throws {
        let bench = try RemoteBench()
        let (address, account) = try bench.makeAccount()
        let found = bench.find(address)
        let other = try #require(
            (0..<1_000).lazy.compactMap { AccountAddress("nobody\($0)@example.org") }
                .first { bench.guest.service?.group(of: $0.slot) == RemoteBench.group }
        )
        let missing = bench.find(other)
        let delivery = Heard<AccountID?>()
        bench.guest.service?.findForDelivery(address, delivery.completion)
        let login = Heard<AuthenticationResult>()
        bench.guest.service?.authenticate(
            LoginAttempt(
                name: ByteBuffer(string: address.text),
                password: ByteBuffer(string: "right"),
                origin: nil
            ),
            login.completion
        )
        let page = Heard<[AccountRecord]>()
        bench.guest.service?.readGroup(.accounts(after: "", limit: 10), of: RemoteBench.group, page.completion)
        bench.run(ticks: 3)
        #expect(try found.value?.get()?.id == account.id)
        #expect(missing.value == .success(nil))
        #expect(try delivery.value?.get() == account.id)
        #expect(login.value == .success(.authenticated(account, address)))
        #expect(try page.value?.get().map(\.address) == [address])
    }

    /// A body is fetched as FETCH does; what is more than a piece of a message comes in several.
    @Test func bodiesAndLongAnswersComeInPieces() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        let body = ByteBuffer(bytes: (0..<MailLimits.bodyChunkBytes).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        for number in 1...10 as ClosedRange<UInt64> {
            let command = RemoteBench.message(number, summaryBytes: 200_000, body: body)
            _ = bench.submit(command, account: account.id, through: bench.cluster[1])
            bench.run(ticks: 3)
        }
        let whole = bench.query(
            .body(BodyID(high: 5, low: 1), offset: 0, maximumBytes: MailLimits.bodyBytesPerQuery),
            of: account,
            through: bench.guest
        )
        let end = bench.query(
            .body(BodyID(high: 5, low: 1), offset: 261_000, maximumBytes: 1_000),
            of: account,
            through: bench.guest
        )
        bench.run(ticks: 3)
        #expect(whole.value == .success(.body(body)))
        #expect(end.value == .success(.body(body.getSlice(at: 261_000, length: 120) ?? ByteBuffer())))
        let indexes = bench.heard.count { message, _, _ in if case .readIndex = message { true } else { false } }
        #expect(indexes == 0, "bodies never change: no leader is asked")

        let inbox = bench.query(.mailbox(.inbox), of: account, through: bench.guest)
        bench.run(ticks: 3)
        guard case .success(.mailbox(let record))? = inbox.value else { throw NotWritten() }
        let query = MailQuery.details(record.id, UIDSet(ranges: [1...10]))
        let details = bench.query(query, of: account, through: bench.guest)
        // A piece is lost, and another one comes twice.
        var pieces = 0
        bench.run(ticks: 100) { message, _, _ in
            guard case .read(_, .piece) = message else { return false }
            pieces += 1
            return pieces == 2
        }
        guard case .success(.details(let rows))? = details.value else { throw NotWritten() }
        #expect(rows.count == 10 && rows.allSatisfy { $0.summary.readableBytes == 200_000 })
        #expect(rows.map { $0.summary.readableBytesView.first } == (1...10).map { UInt8($0) })
        #expect(pieces > 3)
        #expect(bench.holders.allSatisfy { $0.core?.foreignReads.used.bytes == 0 })
    }

    /// Who routes by an older directory waits for the newer one, and asks anew.
    @Test func anOlderEpochIsAnsweredByMoved() throws {
        let bench = try RemoteBench()
        let (address, account) = try bench.makeAccount()
        func isNews(_ message: PeerMessage, _ from: NodeID, _ to: NodeID) -> Bool {
            guard to == bench.guest.id, case .replica(let message) = message else { return false }
            return message.group == .directory
        }
        let other = try #require((0..<100).lazy.map { Slot(rawValue: $0) }.first { $0 != address.slot })
        let range = try #require(SlotRange(first: other, count: 1))
        let outcome = bench.submit(
            .directory(.assignSlots(range, to: GroupID(2))),
            account: AccountID(0),
            to: .directory,
            through: bench.cluster[1]
        )
        bench.run(ticks: 10, isLost: isNews)
        try #require(outcome.value == .success(.done))
        let answer = bench.query(.account, of: account, through: bench.guest)
        bench.run(ticks: 30, isLost: isNews)
        #expect(answer.value == nil && bench.questions.count == 1)
        guard case .moved? = bench.refusals.first else { throw NotWritten() }
        bench.run(ticks: 60)
        guard case .success(.account(let record))? = answer.value else { throw NotWritten() }
        #expect(record.address == address && answer.count == 1)
    }

    /// A node whose directory is older than a question does not answer it.
    @Test func aYoungerEpochIsNotAnswered() throws {
        let bench = try RemoteBench()
        let query = ByteBuffer(bytes: [1, 3, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1])
        let question = PeerMessage.read(group: RemoteBench.group, .ask(id: 7, epoch: 2, query: query))
        let holder = bench.cluster[2]
        holder.core?.inboxes.receive([question], from: bench.guest.id)
        holder.turn()
        let answers = holder.takeSent().compactMap { message, _ in
            if case .read(_, let answer) = message { answer } else { nil }
        }
        #expect(answers == [.refused(id: 7, .busy)])
        #expect(holder.core?.foreignReads.used.reads == 0)
    }

    /// Too many reads for others: who asks is told so, and asks again until there is room.
    @Test func aFullBudgetAnswersBusyAndRecovers() throws {
        let bench = try RemoteBench { $0.reads.foreign = 1 }
        let (_, account) = try bench.makeAccount()
        let pools = bench.holders.map { _ in HeldBlocking() }
        for (node, pool) in zip(bench.holders, pools) {
            node.kill()
            node.blocking = pool
            try bench.cluster.start(node)
        }
        bench.run(ticks: 100)
        for pool in pools { pool.hold() }
        let answers = (0..<8).map { _ in bench.query(.account, of: account, through: bench.guest) }
        bench.run(ticks: 10)
        #expect(answers.allSatisfy { $0.value == nil } && bench.refusals.contains(.busy))
        #expect(bench.holders.allSatisfy { $0.core?.foreignReads.used.reads == 1 })
        let asked = bench.questions.count
        #expect(asked < 200, "after pauses")
        for pool in pools { pool.letGo() }
        bench.run(ticks: 100)
        #expect(answers.allSatisfy { if case .success(.account)? = $0.value { true } else { false } })
        #expect(bench.holders.allSatisfy { $0.core?.foreignReads.used.reads == 0 })
    }

    @Test func theBudgetCountsReadsAndBytes() {
        var limits = ReadLimits()
        (limits.foreign, limits.foreignBytes) = (2, 100)
        let budget = ForeignReadBudget(limits)
        #expect(budget.takeRead() && budget.takeRead() && !budget.takeRead())
        // A single answer is kept, whatever its size.
        #expect(budget.takeBytes(1_000) && !budget.takeBytes(1))
        budget.giveBack(reads: 1, bytes: 1_000)
        #expect(budget.takeRead() && budget.takeBytes(60) && budget.takeBytes(40) && !budget.takeBytes(1))
        #expect(budget.used.reads == 2 && budget.used.bytes == 100)
    }

    /// An answer that nobody fetches is not kept for ever.
    @Test func anAnswerThatIsNotFetchedIsForgotten() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        let answer = bench.query(.account, of: account, through: bench.guest)
        func isEnd(_ message: PeerMessage, _ from: NodeID, _ to: NodeID) -> Bool {
            if case .read(_, .end) = message { true } else { false }
        }
        bench.run(ticks: 10, isLost: isEnd)
        #expect(answer.value != nil)
        func held() -> Int { bench.holders.reduce(0) { $0 + ($1.core?.foreignReads.used.reads ?? 0) } }
        #expect(held() == 1)
        bench.run(ticks: Int(ForeignReadsRoom.keepMilliseconds / 50) + 2)
        #expect(held() == 0)
    }

    /// However many reads there are, a node gets no more questions at once than its share.
    @Test func questionsToOneNodeAreBounded() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        let count = 5 * RemoteReadsRoom.maximumQuestions
        let answers = (0..<count).map { _ in bench.query(.account, of: account, through: bench.guest) }
        bench.guest.turn()
        let sent = bench.guest.takeSent().count { message, _ in if case .read = message { true } else { false } }
        #expect(sent == RemoteReadsRoom.maximumQuestions)
        bench.run(ticks: 100)
        #expect(answers.allSatisfy { if case .success(.account)? = $0.value { true } else { false } })
        #expect(bench.guest.core?.loop.rooms.remoteReads.count == 0)
    }

    @Test func readsFailAtTheirDeadline() throws {
        let bench = try RemoteBench()
        let (address, account) = try bench.makeAccount()
        for node in bench.holders { node.kill() }
        let answer = bench.query(.account, of: account, through: bench.guest)
        let found = bench.find(address)
        bench.run(ticks: 295)
        #expect(answer.value == nil && found.value == nil)
        #expect(bench.questions.count < 60, "after pauses")
        bench.run(ticks: 10)
        #expect(answer.value == .failure(.unavailable) && found.value == .failure(.unavailable))
        #expect(answer.count == 1 && found.count == 1)
        #expect(bench.guest.core?.readBudget.used == 0)
        #expect(bench.guest.core?.loop.rooms.remoteReads.count == 0)
    }

    /// A group that comes to a node is served there as soon as its replica votes; one that leaves, by others. Nobody
    /// waits for a replica that its group has left behind and that does not know it: its leader tells it when asked.
    @Test func readsFollowTheReplica() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        for nodes in [[1, 2, 4], [1, 2, 3], [2, 3, 4]] as [[UInt64]] {
            try bench.place(RemoteBench.group, at: nodes)
            for _ in 0..<40 {
                let answer = bench.query(.account, of: account, through: bench.guest)
                for _ in 0..<Self.promptTicks where answer.value == nil { bench.run(ticks: 1) }
                guard case .success(.account)? = answer.value else {
                    Issue.record("\(String(describing: answer.value))")
                    return
                }
            }
            let hasReplica = bench.guest.core?.loop.groups[RemoteBench.group]?.servesReads
            #expect(hasReplica == nodes.contains(4))
        }
    }
}
