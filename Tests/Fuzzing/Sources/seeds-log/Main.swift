internal import Consensus
internal import FuzzSupport
internal import LogStorage
internal import NIOCore

/// Segments with records of every type, alone and in pairs, as `fuzz-log` takes them.
@main struct Main {
    static func main() throws {
        let seeds = Seeds()
        let disk = MemoryDisk()
        var settings = LogSettings(logID: 1)
        settings.blockBytes = 512
        settings.segmentBytes = 4_096
        let log = try SegmentedLog.open(disk: disk, settings: settings).log
        for round in rounds() { try log.append(LogRound(round)) }
        let files = try disk.list().map { name in
            let file = try disk.open(name)
            return try file.read(at: 0, count: file.size())
        }
        for (index, file) in files.enumerated() {
            for kind in [0, 1] as [UInt8] {
                seeds.write("seed-segment-\(index)-\(kind)", joined(kind, [file]))
            }
            guard index > 0 else { continue }
            for kind in [0, 1] as [UInt8] {
                seeds.write("seed-segments-\(index)-\(kind)", joined(kind, [files[index - 1], file]))
            }
        }
    }

    private static func joined(_ kind: UInt8, _ files: [ByteBuffer]) -> ByteBuffer {
        var bytes = ByteBuffer(integer: kind)
        bytes.writeInteger(UInt8(files.count == 1 ? 0 : files[0].readableBytes / 512))
        for file in files { bytes.writeImmutableBuffer(file) }
        return bytes
    }

    private static func rounds() -> [[LogOperation]] {
        let configuration = Configuration(
            members: (1...3).map { Member(replica: ReplicaID($0), node: NodeID($0)) },
            voters: [ReplicaID(1), ReplicaID(2)],
            learners: [ReplicaID(3)]
        )
        func point(_ index: UInt64) -> SnapshotPoint {
            SnapshotPoint(index: LogIndex(index), term: Term(index == 0 ? 0 : 1), configuration: configuration)
        }
        func entries(_ count: Int, _ bytes: Int) -> [LogEntry] {
            (0..<count).map { number in
                let kind: EntryKind =
                    number % 3 == 0 ? .command : number % 3 == 1 ? .noop : .configuration(configuration)
                let payload = number % 3 == 0 ? ByteBuffer(repeating: 7, count: bytes) : ByteBuffer()
                let header = EntryHeader(term: Term(1), payloadBytes: UInt32(payload.readableBytes), kind: kind)
                return LogEntry(header: header, payload: payload)
            }
        }
        let (a, b) = (GroupID(1), GroupID(2))
        let state = HardState(term: Term(1), vote: ReplicaID(1), commitIndex: LogIndex(2))
        return [
            [.createGroup(a, replica: ReplicaID(3), point(0)), .createGroup(b, replica: ReplicaID(4), point(5))],
            [.append(a, firstIndex: LogIndex(1), entries(4, 30)), .saveHardState(a, state)],
            [.append(b, firstIndex: LogIndex(6), entries(3, 700))],
            [.append(a, firstIndex: LogIndex(4), entries(2, 10)), .setSnapshot(a, point(2))],
            [.append(b, firstIndex: LogIndex(9), entries(3, 900))],
            [.append(a, firstIndex: LogIndex(6), entries(1, 2_000))],
            [.removeGroup(b)], [.append(a, firstIndex: LogIndex(7), entries(6, 300))],
        ]
    }
}
