package import Consensus
internal import ReplicaCore

/// Who is told what an operator, a test or a simulation should hear of. Each is called on the thread of the loop, or of
/// the agent, where it happens.
package struct Observers {
    package init() {}

    /// Told what becomes of the membership of this node's replicas.
    package var membership: (@Sendable (MembershipEvent) -> Void)?
    /// Told how verifications that this node coordinates go, and of snapshots that are refused.
    package var verification: (@Sendable (VerificationEvent) -> Void)?
    /// Told of spoiled bodies.
    package var bodies: (@Sendable (BodyEvent) -> Void)?
    /// Told when the disk is short of room, hangs, or has recovered.
    var disk: (@Sendable (DiskEvent) -> Void)?
    /// Told of each change of the role, the term or the leader that a replica of this node has; no leader: nil.
    var roles: (@Sendable (GroupID, RoleKind, Term, NodeID?) -> Void)?
    /// Told of each replica that may have changed, right behind the change.
    package var changes: (@Sendable (GroupID) -> Void)?
    /// Told when a snapshot has replaced the state and the log of a group.
    var installs: (@Sendable (GroupID, SnapshotPoint, _ from: NodeID) -> Void)?
}
