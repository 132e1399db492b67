internal import MailModel
internal import NIOCore
internal import NodeRuntime

/// Passwords of simulated accounts: the credential is the password itself, since a simulation has no time for hashes.
struct SimPasswords: PasswordChecker {
    func verify(
        _ password: ByteBuffer,
        against credential: CredentialHash?,
        on loop: any EventLoop
    ) -> EventLoopFuture<Bool?> {
        loop.makeSucceededFuture(credential.map { $0.bytes.elementsEqual(password.readableBytesView) } ?? false)
    }
}
