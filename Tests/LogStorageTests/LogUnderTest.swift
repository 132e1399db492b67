import Consensus
import LogStorage
import Testing

/// A log with its model, on a disk that can crash.
struct LogUnderTest {
    var disk = MemoryDisk()
    var settings = LogSettings.small
    var log: SegmentedLog
    var model = Model()

    init(settings: LogSettings = .small) throws {
        self.settings = settings
        log = try SegmentedLog.open(disk: disk, settings: settings).log
    }

    mutating func write(_ operations: LogOperation...) throws {
        try write(LogRound(operations))
    }

    mutating func write(_ round: LogRound) throws {
        try log.append(round)
        model.apply(round)
    }

    /// Opens again, after a crash or not, and compares with the model.
    mutating func reopen(_ location: SourceLocation = #_sourceLocation) throws {
        let (log, recovered) = try SegmentedLog.open(disk: disk, settings: settings)
        self.log = log
        for group in recovered { #expect(group.verdict == .intact, sourceLocation: location) }
        #expect(try Model(recovered, log.reader) == model, sourceLocation: location)
    }

    mutating func crashAndReopen(_ location: SourceLocation = #_sourceLocation) throws {
        disk.crash(seed: nil)
        try reopen(location)
    }
}

extension LogOperation {
    /// For tests in which it does not matter whose log it is.
    static func createGroup(_ group: GroupID, _ point: SnapshotPoint) -> LogOperation {
        .createGroup(group, replica: ReplicaID(7), point)
    }
}
