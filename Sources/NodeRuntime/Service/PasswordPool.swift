internal import Authentication
package import MailModel
internal import NIOConcurrencyHelpers
package import NIOCore
internal import NIOPosix

/// Verifies passwords, in its own time.
package protocol PasswordChecker: Sendable {
    /// Tells whether a password is an account's; fails with `busy` when too many checks are waiting.
    ///
    /// - Parameter credential: nil for an account that does not exist: as much work is done, so that the time taken
    ///   does not tell.
    func verify(_ password: ByteBuffer, against credential: CredentialHash?, _ completion: Completion<Bool>)
}

/// Verifies passwords off the event loops: a memory-hard hash takes tens of milliseconds and as many megabytes.
final class PasswordPool: PasswordChecker {
    private let pool: NIOThreadPool
    private let maximumWaiting: Int
    private let waiting = NIOLockedValueBox(0)

    init(pool: NIOThreadPool, maximumWaiting: Int) {
        self.pool = pool
        self.maximumWaiting = maximumWaiting
    }

    func verify(_ password: ByteBuffer, against credential: CredentialHash?, _ completion: Completion<Bool>) {
        let isAdmitted = waiting.withLockedValue { waiting in
            guard waiting < maximumWaiting else { return false }
            waiting += 1
            return true
        }
        guard isAdmitted else { return completion.finish(.failure(.busy)) }
        pool.submit { state in
            // Room is made before the answer goes out: whoever hears it may ask again at once.
            let isRight = state == .active ? Self.isRight(password, credential) : nil
            self.waiting.withLockedValue { $0 -= 1 }
            completion.finish(isRight.map { .success($0) } ?? .failure(.stopping))
        }
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
