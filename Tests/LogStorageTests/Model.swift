import Consensus
import LogStorage
import NIOCore

/// What a group's log should be, in the simplest terms.
struct ModelGroup: Equatable {
    var hardState = HardState()
    var snapshot: SnapshotPoint
    var entries: [LogEntry] = []

    var lastIndex: LogIndex { snapshot.index + entries.count }
}

/// What a log should be.
struct Model: Equatable {
    var groups: [GroupID: ModelGroup] = [:]

    mutating func apply(_ round: LogRound) {
        for operation in round.operations { apply(operation) }
    }

    private mutating func apply(_ operation: LogOperation) {
        switch operation {
        case .createGroup(let group, _, let point): groups[group] = ModelGroup(snapshot: point)
        case .removeGroup(let group): groups[group] = nil
        case .saveHardState(let group, let state): groups[group]?.hardState = state
        case .append(let group, let first, let entries):
            guard !entries.isEmpty, var log = groups[group] else { return }
            log.entries = log.entries.prefix(first - log.snapshot.index.next) + entries
            groups[group] = log
        case .setSnapshot(let group, let point):
            guard var log = groups[group], point.index > log.snapshot.index else { return }
            let position = point.index - log.snapshot.index
            let agrees = point.index <= log.lastIndex && log.entries[position - 1].header.term == point.term
            log.entries = agrees ? Array(log.entries[position...]) : []
            log.snapshot = point
            groups[group] = log
        }
    }

    /// What was recovered, payloads read back.
    init(_ recovered: [RecoveredGroup], _ reader: any LogReading) throws {
        for group in recovered {
            var log = ModelGroup(hardState: group.hardState, snapshot: group.snapshot)
            if !group.entries.isEmpty {
                log.entries = try reader.readAll(group.group, group.snapshot.index.next, group.lastIndex)
            }
            groups[group.group] = log
        }
    }

    init() {}
}

extension LogReading {
    /// In steps, as followers are served.
    func readAll(_ group: GroupID, _ first: LogIndex, _ last: LogIndex) throws -> [LogEntry] {
        var entries: [LogEntry] = []
        while first + entries.count <= last {
            entries += try read(group, from: first + entries.count, upTo: last, maxBytes: 4000)
        }
        return entries
    }
}

extension LogEntry {
    static func command(term: UInt64, _ bytes: [UInt8]) -> LogEntry {
        let header = EntryHeader(term: Term(term), payloadBytes: UInt32(bytes.count), kind: .command)
        return LogEntry(header: header, payload: ByteBuffer(bytes: bytes))
    }

    static func noop(term: UInt64) -> LogEntry {
        LogEntry(header: EntryHeader(term: Term(term), payloadBytes: 0, kind: .noop), payload: ByteBuffer())
    }

    static func configuration(term: UInt64, _ configuration: Configuration) -> LogEntry {
        let header = EntryHeader(term: Term(term), payloadBytes: 0, kind: .configuration(configuration))
        return LogEntry(header: header, payload: ByteBuffer())
    }
}

extension Configuration {
    static let three = Configuration(voters: [1, 2, 3].map { Member(replica: ReplicaID($0), node: NodeID(10 + $0)) })
    static let joint = Configuration(
        members: [1, 2, 3, 4].map { Member(replica: ReplicaID($0), node: NodeID(10 + $0), priority: UInt8($0)) },
        voters: [ReplicaID(1), ReplicaID(2), ReplicaID(4)],
        outgoingVoters: [ReplicaID(1), ReplicaID(2), ReplicaID(3)],
        learners: [ReplicaID(3)]
    )
}

extension SnapshotPoint {
    static let start = SnapshotPoint(index: .zero, term: .zero, configuration: .three)
    static func at(_ index: UInt64, term: UInt64) -> SnapshotPoint {
        SnapshotPoint(index: LogIndex(index), term: Term(term), configuration: .joint)
    }
}

extension LogSettings {
    /// Small blocks and segments, so that small tests meet all the edges.
    static var small: LogSettings {
        var settings = LogSettings(logID: 0x1234_5678_9ABC_DEF0)
        settings.segmentBytes = 16 << 10
        settings.blockBytes = 512
        return settings
    }
}

extension SplitMix64 {
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}
