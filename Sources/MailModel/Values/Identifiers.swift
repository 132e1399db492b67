/// An account, for ever: the group that created it in the upper half, a counter of that group in the lower.
/// The ID stays when the account moves to another group, and is never given again.
public struct AccountID: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    public static func < (a: AccountID, b: AccountID) -> Bool { a.rawValue < b.rawValue }
}

/// A mailbox of one account; given in rising order and never again.
public struct MailboxID: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }
    public static func < (a: MailboxID, b: MailboxID) -> Bool { a.rawValue < b.rawValue }
}

/// Where the messages of a mailbox are kept: what their rows' keys begin with. Taken from the same counter as mailbox
/// IDs, and the same as the mailbox's until INBOX is renamed, which hands its messages over as a whole.
public struct ContentsID: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }
    public static func < (a: ContentsID, b: ContentsID) -> Bool { a.rawValue < b.rawValue }
    /// No mailbox's: stands for all that a deleted account has left.
    public static let wholeAccount = ContentsID(0)
}

/// A message's unique identifier within a mailbox (RFC 3501, section 2.3.1.1); 1 to 2³²−1.
public struct UID: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }
    public static func < (a: UID, b: UID) -> Bool { a.rawValue < b.rawValue }
}

/// A modification sequence (RFC 7162); at most 2⁶³−1.
public struct ModSeq: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    public static func < (a: ModSeq, b: ModSeq) -> Bool { a.rawValue < b.rawValue }
    /// Before every change.
    public static let zero = ModSeq(0)
    /// The highest that RFC 7162 allows.
    public static let maximum = ModSeq(UInt64(Int64.max))
    /// The sequence of the change after this one.
    public var next: ModSeq { ModSeq(rawValue + 1) }
}

/// Names a message body. Chosen by the gateway that took the message in: milliseconds since 1970 in the upper 48 bits
/// of `high` (so that bodies lie in order of arrival), random bits elsewhere.
public struct BodyID: Hashable, Comparable, Sendable {
    /// The upper 64 bits, which order the bodies.
    public let high: UInt64
    /// The lower 64 bits.
    public let low: UInt64
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
    /// A new name from a clock (milliseconds since 1970) and 80 random bits: 16 of `random`, all of `moreRandom`.
    public init(milliseconds: Int64, random: UInt64, _ moreRandom: UInt64) {
        self.init(high: UInt64(bitPattern: milliseconds) << 16 | (random & 0xffff), low: moreRandom)
    }
    public static func < (a: BodyID, b: BodyID) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

/// Names one client call for ever, so that asking again has no second effect. A session is one run of one node.
public struct RequestID: Hashable, Sendable {
    /// The run of a node that asks.
    public let session: UInt64
    /// Rises by one with each request of the session.
    public let sequence: UInt64
    public init(session: UInt64, sequence: UInt64) {
        self.session = session
        self.sequence = sequence
    }
}

/// The identity of a delivery by an MTA: the same sender, recipient and bytes give the same ID.
public struct DeliveryID: Hashable, Sendable {
    /// The upper 64 bits.
    public let high: UInt64
    /// The lower 64 bits.
    public let low: UInt64
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// Milliseconds since 1970, UTC. In commands it is the proposer's clock; apply never reads a clock.
public struct Timestamp: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(milliseconds: Int64) { self.rawValue = milliseconds }
    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.rawValue < b.rawValue }
}

/// When a message counts as received, with the zone it was given in (RFC 3501: INTERNALDATE keeps its offset).
public struct InternalDate: Hashable, Sendable {
    /// Seconds since 1970, UTC.
    public let seconds: Int64
    /// Offset of the zone from UTC, in minutes.
    public let zoneMinutes: Int16
    public init(seconds: Int64, zoneMinutes: Int16) {
        self.seconds = seconds
        self.zoneMinutes = zoneMinutes
    }
}
