public import Consensus

/// Names one verification of a group; never used again.
public struct VerificationID: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// What the replicas of a group say to each other to find out whether they hold the same.
public enum VerificationMessage: Hashable, Sendable {
    /// "Note your digest at this index, and tell me." Asked again until there is nothing more to tell.
    case ask(VerificationAsk)
    case answer(VerificationID, ReplicaID, VerificationStatus)
    /// "What is the digest of these rows, at the index that was noted?"
    case rangeAsk(VerificationID, ReplicaID, sequence: UInt32, RangeQuery)
    /// Nil: what was noted is no longer kept.
    case rangeAnswer(VerificationID, ReplicaID, sequence: UInt32, RangeDigest?)
    case verdict(VerificationID, ReplicaID, ReplicaVerdict)
}

/// The question that begins a verification at a replica.
public struct VerificationAsk: Hashable, Sendable {
    /// Names the verification.
    public let id: VerificationID
    /// The replica that is asked. A later replica on the same node does not answer.
    public let replica: ReplicaID
    /// The digest is that of the state with all entries up to here, and none behind.
    public let index: LogIndex
    /// Whether the digest is also to be computed from the rows.
    public let isScrub: Bool

    public init(id: VerificationID, replica: ReplicaID, index: LogIndex, isScrub: Bool) {
        self.id = id
        self.replica = replica
        self.index = index
        self.isScrub = isScrub
    }
}

/// How far a replica has come.
public enum VerificationStatus: Hashable, Sendable {
    /// The index is not applied yet.
    case waiting
    /// The replica is past the index, has no state now, or has too much to keep already.
    case unavailable
    case digest(UInt64, ScrubStatus)
    /// The replica has given its state up.
    case givenUp
}

/// What a replica found when it computed its digest from its rows.
public enum ScrubStatus: Hashable, Sendable {
    /// No scrub was asked for.
    case none
    case running(bytes: UInt64)
    case intact
    /// The rows have another digest than was kept with every change.
    case harmed(sum: UInt64)
    /// The bytes of a body are not those that its row names. The key is without the group.
    case harmedBody(key: [UInt8])
    /// The scrub took too long, or the rows could not be read.
    case unfinished

    /// Whether the replica's own rows bear witness against it.
    public var isHarmed: Bool {
        switch self {
        case .harmed, .harmedBody: true
        case .none, .running, .intact, .unfinished: false
        }
    }

    var isRunning: Bool {
        switch self {
        case .running: true
        case .none, .intact, .harmed, .harmedBody, .unfinished: false
        }
    }
}

/// What a replica is told in the end.
public enum ReplicaVerdict: Hashable, Sendable {
    /// The replica holds what the majority holds.
    case agrees
    /// Replicas differ, and no majority says who is right: this replica's state must not be copied.
    case suspect
    /// The replica is to give its state up: a majority has this digest.
    case condemned(digest: UInt64)
}

/// A run of rows in the order of their keys, which are without the group.
public struct RangeQuery: Hashable, Sendable {
    /// Begins behind this key; empty: with the first one.
    public let after: [UInt8]
    /// Ends with this key; nil: with the last one.
    public let through: [UInt8]?
    /// No more rows than that are summed up in one answer.
    public let maximumRows: UInt32
    /// No more bytes of keys and values than that are read for one answer.
    public let maximumBytes: UInt32

    public init(after: [UInt8], through: [UInt8]?, maximumRows: UInt32, maximumBytes: UInt32) {
        self.after = after
        self.through = through
        self.maximumRows = maximumRows
        self.maximumBytes = maximumBytes
    }
}

/// The digest of a run of rows.
public struct RangeDigest: Hashable, Sendable {
    /// How many rows there are in the run.
    public let count: UInt32
    /// The sum of the digests of its rows, modulo 2^64.
    public let sum: UInt64
    /// The last key; empty when there is no row.
    public let last: [UInt8]
    /// Whether these are all rows that were asked for: no limit came in between.
    public let isComplete: Bool

    public init(count: UInt32, sum: UInt64, last: [UInt8], isComplete: Bool) {
        self.count = count
        self.sum = sum
        self.last = last
        self.isComplete = isComplete
    }
}
