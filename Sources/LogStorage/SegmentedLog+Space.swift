internal import Consensus
internal import NIOConcurrencyHelpers
internal import NIOCore

extension SegmentedLog {
    public func purge() throws(LogError) {
        if let failure { throw failure }
        try guarded { () throws(LogError) in
            while let sequence = oldestUnused() {
                let disk = disk
                try onDisk { () throws(DiskError) in
                    try disk.delete(SegmentHeader.fileName(sequence))
                    // One by one: a later segment must never be gone while an earlier one is still there.
                    try disk.syncDirectory()
                }
                state.withLockedValue { $0.segments.removeAll { $0.sequence == sequence } }
            }
        }
    }

    /// The oldest segment, when the log does not write to it and needs no entry in it. Its other records are
    /// also in the checkpoint with which the next segment starts.
    private func oldestUnused() -> UInt64? {
        state.withLockedValue { state in
            guard state.segments.count > 1 else { return nil }
            let sequence = state.segments[0].sequence
            return state.table.usage.isInUse(sequence) ? nil : sequence
        }
    }

    public func isOldestSegmentWorthCopying(beyond count: Int) -> Bool {
        state.withLockedValue { state in
            guard state.segments.count > count, let oldest = state.segments.first else { return false }
            return state.table.usage.liveBytes(in: oldest.sequence) * 2 < oldest.bytes
        }
    }

    public func compact(maxBytes: Int) throws(LogError) -> Int {
        if let failure { throw failure }
        let found = state.withLockedValue { state in Self.entriesInOldest(state, maxBytes) }
        guard !found.isEmpty else {
            try purge()
            return 0
        }
        let loaded = try LogReader.load(found.map(\.place))
        var records: [Record] = []
        for (item, (entry, damaged)) in zip(found, loaded) {
            guard !damaged else {
                throw LogError(
                    .damaged,
                    "The payload of entry \(item.index.rawValue) is damaged.",
                    group: item.group
                )
            }
            records.append(
                Record(group: item.group, body: .rewrittenEntry(item.index, entry.header), payload: entry.payload)
            )
        }
        try guarded { () throws(LogError) in try write(records) }
        try purge()
        return loaded.reduce(0) { $0 + $1.entry.byteCount }
    }

    private struct OldEntry {
        var group: GroupID
        var index: LogIndex
        var place: LogReader.Place
    }

    private static func entriesInOldest(_ state: LogState, _ maxBytes: Int) -> [OldEntry] {
        guard state.segments.count > 1 else { return [] }
        let oldest = state.segments[0]
        var entries: [OldEntry] = []
        var bytes = 0
        for id in state.table.sortedIDs {
            // Entries of a group in quarantine cannot be trusted: the group will be removed.
            guard let group = state.table.groups[id], group.damage == nil else { continue }
            for (offset, slot) in group.slots.enumerated() {
                guard let slot, slot.location.segment == oldest.sequence else { continue }
                guard bytes < maxBytes else { return entries }
                bytes += max(1, Int(slot.header.payloadBytes))
                entries.append(
                    OldEntry(
                        group: id,
                        index: group.firstIndex + offset,
                        place: LogReader.Place(slot: slot, file: oldest.file)
                    )
                )
            }
        }
        return entries
    }

    /// Gives back the unused rest of the segment that was written to before this opening.
    func cut(_ tail: Recovery.Tail?) throws(LogError) {
        guard let tail else { return }
        try onDisk { () throws(DiskError) in try tail.file.truncate(to: tail.bytes) }
        state.withLockedValue { state in
            for index in state.segments.indices where state.segments[index].sequence == tail.sequence {
                state.segments[index].bytes = tail.bytes
            }
        }
    }
}
