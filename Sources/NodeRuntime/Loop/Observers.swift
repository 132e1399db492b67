internal import Consensus
internal import ReplicaCore

/// Who is told what an operator, a test or a simulation should hear of. All are called on the loop's thread.
package struct Observers {
    package init() {}

    package var membership: (@Sendable (MembershipEvent) -> Void)?
    package var verification: (@Sendable (VerificationEvent) -> Void)?
    package var bodies: (@Sendable (BodyEvent) -> Void)?
    var disk: (@Sendable (DiskEvent) -> Void)?
    var roles: (@Sendable (GroupID, RoleKind, Term, NodeID?) -> Void)?
    /// Told when a snapshot has replaced the state and the log of a group.
    var installs: (@Sendable (GroupID, SnapshotPoint, _ from: NodeID) -> Void)?
}
