import Consensus
import LogStorage
import MailModel
import NIOCore
import PeerTransport
import StateStorage
import Testing

@testable import MailStore
@testable import NodeRuntime

/// Brings log and state of each group together after a start: who may have forgotten something must not vote.
@Suite struct GroupRecoveryTests {
    private static let group = GroupID(3)
    private static let replica = ReplicaID(103)

    private static func point(_ index: UInt64, _ term: UInt64 = 2, voters: [UInt64] = [103, 104, 105]) -> SnapshotPoint
    {
        SnapshotPoint(
            index: LogIndex(index),
            term: Term(term),
            configuration: Configuration(voters: voters.map { Member(replica: ReplicaID($0), node: NodeID($0 - 100)) })
        )
    }

    /// A log from behind `snapshot` on, with so many entries of term 2.
    private static func found(
        _ group: GroupID = group,
        snapshot: UInt64,
        entries: Int,
        commit: UInt64 = 0,
        verdict: LogVerdict = .intact
    ) -> RecoveredGroup {
        RecoveredGroup(
            group: group,
            replica: replica,
            hardState: HardState(term: Term(2), vote: replica, commitIndex: LogIndex(commit)),
            snapshot: point(snapshot),
            entries: [EntryHeader](
                repeating: EntryHeader(term: Term(2), payloadBytes: 4, kind: .command),
                count: entries
            ),
            verdict: verdict
        )
    }

    /// A state that has applied so far.
    private static func state(_ group: GroupID = group, applied: UInt64) throws -> MemoryStateStore {
        let store = MemoryStateStore()
        try apply(group, applied, in: store)
        return store
    }

    private static func apply(_ group: GroupID, _ applied: UInt64, in store: MemoryStateStore) throws {
        let applier = MailApplier(store: store)
        var index = try applier.open(group)
        while index.rawValue < applied {
            index = index.next
            applier.applyEmpty(group: group, index: index, term: Term(2))
        }
        try applier.commit()
    }

    private static func log(_ operations: [LogOperation] = []) throws -> any LogStore {
        let (log, _) = try SegmentedLog.open(disk: MemoryDisk(), settings: LogSettings(logID: 1))
        if !operations.isEmpty { try log.append(LogRound(operations)) }
        return log
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let snapshot: UInt64
        let entries: Int
        var commit: UInt64 = 0
        var verdict = LogVerdict.intact
        let applied: UInt64
        /// Words of the reason; nil where the group is fit to run.
        var reason: String?
        var testDescription: String { "log \(snapshot)+\(entries), committed \(commit), applied \(applied)" }
    }

    static let cases: [Case] = [
        Case(snapshot: 0, entries: 0, applied: 0), Case(snapshot: 0, entries: 5, commit: 5, applied: 0),
        Case(snapshot: 0, entries: 5, commit: 3, applied: 5), Case(snapshot: 4, entries: 3, commit: 7, applied: 4),
        Case(snapshot: 4, entries: 3, commit: 6, applied: 7), Case(snapshot: 4, entries: 0, commit: 4, applied: 4),
        // The state has what the log has lost.
        Case(snapshot: 0, entries: 5, applied: 6, reason: "ends at 5, before the applied index 6"),
        Case(snapshot: 0, entries: 0, applied: 1, reason: "ends at 0, before the applied index 1"),
        // What lies between was cut from the log, and is not in the state.
        Case(snapshot: 4, entries: 3, commit: 7, applied: 3, reason: "starts at 4, after the applied index 3"),
        // What was acknowledged is not there.
        Case(snapshot: 4, entries: 3, commit: 8, applied: 5, reason: "ends at 7, before the commit index"),
        Case(snapshot: 0, entries: 3, verdict: .damaged(reason: "a hole"), applied: 3, reason: "a hole"),
        Case(snapshot: 0, entries: 3, verdict: .damaged(reason: "a hole"), applied: 9, reason: "a hole"),
    ]

    @Test(arguments: cases)
    func `log and state belong together, or the replica must not vote`(_ recovery: Case) throws {
        let found = Self.found(
            snapshot: recovery.snapshot,
            entries: recovery.entries,
            commit: recovery.commit,
            verdict: recovery.verdict
        )
        let state = try Self.state(applied: recovery.applied)
        let groups = try GroupRecovery(log: Self.log(), state: state).open([found])
        if let reason = recovery.reason {
            #expect(groups.opened.isEmpty)
            #expect(groups.quarantined.map(\.group) == [Self.group])
            #expect(groups.quarantined.first?.reason.contains(reason) == true, "\(groups.quarantined)")
        } else {
            #expect(groups.quarantined.isEmpty)
            let opened = try #require(groups.opened.first)
            #expect(opened.group == Self.group && opened.replica == Self.replica && opened.hardState == found.hardState)
            #expect(opened.snapshot == found.snapshot && opened.headers == found.entries)
            #expect(opened.appliedIndex == LogIndex(recovery.applied) && !opened.isRebuilding)
        }
    }

