public import Consensus

/// Whether a group's log is what it was when it was acknowledged.
public enum LogVerdict: Hashable, Sendable {
    case intact
    /// An entry or vote that was acknowledged may be missing: the replica must not vote, and comes back under another
    /// ID. The verdict stays, over restarts too, until the group is removed.
    case damaged(reason: String)
}

/// One group's log as it was found.
public struct RecoveredGroup: Hashable, Sendable {
    /// The group whose log this is.
    public let group: GroupID
    /// The replica that wrote the log.
    public let replica: ReplicaID
    /// The last hard state that is in the log.
    public let hardState: HardState
    /// The entries up to this point are gone; a snapshot covers them.
    public let snapshot: SnapshotPoint
    /// The entries after the point. They must not be trusted when the verdict says that the log is damaged.
    public let entries: [EntryHeader]
    /// Whether the log is to be trusted.
    public let verdict: LogVerdict

    public init(
        group: GroupID,
        replica: ReplicaID,
        hardState: HardState,
        snapshot: SnapshotPoint,
        entries: [EntryHeader],
        verdict: LogVerdict
    ) {
        self.group = group
        self.replica = replica
        self.hardState = hardState
        self.snapshot = snapshot
        self.entries = entries
        self.verdict = verdict
    }

    /// The index of the last entry, or of the snapshot point where there is none.
    public var lastIndex: LogIndex { snapshot.index + entries.count }

    /// The verdict, knowing that the state had durably applied everything up to `appliedIndex`: a log that ends before
    /// has lost something, and one that begins after it cannot bring the state up to date.
    public func verdict(appliedIndex: LogIndex) -> LogVerdict {
        guard case .intact = verdict else { return verdict }
        if lastIndex < appliedIndex {
            return .damaged(
                reason: "The log ends at \(lastIndex.rawValue), before the applied index \(appliedIndex.rawValue)."
            )
        }
        if appliedIndex < snapshot.index {
            return .damaged(
                reason:
                    "The log starts at \(snapshot.index.rawValue), after the applied index \(appliedIndex.rawValue)."
            )
        }
        return .intact
    }
}
