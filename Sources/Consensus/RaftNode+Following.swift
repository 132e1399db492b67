extension RaftNode {
    mutating func handleHeartbeat(
        commitIndex leaderCommit: LogIndex,
        readSequence: UInt64,
        from leader: ReplicaID,
        into effects: inout Effects
    ) {
        persistent.receiveCommitIndex(leaderCommit)
        persistent.send(.heartbeatResponse(readSequence: readSequence), to: leader, into: &effects)
    }

    /// A leader counts for itself, and ignores this.
    mutating func learnCommitted(_ index: LogIndex, _ term: Term) {
        if role != .leader { persistent.learnCommitted(index, term: term) }
    }

    // MARK: - Snapshots (Raft dissertation, chapter 5)

    mutating func handleOffer(_ point: SnapshotPoint, from leader: ReplicaID, into effects: inout Effects) {
        if let matchIndex = persistent.matchIndex(withSnapshotAt: point) {
            persistent.send(.appendAccepted(matchIndex: matchIndex), to: leader, into: &effects)
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
        let before = configuration
        guard persistent.installSnapshot(at: point) else {
            return effects.append(.contradicted(.snapshotOfAnotherHistory, by: leader ?? id))
        }
        appliedIndex = point.index
        announced.noteInstalled(at: point.index)
        if configuration != before { effects.append(.configurationChanged(configuration)) }
        // A snapshot of a newer term ends the present one: the leader of the present term must not count this persistent.log.
        if point.term > term { becomeFollower(term: point.term, leader: nil, into: &effects) }
        if let leader { persistent.send(.appendAccepted(matchIndex: point.index), to: leader, into: &effects) }
    }

    mutating func snapshotFailed(at index: LogIndex, into effects: inout Effects) {
        guard pendingSnapshot != nil else { return }
        pendingSnapshot = nil
        if let leader { persistent.send(.snapshotRejected(index: index), to: leader, into: &effects) }
    }
}
