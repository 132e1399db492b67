internal import Consensus
internal import NIOConcurrencyHelpers
internal import NIOCore

/// The log of all groups of a node as a row of segment files.
///
/// Owned by one thread; only ``reader`` may be used from others. The format, and why recovery can be trusted, is in
/// `Docs/formats/log.md`.
public final class SegmentedLog: LogStore {
    let disk: any Disk
    let settings: LogSettings
    let state: NIOLockedValueBox<LogState>
    private let logReader: LogReader

    /// Where the next round goes, in the last segment.
    var offset = 0
    var capacity = 0
    var lastRound: UInt64
    var lastChecksum: UInt32
    /// Whether the last round says nothing but that the rounds before it are durable.
    var isSealed = false
    /// The failed write or sync after which the log refuses everything; nil while it works.
    public internal(set) var failure: LogError?

    /// Opens the log, or makes a new one where there is none.
    ///
    /// Every opening begins a new segment. From then on, all records of the older segments are known.
    ///
    /// - Returns: the log, and every group it knows with a verdict, in the order of their IDs.
    /// - Throws: ``LogError``, when the disk fails or the log is not one that this program may touch. Damage throws
    ///   nothing: it is in the verdicts.
    public static func open(
        disk: any Disk,
        settings: LogSettings
    ) throws(LogError) -> (log: SegmentedLog, recovered: [RecoveredGroup]) {
        precondition(settings.blockBytes > 0 && settings.blockBytes % Layout.sectorBytes == 0)
        precondition(settings.segmentBytes >= 4 * settings.blockBytes)
        let found = try Recovery(disk: disk, logID: settings.logID).run()
        // What would be written next could not be read again. No disk writes so much: these numbers are made up.
        guard found.lastRound < Layout.maxNumber, found.nextSequence <= Layout.maxNumber else {
            throw LogError(.unsupported, "The numbers of rounds or segments are used up.")
        }
        let table = found.state.table
        let recovered = table.sortedIDs.map { id in RecoveredGroup(id, table.groups[id]!) }
        let log = SegmentedLog(disk: disk, settings: settings, found: found)
        try log.guarded { () throws(LogError) in
            try log.roll(makingRoomFor: 0, sequence: found.nextSequence)
            try log.cut(found.tail)
        }
        try log.purge()
        return (log, recovered)
    }

    private init(disk: any Disk, settings: LogSettings, found: Recovery.Outcome) {
        self.disk = disk
        self.settings = settings
        state = NIOLockedValueBox(found.state)
        logReader = LogReader(state)
        lastRound = found.lastRound
        lastChecksum = found.lastChecksum
    }

    public var reader: any LogReading { logReader }
    public var diskBytes: Int { state.withLockedValue { $0.segments.reduce(0) { $0 + $1.bytes } } }
    public var segmentCount: Int { state.withLockedValue { $0.segments.count } }

    public func append(_ round: LogRound) throws(LogError) {
        if let failure { throw failure }
        let records = try plan(round)
        guard !records.isEmpty else { return }
        try guarded { () throws(LogError) in try write(records) }
    }

    /// A function of its own, so that the planner's copy of the table is gone before the table is changed.
    private func plan(_ round: LogRound) throws(LogError) -> [Record] {
        var planner = RoundPlanner(state.withLockedValue { $0.table })
        for operation in round.operations { try planner.add(operation) }
        return planner.records
    }

    public func seal() throws(LogError) {
        if let failure { throw failure }
        guard !isSealed else { return }
        try guarded { () throws(LogError) in try write([]) }
    }

    /// Runs `body`, and keeps a failure of the disk: the log refuses everything after it.
    func guarded<Result>(_ body: () throws(LogError) -> Result) throws(LogError) -> Result {
        do throws(LogError) {
            return try body()
        } catch {
            // Damage that was read, and limits, leave the disk as it was.
            if error.kind == .inputOutput || error.kind == .noSpace { failure = error }
            throw error
        }
    }
}

extension RecoveredGroup {
    init(_ group: GroupID, _ log: GroupLog) {
        self.init(
            group: group,
            replica: log.replica,
            hardState: log.hardState,
            snapshot: log.snapshot,
            entries: log.slots.compactMap { $0?.header },
            verdict: log.damage.map { .damaged(reason: $0) } ?? .intact
        )
    }
}
