public import Consensus
internal import MailModel
public import NIOCore
public import StateStorage

/// All rows of a group at one applied index, read in chunks for another replica. Resumable: a chunk starts behind the
/// last key of the one before, so any chunk can be asked for again.
public final class GroupSnapshotSource: Sendable {
    /// The group whose rows these are.
    public let group: GroupID
    /// The last entry that the rows contain.
    public let appliedIndex: LogIndex
    /// The term of that entry.
    public let appliedTerm: Term
    private let snapshot: any StateSnapshot

    /// Freezes the group's present rows.
    ///
    /// - Returns: nil when the group has no state yet.
    public init?(group: GroupID, store: any StateStore) throws {
        snapshot = store.makeSnapshot()
        guard let row = try snapshot.get(Key(group, .meta).bytes) else { return nil }
        let state = try GroupState.decodeMeta(row)
        self.group = group
        appliedIndex = state.appliedIndex
        appliedTerm = state.appliedTerm
    }

    /// The rows behind `after` (empty: from the start) that fit into about `maximumBytes`, at least one.
    public func chunk(after: [UInt8], maximumBytes: Int) throws -> SnapshotChunk {
        let range = GroupRange(group)
        // Another node has sent the key: a key of another group would get that group's rows under this group's name.
        guard after.isEmpty || after.span.starts(with: range.start.span) else {
            throw DecodingError(.outOfRange, offset: 0, subject: "key to continue a snapshot from")
        }
        var rows = ByteBuffer()
        var last = after
        var isLast = true
        try snapshot.scan(from: after.isEmpty ? range.start : after + [0], to: range.end) { key, value in
            if rows.readableBytes > 0, rows.readableBytes + key.count + value.count > maximumBytes {
                isLast = false
                return false
            }
            rows.writeInteger(UInt32(key.count - 4))
            rows.writeBytes(key.extracting(4...).bytes)
            rows.writeInteger(UInt32(value.count))
            rows.writeBytes(value.bytes)
            last = key.copied()
            return true
        }
        return SnapshotChunk(rows: rows, lastKey: last, isLast: isLast)
    }
}

/// A run of rows. Keys travel without their group.
public struct SnapshotChunk: Sendable {
    /// Keys without their group, and values: each behind its length (32 bits).
    public let rows: ByteBuffer
    /// The last key of the chunk. The next chunk goes on behind it.
    public let lastKey: [UInt8]
    /// Whether no rows follow.
    public let isLast: Bool
    /// A checksum of the rows, computed by the sender and checked by the receiver.
    public let checksum: UInt64

    /// Rows that this node has read. Their checksum is computed.
    public init(rows: ByteBuffer, lastKey: [UInt8], isLast: Bool) {
        self.init(rows: rows, lastKey: lastKey, isLast: isLast, checksum: Self.checksum(of: rows))
    }

    public init(rows: ByteBuffer, lastKey: [UInt8], isLast: Bool, checksum: UInt64) {
        self.rows = rows
        self.lastKey = lastKey
        self.isLast = isLast
        self.checksum = checksum
    }

    /// Whether the rows are those that the sender read.
    public var isIntact: Bool { checksum == Self.checksum(of: rows) }

    private static func checksum(of rows: ByteBuffer) -> UInt64 {
        var hash = RowHash()
        hash.combine(rows.readableBytesUInt8Span)
        return hash.finish()
    }
}

/// Puts the rows of a snapshot in place of the group's rows.
///
/// The order makes it restartable at every point: a mark and the range cleared, chunks written, and one last batch with
/// the group's own row and without the mark. What is durable of these writes is always all up to some batch
/// (``StateStore``). A group that is found marked at open has no state and starts over.
public final class GroupSnapshotSink {
    private let group: GroupID
    private let store: any StateStore
    private let batch: any StateBatch
    private var metaRow: ByteBuffer?
    /// The digest of the rows that came. The group's row must name the same.
    private var digest = StateDigest.empty
    private var bodies: SnapshotBodies
    private var lastKey: [UInt8] = []

    /// Larger than any key: a mailbox name has at most 1,000 bytes, an address 320.
    private static let maximumKeyBytes = 4_096

    /// A sink that writes nothing until ``begin()``.
    public init(group: GroupID, store: any StateStore) {
        self.group = group
        self.store = store
        batch = store.makeBatch()
        bodies = SnapshotBodies(group)
    }

