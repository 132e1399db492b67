internal import Crypto

/// Stands for a password that was found to be right for a stored credential, without telling either: a keyed hash of
/// both. Another credential gives another tag, so a password that was changed is not recognised any more.
public struct PasswordTag: Hashable, Sendable, CustomStringConvertible {
    private let bytes: [UInt8]

    public var description: String { "<password tag>" }

    /// The key of all tags of one process, made at random and kept in memory only: tags mean nothing elsewhere.
    public struct Key: Sendable, CustomStringConvertible {
        private let key = SymmetricKey(size: .bits256)

        public var description: String { "<key of password tags>" }

        public init() {}

        /// The tag of a password and a credential: HMAC with SHA-256 over the credential behind its length, and the
        /// password.
        public func tag(of password: [UInt8], for credential: [UInt8]) -> PasswordTag {
            var hash = HMAC<SHA256>(key: key)
            var length = UInt64(credential.count)
            hash.update(
                data: (0..<8).map { _ in
                    defer { length >>= 8 }
                    return UInt8(truncatingIfNeeded: length)
                }
            )
            hash.update(data: credential)
            hash.update(data: password)
            return PasswordTag(bytes: Array(hash.finalize()))
        }
    }
}
