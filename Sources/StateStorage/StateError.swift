/// Why the state store could not do what was asked.
///
/// A store whose write or flush failed once is finished: every later write and flush fails with the *first* error.
public struct StateError: Error, Sendable, CustomStringConvertible {
    /// What callers may act upon; the message is for people.
    public enum Kind: Hashable, Sendable {
        /// The operating system refused to read or write.
        case inputOutput
        /// The device is full.
        case noSpace
        /// A checksum did not match, or a file is missing or malformed. The state must not be trusted.
        case corruption
        /// Another process, or another store of this one, holds the directory.
        case inUse
        /// The directory holds a store already, and the settings demanded a new one.
        case alreadyExists
        /// There is no store in the directory, and the settings forbade making one.
        case notFound
        /// This build of RocksDB lacks something the settings ask for.
        case unsupported
        /// Anything else RocksDB refused.
        case other
    }

    /// What went wrong, for programs.
    public let kind: Kind
    /// What went wrong, for people.
    public let message: String
    /// The store's directory; empty for a store in memory.
    public let path: String

    public init(kind: Kind, message: String, path: String) {
        self.kind = kind
        self.message = message
        self.path = path
    }

    public var description: String { "state store \(path): \(kind): \(message)" }
}
