internal import Crypto
internal import CryptoExtras

/// A salted scrypt hash of a password (RFC 7914), in the usual text form
/// `$scrypt$ln=14,r=8,p=1$salt$hash` with salt and hash in Base64 without padding.
public struct PasswordHash: Sendable, CustomStringConvertible {
    /// The cost of a hash: 128 · r · 2^logN bytes of memory.
    public struct Cost: Hashable, Sendable {
        /// The logarithm to base 2 of scrypt's cost N.
        public let logN: Int
        /// scrypt's block size.
        public let r: Int
        /// scrypt's parallelism.
        public let p: Int
        public init(logN: Int, r: Int, p: Int) {
            self.logN = logN
            self.r = r
            self.p = p
        }
        /// 16 MiB and some 50 ms: what OWASP names as a floor for interactive logins at p = 5 is more than a mail
        /// client that opens ten connections should cost; this is its equal in memory.
        public static let standard = Cost(logN: 14, r: 8, p: 1)
    }

    /// No longer password is hashed: a bound on what an attempt to log in costs.
    public static let maximumPasswordBytes = 1_024
    private static let saltBytes = 16
    private static let hashBytes = 32

    private let cost: Cost
    private let salt: [UInt8]
    private let hash: [UInt8]

    public var description: String { "<password hash>" }

    /// Something to verify against where there is no account: takes the same time, and is never right.
    public static let decoy = PasswordHash(
        cost: .standard,
        salt: [UInt8](repeating: 0, count: saltBytes),
        hash: [UInt8](repeating: 0, count: hashBytes)
    )

    private init(cost: Cost, salt: [UInt8], hash: [UInt8]) {
        self.cost = cost
        self.salt = salt
        self.hash = hash
    }

    /// Hashes a password with a new salt. Takes a while: not on an event loop.
    ///
    /// - Returns: nil when the password is empty or too long.
    public init?(hashing password: [UInt8], cost: Cost = .standard) {
        guard !password.isEmpty, password.count <= Self.maximumPasswordBytes else { return nil }
        var random = SystemRandomNumberGenerator()
        let salt = (0..<Self.saltBytes).map { _ in UInt8.random(in: 0...255, using: &random) }
        guard let hash = Self.deriveHash(of: password, salt: salt, cost: cost) else { return nil }
        self.init(cost: cost, salt: salt, hash: hash)
    }

    /// Whether the password is the one that was hashed. Takes a while: not on an event loop.
    public func verify(_ password: [UInt8]) -> Bool {
        guard password.count <= Self.maximumPasswordBytes,
            let other = Self.deriveHash(of: password, salt: salt, cost: cost)
        else {
            return false
        }
        // Every byte is compared, wherever the first difference is.
        var difference: UInt8 = 0
        for (a, b) in zip(hash, other) { difference |= a ^ b }
        return difference == 0 && hash.count == other.count && self.hash.contains { $0 != 0 }
    }

    private static func deriveHash(of password: [UInt8], salt: [UInt8], cost: Cost) -> [UInt8]? {
        let key = try? KDF.Scrypt.deriveKey(
            from: password,
            salt: salt,
            outputByteCount: hashBytes,
            rounds: 1 << cost.logN,
            blockSize: cost.r,
            parallelism: cost.p
        )
        return key?.withUnsafeBytes { Array($0) }
    }

    // MARK: The text form

    /// The hash in its text form, in ASCII.
    public var encoded: [UInt8] {
        let head = "$scrypt$ln=\(cost.logN),r=\(cost.r),p=\(cost.p)$"
        return Array(head.utf8) + Base64NoPadding.encode(salt) + [UInt8(ascii: "$")] + Base64NoPadding.encode(hash)
    }

    /// Nil when the text is not such a hash, or claims a cost beyond reason.
    public init?(encoded: [UInt8]) {
        let parts = encoded.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1].elementsEqual("scrypt".utf8) else { return nil }
        var numbers: [Int] = []
        for (part, name) in zip(parts[2].split(separator: UInt8(ascii: ",")), ["ln=", "r=", "p="]) {
            guard part.starts(with: name.utf8),
                let number = Int(String(decoding: part.dropFirst(name.utf8.count), as: UTF8.self))
            else { return nil }
            numbers.append(number)
        }
        guard numbers.count == 3, (10...20).contains(numbers[0]), (1...32).contains(numbers[1]),
            (1...16).contains(numbers[2]), let salt = Base64NoPadding.decode(parts[3]),
            let hash = Base64NoPadding.decode(parts[4]), salt.count >= 8, hash.count == Self.hashBytes
        else { return nil }
        self.init(cost: Cost(logN: numbers[0], r: numbers[1], p: numbers[2]), salt: salt, hash: hash)
    }
}

/// Base64 (RFC 4648) without `=`.
enum Base64NoPadding {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count)) & 63])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count)) & 63]) }
        return text
    }

    /// - Returns: nil when the text is not base64 as ``encode(_:)`` writes it: with a letter too many, or stray bits.
    static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for character in text {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        guard count < 6, bits & (1 << UInt32(count) - 1) == 0 else { return nil }
        return bytes
    }
}
