internal import MailModel
internal import NIOCore
internal import NodeRuntime

/// Passwords of simulated accounts: the credential is the password itself, since a simulation has no time for hashes.
struct SimPasswords: PasswordChecker {
    /// Every account's.
    static let password = "pass"

    static var credential: CredentialHash { CredentialHash(bytes: Array(password.utf8)) }

    func verify(_ password: ByteBuffer, against credential: CredentialHash?, _ completion: Completion<Bool>) {
        let isRight = credential.map { $0.bytes.elementsEqual(password.readableBytesView) } ?? false
        completion.finish(.success(isRight))
    }
}
