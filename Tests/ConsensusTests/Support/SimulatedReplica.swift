@testable import Consensus

/// A replica with its shell: a disk that takes its time, a state machine that lists what it applied.
struct SimulatedReplica {
    let id: ReplicaID
    let settings: RaftSettings
    /// `nil` while it is down.
    var node: RaftNode?
    var disk: Disk
    /// Writes that were ordered and have not reached the disk.
    var writes: [Persist] = []
    /// Writes that reached the disk, while the core was not told.
    var completed: UInt64 = 0
    var state: [EntryHeader] = []
    var applyTarget = LogIndex.zero
    var installing: (point: SnapshotPoint, from: ReplicaID)?
    var starts: UInt64 = 0

    init(id: ReplicaID, settings: RaftSettings, configuration: Configuration) {
        self.id = id
        self.settings = settings
        disk = Disk(snapshot: SnapshotPoint(index: .zero, term: .zero, configuration: configuration))
        start(seed: id.rawValue)
    }

    mutating func start(seed: UInt64) {
        state = disk.state
        applyTarget = disk.isStateLost ? disk.snapshot.index : LogIndex(UInt64(state.count))
        node = RaftNode(
            id: id,
            settings: settings,
            hardState: disk.hardState,
            snapshot: disk.snapshot,
            headers: disk.headers,
            appliedIndex: applyTarget,
            isStateLost: disk.isStateLost,
            seed: seed
        )
        completed = 0
        starts += 1
    }

    /// The last entry of the log as it will be once all writes are done.
    var lastWritten: LogIndex {
        guard let write = writes.last(where: { !$0.entries.isEmpty }) else { return disk.lastIndex }
        return write.firstIndex + (write.entries.count - 1)
    }

    /// Loses everything that has not reached the disk; of the writes under way, the first `written` have.
    mutating func crash(written: Int, durableApplied: Int) {
        for write in writes.prefix(written) { disk.write(write) }
        writes.removeAll()
        if durableApplied > disk.state.count { disk.state = Array(state.prefix(durableApplied)) }
        installing = nil
        node = nil
    }
}
