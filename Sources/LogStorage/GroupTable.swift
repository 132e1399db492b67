internal import Consensus

/// The logs of all groups.
struct GroupTable: Sendable {
    private(set) var groups: [GroupID: GroupLog] = [:]
    private(set) var usage = SegmentUsage()
    /// Why records of unknown groups are missing, once some were unreadable.
    private var gap: String?

    var hasGap: Bool { gap != nil }

    /// In the order of their IDs.
    var sortedIDs: [GroupID] { groups.keys.sorted() }

    /// Adds a record that was just written. A record that does not fit traps.
    mutating func applyWritten(_ record: PlacedRecord) {
        let failure = apply(record)
        precondition(failure == nil, "A record was written that does not fit: \(failure ?? "")")
    }

    /// Adds a record that was found. A record that does not fit is damage.
    mutating func replay(_ record: PlacedRecord) {
        let reason = chainFailure(record) ?? apply(record)
        guard let reason else { return }
        damage(record.group, reason)
        groups[record.group]?.chain = record.checksum
    }

    private func chainFailure(_ record: PlacedRecord) -> String? {
        guard let group = groups[record.group], group.chain != record.chain else { return nil }
        switch record.body {
        case .create, .remove: return nil
        case .hardState, .entry, .rewrittenEntry, .snapshot, .checkpoint: return "A record before is missing."
        }
    }

    private mutating func apply(_ record: PlacedRecord) -> String? {
        switch record.body {
        case .create(let replica, let point):
            // A group in quarantine may be created again without having been removed.
            if let group = groups[record.group], group.damage == nil { return "The group was created twice." }
            groups[record.group]?.clear(&usage)
            groups[record.group] = GroupLog(replica: replica, snapshot: point)
        case .remove:
            groups[record.group]?.clear(&usage)
            groups[record.group] = nil
            return nil
        case .checkpoint(let checkpoint):
            if groups[record.group] == nil {
                groups[record.group] = GroupLog(replica: checkpoint.replica, snapshot: checkpoint.snapshot)
            }
        case .hardState, .entry, .rewrittenEntry, .snapshot:
            guard groups[record.group] != nil else { return gap ?? "The group was never created." }
        }
        if case .create = record.body {
        } else {
            if let reason = groups[record.group]?.apply(record.body, at: record.location, &usage) { return reason }
        }
        groups[record.group]?.chain = record.checksum
        return nil
    }

    /// Puts a group in quarantine, also a group that the table does not know.
    mutating func damage(_ group: GroupID, _ reason: String) {
        let blank = GroupLog(
            replica: ReplicaID(0),
            snapshot: SnapshotPoint(index: .zero, term: .zero, configuration: Configuration(members: [], voters: []))
        )
        groups[group, default: blank].markDamaged(reason)
    }

    /// Records were unreadable that may have been any group's.
    mutating func damageAll(_ reason: String) {
        if gap == nil { gap = reason }
        for group in sortedIDs { groups[group]?.markDamaged(reason) }
    }

    mutating func finishReplay() {
        for group in sortedIDs { groups[group]?.finishReplay(&usage) }
        gap = nil
    }
}
