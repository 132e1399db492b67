/// Why the disk did not do what was asked.
public struct DiskError: Error, Sendable, CustomStringConvertible {
    /// What callers act upon.
    public enum Kind: Hashable, Sendable {
        case inputOutput, noSpace, notFound, alreadyExists
    }

    /// What went wrong, for programs.
    public let kind: Kind
    /// What went wrong, for people: the system call and its error.
    public let message: String
    /// The file or directory that was worked on.
    public let path: String

    public init(kind: Kind, message: String, path: String) {
        self.kind = kind
        self.message = message
        self.path = path
    }

    public var description: String { "\(path): \(message)" }
}
