internal import Authentication
package import MailModel
internal import NIOConcurrencyHelpers
package import NIOCore
internal import NIOPosix

/// Verifies passwords, in its own time.
package protocol PasswordChecker: Sendable {
    /// - Parameter credential: nil for an account that does not exist: as much work is done, so that the time taken
    ///   does not tell.
    /// - Returns: nil when too many checks are waiting.
    func verify(
        _ password: ByteBuffer,
        against credential: CredentialHash?,
        on loop: any EventLoop
    ) -> EventLoopFuture<Bool?>
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

    func verify(
        _ password: ByteBuffer,
        against credential: CredentialHash?,
        on loop: any EventLoop
    ) -> EventLoopFuture<Bool?> {
        let isAdmitted = waiting.withLockedValue { waiting in
            guard waiting < maximumWaiting else { return false }
            waiting += 1
            return true
        }
        guard isAdmitted else { return loop.makeSucceededFuture(nil) }
        return pool.runIfActive(eventLoop: loop) {
            defer { self.waiting.withLockedValue { $0 -= 1 } }
            let password = Array(password.readableBytesView)
            guard let credential else {
                _ = PasswordHash.decoy.verify(password)
                return false
            }
            return PasswordHash(encoded: credential.bytes)?.verify(password) ?? false
        }
    }
}
