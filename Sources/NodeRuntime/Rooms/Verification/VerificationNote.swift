package import Consensus
package import MailModel
package import ReplicaCore

/// How a verification ended.
package struct VerificationNote: Hashable, Sendable {
    /// The time of day at this node.
    package let time: Timestamp
    /// The entry behind which the replicas' states were compared.
    package let index: LogIndex
    /// The first attempt of the verification, which an admin asks after by this ID; nil where another node coordinated
    /// the verification.
    package let origin: VerificationID?
    /// Nil where another node coordinated it: this node's replica agreed.
    package let report: VerificationReport?
}

/// What an operator should hear of verifications.
package enum VerificationEvent: Sendable {
    /// All replicas hold the same, or those that answered do.
    case verified(GroupID, VerificationReport)
    /// Replicas differ, or rows are not what they should be.
    case different(GroupID, VerificationReport)
    /// The search for the first different row of each is over.
    case searched(GroupID, VerificationReport)
    /// A snapshot that came was not taken, because its rows are not what it says.
    case snapshotRefused(GroupID, String)
}

/// Why a verification does not begin.
package enum VerificationRefusal: Error, Hashable, Sendable {
    case noReplica
    case notLeader(NodeID?)
    /// One is under way, for this group or too many others.
    case busy
    case configurationInFlight
}