    /// Whether an earlier install was interrupted: the group's rows are not to be used.
    public static func isInterrupted(_ group: GroupID, in store: any StateStore) throws -> Bool {
        try store.get(installingKey(group)) != nil
    }

    /// Marks the group as being installed, and clears its rows. Both are durable where a crash could bring a state of
    /// the group back, which may be in doubt.
    ///
    /// - Throws: what the store throws. The group has no state then.
    public func begin() throws {
        let mayComeBack = try store.get(Key(group, .meta).bytes, tier: .persisted) != nil
        if !Mutant.isOn(.installUnmarked) { batch.put(Self.installingKey(group), [rowVersion]) }
        let range = GroupRange(group)
        batch.deleteRange(range.start, range.end)
        try write()
        if mayComeBack { try store.flush() }
        metaRow = nil
        digest = .empty
        bodies = SnapshotBodies(group)
        lastKey = []
    }

    /// Forgets all of a group, durably: its rows, and that a snapshot was or is being installed.
    public static func clear(_ group: GroupID, in store: any StateStore) throws {
        // A flush takes as long as all that memory holds: a group that begins here costs none.
        let signs = [Key(group, .meta).bytes, installingKey(group), noteKey(group)]
        let hasSigns = try signs.contains { key in
            try [ReadTier.latest, .persisted].contains { try store.get(key, tier: $0) != nil }
        }
        let batch = store.makeBatch()
        let range = GroupRange(group)
        batch.deleteRange(range.start, range.end)
        batch.delete(installingKey(group))
        batch.delete(noteKey(group))
        try store.write(batch)
        if hasSigns { try store.flush() }
    }

    /// Writes the rows of a chunk. A chunk that was added already changes nothing.
    ///
    /// - Throws: `DecodingError` for a chunk that is not intact or of a version that this program does not know, and
    ///   what the store throws.
    public func add(_ chunk: SnapshotChunk) throws {
        guard chunk.isIntact else {
            throw DecodingError(.outOfRange, offset: 0, subject: "snapshot chunk whose checksum does not fit")
        }
        // A chunk that was added already would count twice.
        guard lastKey.isEmpty || lastKey.lexicographicallyPrecedes(chunk.lastKey) else { return }
        lastKey = chunk.lastKey
        var decoder = WireDecoder(chunk.rows, subject: "snapshot chunk")
        let metaKey = Key(group, .meta).bytes
        let prefix = Key.prefix(group)
        while decoder.remaining > 0 {
            let bare = try decoder.bytes(maximum: Self.maximumKeyBytes)
            let table = bare.getInteger(at: bare.readerIndex, as: UInt8.self) ?? 0
            // Rows of an unknown table cannot be read by this program.
            guard let kind = Table(rawValue: table) else { throw decoder.failure(.unknownTag(UInt64(table))) }
            let key = prefix + Array(bare.readableBytesView)
            let value = try decoder.bytes(maximum: MailLimits.commandBytes)
            if key == metaKey { metaRow = value } else { batch.put(key, value) }
            if kind.isDigested { digest.add(RowHash.of(key.span, value.readableBytesUInt8Span)) }
            bodies.add(kind, key: bare, value: value)
        }
        try write()
        try bodies.check(in: store)
    }

    /// Makes the group live, durably. The rows were written before the group's own row: that one is not durable without
    /// them.
    ///
    /// - Parameter note: kept until the next install. After a crash, the node brings the log in line by it.
    public func finish(note: [UInt8]) throws -> LogIndex {
        guard let metaRow else {
            throw DecodingError(.truncated, offset: 0, subject: "snapshot without its group row")
        }
        let state = try GroupState.decodeMeta(metaRow)
        // Rows that are harmed at the sender must not be taken over.
        guard state.digest == digest else {
            throw DecodingError(.outOfRange, offset: 0, subject: "snapshot whose rows have another digest than it says")
        }
        guard try bodies.areWhole(in: store) else {
            throw DecodingError(.outOfRange, offset: 0, subject: "snapshot with a body that is not what its row names")
        }
        batch.put(Key(group, .meta).bytes, metaRow)
        batch.delete(Self.installingKey(group))
        batch.put(Self.noteKey(group), note)
        try write()
        try store.flush()
        return state.appliedIndex
    }

    /// The note of the last finished install.
    public static func note(of group: GroupID, in store: any StateStore) throws -> ByteBuffer? {
        try store.get(noteKey(group))
    }

