import Consensus
import LogStorage
import NIOCore
import Testing

@Suite struct SegmentedLogTests {
    let one = GroupID(1)
    let two = GroupID(2)

    @Test func aNewLogIsEmpty() throws {
        let (_, recovered) = try SegmentedLog.open(disk: MemoryDisk(), settings: .small)
        #expect(recovered.isEmpty)
    }

    @Test func roundTrip() throws {
        var subject = try LogUnderTest()
        try subject.write(.createGroup(one, .start), .createGroup(two, .at(7, term: 3)))
        let voted = HardState(term: Term(1), vote: ReplicaID(2), commitIndex: .zero)
        try subject.write(
            .saveHardState(one, voted),
            .append(
                one,
                firstIndex: LogIndex(1),
                [.noop(term: 1), .command(term: 1, [1, 2, 3]), .command(term: 1, [])]
            ),
            .append(two, firstIndex: LogIndex(8), [.configuration(term: 4, .joint)])
        )
        try subject.write(.append(one, firstIndex: LogIndex(4), [.command(term: 1, Array(repeating: 9, count: 3000))]))
        #expect(subject.log.reader.lastIndex(of: one) == LogIndex(4))
        try subject.crashAndReopen()
        try subject.write(.saveHardState(one, HardState(term: Term(2), vote: nil, commitIndex: LogIndex(4))))
        try subject.crashAndReopen()
        try subject.reopen()
    }

    @Test func anAppendReplacesWhatWasThere() throws {
        var subject = try LogUnderTest()
        try subject.write(.createGroup(one, .start))
        try subject.write(.append(one, firstIndex: LogIndex(1), (1...6).map { .command(term: 1, [$0]) }))
        try subject.write(.append(one, firstIndex: LogIndex(3), [.command(term: 2, [33])]))
        #expect(subject.log.reader.lastIndex(of: one) == LogIndex(3))
        try subject.crashAndReopen()
        try subject.write(
            .append(one, firstIndex: LogIndex(4), [.command(term: 2, [44]), .command(term: 2, [55])]),
            .append(one, firstIndex: LogIndex(5), [.command(term: 3, [56])])
        )
        try subject.write(.append(one, firstIndex: LogIndex(1), [.command(term: 4, [11])]))
        try subject.crashAndReopen()
    }

