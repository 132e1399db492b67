extension RaftNode {
    /// AppendEntries receiver (figure 2), in the current term and from its leader.
    mutating func handleAppend(_ append: AppendEntries, from leader: ReplicaID, into effects: inout Effects) {
        // Entries that are committed here match in any case. They are not looked at: they may be compacted.
        let skipped = min(max(commitIndex - append.previousIndex, 0), append.entries.count)
        let previous = append.previousIndex + skipped
        if previous < commitIndex {
            send(.appendAccepted(matchIndex: commitIndex), to: leader, into: &effects)
            return
        }
        let previousTerm = skipped > 0 ? log.term(at: previous) : append.previousTerm
        guard let previousTerm, log.matches(index: previous, term: previousTerm) else {
            let hint = log.lastIndex(upTo: append.previousIndex, termUpTo: append.previousTerm)
            send(
                .appendRejected(
                    previousIndex: append.previousIndex,
                    hintIndex: hint,
                    hintTerm: log.term(at: hint) ?? .zero
                ),
                to: leader,
                into: &effects
            )
            return
        }
        merge(append.entries.dropFirst(skipped), after: previous, into: &effects)
        let lastNew = append.previousIndex + append.entries.count
        commit(upTo: max(commitIndex, min(append.commitIndex, lastNew)))
        send(.appendAccepted(matchIndex: lastNew), to: leader, into: &effects)
    }

    /// Appends the entries that the log lacks. The log is cut only at a conflict: an old append must not undo newer
    /// ones.
    private mutating func merge(
        _ entries: ArraySlice<EntryHeader>,
        after previous: LogIndex,
        into effects: inout Effects
    ) {
        var index = previous
        for position in entries.indices {
            index = index.next
            let header = entries[position]
            if log.matches(index: index, term: header.term) { continue }
            if index <= log.lastIndex { truncateLog(from: index, into: &effects) }
            precondition(header.term <= term, "an entry from the future")
            appendToLog(Array(entries[position...]), into: &effects)
            return
        }
    }

    mutating func handleHeartbeat(
        commitIndex leaderCommit: LogIndex,
        readSequence: UInt64,
        from leader: ReplicaID,
        into effects: inout Effects
    ) {
        // The leader names no index beyond this replica's match index.
        if leaderCommit > commitIndex, leaderCommit <= log.lastIndex { commit(upTo: leaderCommit) }
        send(.heartbeatResponse(readSequence: readSequence), to: leader, into: &effects)
    }

    /// The entry is committed. Where this log has that very entry, all entries before it are committed here as well
    /// (log matching). A leader counts for itself, and ignores this.
    mutating func learnCommitted(_ index: LogIndex, _ term: Term) {
        guard role != .leader, index > commitIndex, log.matches(index: index, term: term) else { return }
        commit(upTo: index)
    }

    // MARK: - Snapshots (Raft dissertation, chapter 5)

    mutating func handleOffer(_ point: SnapshotPoint, from leader: ReplicaID, into effects: inout Effects) {
        if point.index <= commitIndex {
            send(.appendAccepted(matchIndex: commitIndex), to: leader, into: &effects)
        } else if log.matches(index: point.index, term: point.term) {
            commit(upTo: point.index)
            send(.appendAccepted(matchIndex: point.index), to: leader, into: &effects)
        } else if pendingSnapshot == nil {
            pendingSnapshot = point
            effects.append(.installSnapshot(point, from: leader))
        }
    }

    /// The state machine holds the snapshot at `point`, durably, and nothing else. The log stayed open meanwhile: the
    /// others may have needed this replica's votes and acknowledgements.
    ///
    /// Where the log has the entry of the point, the entries behind that one are kept, and are applied to the snapshot.
    /// So the snapshot may end before an entry that was applied here once.
    mutating func snapshotInstalled(_ point: SnapshotPoint, into effects: inout Effects) {
        guard pendingSnapshot != nil else { return }
        pendingSnapshot = nil
        guard point.index > commitIndex || log.matches(index: point.index, term: point.term),
            point.index >= log.snapshot.index
        else { return effects.append(.contradicted(.snapshotOfAnotherHistory, by: leader ?? id)) }
        let before = configuration
        if log.matches(index: point.index, term: point.term) {
            log.compact(to: point)
            persists.installSnapshot(at: point.index)
        } else {
            log.reset(to: point)
            persists.reset(to: point.index)
        }
        commit(upTo: max(commitIndex, point.index))
        appliedIndex = point.index
        announced.noteInstalled(at: point.index)
        if configuration != before { configurationChanged(into: &effects) }
        // A snapshot of a newer term ends the present one: the leader of the present term must not count this log.
        if point.term > term { becomeFollower(term: point.term, leader: nil, into: &effects) }
        if let leader { send(.appendAccepted(matchIndex: point.index), to: leader, into: &effects) }
    }

    mutating func snapshotFailed(at index: LogIndex, into effects: inout Effects) {
        guard pendingSnapshot != nil else { return }
        pendingSnapshot = nil
        if let leader { send(.snapshotRejected(index: index), to: leader, into: &effects) }
    }
}
