internal import Consensus
internal import ReplicaCore

/// What a step of a replica, or a room, has to tell rooms. The loop hands it to them when the room that caused it has
/// ended: rooms never call one another.
enum FloorEvent {
    /// The state has what this read must see.
    case readReady(GroupID, id: UInt64, LogIndex)
    case readRejected(GroupID, id: UInt64)
    /// The leader has no log any more that this replica could go on with: it needs a snapshot at or past the point.
    case snapshotOffered(GroupID, SnapshotPoint, from: NodeID)
    case roleChanged(GroupID, RoleKind, Term, leader: NodeID?)
    /// A peer sent what no correct one sends; the message had no effect.
    case contradicted(GroupID, Contradiction, by: NodeID?)
    /// The node that the replica here takes for its leader has refused it a round of reads: the group may go on without
    /// the replica.
    case roundRefused(GroupID, by: NodeID)
    /// The read is to be answered from this node's own state.
    case readHere(ReadCall)
    /// This node has no replica that could answer the read: another node is to be asked.
    case readElsewhere(ReadCall)
    /// The group has no replica on this node any more: what was left to it is lost.
    case replicaRemoved(GroupID)
    /// All rows of the group's replicas should be compared, where this node leads it.
    case scrubWanted(GroupID)
}