    /// One group's damage is no other's.
    @Test func `groups are opened in their order, each by itself`() throws {
        let store = MemoryStateStore()
        for (group, applied) in [(1, 2), (2, 9), (3, 0)] {
            try Self.apply(GroupID(UInt32(group)), UInt64(applied), in: store)
        }
        let found = [3, 2, 1].map { Self.found(GroupID($0), snapshot: 0, entries: 4) }
        let groups = try GroupRecovery(log: Self.log(), state: store).open(found)
        #expect(groups.opened.map(\.group) == [GroupID(1), GroupID(3)])
        #expect(groups.opened.map(\.appliedIndex) == [LogIndex(2), .zero])
        #expect(groups.quarantined.map(\.group) == [GroupID(2)])
    }

    // MARK: Interrupted installs

    /// The state holds nothing; the log says from where on the replica knows what it has promised.
    @Test func `an interrupted install is begun anew, without losing the vote`() throws {
        let store = try Self.state(applied: 9)
        try GroupSnapshotSink(group: Self.group, store: store).begin()
        let groups = try GroupRecovery(log: Self.log(), state: store).open([
            Self.found(snapshot: 4, entries: 3, commit: 7)
        ])
        let opened = try #require(groups.opened.first)
        #expect(opened.isRebuilding && opened.appliedIndex == LogIndex(4))
        let damaged = Self.found(snapshot: 4, entries: 3, verdict: .damaged(reason: "a hole"))
        #expect(try GroupRecovery(log: Self.log(), state: store).open([damaged]).quarantined.count == 1)
    }

    // MARK: Installed snapshots

    /// A state that took a snapshot in, with the note of where it was.
    private static func installed(_ index: UInt64, term: UInt64 = 2) throws -> MemoryStateStore {
        let source = try state(applied: index)
        let store = MemoryStateStore()
        let sink = GroupSnapshotSink(group: group, store: store)
        try sink.begin()
        let rows = try #require(try GroupSnapshotSource(group: group, store: source))
        try sink.add(try rows.chunk(after: [], maximumBytes: 1 << 20))
        var note = ByteBuffer()
        note.write(point(index, term))
        #expect(try sink.finish(note: Array(note.readableBytesView)) == LogIndex(index))
        return store
    }

    /// A crash came between the snapshot in the state and in the log: the log is brought along, durably.
    @Test(arguments: [(0, 5, 5), (0, 5, 0), (4, 3, 7), (0, 20, 3)] as [(UInt64, Int, UInt64)])
    func `the log follows a snapshot that the state has`(_ snapshot: UInt64, _ entries: Int, _ commit: UInt64) throws {
        let disk = MemoryDisk()
        var (log, _) = try SegmentedLog.open(disk: disk, settings: LogSettings(logID: 1))
        let header = EntryHeader(term: Term(1), payloadBytes: 1, kind: .command)
        let entry = LogEntry(header: header, payload: ByteBuffer(string: "x"))
        let before = HardState(term: Term(1), vote: Self.replica, commitIndex: LogIndex(commit))
        try log.append(
            LogRound([
                .createGroup(Self.group, replica: Self.replica, Self.point(snapshot, 1)),
                .append(Self.group, firstIndex: LogIndex(snapshot + 1), [LogEntry](repeating: entry, count: entries)),
                .saveHardState(Self.group, before),
            ])
        )
        var recovered: [RecoveredGroup] = []
        (log, recovered) = try SegmentedLog.open(disk: disk, settings: LogSettings(logID: 1))
        // Of another term than the log's own entry there, where it has one: the log's end is not what was committed.
        let store = try Self.installed(12, term: 2)
        let opened = try #require(try GroupRecovery(log: log, state: store).open(recovered).opened.first)
        #expect(opened.snapshot == Self.point(12, 2) && opened.headers.isEmpty && opened.appliedIndex == LogIndex(12))
        // A vote of a term that is over is nobody's.
        #expect(opened.hardState == HardState(term: Term(2), vote: nil, commitIndex: LogIndex(12)))
        (log, recovered) = try SegmentedLog.open(disk: disk, settings: LogSettings(logID: 1))
        #expect(recovered.map(\.snapshot.index) == [LogIndex(12)] && recovered.map(\.lastIndex) == [LogIndex(12)])
        #expect(recovered.map(\.hardState) == [opened.hardState])
        _ = log
    }

