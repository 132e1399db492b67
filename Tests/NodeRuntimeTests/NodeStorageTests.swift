import Consensus
import Glibc
import LogStorage
import Logging
import MailModel
import MailStore
import MailTestSupport
import NIOCore
import StateStorage
import Testing

@testable import MailStore
@testable import NodeRuntime

/// Log and state of a data directory, opened and brought together.
@Suite struct NodeStorageTests {
    private let temporary = TemporaryDirectory()
    private let group = GroupID(1)

    private var settings: NodeSettings {
        var settings = NodeSettings(node: NodeID(1), cluster: "posta", dataDirectory: temporary.path)
        settings.stateMemoryBytes = 1 << 20
        return settings
    }

    private var quiet: Logger {
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        return logger
    }

    private func directory() throws -> DataDirectory { try DataDirectory(settings) { 5 } }

    private func open(_ directory: DataDirectory) throws -> NodeStorage {
        try NodeStorage.open(directory, settings: settings, logger: quiet)
    }

    private func point(_ index: UInt64, voters: [UInt64]) -> SnapshotPoint {
        let members = voters.map { Member(replica: ReplicaID($0), node: NodeID($0)) }
        return SnapshotPoint(index: LogIndex(index), term: Term(1), configuration: Configuration(voters: members))
    }

    /// A directory whose group has applied so far, with the log cut at `snapshot`.
    private func fill(applied: UInt64, snapshot: UInt64 = 0, voters: [UInt64] = [1]) throws {
        let storage = try open(directory())
        #expect(storage.groups.opened.isEmpty && storage.groups.quarantined.isEmpty)
        let entry = LogEntry(
            header: EntryHeader(term: Term(1), payloadBytes: 0, kind: .noop),
            payload: ByteBuffer()
        )
        try storage.log.append(
            LogRound([
                .createGroup(group, replica: ReplicaID(1), point(0, voters: voters)),
                .append(group, firstIndex: LogIndex(1), [LogEntry](repeating: entry, count: Int(applied))),
                .saveHardState(group, HardState(term: Term(1), vote: nil, commitIndex: LogIndex(applied))),
            ])
        )
        let applier = MailApplier(store: storage.state)
        _ = try applier.open(group)
        for index in 1...applied { applier.applyEmpty(group: group, index: LogIndex(index), term: Term(1)) }
        try applier.commit()
        try storage.state.flush()
        if snapshot > 0 { try storage.log.append(LogRound([.setSnapshot(group, point(snapshot, voters: voters))])) }
        storage.state.close()
    }

    @Test func `what was written is there again`() throws {
        try fill(applied: 6, snapshot: 4)
        let storage = try open(directory())
        defer { storage.state.close() }
        let opened = try #require(storage.groups.opened.first)
        #expect(opened.group == group && opened.appliedIndex == LogIndex(6) && !opened.isRebuilding)
        #expect(opened.snapshot.index == LogIndex(4) && opened.headers.count == 2)
        #expect(storage.groups.quarantined.isEmpty)
    }

