internal import Consensus
internal import NIOCore

/// A record's meaning.
enum RecordBody: Hashable {
    case hardState(HardState)
    case entry(LogIndex, EntryHeader)
    case rewrittenEntry(LogIndex, EntryHeader)
    case snapshot(SnapshotPoint, keepsEntries: Bool)
    case create(ReplicaID, SnapshotPoint)
    case remove
    case checkpoint(GroupCheckpoint)
}

/// A record before it has a place.
struct Record {
    var group: GroupID
    var body: RecordBody
    /// An entry's payload.
    var payload = ByteBuffer()

    /// The header without chain and place, and the bytes of the configuration or checkpoint that precede the payload.
    func header() -> (header: RecordHeader, prefix: ByteBuffer) {
        var header = RecordHeader(type: .remove, group: group, chain: 0)
        var prefix = ByteBuffer()
        switch body {
        case .hardState(let state):
            header.type = .hardState
            header.index = state.commitIndex.rawValue
            header.term = state.term.rawValue
            header.vote = state.vote?.rawValue
        case .entry(let index, let entry):
            header.type = .entry
            Self.fill(&header, &prefix, entry: entry, at: index)
        case .rewrittenEntry(let index, let entry):
            header.type = .rewrittenEntry
            Self.fill(&header, &prefix, entry: entry, at: index)
        case .snapshot(let point, let keepsEntries):
            header.type = .snapshot
            header.entryKind = keepsEntries ? 1 : 0
            Self.fill(&header, &prefix, snapshot: point)
        case .create(let replica, let point):
            header.type = .create
            header.vote = replica.rawValue
            Self.fill(&header, &prefix, snapshot: point)
        case .remove:
            header.type = .remove
        case .checkpoint(let checkpoint):
            header.type = .checkpoint
            prefix = checkpoint.encoded()
        }
        header.dataBytes = prefix.readableBytes + payload.readableBytes
        return (header, prefix)
    }

    private static func fill(
        _ header: inout RecordHeader,
        _ prefix: inout ByteBuffer,
        entry: EntryHeader,
        at index: LogIndex
    ) {
        header.index = index.rawValue
        header.term = entry.term.rawValue
        switch entry.kind {
        case .command: header.entryKind = 0
        case .noop: header.entryKind = 1
        case .configuration(let configuration):
            header.entryKind = 2
            prefix.write(configuration)
            header.configurationBytes = prefix.readableBytes
        }
    }

    private static func fill(_ header: inout RecordHeader, _ prefix: inout ByteBuffer, snapshot point: SnapshotPoint) {
        header.index = point.index.rawValue
        header.term = point.term.rawValue
        prefix.write(point.configuration)
        header.configurationBytes = prefix.readableBytes
    }
}

extension RecordBody {
    /// What `header` and the record's data say.
    init(_ header: RecordHeader, data: ByteBuffer) throws(FormatError) {
        switch header.type {
        case .hardState:
            self = .hardState(
                HardState(
                    term: Term(header.term),
                    vote: header.vote.map { ReplicaID($0) },
                    commitIndex: LogIndex(header.index)
                )
            )
        case .entry, .rewrittenEntry:
            let kind = try Self.entryKind(header, data)
            let payloadBytes = header.dataBytes - header.configurationBytes
            let entry = EntryHeader(term: Term(header.term), payloadBytes: UInt32(payloadBytes), kind: kind)
            self =
                header.type == .entry
                ? .entry(LogIndex(header.index), entry) : .rewrittenEntry(LogIndex(header.index), entry)
        case .snapshot, .create:
            var decoder = try FormatDecoder(data, .configuration)
            let configuration = try decoder.configuration()
            let point = SnapshotPoint(
                index: LogIndex(header.index),
                term: Term(header.term),
                configuration: configuration
            )
            guard header.type == .create else {
                self = .snapshot(point, keepsEntries: header.entryKind == 1)
                return
            }
            guard let replica = header.vote else { throw decoder.failure(.outOfRange) }
            self = .create(ReplicaID(replica), point)
        case .remove:
            self = .remove
        case .checkpoint:
            self = .checkpoint(try GroupCheckpoint.decode(data))
        }
    }

    private static func entryKind(_ header: RecordHeader, _ data: ByteBuffer) throws(FormatError) -> EntryKind {
        var decoder = try FormatDecoder(data, .configuration)
        switch header.entryKind {
        case 0: return .command
        case 1: return .noop
        case 2: return .configuration(try decoder.configuration())
        default: throw decoder.failure(.unknownType(header.entryKind))
        }
    }
}

/// Where an entry's payload is.
struct Location: Hashable, Sendable {
    var segment: UInt64
    /// The offset of the payload in the file, behind the configuration.
    var offset: Int
    var bytes: Int
    var checksum: UInt32
}

/// A record with its place.
struct PlacedRecord {
    var group: GroupID
    var body: RecordBody
    /// The header's checksum, to which the group's next record refers.
    var checksum: UInt32
    /// The checksum of the group's record before.
    var chain: UInt32
    var location: Location
}
