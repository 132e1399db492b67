internal import MailModel
internal import NIOCore
internal import NodeRuntime

/// Passwords of simulated accounts: the credential is the password itself, since a simulation has no time for hashes.
struct SimPasswords: PasswordChecker {
    /// Every account's.
    static let password = "pass"

    static var credential: CredentialHash { CredentialHash(bytes: Array(password.utf8)) }

    func verify(_ check: PasswordCheck, _ completion: Completion<Bool>) {
        let isRight = check.credential.map { $0.bytes.elementsEqual(check.password.readableBytesView) } ?? false
        completion.finish(.success(isRight))
    }
}
