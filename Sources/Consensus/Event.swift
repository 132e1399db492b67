/// Everything that can happen to a replica, as its core sees it.
public enum Event: Hashable, Sendable {
    /// One unit of the election clock passed.
    case tick
    case received(Message)
    /// Propose commands with payloads of these sizes, as one batch: all are accepted or none.
    case propose(payloadBytes: [UInt32])
    case proposeConfiguration(Configuration)
    /// Ask for a linearizable read point. `id` is never used twice by the shell.
    case readIndex(id: UInt64)
    /// The persist effect with this sequence number, and all before it, are durable.
    case persisted(sequence: UInt64)
    /// The state machine has applied everything up to this index.
    case applied(upTo: LogIndex)
    /// The shell compacted its log: entries up to and including `point.index` can no longer be sent.
    case compacted(SnapshotPoint)
    /// The snapshot that `installSnapshot` asked for is durable and live.
    case snapshotInstalled(SnapshotPoint)
    /// Installing failed or was given up; the core may accept another offer.
    case snapshotFailed(index: LogIndex)
    /// Another replica's log begins behind this entry: so it is committed, though no leader has said so here.
    case committed(LogIndex, Term)
    /// The transport lost what it had under way to this peer.
    case unreachable(ReplicaID)
    case transferLeadership(to: ReplicaID)
    /// The node of this replica stops: from now on the replica declines a leadership that is handed to it, and
    /// campaigns later than the others.
    case declineLeadership
    /// Start an election now, whatever the clock says.
    case campaign
    /// The clock stood still for so many ticks, because this replica was at rest; meanwhile these were heard of.
    case rested(ticks: Int, heard: [Heard])
}
