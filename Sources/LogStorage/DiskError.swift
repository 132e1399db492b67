/// Why the disk did not do what was asked.
public struct DiskError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        case inputOutput, noSpace, notFound, alreadyExists
    }

    public let kind: Kind
    public let message: String
    public let path: String

    public init(kind: Kind, message: String, path: String) {
        self.kind = kind
        self.message = message
        self.path = path
    }

    public var description: String { "\(path): \(message)" }
}
