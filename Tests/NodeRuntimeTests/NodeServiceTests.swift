import Consensus
import MailModel
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import StateStorage
import Testing

@testable import MailStore
@testable import NodeRuntime

/// The store as gateways see it: what it asks the replica loop for, and what it answers by itself.
@Suite(.timeLimit(.minutes(5))) struct NodeServiceTests {
    private let test: ServiceUnderTest

    init() throws { test = try ServiceUnderTest() }

    // MARK: Routing

    /// Every group has its share of the slots, in one run.
    @Test(arguments: [1, 2, 3, 7, 8, 100, 16_383, 16_384] as [UInt32])
    func `slots are shared out evenly`(_ groups: UInt32) {
        let table = Directory.Founding(clusterID: 1, mailGroups: groups, founders: [])
        let places = (0..<Slot.count).map { table.group(of: Slot(rawValue: UInt16($0))).rawValue }
        #expect(places.first == 1 && places.last == groups)
        #expect(zip(places, places.dropFirst()).allSatisfy { $1 == $0 || $1 == $0 + 1 })
        let counts = Dictionary(grouping: places) { $0 }.mapValues(\.count).values
        #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
    }

    @Test(arguments: [(0, 1), (2_047, 1), (2_048, 2), (16_383, 8)] as [(UInt16, UInt32)])
    func `calls and reads go to the group of the account's slot`(_ slot: UInt16, _ group: UInt32) throws {
        let account = AccountReference(id: AccountID(9), slot: Slot(rawValue: slot))
        _ = test.service.submit(.deleteAccount, for: account, on: test.loop)
        let call = try #require(test.takeCalls().first)
        #expect(call.group == GroupID(group) && call.account == AccountID(9) && call.command == .deleteAccount)
        #expect(call.deadlineMilliseconds == 10_500)
        _ = test.service.query(.mailboxes, of: account, on: test.loop)
        let read = try #require(test.takeReads().first)
        #expect(read.group == GroupID(group) && read.deadlineMilliseconds == 10_500)
        #expect(test.takeReads().isEmpty)
        read.fail(.busy)
        call.completion.body(.failure(.busy))
    }

    @Test func `outcomes and failures of a call are passed on`() async throws {
        for result: Result<MailOutcome, ServiceFailure> in [
            .success(.done), .success(.refused(.overQuota)), .failure(.unavailable), .failure(.busy),
            .failure(.noSpace),
            .failure(.stopping),
        ] {
            let future = test.service.submit(.deleteAccount, for: test.account, on: test.loop)
            let call = try #require(test.takeCalls().first)
            #expect(call.completion.loop === test.loop)
            call.completion.body(result)
            #expect(await outcome(of: future) == result)
        }
    }

    /// Also what the client is not waiting for any more counts, as long as it waits in the pool.
    @Test func `reads beyond the limit of the node are refused`() async throws {
        let test = try ServiceUnderTest(maximumReads: 3)
        let body = test.bodyQuery(0, 10)
        test.blocking.hold()
        let first = test.service.query(body, of: test.account, on: test.loop)
        let second = test.service.findForDelivery(test.address, on: test.loop)
        let third = test.service.query(.mailboxes, of: test.account, on: test.loop)
        for query in [body, .mailboxes] {
            await #expect(throws: ServiceFailure.busy) {
                try await test.service.query(query, of: test.account, on: test.loop).get()
            }
        }
        await #expect(throws: ServiceFailure.busy) {
            _ = try await test.service.findForDelivery(test.address, on: test.loop).get()
        }
        test.stateReads.expire(.max)
        await #expect(throws: ServiceFailure.unavailable) { try await first.get() }
        #expect(test.readBudget.used == 3)
        test.blocking.letGo()
        await #expect(throws: ServiceFailure.unavailable) { _ = try await second.get() }
        for read in test.takeReads() { read.read()() }
        _ = try await third.get()
        #expect(test.readBudget.used == 0)
        _ = try await test.service.query(body, of: test.account, on: test.loop).get()
    }

    @Test func `callers without a loop wait by themselves`() async throws {
        async let outcome = test.service.submit(.deleteAccount, to: GroupID(0), account: AccountID(0))
        let call = await test.nextCall()
        #expect(call.completion.loop == nil && call.group == GroupID(0))
        call.completion.body(.failure(.stopping))
        #expect(await outcome == .failure(.stopping))
    }

    /// All calls of a node share a budget of bytes; what does not fit gets no further than here.
    @Test func `what does not fit the node's budget is refused at once`() async throws {
        let piece = MailCommand.uploadChunk(
            ServiceUnderTest.bodyID,
            index: 0,
            bytes: ByteBuffer(repeating: 1, count: 300_000)
        )
        let futures = (0..<5).map { _ in test.service.submit(piece, for: test.account, on: test.loop) }
        let calls = test.takeCalls()
        #expect(calls.count == 3 && test.callBudget.usedBytes == calls.reduce(0) { $0 + $1.admittedBytes })
        for future in futures.dropFirst(3) { #expect(await outcome(of: future) == .failure(.busy)) }
        // A loop gives back what a call holds when it answers.
        for call in calls {
            test.callBudget.giveBack(call.admittedBytes)
            call.completion.body(.success(.done))
        }
        #expect(test.callBudget.usedBytes == 0)
        _ = test.service.submit(piece, for: test.account, on: test.loop)
        let last = try #require(test.takeCalls().first)
        last.completion.body(.failure(.stopping))
    }

    // MARK: Reads

    /// The loop says when the state has all that must be seen: nothing is read before, and nothing told before it says
    /// that the rows were those.
    @Test func `a read waits for the loop`() async throws {
        let isTold = NIOLockedValueBox(false)
        let future = test.service.query(.account, of: test.account, on: test.loop)
        future.whenComplete { _ in isTold.withLockedValue { $0 = true } }
        let read = try #require(test.takeReads().first)
        try test.perform(.setQuota(bytes: 77))
        let tell = read.read()
        try await test.loop.submit {}.get()
        #expect(!isTold.withLockedValue { $0 })
        tell()
        #expect(try await Self.quota(future.get()) == 77)
    }

    /// A read whose rows were replaced is thrown away and made again.
    @Test func `a read can be made again`() async throws {
        let future = test.service.query(.account, of: test.account, on: test.loop)
        let read = try #require(test.takeReads().first)
        _ = read.read()
        try test.perform(.setQuota(bytes: 78))
        read.read()()
        #expect(try await Self.quota(future.get()) == 78)
    }

    @Test func `a read that the loop refuses fails`() async throws {
        for failure in [ServiceFailure.unavailable, .busy, .stopping] {
            let future = test.service.query(.mailboxes, of: test.account, on: test.loop)
            try #require(test.takeReads().first).fail(failure)
            await #expect(throws: failure) { try await future.get() }
        }
    }

    /// Rows that no program of this version writes: the loop hears, the client is told to try again.
    @Test func `what cannot be read is told to the loop`() async throws {
        try test.spoil(Key(test.group, .accounts, test.account.id).bytes, [200])
        let future = test.service.query(.account, of: test.account, on: test.loop)
        try #require(test.takeReads().first).read()()
        await #expect(throws: ServiceFailure.unavailable) { try await future.get() }
        #expect(test.takeInputs().contains { if case .unreadable(test.group, _) = $0 { true } else { false } })
        #expect(test.failures.isEmpty)
    }

    /// Then the node ends, and builds its state anew.
    @Test func `a state that fails its checks ends the node`() async throws {
        let error = StateError(kind: .corruption, message: "a bad block", path: "")
        #expect(test.service.attempt(in: test.group) { throw error } == Int?.none)
        #expect(test.failures == ["\(error)"])
        #expect(test.takeInputs().isEmpty)
        let other = StateError(kind: .inputOutput, message: "no answer", path: "")
        #expect(test.service.attempt(in: test.group) { throw other } == Int?.none)
        #expect(test.failures.count == 1)
        #expect(test.takeInputs().count == 1)
    }

    // MARK: Accounts

    /// What this node has is enough to say yes; only a no asks the leader.
    @Test func `an account to deliver to is found here`() async throws {
        #expect(try await test.service.findForDelivery(test.address, on: test.loop).get() == test.account.id)
        #expect(test.takeInputs().isEmpty)
        let nobody = try #require(AccountAddress("nobody@example.org"))
        let future = test.service.findForDelivery(nobody, on: test.loop)
        let read = try #require(test.takeReads().first)
        #expect(read.group == test.service.group(of: nobody.slot))
        read.read()()
        #expect(try await future.get() == nil)
    }

    /// The delivery is where an account shows to be gone; the next look-up asks again.
    @Test func `an account that was found is known until a delivery finds none`() async throws {
        #expect(try await test.service.findForDelivery(test.address, on: test.loop).get() == test.account.id)
        test.blocking.hold()
        #expect(try await test.service.findForDelivery(test.address, on: test.loop).get() == test.account.id)
        let chunk = MailCommand.uploadChunk(ServiceUnderTest.bodyID, index: 0, bytes: ByteBuffer())
        for (command, isForgotten) in [(MailCommand.deleteAccount, false), (chunk, true)] {
            _ = test.service.submit(command, for: test.account, on: test.loop)
            try #require(test.takeCalls().first).completion.body(.success(.refused(.noSuchAccount)))
            let future = test.service.findForDelivery(test.address, on: test.loop)
            if isForgotten {
                // The look-up waits for the pool, and fails when its time is over.
                test.stateReads.expire(.max)
                await #expect(throws: ServiceFailure.unavailable) { try await future.get() }
            } else {
                #expect(try await future.get() == test.account.id)
            }
        }
        test.blocking.letGo()
    }

    @Test func `a look-up asks the loop, whatever this node has`() async throws {
        let future = test.service.find(test.address, on: test.loop)
        try #require(test.takeReads().first).read()()
        #expect(try await future.get()?.id == test.account.id)
    }

    /// A disk that does not answer keeps nobody waiting, and what it says late is told to nobody.
    @Test func `at its deadline a read of the state fails`() async throws {
        test.blocking.hold()
        let look = test.service.findForDelivery(test.address, on: test.loop)
        let body = test.service.query(test.bodyQuery(0, 10), of: test.account, on: test.loop)
        test.stateReads.expire(10_499)
        #expect(test.stateReads.end(99) == false)
        test.stateReads.expire(10_500)
        await #expect(throws: ServiceFailure.unavailable) { try await look.get() }
        await #expect(throws: ServiceFailure.unavailable) { try await body.get() }
        test.blocking.letGo()
        #expect(test.takeInputs().isEmpty)
    }

    // MARK: Bodies

    @Test(arguments: [(0, 10, 10), (4_990, 100, 10), (5_000, 10, 0), (100, 5_000, 4_900)] as [(UInt64, Int, Int)])
    func `a body is read here, without asking anybody`(_ offset: UInt64, _ maximum: Int, _ count: Int) async throws {
        let answer = try await test.service.query(test.bodyQuery(offset, maximum), of: test.account, on: test.loop)
            .get()
        #expect(answer == .body(ByteBuffer(bytes: test.body.dropFirst(Int(offset)).prefix(count))))
        #expect(test.takeInputs().isEmpty)
    }

    /// A snapshot may be taking the place of the rows: the read goes the way of all others, and waits.
    @Test func `a body that is not here is waited for`() async throws {
        let query = MailQuery.body(BodyID(high: 9, low: 9), offset: 0, maximumBytes: 10)
        let future = test.service.query(query, of: test.account, on: test.loop)
        try #require(test.takeReads().first).read()()
        #expect(try await future.get() == .missing)
    }

    @Test(
        arguments: [(0, 10, 0..<10), (90, 10, 90..<100), (0, 9_999, 0..<5_000)] as [(UInt64, Int, Range<Int>)]
    )
    func `spoiled bytes come from elsewhere`(_ offset: UInt64, _ maximum: Int, _ range: Range<Int>) async throws {
        try test.spoilBody()
        let future = test.service.query(test.bodyQuery(offset, maximum), of: test.account, on: test.loop)
        let (chunk, group, completion) = try #require(test.takeFetches().first)
        #expect(chunk == test.chunk && group == test.group)
        completion(ByteBuffer(bytes: test.body))
        #expect(try await future.get() == .body(ByteBuffer(bytes: test.body[range])))
    }

    @Test func `spoiled bytes that nobody has are never served`() async throws {
        try test.spoilBody()
        let future = test.service.query(test.bodyQuery(0, 10), of: test.account, on: test.loop)
        try #require(test.takeFetches().first).completion(nil)
        // Somebody may have put them back meanwhile: it is read once more.
        try #require(test.takeReads().first).read()()
        await #expect(throws: ServiceFailure.unavailable) { try await future.get() }
        let events = test.takeInputs().filter {
            if case .bodies(.event(.notRepaired(test.group, test.account.id))) = $0 { true } else { false }
        }
        #expect(events.count == 1)
        #expect(test.failures.isEmpty, "one body is no reason to give up the state")
    }

    // MARK: Passwords

    private struct Login: Sendable {
        let name: String
        let password: String
        let result: AuthenticationResult
        /// Whether the account is looked for.
        var isAsked = true
    }

    @Test func `who may log in`() async throws {
        let right = AuthenticationResult.authenticated(test.account, test.address)
        let logins = [
            Login(name: "anna@example.org", password: "right", result: right),
            Login(name: "ANNA@Example.ORG", password: "right", result: right),
            Login(name: "\"anna\"@example.org", password: "right", result: right),
            Login(name: "anna@example.org", password: "wrong", result: .refused),
            Login(name: "anna@example.org", password: "", result: .refused),
            Login(name: "nobody@example.org", password: "right", result: .refused),
            Login(name: "anna", password: "right", result: .refused, isAsked: false),
            Login(name: "", password: "right", result: .refused, isAsked: false),
        ]
        for login in logins { try await check(login) }
        try test.perform(.setAccountState(.suspended))
        try await check(Login(name: "anna@example.org", password: "right", result: .suspended))
        // Only who knows the password hears that.
        try await check(Login(name: "anna@example.org", password: "wrong", result: .refused))
        try test.perform(.setCredential(nil))
        try await check(Login(name: "anna@example.org", password: "right", result: .refused))
    }

    private func check(_ login: Login) async throws {
        let result = try await test.authenticate(login.name, login.password, isAsked: login.isAsked)
        #expect(result == login.result, "\(login)")
    }

    @Test func `a name that is no text is refused`() async throws {
        let name = ByteBuffer(bytes: [0xff, 0xfe])
        let future = test.service.authenticate(
            LoginAttempt(name: name, password: ByteBuffer(string: "right"), origin: nil),
            on: test.loop
        )
        #expect(try await future.get() == .refused)
        #expect(test.takeInputs().isEmpty)
    }

    @Test func `a store that does not answer is no wrong password`() async throws {
        let name = ByteBuffer(string: "anna@example.org")
        let future = test.service.authenticate(
            LoginAttempt(name: name, password: ByteBuffer(string: "right"), origin: nil),
            on: test.loop
        )
        try #require(test.takeReads().first).fail(.unavailable)
        await #expect(throws: ServiceFailure.unavailable) { try await future.get() }
    }

    @Test func `more logins than may wait are told to come again`() async throws {
        let busy = try ServiceUnderTest(maximumWaitingPasswords: 0)
        #expect(try await busy.authenticate("anna@example.org", "right", isAsked: true) == .busy)
        #expect(try await busy.authenticate("anna", "right", isAsked: false) == .busy)
    }

    // MARK: The rest

    @Test func `body names follow the clock, and are never the same`() {
        let names = (0..<1_000).map { _ in test.service.makeBodyID() }
        #expect(Set(names).count == 1_000)
        #expect(names.allSatisfy { $0.high >> 16 == 1_700_000_000_000 })
        #expect(test.service.now() == Timestamp(milliseconds: 1_700_000_000_000))
    }

    @Test func `a watcher hears of what was applied`() async throws {
        let calls = NIOLockedValueBox(0)
        let watch = test.service.watch(test.account, on: test.loop) { calls.withLockedValue { $0 += 1 } }
        test.watchers.changed([test.account.id])
        try await test.loop.submit {}.get()
        #expect(calls.withLockedValue { $0 } == 1)
        watch.cancel()
        test.watchers.changed([test.account.id])
        try await test.loop.submit {}.get()
        #expect(calls.withLockedValue { $0 } == 1)
    }

    private static func quota(_ answer: MailAnswer) -> UInt64? {
        if case .account(let record) = answer { record.quotaBytes } else { nil }
    }

    private func outcome(of future: EventLoopFuture<MailOutcome>) async -> Result<MailOutcome, ServiceFailure> {
        do { return .success(try await future.get()) } catch { return .failure(error as? ServiceFailure ?? .busy) }
    }
}