    @Test(arguments: [(12, 0), (15, 3), (0, 12), (0, 20), (5, 7)] as [(UInt64, Int)])
    func `a log that has come as far stays as it is`(_ snapshot: UInt64, _ entries: Int) throws {
        let store = try Self.installed(12)
        try Self.apply(Self.group, max(12, snapshot), in: store)
        let found = Self.found(snapshot: snapshot, entries: entries, commit: 12)
        // There is no such group in this log: nothing can be written to it.
        let opened = try #require(try GroupRecovery(log: Self.log(), state: store).open([found]).opened.first)
        #expect(
            opened.snapshot == found.snapshot && opened.headers == found.entries && opened.hardState == found.hardState
        )
    }

    // MARK: Rows that cannot be read

    private func spoilMeta(_ store: MemoryStateStore, _ value: [UInt8]) throws {
        let batch = store.makeBatch()
        batch.put(Key(Self.group, .meta).bytes, value)
        try store.write(batch)
    }

    @Test(arguments: [[], [1], [1, 0, 0, 0, 0, 0, 0, 0, 9]] as [[UInt8]])
    func `nobody can tell what a replica with an unreadable row has applied`(_ row: [UInt8]) throws {
        let store = try Self.state(applied: 3)
        try spoilMeta(store, row)
        let found = [Self.found(GroupID(2), snapshot: 0, entries: 0), Self.found(snapshot: 0, entries: 5)]
        let groups = try GroupRecovery(log: Self.log(), state: store).open(found)
        #expect(groups.opened.map(\.group) == [GroupID(2)])
        #expect(groups.quarantined.first?.reason.contains("own row cannot be read") == true)
    }

    /// Given up for a version, the state would be lost by starting an older program.
    @Test func `what a newer program wrote is no damage`() throws {
        let store = try Self.state(applied: 3)
        try spoilMeta(store, [200] + [UInt8](repeating: 0, count: 40))
        #expect(throws: DecodingError.self) {
            try GroupRecovery(log: Self.log(), state: store).open([Self.found(snapshot: 0, entries: 5)])
        }
    }
}

/// A state that fails its checks is given up as a whole.
@Suite struct StateRecoveryTests {
    private func found(_ group: UInt32, snapshot: UInt64, voters: [UInt64], later: [UInt64]? = nil) -> RecoveredGroup {
        func configuration(_ replicas: [UInt64]) -> Configuration {
            Configuration(voters: replicas.map { Member(replica: ReplicaID($0), node: NodeID($0)) })
        }
        let change = later.map { EntryHeader(term: Term(1), payloadBytes: 0, kind: .configuration(configuration($0))) }
        return RecoveredGroup(
            group: GroupID(group),
            replica: ReplicaID(1),
            hardState: HardState(),
            snapshot: SnapshotPoint(index: LogIndex(snapshot), term: Term(1), configuration: configuration(voters)),
            entries: [EntryHeader(term: Term(1), payloadBytes: 0, kind: .noop)] + (change.map { [$0] } ?? []),
            verdict: .intact
        )
    }

    /// A log that reaches back to the beginning makes all of the state again; of others, the beginning is missing.
    @Test func `groups whose log has been cut wait for a snapshot`() throws {
        let store = MemoryStateStore()
        try StateRecovery.beginAnew(
            [found(1, snapshot: 0, voters: [1]), found(2, snapshot: 5, voters: [1, 2])],
            in: store
        )
        #expect(try !GroupSnapshotSink.isInterrupted(GroupID(1), in: store))
        #expect(try GroupSnapshotSink.isInterrupted(GroupID(2), in: store))
    }

    struct Copies: Sendable {
        let snapshot: UInt64
        let voters: [UInt64]
        var later: [UInt64]?
        let isEnough: Bool
    }

    static let copies: [Copies] = [
        Copies(snapshot: 5, voters: [1, 2, 3], isEnough: true), Copies(snapshot: 5, voters: [1, 2], isEnough: true),
        Copies(snapshot: 5, voters: [1], isEnough: false), Copies(snapshot: 0, voters: [1], isEnough: true),
        // The configuration in force is the last one in the log.
        Copies(snapshot: 5, voters: [1], later: [1, 2], isEnough: true),
        Copies(snapshot: 5, voters: [1, 2], later: [1], isEnough: false),
        // A learner that is to become a voter is not the only one.
        Copies(snapshot: 5, voters: [2, 3], isEnough: true),
    ]

    @Test(arguments: copies)
    func `the last copy is not given up`(_ copies: Copies) {
        let groups = [
            found(1, snapshot: 9, voters: [1, 2, 3]),
            found(2, snapshot: copies.snapshot, voters: copies.voters, later: copies.later),
        ]
        let check = { () throws(StartupError) in
            try StateRecovery.checkCopies(of: groups, statePath: "/d/state", damage: "a bad block")
        }
        if copies.isEnough {
            #expect(throws: Never.self) { try check() }
        } else {
            #expect {
                try check()
            } throws: { error in
                ["/d/state", "a bad block", "no other node has a copy", "backup"].allSatisfy { "\(error)".contains($0) }
            }
        }
    }
}