    /// A log of another directory may have forgotten what this one has promised.
    @Test func `the log of another directory is not taken`() throws {
        try fill(applied: 3)
        let identity = try #require(temporary.read("identity"))
        temporary.write(
            "identity",
            identity.split(separator: "\n").map { $0.hasPrefix("log ") ? "log 6" : "\($0)" }.joined(separator: "\n")
        )
        #expect {
            try open(directory())
        } throws: { "\($0)".contains("cannot be opened") && $0 is StartupError }
    }

    /// Files of the state, found to be damaged when it is opened: noted, given up, and begun anew in one start.
    @Test(arguments: [true, false])
    func `a state that does not open is begun anew, where others have a copy`(_ isOnlyCopy: Bool) throws {
        try fill(applied: 6, snapshot: 4, voters: isOnlyCopy ? [1] : [1, 2, 3])
        spoilManifest()
        let before = stateFiles
        let directory = try directory()
        guard !isOnlyCopy else {
            #expect { try open(directory) } throws: { "\($0)".contains("no other node has a copy") }
            #expect(stateFiles == before, "what is left may be worth a rescue")
            #expect(try directory.stateDamage() != nil)
            return
        }
        let storage = try open(directory)
        defer { storage.state.close() }
        let opened = try #require(storage.groups.opened.first)
        #expect(opened.isRebuilding && opened.appliedIndex == LogIndex(4) && opened.replica == ReplicaID(1))
        #expect(try directory.stateDamage() == nil)
        #expect(try GroupSnapshotSink.isInterrupted(group, in: storage.state))
    }

    /// What was found while the node ran.
    @Test func `a state that was noted as damaged is begun anew`() throws {
        try fill(applied: 6, snapshot: 4, voters: [1, 2, 3])
        temporary.write("state-damaged", "a bad block")
        let directory = try directory()
        let storage = try open(directory)
        defer { storage.state.close() }
        #expect(storage.groups.opened.map(\.isRebuilding) == [true])
        #expect(try directory.stateDamage() == nil && !temporary.exists("state-damaged"))
    }

    /// All of it is in the log.
    @Test func `a group whose log is whole loses nothing with the state`() throws {
        try fill(applied: 6)
        temporary.write("state-damaged", "a bad block")
        let storage = try open(directory())
        defer { storage.state.close() }
        let opened = try #require(storage.groups.opened.first)
        #expect(!opened.isRebuilding && opened.appliedIndex == .zero && opened.headers.count == 6)
    }

    @Test func `a state that another process holds is no damage`() throws {
        try fill(applied: 2)
        let directory = try directory()
        let storage = try open(directory)
        defer { storage.state.close() }
        #expect { try open(directory) } throws: { $0 is StartupError && "\($0)".contains("cannot be opened") }
        #expect(try directory.stateDamage() == nil)
    }

    // MARK: The node over it

    /// What a node needs beside its storage, of which none of this is asked.
    private func environment(_ directory: DataDirectory) -> NodeCore.Environment {
        NodeCore.Environment(
            node: NodeID(1),
            session: 1,
            settings: settings.core,
            clock: SystemClock(),
            network: TestNode(NodeID(1)),
            blocking: HeldBlocking(),
            background: HeldBlocking(),
            gauge: FileSystemGauge(path: directory.path),
            identity: directory.nodeIdentity,
            identityStore: directory,
            peers: [NodeID(1)],
            registration: Registration(
                clusterID: 1,
                node: NodeDescription(id: 1, peerAddress: "", labels: [])
            ),
            failed: { Issue.record($0) }
        )
    }

    /// A program from before the cluster's version cannot read what the others write.
    @Test func `a cluster of a newer version is not for this program`() throws {
        let directory = try directory()
        let storage = try open(directory)
        defer { storage.state.close() }
        let newer = try #require(KnownVersions.current.newest.next)
        let applier = MailApplier(store: storage.state, newestVersion: newer)
        _ = try applier.open(.directory)
        let found = CommandEnvelope(
            request: RequestID(session: 1, sequence: 1),
            settledBelow: 0,
            timestamp: Timestamp(milliseconds: 1),
            account: AccountID(0),
            command: .directory(.found(clusterID: 1, mailGroups: 1, version: newer, founders: []))
        )
        let outcome = try applier.apply(
            group: .directory,
            index: LogIndex(1),
            term: Term(1),
            payload: found.encoded()
        ).1
        #expect(outcome == .done)
        try applier.commit()
        #expect {
            try storage.core(in: directory, environment(directory))
        } throws: { error in
            error is StartupError && "\(error)".contains(directory.path) && "\(error)".contains("newer program")
        }
        #expect(try directory.stateDamage() == nil, "the state is whole")
    }

    // MARK: Damage that the node meets when it begins

    /// Blocks of the state's tables are not what was written, and the state opens all the same: the first row that is
    /// read tells.
    @Test func `a state with damaged blocks is begun anew, where others have a copy`() throws {
        try fill(applied: 6, snapshot: 4, voters: [1, 2, 3])
        spoilTables()
        let directory = try directory()
        let storage = try open(directory)
        defer { storage.state.close() }
        let opened = try #require(storage.groups.opened.first)
        #expect(opened.isRebuilding && opened.replica == ReplicaID(1) && opened.headers.count == 2)
        #expect(try directory.stateDamage() == nil)
    }

    /// Recovery has read its rows; another one is damaged.
    @Test func `damage that the node meets is noted for the next start`() throws {
        try fill(applied: 6, snapshot: 4, voters: [1, 2, 3])
        do {
            let directory = try directory()
            let found = try storage(directory, failing: .corruption)
            #expect {
                try found.core(in: directory, environment(directory))
            } throws: { error in
                error is StartupError && "\(error)".contains("a bad block")
                    && "\(error)".contains("Start this node again")
            }
            #expect(try directory.stateDamage()?.contains("a bad block") == true)
        }
        let directory = try directory()
        let storage = try open(directory)
        defer { storage.state.close() }
        #expect(storage.groups.opened.map(\.isRebuilding) == [true])
    }

    /// The disk refuses to read: what is on it may be whole.
    @Test(arguments: [StateError.Kind.inputOutput, .noSpace, .other])
    func `what is no damage is not taken for it`(_ kind: StateError.Kind) throws {
        let directory = try directory()
        let found = try storage(directory, failing: kind)
        #expect {
            try found.core(in: directory, environment(directory))
        } throws: { error in
            error is StartupError && "\(error)".contains("a bad block") && "\(error)".contains(directory.path)
        }
        #expect(try directory.stateDamage() == nil)
    }

    /// The row is whole, by its checksum, and makes no sense: nobody knows which version the cluster has come to.
    @Test func `a directory whose version cannot be read says so`() throws {
        let directory = try directory()
        let storage = try open(directory)
        defer { storage.state.close() }
        try put([1], at: DirectoryRows.versionKey.bytes, in: storage.state)
        #expect {
            try storage.core(in: directory, environment(directory))
        } throws: { $0 is StartupError && "\($0)".contains("cannot be opened") && "\($0)".contains(directory.path) }
        #expect(try directory.stateDamage() == nil)
    }

    /// A group whose answers cannot be read stands still on this node, alone; the others go on.
    @Test func `a group whose rows make no sense stands still`() throws {
        let directory = try directory()
        let groups = [GroupID(0), group]
        let storage = try open(directory)
        try storage.log.append(
            LogRound(groups.map { .createGroup($0, replica: ReplicaID(1), point(0, voters: [1, 2, 3])) })
        )
        let key = Key(group, .requests).appending(UInt64(1)).appending(UInt64(2)).bytes
        try put([1, 2, 3], at: key, in: storage.state)
        storage.state.close()

        let again = try open(directory)
        defer { again.state.close() }
        #expect(again.groups.opened.map(\.group) == groups && again.groups.quarantined.isEmpty)
        let core = try again.core(in: directory, environment(directory))
        for loop in core.loops { loop.turn() }
        let stopped = try #require(core.loop(of: group).stop(of: group))
        #expect(stopped.index == LogIndex(1) && stopped.reason.contains("request row"))
        #expect(core.replica(group) == nil && core.loop(of: GroupID(0)).stop(of: GroupID(0)) == nil)
        #expect(core.replica(GroupID(0)) != nil)
    }

    /// What was recovered, over a state of which every read fails.
    private func storage(_ directory: DataDirectory, failing kind: StateError.Kind) throws -> NodeStorage {
        let storage = try open(directory)
        defer { storage.state.close() }
        let failure = StateError(kind: kind, message: "a bad block", path: directory.statePath)
        return NodeStorage(log: storage.log, state: UnreadableState(failure), groups: storage.groups)
    }

    private func put(_ value: [UInt8], at key: [UInt8], in state: any StateStore) throws {
        let batch = state.makeBatch()
        batch.put(key, value)
        try state.write(batch)
        try state.flush()
    }

    private func spoilTables() {
        let names = temporary.names(in: "state").filter { $0.hasSuffix(".sst") }
        #expect(!names.isEmpty)
        for name in names { temporary.change("state/\(name)", at: 0..<16) }
    }

    /// Without what the database notes for people.
    private var stateFiles: [String] { temporary.names(in: "state").filter { !$0.hasPrefix("LOG") } }

    private func spoilManifest() {
        for name in temporary.names(in: "state") where name.hasPrefix("MANIFEST-") {
            temporary.write("state/\(name)", "this is no manifest, whatever its name says")
        }
    }
}

/// A state of which every read fails.
private final class UnreadableState: StateStore {
    private let error: StateError
    private let memory = MemoryStateStore()

    init(_ error: StateError) { self.error = error }

    func makeBatch() -> any StateBatch { memory.makeBatch() }
    func write(_ batch: any StateBatch) throws(StateError) { try memory.write(batch) }
    func flush() throws(StateError) { try memory.flush() }
    func makeSnapshot() -> any StateSnapshot { memory.makeSnapshot() }
    var approximateSize: UInt64 { 0 }
    var failure: StateError? { nil }
    func close() {}

    func get(_ key: Span<UInt8>) throws(StateError) -> ByteBuffer? { throw error }
    func get(_ key: Span<UInt8>, tier: ReadTier) throws(StateError) -> ByteBuffer? { throw error }
    func withValue(_ key: Span<UInt8>, _ body: (Span<UInt8>) throws -> Void) throws -> Bool { throw error }

    func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        order: ScanOrder,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws { throw error }
}
