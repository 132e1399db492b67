import Consensus
import NIOCore
import Testing

@testable import LogStorage

/// Numbers that no log reaches, behind checksums that fit: refused where they are read, so that nobody adds to them.
@Suite struct BoundsTests {
    private let configuration = Configuration(voters: [Member(replica: ReplicaID(1), node: NodeID(1))])

    private func record(_ change: (inout RecordHeader) -> Void) -> RecordHeader? {
        var header = RecordHeader(type: .entry, group: GroupID(1), chain: 0)
        change(&header)
        var head = ByteBuffer()
        _ = header.encode(into: &head)
        return try? RecordHeader.decode(head, at: 0).0
    }

    @Test func records() {
        #expect(record { ($0.index, $0.term, $0.group) = (1 << 62, 1 << 62, .maximum) } != nil)
        #expect(record { $0.index = 1 << 62 + 1 } == nil)
        #expect(record { $0.term = 1 << 62 + 1 } == nil)
        #expect(record { $0.group = GroupID(GroupID.maximum.rawValue + 1) } == nil)
    }

    @Test func segments() throws {
        func decoded(sequence: UInt64, precedingRound: UInt64) -> SegmentHeader? {
            let header = SegmentHeader(
                logID: 1,
                sequence: sequence,
                capacity: 4_096,
                blockBytes: 512,
                precedingRound: precedingRound
            )
            return try? SegmentHeader.decode(header.encoded())
        }
        #expect(decoded(sequence: Layout.maxNumber, precedingRound: Layout.maxNumber) != nil)
        #expect(decoded(sequence: Layout.maxNumber + 1, precedingRound: 0) == nil)
        #expect(decoded(sequence: 0, precedingRound: Layout.maxNumber + 1) == nil)
    }

    @Test func rounds() throws {
        let segment = SegmentHeader(logID: 1, sequence: 2, capacity: 4_096, blockBytes: 512, precedingRound: 0)
        func decoded(number: UInt64) -> RoundHeader? {
            let header = RoundHeader(
                logID: 1,
                segment: 2,
                number: number,
                recordCount: 0,
                headBytes: RoundHeader.headBytes(recordCount: 0, dataBytes: 0),
                dataBytes: 0,
                headChecksum: 0,
                precedingChecksum: 0
            )
            return try? RoundHeader.decode(header.encoded().bytes, at: 0, segment: segment).0
        }
        #expect(decoded(number: Layout.maxNumber) != nil)
        #expect(decoded(number: Layout.maxNumber + 1) == nil)
    }

    @Test func checkpoints() {
        let point = SnapshotPoint(index: LogIndex(5), term: Term(1), configuration: configuration)
        func decoded(_ change: (inout GroupCheckpoint) -> Void) -> GroupCheckpoint? {
            var checkpoint = GroupLog(replica: ReplicaID(7), snapshot: point).checkpoint
            change(&checkpoint)
            return try? GroupCheckpoint.decode(checkpoint.encoded())
        }
        let most = point.index + Int(Layout.maxEntriesOfGroup)
        #expect(decoded { $0.lastIndex = most } != nil)
        #expect(decoded { $0.lastIndex = most.next } == nil)
        #expect(decoded { $0.lastIndex = LogIndex(4) } == nil)
        #expect(decoded { $0.hardState.term = Term(1 << 62 + 1) } == nil)
        #expect(decoded { $0.hardState.commitIndex = LogIndex(1 << 62 + 1) } == nil)
        let later = SnapshotPoint(index: LogIndex(.max), term: Term(.max), configuration: configuration)
        #expect(decoded { ($0.snapshot, $0.lastIndex) = (later, LogIndex(.max)) } == nil)
    }

    /// Whoever has to find out what happened to a disk is told what is wrong, and where.
    @Test func errorsSayWhatIsWrongAndWhere() throws {
        func error(of change: (inout ByteBuffer) -> Void) -> FormatError? {
            var head = ByteBuffer()
            _ = RecordHeader(type: .entry, group: GroupID(1), chain: 0).encode(into: &head)
            change(&head)
            do throws(FormatError) {
                _ = try RecordHeader.decode(head, at: 0)
                return nil
            } catch {
                return error
            }
        }
        /// The checksum is made right again.
        func seal(_ head: inout ByteBuffer) {
            head.setInteger(Checksum.of(head, 4..<head.readableBytes), at: 0, endianness: .little)
        }
        #expect(error { _ in } == nil)
        #expect(error { $0 = ByteBuffer() }?.reason == .truncated)
        #expect(error { $0.setInteger(UInt8(0xff), at: 20) }?.reason == .checksum)
        let unknown = error { head in
            head.setInteger(UInt8(99), at: 4)
            seal(&head)
        }
        #expect(unknown == FormatError(reason: .unknownType(99), offset: 5, subject: .recordHeader))
        #expect(unknown?.description == "the record header has the unknown type 99 at byte 5")
        let large = error { head in
            head.setInteger(UInt64.max, at: 16, endianness: .little)
            seal(&head)
        }
        #expect(large == FormatError(reason: .outOfRange, offset: 24, subject: .recordHeader))
    }

    /// What the log would write next could not be read again: groups would be gone at the next opening.
    @Test func aLogThatHasUsedUpItsNumbersIsRefused() throws {
        for (sequence, round) in [(1, Layout.maxNumber), (Layout.maxNumber, 1)] as [(UInt64, UInt64)] {
            let header = SegmentHeader(
                logID: 1,
                sequence: sequence,
                capacity: 4_096,
                blockBytes: 512,
                precedingRound: round
            )
            let disk = MemoryDisk()
            let file = try disk.create(SegmentHeader.fileName(sequence), bytes: 4_096)
            try file.write(at: 0, pieces: [header.encoded()])
            try file.dataSync()
            #expect(kind { try SegmentedLog.open(disk: disk, settings: LogSettings(logID: 1)) } == .unsupported)
        }
    }

    /// A file with such a name is no segment: no number could follow it.
    @Test func fileNames() throws {
        #expect(SegmentHeader.sequence(ofFile: SegmentHeader.fileName(Layout.maxNumber)) == Layout.maxNumber)
        let disk = MemoryDisk()
        for name in ["ffffffffffffffff.log", "4000000000000001.log"] { _ = try disk.create(name, bytes: 4_096) }
        let (log, recovered) = try SegmentedLog.open(disk: disk, settings: LogSettings(logID: 1))
        #expect(recovered.isEmpty)
        #expect(log.segmentCount == 1)
    }
}
