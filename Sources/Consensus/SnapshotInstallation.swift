/// The snapshot that is to take the place of this replica's state (Raft dissertation, chapter 5). The log stays open
/// meanwhile: the others may need this replica's votes and acknowledgements.
struct SnapshotInstallation: Sendable {
    /// The snapshot that is being installed.
    private(set) var pending: SnapshotPoint?

    /// As in a replica that begins.
    ///
    /// - Parameter pending: where the state is lost, because an installation did not end.
    init(pending: SnapshotPoint?) { self.pending = pending }

    /// Takes the leader's offer up, unless the log needs no snapshot or one is being installed.
    mutating func receiveOffer(
        of point: SnapshotPoint,
        from leader: ReplicaID,
        _ persistent: inout PersistentState,
        into effects: inout Effects
    ) {
        if let matchIndex = persistent.matchIndex(withSnapshotAt: point) {
            persistent.send(.appendAccepted(matchIndex: matchIndex), to: leader, into: &effects)
        } else if pending == nil {
            pending = point
            effects.append(.installSnapshot(point, from: leader))
        }
    }

    /// The state machine holds the snapshot at `point`, durably, and nothing else. Where the log has the entry of the
    /// point, the entries behind that one are applied to the snapshot. So the snapshot may end before an entry that was
    /// applied here once.
    ///
    /// - Parameter leader: of the present term, as far as it is known.
    /// - Returns: whether the state is the snapshot's now.
    mutating func finish(
        at point: SnapshotPoint,
        leader: ReplicaID?,
        _ persistent: inout PersistentState,
        into effects: inout Effects
    ) -> Bool {
        guard pending != nil else { return false }
        pending = nil
        let before = persistent.log.configuration
        guard persistent.installSnapshot(at: point) else {
            effects.append(.contradicted(.snapshotOfAnotherHistory, by: leader ?? persistent.id))
            return false
        }
        let current = persistent.log.configuration
        if current != before { effects.append(.configurationChanged(current)) }
        return true
    }

    /// The snapshot at `index` was not installed: the leader may offer another one.
    mutating func fail(
        at index: LogIndex,
        leader: ReplicaID?,
        _ persistent: inout PersistentState,
        into effects: inout Effects
    ) {
        guard pending != nil else { return }
        pending = nil
        if let leader { persistent.send(.snapshotRejected(index: index), to: leader, into: &effects) }
    }
}
