/// The public half of a token: by it admins name the token, and it is found.
public struct JoinTokenID: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static func < (a: JoinTokenID, b: JoinTokenID) -> Bool { a.rawValue < b.rawValue }
}

/// What lets a node join, as the directory keeps it: the secret itself is known to its holder only.
public struct JoinToken: Hashable, Sendable {
    /// By which the token is named.
    public let id: JoinTokenID
    /// SHA-256 of the secret, 32 bytes.
    public let secretHash: [UInt8]
    /// From then on the token lets nobody in.
    public let expires: Timestamp
    /// How many nodes the token still lets in.
    public var uses: UInt32

    public init(id: JoinTokenID, secretHash: [UInt8], expires: Timestamp, uses: UInt32) {
        self.id = id
        self.secretHash = secretHash
        self.expires = expires
        self.uses = uses
    }

    /// How many bytes a hash of a secret has.
    public static let hashBytes = 32
    /// How many tokens there can be at once.
    public static let maximumCount = 1_000
}

/// What a node that wants to join has shown.
public struct JoinTokenProof: Hashable, Sendable {
    /// The token that it names.
    public let id: JoinTokenID
    /// SHA-256 of the secret that it gave, 32 bytes.
    public let secretHash: [UInt8]

    public init(id: JoinTokenID, secretHash: [UInt8]) {
        self.id = id
        self.secretHash = secretHash
    }
}
