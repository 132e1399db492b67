public import Consensus
internal import MailModel
internal import NIOCore

/// A replica loop of one node and one of another: what one says to the other of groups at rest concerns just those
/// groups that both have. A lane is the place of a loop among those of its node.
public struct Lanes: Hashable, Sendable {
    /// The sender's loop.
    public let from: UInt8
    /// How many loops the sender has.
    public let count: UInt8
    /// The receiver's loop, as far as the sender knows how many the receiver has.
    public let to: UInt8

    /// - Precondition: `from` is less than `count`.
    public init(from: UInt8, of count: UInt8, to: UInt8) {
        precondition(from < count, "a loop is one of those that a node has")
        self.from = from
        self.count = count
        self.to = to
    }

    /// Both nodes have one loop.
    public static let single = Lanes(from: 0, of: 1, to: 0)
}

/// What a replica loop says of all its groups at rest to one of another node, several times a second
/// (`Docs/decisions/0007-quiet-groups.md`).
public struct Beat: Hashable, Sendable {
    /// Between which loops it goes.
    public let lanes: Lanes
    /// Names the sender's run.
    public let session: UInt64
    /// The sender's clock, in ticks since its start: when the beat was sent.
    public let number: UInt64
    /// The groups at rest that the sender leads, with a replica at the receiver that follows.
    public let leading: RestDigest
    /// The newest beat that came from the receiver.
    public let echo: BeatEcho?

    public init(
        lanes: Lanes = .single,
        session: UInt64,
        number: UInt64,
        leading: RestDigest,
        echo: BeatEcho?
    ) {
        self.lanes = lanes
        self.session = session
        self.number = number
        self.leading = leading
        self.echo = echo
    }
}

/// The answer to a beat; travels in the next beat of the other direction.
public struct BeatEcho: Hashable, Sendable {
    /// The run of the node whose beat is answered.
    public let session: UInt64
    /// The number of the beat that is answered.
    public let number: UInt64
    /// Whether, when the beat came, its receiver had exactly the followers at rest that the beat stood for.
    public let agrees: Bool

    public init(session: UInt64, number: UInt64, agrees: Bool) {
        self.session = session
        self.number = number
        self.agrees = agrees
    }
}

/// A set of groups at rest in 12 bytes: equal sets have equal digests, in whatever order their groups came; digests
/// of different sets are equal with a chance of 1 in 2^64.
public struct RestDigest: Hashable, Sendable {
    /// The sum of a hash of each group and its leadership, modulo 2⁶⁴.
    public var sum: UInt64
    /// How many groups the set holds.
    public var count: UInt32

    public init(sum: UInt64 = 0, count: UInt32 = 0) {
        self.sum = sum
        self.count = count
    }
}

/// A group at rest, as its leader has it.
public struct RestingGroup: Hashable, Sendable {
    /// The group at rest.
    public let group: GroupID
    /// The leadership under which it rests.
    public let leadership: Leadership

    public init(group: GroupID, leadership: Leadership) {
        self.group = group
        self.leadership = leadership
    }
}

/// Groups at rest that the sender leads, with a replica at the receiver that is to rest as well.
public struct RestList: Hashable, Sendable {
    /// Between which loops it goes.
    public let lanes: Lanes
    /// The groups, at most ``PeerLimits/maximumRestingGroups``.
    public let groups: [RestingGroup]
    /// The list names all of the sender's groups at rest in this range. Nil: the list only tells what is new.
    public let range: ClosedRange<GroupID>?

    public init(lanes: Lanes = .single, groups: [RestingGroup], range: ClosedRange<GroupID>?) {
        self.lanes = lanes
        self.groups = groups
        self.range = range
    }
}

extension ByteBuffer {
    private mutating func write(_ lanes: Lanes) {
        writeInteger(lanes.from)
        writeInteger(lanes.count)
        writeInteger(lanes.to)
    }

    mutating func write(_ beat: Beat) {
        write(beat.lanes)
        writeInteger(beat.session)
        writeInteger(beat.number)
        writeInteger(beat.leading.sum)
        writeInteger(beat.leading.count)
        writeBool(beat.echo != nil)
        guard let echo = beat.echo else { return }
        writeInteger(echo.session)
        writeInteger(echo.number)
        writeBool(echo.agrees)
    }

    mutating func write(_ list: RestList) {
        write(list.lanes)
        writeBool(list.range != nil)
        if let range = list.range {
            writeInteger(range.lowerBound.rawValue)
            writeInteger(range.upperBound.rawValue)
        }
        writeCount(list.groups.count)
        for resting in list.groups {
            writeInteger(resting.group.rawValue)
            writeInteger(resting.leadership.leader.rawValue)
            writeInteger(resting.leadership.term.rawValue)
            writeInteger(resting.leadership.lastIndex.rawValue)
        }
    }

    mutating func write(_ groups: [GroupID]) {
        writeCount(groups.count)
        for group in groups { writeInteger(group.rawValue) }
    }
}

extension WireDecoder {
    /// A message that concerns no single group names group 0.
    func requireNoGroup(_ group: GroupID) throws(DecodingError) {
        guard group == .directory else { throw failure(.outOfRange) }
    }

    private mutating func lanes() throws(DecodingError) -> Lanes {
        let from: UInt8 = try integer()
        let count: UInt8 = try integer()
        guard from < count else { throw failure(.outOfRange) }
        return Lanes(from: from, of: count, to: try integer())
    }

    mutating func beat() throws(DecodingError) -> Beat {
        let lanes = try lanes()
        let session: UInt64 = try integer()
        let number: UInt64 = try integer()
        let leading = RestDigest(sum: try integer(), count: try integer())
        let echo =
            try bool() ? BeatEcho(session: try integer(), number: try integer(), agrees: try bool()) : nil
        return Beat(lanes: lanes, session: session, number: number, leading: leading, echo: echo)
    }

    mutating func restList() throws(DecodingError) -> RestList {
        let lanes = try lanes()
        var range: ClosedRange<GroupID>?
        if try bool() {
            let first = try group()
            let last = try group()
            guard first <= last else { throw failure(.outOfRange) }
            range = first...last
        }
        var groups: [RestingGroup] = []
        for _ in 0..<(try restCount(minimumBytes: 28)) {
            let group = try group()
            let leadership = Leadership(
                leader: ReplicaID(try integer(as: UInt64.self)),
                term: Term(try integer(as: UInt64.self)),
                lastIndex: LogIndex(try integer(as: UInt64.self))
            )
            groups.append(RestingGroup(group: group, leadership: leadership))
        }
        return RestList(lanes: lanes, groups: groups, range: range)
    }

    mutating func groups() throws(DecodingError) -> [GroupID] {
        var groups: [GroupID] = []
        for _ in 0..<(try restCount(minimumBytes: 4)) { groups.append(try group()) }
        return groups
    }

    private mutating func group() throws(DecodingError) -> GroupID { GroupID(try integer(as: UInt32.self)) }

    private mutating func restCount(minimumBytes: Int) throws(DecodingError) -> Int {
        let count = try count(minimumBytes: minimumBytes)
        guard count <= PeerLimits.maximumRestingGroups else { throw failure(.tooLong) }
        return count
    }
}
