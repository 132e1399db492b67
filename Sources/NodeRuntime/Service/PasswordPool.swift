internal import Authentication
package import MailModel
internal import NIOConcurrencyHelpers
package import NIOCore
internal import NIOPosix

/// A password that is to be verified.
package struct PasswordCheck: Sendable {
    /// What the client has sent.
    package let password: ByteBuffer
    /// What it is held against; nil for an account that does not exist: as much work is done, so that the time taken
    /// does not tell.
    package let credential: CredentialHash?
    /// Whose it is to be: checks of one account have few places.
    package let account: String
    /// Whom the client counts as: checks of all addresses are done in turn.
    package let origin: ClientAddress?

    package init(password: ByteBuffer, credential: CredentialHash?, account: String, origin: ClientAddress?) {
        self.password = password
        self.credential = credential
        self.account = account
        self.origin = origin
    }
}

/// Verifies passwords, in its own time.
package protocol PasswordChecker: Sendable {
    /// Tells whether a password is an account's; fails with `busy` when too many checks are waiting.
    func verify(_ check: PasswordCheck, _ completion: Completion<Bool>)
}

/// Verifies passwords off the event loops: a memory-hard hash takes tens of milliseconds and as many megabytes. What
/// was right lately is known at once, and waits for nothing.
final class PasswordPool: PasswordChecker {
    /// A check that waits, with all that ask for the same.
    private struct Waiting: Sendable {
        let check: PasswordCheck
        let tag: PasswordTag
        let completion: Completion<Bool>
    }

    private struct State: Sendable {
        var verified: VerifiedPasswords
        var queue: PasswordQueue<Waiting, ClientAddress?>
        /// Who waits for a check that another one asked for before, by its tag: a client opens several connections at
        /// once, and the hash is computed once for all of them.
        var companions: [PasswordTag: [Completion<Bool>]] = [:]
        /// How many wait so.
        var companionCount = 0
    }

    private let pool: NIOThreadPool
    private let clock: any NodeClock
    private let key = PasswordTag.Key()
    private let maximumWaiting: Int
    private let state: NIOLockedValueBox<State>

    /// - Parameters:
    ///   - maximumWaiting: checks that wait for a thread; and as many again that wait for one of these.
    ///   - lifeMilliseconds: for how long a password is known that was right; 0: each one is hashed.
    init(pool: NIOThreadPool, maximumWaiting: Int, clock: any NodeClock, lifeMilliseconds: Int64) {
        self.pool = pool
        self.clock = clock
        self.maximumWaiting = maximumWaiting
        state = NIOLockedValueBox(
            State(
                verified: VerifiedPasswords(lifeMilliseconds: lifeMilliseconds),
                queue: PasswordQueue(maximum: maximumWaiting)
            )
        )
    }

    private enum Start {
        case isVerified, joined, refused, waits
        case displaces(Waiting)
    }

    func verify(_ check: PasswordCheck, _ completion: Completion<Bool>) {
        // An account that does not exist has tags too, so that nobody learns by asking twice at once which ones do.
        let subject = check.credential?.bytes ?? Array("no account \(check.account)".utf8)
        let tag = key.tag(of: Array(check.password.readableBytesView), for: subject)
        let now = clock.monotonicMilliseconds()
        let start = state.withLockedValue { state -> Start in
            if state.verified.use(tag, now) { return .isVerified }
            if state.companions[tag] != nil {
                guard state.companionCount < maximumWaiting else { return .refused }
                state.companions[tag, default: []].append(completion)
                state.companionCount += 1
                return .joined
            }
            let waiting = Waiting(check: check, tag: tag, completion: completion)
            let admission = state.queue.add(waiting, of: check.account, from: check.origin)
            if case .refused = admission { return .refused }
            state.companions[tag] = []
            if case .displaced(let other) = admission { return .displaces(other) }
            return .waits
        }
        switch start {
        case .isVerified: completion.finish(.success(true))
        case .joined: break
        case .refused: completion.finish(.failure(.busy))
        case .waits: work()
        case .displaces(let other):
            // The thread that was asked for on behalf of the other one finds this one.
            finish(other, .failure(.busy))
        }
    }

    /// Has a thread do one of the checks that wait.
    private func work() {
        pool.submit { state in
            guard let waiting = self.state.withLockedValue({ $0.queue.next() }) else { return }
            guard state == .active else { return self.finish(waiting, .failure(.stopping)) }
            self.finish(waiting, .success(Self.isRight(waiting.check.password, waiting.check.credential)))
        }
    }

    private func finish(_ waiting: Waiting, _ result: Result<Bool, ServiceFailure>) {
        let now = clock.monotonicMilliseconds()
        // Room is made before the answer goes out: whoever hears it may ask again at once.
        let companions = state.withLockedValue { state -> [Completion<Bool>] in
            if case .success(true) = result { state.verified.keep(waiting.tag, now) }
            let companions = state.companions.removeValue(forKey: waiting.tag) ?? []
            state.companionCount -= companions.count
            return companions
        }
        for completion in [waiting.completion] + companions { completion.finish(result) }
    }

    private static func isRight(_ password: ByteBuffer, _ credential: CredentialHash?) -> Bool {
        let password = Array(password.readableBytesView)
        guard let credential else {
            _ = PasswordHash.decoy.verify(password)
            return false
        }
        return PasswordHash(encoded: credential.bytes)?.verify(password) ?? false
    }
}
