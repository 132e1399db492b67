/// A Raft term. Terms only rise; term 0 is "before the first election".
public struct Term: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The term of that number.
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    public static func < (a: Term, b: Term) -> Bool { a.rawValue < b.rawValue }
    /// Before the first election.
    public static let zero = Term(0)
    /// No election gets this far. Decoders refuse what is above, so that arithmetic behind them cannot overflow.
    public static let maximum = Term(1 << 62)
    /// The term that a candidate in this one campaigns for.
    public var next: Term { Term(rawValue + 1) }
}

/// A position in one group's Raft log. The first entry has index 1; index 0 is the empty log's "previous entry".
public struct LogIndex: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The index of that number.
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    public static func < (a: LogIndex, b: LogIndex) -> Bool { a.rawValue < b.rawValue }
    /// Before the first entry.
    public static let zero = LogIndex(0)
    /// No log gets this long. Decoders refuse what is above, so that arithmetic behind them cannot overflow.
    public static let maximum = LogIndex(1 << 62)
    /// The index one above.
    public var next: LogIndex { LogIndex(rawValue + 1) }
    /// The index one below; index 0 has none, and asking for it traps.
    public var previous: LogIndex { LogIndex(rawValue - 1) }
    /// The index `distance` entries above, or below where `distance` is negative. A result below 0 traps.
    public static func + (index: LogIndex, distance: Int) -> LogIndex {
        LogIndex(UInt64(Int64(index.rawValue) + Int64(distance)))
    }
    /// How many entries lie between the two: `b - a`.
    public static func - (b: LogIndex, a: LogIndex) -> Int { Int(Int64(b.rawValue) - Int64(a.rawValue)) }
}

/// One Staffetta process with one data directory. Never reused.
public struct NodeID: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The node of that number.
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    public static func < (a: NodeID, b: NodeID) -> Bool { a.rawValue < b.rawValue }
}

/// One Raft group. Group 0 is the directory.
public struct GroupID: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// The group of that number.
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }
    public static func < (a: GroupID, b: GroupID) -> Bool { a.rawValue < b.rawValue }
    /// The group whose state says which nodes, groups and slots there are.
    public static let directory = GroupID(0)
    /// The numbers above are reserved: the state's keys end there.
    public static let maximum = GroupID(UInt32.max - 2)
}

/// One replica of one group. A replica that may have forgotten something comes back under a new ID.
public struct ReplicaID: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The replica of that number.
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    public static func < (a: ReplicaID, b: ReplicaID) -> Bool { a.rawValue < b.rawValue }
}
