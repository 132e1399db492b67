import MailModel
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import NodeRuntime

/// Password checks, off the event loops and bounded.
@Suite(.timeLimit(.minutes(5))) struct PasswordPoolTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    /// Of the password `right`, at the lowest cost there is (made with another program).
    static let credential = CredentialHash(
        bytes: Array("$scrypt$ln=10,r=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$Qv/Xd0qY4J1lMimfcRKhXwXNhL5gy+mSlwTzI64kxIo".utf8)
    )

    static func withPool(_ body: (NIOThreadPool) async throws -> Void) async throws {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        do {
            try await body(pool)
        } catch {
            try await pool.shutdownGracefully()
            throw error
        }
        try await pool.shutdownGracefully()
    }

    /// Keeps the pool's thread until it is opened.
    private final class Gate: Sendable {
        private let lock = ConditionLock(value: false)
        func keep(_ pool: NIOThreadPool) async {
            await withCheckedContinuation { continuation in
                pool.submit { _ in
                    continuation.resume()
                    self.lock.lock(whenValue: true)
                    self.lock.unlock()
                }
            }
        }
        func open() {
            lock.lock()
            lock.unlock(withValue: true)
        }
    }

    @Test(
        arguments: [
            ("right", credential, true), ("wrong", credential, false), ("", credential, false),
            ("Right", credential, false),
            ("right", nil, false), ("", nil, false),
            ("right", CredentialHash(bytes: []), false),
            ("right", CredentialHash(bytes: Array("right".utf8)), false),
        ] as [(String, CredentialHash?, Bool)]
    )
    func `a password is right or not`(_ password: String, _ credential: CredentialHash?, _ isRight: Bool) async throws {
        try await Self.withPool { pool async throws in
            let passwords = PasswordPool(pool: pool, maximumWaiting: 1)
            let result = passwords.verify(password, against: credential, on: loop)
            #expect(try await result.get() == isRight)
        }
    }

    @Test func `more than may wait are turned away, and room comes back`() async throws {
        try await Self.withPool { pool async throws in
            let passwords = PasswordPool(pool: pool, maximumWaiting: 2)
            func verify(_ text: String) -> EventLoopFuture<Bool?> {
                passwords.verify(text, against: Self.credential, on: loop)
            }
            let gate = Gate()
            await gate.keep(pool)
            let (first, second) = (verify("right"), verify("wrong"))
            // Told while the thread is held: nobody waits to be turned away.
            #expect(try await verify("other").get() == nil)
            #expect(try await verify("another").get() == nil)
            gate.open()
            #expect(try await first.get() == true)
            #expect(try await second.get() == false)
            for _ in 0..<5 { #expect(try await verify("right").get() == true) }
        }
    }

    @Test func `who asks for the same waits for the same answer, up to a bound`() async throws {
        try await Self.withPool { pool async throws in
            let passwords = PasswordPool(pool: pool, maximumWaiting: 2)
            let gate = Gate()
            await gate.keep(pool)
            let same = (0..<3).map { _ in passwords.verify("right", against: Self.credential, on: loop) }
            #expect(try await passwords.verify("right", against: Self.credential, on: loop).get() == nil)
            let wrong = passwords.verify("wrong", against: Self.credential, on: loop)
            gate.open()
            for future in same { #expect(try await future.get() == true) }
            #expect(try await wrong.get() == false)
        }
    }

    @Test func `what was right is known at once, for its credential, and for its time`() async throws {
        try await Self.withPool { pool async throws in
            let clock = SetClock()
            let passwords = PasswordPool(pool: pool, maximumWaiting: 2, clock: clock, lifeMilliseconds: 1_000)
            #expect(try await passwords.verify("right", against: Self.credential, on: loop).get() == true)
            #expect(try await passwords.verify("wrong", against: Self.credential, on: loop).get() == false)
            let gate = Gate()
            await gate.keep(pool)
            // With the only thread held, only what is known is answered.
            #expect(try await passwords.verify("right", against: Self.credential, on: loop).get() == true)
            let others = [
                passwords.verify("wrong", against: Self.credential, on: loop),
                // The same password under another salt, and under none.
                passwords.verify("right", against: CredentialHash(bytes: Self.credential.bytes + [0]), on: loop),
            ]
            #expect(try await passwords.verify("right", against: nil, on: loop).get() == nil)
            gate.open()
            for other in others { #expect(try await other.get() == false) }
            clock.advance(1_000)
            let second = Gate()
            await second.keep(pool)
            let late = passwords.verify("right", against: Self.credential, on: loop)
            let isKnown = NIOLockedValueBox(false)
            late.whenComplete { _ in isKnown.withLockedValue { $0 = true } }
            try await loop.submit {}.get()
            #expect(!isKnown.withLockedValue { $0 })
            second.open()
            #expect(try await late.get() == true)
        }
    }

    private final class SetClock: NodeClock {
        private let milliseconds = NIOLockedValueBox<Int64>(5_000)
        func monotonicMilliseconds() -> Int64 { milliseconds.withLockedValue { $0 } }
        func now() -> Timestamp { Timestamp(milliseconds: 0) }
        func advance(_ by: Int64) { milliseconds.withLockedValue { $0 += by } }
    }

    @Test func `the answer comes on the loop that asked`() async throws {
        try await Self.withPool { pool async throws in
            let passwords = PasswordPool(pool: pool, maximumWaiting: 1)
            let loop = loop
            let isThere = passwords.verify("right", against: Self.credential, on: loop)
                .map { _ in loop.inEventLoop }
            #expect(try await isThere.get())
        }
    }
}

extension PasswordPool {
    /// Without a memory of what was right.
    fileprivate convenience init(pool: NIOThreadPool, maximumWaiting: Int) {
        self.init(pool: pool, maximumWaiting: maximumWaiting, clock: SystemClock(), lifeMilliseconds: 0)
    }

    /// - Returns: nil when too many checks are waiting.
    fileprivate func verify(
        _ password: String,
        against credential: CredentialHash?,
        on loop: any EventLoop
    ) -> EventLoopFuture<Bool?> {
        let promise = loop.makePromise(of: Bool?.self)
        let completion = Completion<Bool>(on: loop) { result in
            switch result {
            case .success(let isRight): promise.succeed(isRight)
            case .failure(.busy): promise.succeed(nil)
            case .failure(let failure): promise.fail(failure)
            }
        }
        let check = PasswordCheck(
            password: ByteBuffer(string: password),
            credential: credential,
            account: "anna",
            origin: ClientAddress("192.0.2.1")
        )
        verify(check, completion)
        return promise.futureResult
    }
}