    @Test func snapshotPoints() throws {
        var subject = try LogUnderTest()
        try subject.write(.createGroup(one, .start))
        try subject.write(.append(one, firstIndex: LogIndex(1), (1...9).map { .command(term: 1, [$0]) }))
        // Agrees: what is behind it stays.
        try subject.write(.setSnapshot(one, .at(4, term: 1)))
        #expect(subject.log.reader.lastIndex(of: one) == LogIndex(9))
        #expect(throws: LogError.self) {
            try subject.log.reader.read(one, from: LogIndex(4), upTo: LogIndex(9), maxBytes: 100)
        }
        try subject.crashAndReopen()
        // Behind: nothing changes.
        try subject.write(.setSnapshot(one, .at(3, term: 1)))
        // Contradicts: everything goes.
        try subject.write(.setSnapshot(one, .at(6, term: 2)))
        #expect(subject.log.reader.lastIndex(of: one) == LogIndex(6))
        try subject.crashAndReopen()
        // Ahead: everything goes; the log goes on after it, in the same round.
        try subject.write(
            .setSnapshot(one, .at(100, term: 3)),
            .append(one, firstIndex: LogIndex(101), [.command(term: 3, [1])])
        )
        try subject.crashAndReopen()
    }

    @Test func groupsComeAndGo() throws {
        var subject = try LogUnderTest()
        for number in 0..<50 {
            let group = GroupID(UInt32(number))
            try subject.write(
                .createGroup(group, .start),
                .append(group, firstIndex: LogIndex(1), [.command(term: 1, [UInt8(number)])])
            )
        }
        try subject.write(.removeGroup(one), .removeGroup(GroupID(999)))
        #expect(throws: LogError.self) { try subject.log.append(LogRound([.saveHardState(one, HardState())])) }
        try subject.crashAndReopen()
        try subject.write(.createGroup(one, .at(5, term: 2)))
        try subject.write(.removeGroup(two), .createGroup(two, .at(1, term: 1)))
        try subject.crashAndReopen()
        #expect(subject.model.groups.count == 50)
    }

    /// Over restarts and checkpoints, and after a log has been begun anew under another identity.
    @Test func aLogIsThatOfItsReplica() throws {
        let disk = MemoryDisk()
        var settings = LogSettings(logID: 5)
        settings.segmentBytes = 1 << 14
        func reopen() throws -> (SegmentedLog, [ReplicaID]) {
            let (log, recovered) = try SegmentedLog.open(disk: disk, settings: settings)
            return (log, recovered.map(\.replica))
        }
        var (log, replicas) = try reopen()
        try log.append(
            LogRound([
                .createGroup(one, replica: ReplicaID(11), .start), .createGroup(two, replica: ReplicaID(12), .start),
            ])
        )
        for _ in 0..<3 {
            (log, replicas) = try reopen()
            #expect(replicas == [ReplicaID(11), ReplicaID(12)])
        }
        try log.append(LogRound([.removeGroup(one), .createGroup(one, replica: ReplicaID(13), .start)]))
        for _ in 0..<3 {
            (log, replicas) = try reopen()
            #expect(replicas == [ReplicaID(13), ReplicaID(12)])
        }
    }

    @Test func readsAreBoundedAndNeverEmpty() throws {
        var subject = try LogUnderTest()
        try subject.write(.createGroup(one, .start))
        let entries = (0..<10).map { LogEntry.command(term: 1, Array(repeating: UInt8($0), count: 100)) }
        try subject.write(.append(one, firstIndex: LogIndex(1), entries))
        let read = { (bytes: Int) in
            try subject.log.reader.read(one, from: LogIndex(2), upTo: LogIndex(9), maxBytes: bytes)
        }
        #expect(try read(0) == Array(entries[1..<2]))
        #expect(try read(299) == Array(entries[1..<3]))
        #expect(try read(300) == Array(entries[1..<4]))
        #expect(try read(.max) == Array(entries[1..<9]))
        #expect(
            kind { try subject.log.reader.read(one, from: LogIndex(1), upTo: LogIndex(11), maxBytes: 1) } == .beyondEnd
        )
        #expect(
            kind { try subject.log.reader.read(two, from: LogIndex(1), upTo: LogIndex(1), maxBytes: 1) }
                == .unknownGroup
        )
    }

    @Test func unneededSegmentsGo() throws {
        var subject = try LogUnderTest()
        try subject.write(.createGroup(one, .start), .saveHardState(one, HardState(term: Term(1))))
        for number in 1...100 {
            let entry = LogEntry.command(term: 1, Array(repeating: UInt8(number), count: 1000))
            try subject.write(.append(one, firstIndex: LogIndex(UInt64(number)), [entry]))
            if number % 10 == 0 {
                try subject.write(.setSnapshot(one, .at(UInt64(number - 2), term: 1)))
                try subject.log.purge()
                #expect(subject.log.segmentCount <= 3)
            }
        }
        #expect(try subject.disk.list().count == subject.log.segmentCount)
        try subject.crashAndReopen()
    }

    @Test func aLaggardIsCopiedForward() throws {
        var subject = try LogUnderTest()
        try subject.write(.createGroup(one, .start), .createGroup(two, .start))
        try subject.write(.append(two, firstIndex: LogIndex(1), (1...7).map { .command(term: 1, [$0, $0]) }))
        try subject.write(.append(two, firstIndex: LogIndex(8), [.configuration(term: 1, .joint), .noop(term: 1)]))
        for number in 1...100 {
            let entry = LogEntry.command(term: 1, Array(repeating: UInt8(number), count: 1000))
            try subject.write(.append(one, firstIndex: LogIndex(UInt64(number)), [entry]))
            try subject.write(.setSnapshot(one, .at(UInt64(number), term: 1)))
        }
        try subject.log.purge()
        #expect(subject.log.segmentCount > 3)
        #expect(subject.log.isOldestSegmentWorthCopying(beyond: 3))
        #expect(!subject.log.isOldestSegmentWorthCopying(beyond: subject.log.segmentCount))
        #expect(try subject.log.compact(maxBytes: 5) > 0)
        try subject.crashAndReopen()
        while try subject.log.compact(maxBytes: 5) > 0 {}
        #expect(subject.log.segmentCount <= 2)
        try subject.crashAndReopen()
        try subject.write(.append(two, firstIndex: LogIndex(3), [.command(term: 2, [])]))
        try subject.crashAndReopen()
    }

    @Test func restartsDoNotPileUpSpace() throws {
        var subject = try LogUnderTest()
        try subject.write(.createGroup(one, .start))
        try subject.write(.append(one, firstIndex: LogIndex(1), [.command(term: 1, [1])]))
        for _ in 0..<20 { try subject.reopen() }
        #expect(subject.log.diskBytes < subject.settings.segmentBytes * 3)
    }

    @Test func aRoundLargerThanASegmentFits() throws {
        var subject = try LogUnderTest()
        let large = Array(repeating: UInt8(5), count: 1 << 20)
        try subject.write(
            .createGroup(one, .start),
            .append(one, firstIndex: LogIndex(1), [.command(term: 1, large), .command(term: 1, large)])
        )
        try subject.write(.saveHardState(one, HardState(term: Term(1))))
        try subject.crashAndReopen()
        let tooLarge = LogEntry.command(term: 1, large + large)
        #expect(
            kind { try subject.log.append(LogRound([.append(one, firstIndex: LogIndex(3), [tooLarge])])) } == .tooLarge
        )
        try subject.write(.append(one, firstIndex: LogIndex(3), [.command(term: 1, [1])]))
        try subject.crashAndReopen()
    }

    @Test func oneSyncPerRound() throws {
        var subject = try LogUnderTest()
        try subject.write(.createGroup(one, .start), .createGroup(two, .start))
        let before = subject.disk.syncCount
        try subject.write(
            .append(one, firstIndex: LogIndex(1), [.command(term: 1, [1]), .command(term: 1, [2])]),
            .append(two, firstIndex: LogIndex(1), [.command(term: 1, [1])]),
            .saveHardState(two, HardState(term: Term(1)))
        )
        #expect(subject.disk.syncCount == before + 1)
    }

    @Test func anotherLogIsRefused() throws {
        let disk = MemoryDisk()
        _ = try SegmentedLog.open(disk: disk, settings: .small)
        var settings = LogSettings.small
        settings.logID = 5
        #expect(kind { try SegmentedLog.open(disk: disk, settings: settings) } == .unsupported)
    }

    @Test(arguments: [MemoryDisk.Fault.write, .dataSync, .noSpace])
    func theFirstFailureIsFinal(_ fault: MemoryDisk.Fault) throws {
        var subject = try LogUnderTest()
        try subject.write(.createGroup(one, .start))
        subject.disk.inject(fault)
        let round = LogRound([.append(one, firstIndex: LogIndex(1), [.command(term: 1, [1])])])
        let first = kind { try subject.log.append(round) }
        #expect(first == (fault == .noSpace ? .noSpace : .inputOutput))
        #expect(kind { try subject.log.append(round) } == first)
        #expect(kind { try subject.log.seal() } == first)
        #expect(kind { try subject.log.purge() } == first)
        #expect(kind { try subject.log.compact(maxBytes: 1) } == first)
        #expect(subject.log.reader.lastIndex(of: one) == LogIndex.zero)
        try subject.crashAndReopen()
    }

    @Test func verdictAgainstTheState() {
        let group = RecoveredGroup(
            group: one,
            replica: ReplicaID(7),
            hardState: HardState(),
            snapshot: .at(5, term: 1),
            entries: [],
            verdict: .intact
        )
        #expect(group.verdict(appliedIndex: LogIndex(5)) == .intact)
        #expect(group.verdict(appliedIndex: LogIndex(6)) != .intact)
        #expect(group.verdict(appliedIndex: LogIndex(4)) != .intact)
    }
}

func kind(_ body: () throws -> Any) -> LogError.Kind? {
    do {
        _ = try body()
        return nil
    } catch { return (error as? LogError)?.kind }
}
