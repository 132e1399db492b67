public import Consensus

/// Why the log could not do what was asked.
public struct LogError: Error, Sendable, CustomStringConvertible {
    /// What callers act upon.
    public enum Kind: Hashable, Sendable {
        /// The disk refused. After a failed write or sync the log refuses everything.
        case inputOutput
        case noSpace
        /// What the disk returned is not what was written.
        case damaged
        /// The log was written by a version that this one does not know, or for another node.
        case unsupported
        /// The entries asked for are gone: a snapshot covers them.
        case compacted
        /// The log does not reach that far.
        case beyondEnd
        case unknownGroup
        /// An entry or round is larger than the format allows. Nothing was written.
        case tooLarge
    }

    /// What went wrong, for programs.
    public let kind: Kind
    /// What went wrong, for people.
    public let message: String
    /// The file, where there is one to blame.
    public let path: String?
    /// Where in the file.
    public let offset: Int?
    /// The group whose log is concerned; nil where all are.
    public let group: GroupID?

    public init(_ kind: Kind, _ message: String, path: String? = nil, offset: Int? = nil, group: GroupID? = nil) {
        self.kind = kind
        self.message = message
        self.path = path
        self.offset = offset
        self.group = group
    }

    init(_ error: DiskError) {
        let kind: Kind = error.kind == .noSpace ? .noSpace : .inputOutput
        self.init(kind, error.message, path: error.path)
    }

    public var description: String {
        var text = "log: \(kind): \(message)"
        if let path { text += " in \(path)" }
        if let offset { text += " at \(offset)" }
        if let group { text += " (group \(group.rawValue))" }
        return text
    }
}

/// Turns what the disk throws into the log's error.
func onDisk<Result>(_ body: () throws(DiskError) -> Result) throws(LogError) -> Result {
    do throws(DiskError) { return try body() } catch { throw LogError(error) }
}
