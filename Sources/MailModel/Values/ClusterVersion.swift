/// The version of all that the nodes of a cluster write: log, rows, messages to each other. It rises by one, for all of
/// them, when the programs of all know the next (`Docs/decisions/0011-cluster-version.md`): no node ever meets what it
/// cannot read.
public struct ClusterVersion: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The version of the first program.
    public static let first = ClusterVersion(rawValue: 1)

    /// Nil behind the last that can be written.
    public var next: ClusterVersion? { rawValue == .max ? nil : ClusterVersion(rawValue: rawValue + 1) }

    public static func < (a: ClusterVersion, b: ClusterVersion) -> Bool { a.rawValue < b.rawValue }
}

/// The cluster versions in which a program can take part: its own and the one before, so that nodes are replaced one
/// after the other.
public struct KnownVersions: Hashable, Sendable {
    /// The lowest of them.
    public let oldest: ClusterVersion
    /// The highest of them.
    public let newest: ClusterVersion

    /// All versions from `oldest` to `newest`, which is not below.
    public init(_ oldest: ClusterVersion, _ newest: ClusterVersion) {
        precondition(oldest <= newest, "a program knows a version")
        self.oldest = oldest
        self.newest = newest
    }

    /// Of this program.
    public static let current = KnownVersions(.first, .first)

    /// Whether a program that knows these can take part in a cluster of that version.
    public func contains(_ version: ClusterVersion) -> Bool { oldest <= version && version <= newest }
}
