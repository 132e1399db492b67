import Consensus
import MailModel
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import StateStorage
import Testing

@testable import MailStore
@testable import NodeRuntime

/// The service of a node over a state in memory, whose replica loop is the test: it takes what the service puts into
/// the inbox. The state has one account with one message.
final class ServiceUnderTest: Sendable {
    let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    private let inboxes = LoopInboxes(loops: 3)
    let blocking = HeldBlocking()
    let stateReads = StateReads()
    let watchers = AccountWatchers()
    let address: AccountAddress
    let account: AccountReference
    let group: GroupID
    let body = (0..<5_000).map { UInt8(truncatingIfNeeded: $0) }
    let service: NodeService
    let callBudget = CallBudget(maximumBytes: 1 << 20)
    let readBudget: ReadBudget
    private let store = MemoryStateStore()
    private let index = NIOLockedValueBox(LogIndex.zero)
    private let failed: NIOLockedValueBox<[String]>
    private let pool = NIOThreadPool(numberOfThreads: 1)

    static let bodyID = BodyID(high: 1, low: 2)

    init(maximumWaitingPasswords: Int = 4, maximumReads: Int = 1_000) throws {
        readBudget = ReadBudget(maximum: maximumReads)
        let failed = NIOLockedValueBox<[String]>([])
        self.failed = failed
        pool.start()
        address = try #require(AccountAddress("anna@example.org"))
        let founding = Directory.Founding(clusterID: 1, mailGroups: 8, founders: [])
        group = founding.group(of: address.slot)
        account = AccountReference(id: AccountID(UInt64(group.rawValue) << 32 | 1), slot: address.slot)
        service = NodeService(
            inboxes: inboxes,
            reader: MailReader(store: store),
            watchers: watchers,
            clock: FixedClock(),
            directory: PublishedDirectory(Directory(founded: founding)),
            blocking: blocking,
            stateReads: stateReads,
            passwords: PasswordPool(
                pool: pool,
                maximumWaiting: maximumWaitingPasswords,
                clock: FixedClock(),
                lifeMilliseconds: 0
            ),
            callBudget: callBudget,
            readBudget: readBudget,
            callMilliseconds: 500,
            failed: { error in failed.withLockedValue { $0.append("\(error)") } }
        )
        let message = NewMessage(
            bodyID: Self.bodyID,
            internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
            sizeBytes: UInt64(body.count),
            summary: ByteBuffer(),
            body: .inline(ByteBuffer(bytes: body))
        )
        let credential = PasswordPoolTests.credential
        try perform(
            .createAccount(address: address, credential: credential, quotaBytes: 0, mailboxes: []),
            account: AccountID(0)
        )
        try perform(.deliver(message, id: nil))
    }

    deinit { pool.shutdownGracefully { _ in } }

    private struct FixedClock: NodeClock {
        func monotonicMilliseconds() -> Int64 { 10_000 }
        func now() -> Timestamp { Timestamp(milliseconds: 1_700_000_000_000) }
    }

    // MARK: The state

    func perform(_ command: MailCommand) throws { try perform(command, account: account.id) }

    private func perform(_ command: MailCommand, account: AccountID) throws {
        let index = index.withLockedValue { index in
            index = index.next
            return index
        }
        let envelope = CommandEnvelope(
            request: RequestID(session: 1, sequence: index.rawValue),
            settledBelow: 0,
            timestamp: Timestamp(milliseconds: 1),
            account: account,
            command: command
        )
        let applier = MailApplier(store: store)
        _ = try applier.open(group)
        let outcome = try applier.apply(group: group, index: index, term: Term(1), payload: envelope.encoded()).1
        if case .refused(let refusal) = outcome { Issue.record("\(command) was refused: \(refusal)") }
        try applier.commit()
    }

    func spoil(_ key: [UInt8], _ value: [UInt8]) throws {
        let batch = store.makeBatch()
        batch.put(key, value)
        try store.write(batch)
    }

    var chunk: BodyChunk { BodyChunk(account: account.id, body: Self.bodyID, index: 0) }

    /// One bit of the body is another one.
    func spoilBody() throws {
        let key = MailReader.chunkKey(group, chunk).bytes
        var value = Array(try #require(try store.get(key)).readableBytesView)
        value[100] ^= 1
        try spoil(key, value)
    }

    func bodyQuery(_ offset: UInt64, _ maximumBytes: Int) -> MailQuery {
        .body(Self.bodyID, offset: offset, maximumBytes: maximumBytes)
    }

    // MARK: What reaches the loop

    /// What the service has put into the inboxes of the loops, each of which gets what is for its groups alone.
    func takeInputs() -> [LoopInput] {
        inboxes.loops.enumerated().flatMap { lane, inbox in
            let inputs = inbox.drain()
            for input in inputs {
                switch input {
                case .submit(let call): #expect(inboxes.loop(of: call.group) == lane)
                case .read(let call): #expect(inboxes.loop(of: call.group) == lane)
                default: break
                }
            }
            return inputs
        }
    }

    func takeCalls() -> [ClientCall] {
        takeInputs().compactMap { if case .submit(let call) = $0 { call } else { nil } }
    }

    func takeReads() -> [ReadCall] { takeInputs().compactMap { if case .read(let call) = $0 { call } else { nil } } }

    typealias Fetch = (chunk: BodyChunk, group: GroupID, completion: @Sendable (ByteBuffer?) -> Void)

    func takeFetches() -> [Fetch] {
        takeInputs().compactMap { input in
            guard case .bodies(.fetch(let chunk, let group, let completion)) = input else { return nil }
            return (chunk, group, completion)
        }
    }

    /// The next call, which another task is about to make.
    func nextCall() async -> ClientCall {
        while true {
            if let call = takeCalls().first { return call }
            await Task.yield()
        }
    }

    /// - Parameter isAsked: whether the account is to be looked for, which the loop lets through at once.
    func authenticate(_ name: String, _ password: String, isAsked: Bool) async throws -> AuthenticationResult {
        let future = service.authenticate(
            LoginAttempt(name: ByteBuffer(string: name), password: ByteBuffer(string: password), origin: nil),
            on: loop
        )
        let reads = takeReads()
        #expect(reads.count == (isAsked ? 1 : 0))
        for read in reads { read.read()() }
        return try await future.get()
    }

    var failures: [String] { failed.withLockedValue { $0 } }
}

/// Runs what may block at once, or when the test lets it go.
final class HeldBlocking: BlockingWork {
    private struct State {
        var isHolding = false
        var held: [@Sendable () -> Void] = []
    }

    private let state = NIOLockedValueBox(State())

    /// How much work is held.
    var waiting: Int { state.withLockedValue { $0.held.count } }

    func hold() { state.withLockedValue { $0.isHolding = true } }

    func letGo() {
        let held = state.withLockedValue { state in
            defer { state = State() }
            return state.held
        }
        for work in held { work() }
    }

    func run(_ work: @escaping @Sendable () -> Void) {
        let isHeld = state.withLockedValue { state in
            if state.isHolding { state.held.append(work) }
            return state.isHolding
        }
        if !isHeld { work() }
    }
}
