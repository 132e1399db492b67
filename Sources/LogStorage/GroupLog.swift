internal import Consensus

/// What the log holds for one group: the result of its records in order. Used for replay and for live writes alike.
struct GroupLog: Sendable {
    struct Slot: Sendable {
        var header: EntryHeader
        var location: Location
    }

    /// The replica that wrote this log. Another replica's log is another log, also of the same group on the same node.
    private(set) var replica: ReplicaID
    private(set) var hardState = HardState()
    private(set) var snapshot: SnapshotPoint
    /// The entries after the snapshot point. Nil, during replay only: the entry was in a segment that is gone, and a
    /// later record will bring it, cover it by a snapshot, or replace it.
    private(set) var slots: [Slot?] = []
    /// The checksum of the group's last record.
    var chain: UInt32 = 0
    private(set) var damage: String?

    init(replica: ReplicaID, snapshot: SnapshotPoint) {
        self.replica = replica
        self.snapshot = snapshot
    }

    var firstIndex: LogIndex { snapshot.index.next }
    var lastIndex: LogIndex { snapshot.index + slots.count }

    func slot(at index: LogIndex) -> Slot? {
        index >= firstIndex && index <= lastIndex ? slots[index - firstIndex] : nil
    }

    /// Notes that the log is damaged. The first reason stays.
    mutating func markDamaged(_ reason: String) {
        if damage == nil { damage = reason }
    }

    var checkpoint: GroupCheckpoint {
        GroupCheckpoint(
            replica: replica,
            hardState: hardState,
            snapshot: snapshot,
            lastIndex: lastIndex,
            damage: damage
        )
    }

    /// Adds a record to what the log holds.
    ///
    /// - Returns: why the record cannot follow what is there, if it cannot.
    mutating func apply(_ body: RecordBody, at location: Location, _ usage: inout SegmentUsage) -> String? {
        switch body {
        case .hardState(let state):
            guard state.term >= hardState.term else { return "The term goes back." }
            hardState = state
        case .entry(let index, let header):
            guard index > snapshot.index, index <= lastIndex.next else {
                return "Entry \(index.rawValue) does not continue the log."
            }
            truncate(count: index - firstIndex, &usage)
            slots.append(Slot(header: header, location: location))
            usage.add(slots[slots.count - 1])
        case .rewrittenEntry(let index, let header):
            guard index >= firstIndex, index <= lastIndex else { return "A copied entry is not in the log." }
            let position = index - firstIndex
            if let slot = slots[position], slot.header != header { return "A copied entry differs." }
            usage.remove(slots[position])
            slots[position] = Slot(header: header, location: location)
            usage.add(slots[position])
        case .snapshot(let point, let keepsEntries):
            guard point.index > snapshot.index else { return "The snapshot point goes back." }
            dropFirst(
                keepsEntries ? point.index - snapshot.index : slots.count,
                &usage
            )
            snapshot = point
        case .checkpoint(let checkpoint):
            applyCheckpoint(checkpoint, &usage)
        case .create, .remove:
            return "The group was created twice."
        }
        return nil
    }

    /// The checkpoint stands for all records of the segments before it. These segments may be gone, wholly or in part.
    private mutating func applyCheckpoint(_ checkpoint: GroupCheckpoint, _ usage: inout SegmentUsage) {
        replica = checkpoint.replica
        hardState = checkpoint.hardState
        let goesBack = checkpoint.snapshot.index < snapshot.index
        dropFirst(goesBack ? slots.count : checkpoint.snapshot.index - snapshot.index, &usage)
        snapshot = checkpoint.snapshot
        let count = checkpoint.lastIndex - checkpoint.snapshot.index
        truncate(count: count, &usage)
        if slots.count < count { slots += [Slot?](repeating: nil, count: count - slots.count) }
        if let reason = checkpoint.damage { markDamaged(reason) }
    }

    private mutating func dropFirst(_ count: Int, _ usage: inout SegmentUsage) {
        let dropped = min(count, slots.count)
        for slot in slots[..<dropped] { usage.remove(slot) }
        slots.removeFirst(dropped)
    }

    private mutating func truncate(count: Int, _ usage: inout SegmentUsage) {
        while slots.count > count { usage.remove(slots.removeLast()) }
    }

    /// Lets go of all entries.
    mutating func clear(_ usage: inout SegmentUsage) { truncate(count: 0, &usage) }

    /// Checks what must hold when all records were added.
    mutating func finishReplay(_ usage: inout SegmentUsage) {
        if let hole = slots.firstIndex(where: { $0 == nil }) {
            markDamaged("Entry \((firstIndex + hole).rawValue) is missing.")
            truncate(count: hole, &usage)
        }
        if lastIndex < hardState.commitIndex {
            markDamaged(
                "The log ends at \(lastIndex.rawValue), before the commit index \(hardState.commitIndex.rawValue)."
            )
        }
    }
}
