/// A stored, salted, memory-hard password hash in the encoding of the module Authentication. Never printed.
public struct CredentialHash: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// No hash is longer.
    public static let maximumBytes = 512
    /// The encoded hash, salt and cost.
    public let bytes: [UInt8]
    public init(bytes: [UInt8]) { self.bytes = bytes }
    public var description: String { "<credential>" }
    public var debugDescription: String { "<credential>" }
}
