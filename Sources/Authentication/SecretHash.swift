internal import Crypto

/// A hash of secrets that are random and long, so that nobody can guess them: one round is enough. Not for passwords.
public enum SecretHash {
    /// SHA-256 of the bytes, 32 bytes.
    public static func sha256(_ secret: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: secret)) }
}