    private func write() throws {
        try store.write(batch)
        batch.clear()
    }

    /// A key outside every group's range: groups end below 2³²−1.
    private static func installingKey(_ group: GroupID) -> [UInt8] {
        [255, 255, 255, 255, 1] + Key.prefix(group)
    }

    private static func noteKey(_ group: GroupID) -> [UInt8] {
        [255, 255, 255, 255, 2] + Key.prefix(group)
    }
}

/// The bodies of a snapshot, held against their rows as they come: the bytes of messages are in no digest, and what a
/// disk has spoiled at the sender must not be taken over.
///
/// Held in memory are only the names that one piece brings: what a deleted account has left may be any number of bodies
/// without rows.
private struct SnapshotBodies {
    private let group: GroupID
    /// The body whose chunks are coming.
    private var current: BodyCheck?
    /// Bodies that came whole. The rows of bodies come before all chunks.
    private var complete: [BodyCheck] = []
    /// Bodies on their way into the store, whose rows come behind all chunks.
    private var uploads: [[UInt8]] = []
    /// How many rows name a body, and how many bodies were found to be what their rows name.
    private var named = 0
    private var found = 0
    private var isHarmed = false

    init(_ group: GroupID) { self.group = group }

    /// - Parameter key: without the group.
    mutating func add(_ table: Table, key: ByteBuffer, value: ByteBuffer) {
        if table == .bodies || table == .uploads { named += 1 }
        if table == .uploads { uploads.append(Array(key.readableBytesView.dropFirst())) }
        guard table == .chunks else { return }
        let name = Array(key.readableBytesView.dropFirst().dropLast(4))
        if current?.name != name { endBody(followedBy: BodyCheck(name: name)) }
        current?.addRow(value.readableBytesUInt8Span)
    }

    private mutating func endBody(followedBy next: BodyCheck?) {
        if let current { complete.append(current) }
        current = next
    }

    /// Looks at the bodies that are complete. To be called when the rows that came are in the store.
    mutating func check(in store: any StateStore) throws {
        for body in complete { try checkBody(body, .bodies, in: store) }
        complete.removeAll(keepingCapacity: true)
        for name in uploads {
            var body = BodyCheck(name: name)
            let key = Key.prefix(group) + [Table.chunks.rawValue] + name
            try store.scan(from: key, to: key + [UInt8](repeating: 255, count: 5), order: .ascending) { _, value in
                body.addRow(value)
                return true
            }
            if !body.isEmpty { try checkBody(body, .uploads, in: store) }
        }
        uploads.removeAll(keepingCapacity: true)
    }

    /// - Returns: whether all bodies are what their rows name, and none is missing.
    mutating func areWhole(in store: any StateStore) throws -> Bool {
        endBody(followedBy: nil)
        try check(in: store)
        return !isHarmed && found == named
    }

    /// Bytes that no row names are never served.
    private mutating func checkBody(_ body: BodyCheck, _ table: Table, in store: any StateStore) throws {
        guard let row = try store.get(Key.prefix(group) + [table.rawValue] + body.name) else { return }
        found += 1
        if (try? BodyRow(row: row)).map({ body.fits($0) }) != true { isHarmed = true }
    }
}

/// The range of all keys of a group.
struct GroupRange {
    let start: [UInt8]
    let end: [UInt8]

    init(_ group: GroupID) {
        precondition(group.rawValue < UInt32.max - 1, "the highest group IDs are reserved")
        start = Key.prefix(group)
        end = Key.prefix(GroupID(group.rawValue + 1))
    }
}

extension Span<UInt8> {
    fileprivate func starts(with prefix: Span<UInt8>) -> Bool {
        guard count >= prefix.count else { return false }
        for index in prefix.indices where self[index] != prefix[index] { return false }
        return true
    }
}

extension Key {
    static func prefix(_ group: GroupID) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: group.rawValue >> UInt32(24 - 8 * $0)) }
    }
}

/// Recomputes a group's digest from its rows: a scrub.
public func recomputedDigest(_ group: GroupID, in store: any StateStore) throws -> StateDigest {
    var digest = StateDigest.empty
    let snapshot = store.makeSnapshot()
    for table in Table.allCases where table.isDigested {
        let prefix = Key(group, table)
        try snapshot.scan(from: prefix.bytes, to: prefix.end) { key, value in
            digest.add(RowHash.of(key, value))
            return true
        }
    }
    return digest
}
