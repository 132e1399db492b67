package import Consensus
package import MailModel
internal import MailStore
package import ReplicaCore

/// What a node knows of verifications: those that it coordinates, and those that its replicas take part in.
package struct VerificationState {
    /// By group; at most ``VerificationSettings/maximumKept``.
    var kept: [GroupID: KeptVerification] = [:]
    /// By group; at most ``VerificationSettings/maximumRunning``.
    var running: [GroupID: RunningVerification] = [:]
    /// How the last one of each group ended, as far as this node was told.
    package var notes: [GroupID: VerificationNote] = [:]
    /// Groups whose replica here differs from others, and nobody can say which is right.
    package var suspects: Set<GroupID> = []
    /// Groups whose replica here is to be given up.
    var condemned: [GroupID: Condemnation] = [:]
    /// A scrub reads at this moment; one at a time.
    var isScrubbing = false
    /// Counts the verifications of this run.
    var count: UInt64 = 0
    var schedule = VerificationSchedule()

    /// Whether what this node has of a group must not be copied.
    func isInDoubt(_ group: GroupID) -> Bool { suspects.contains(group) || condemned[group] != nil }
}

/// A replica's part in a verification.
struct KeptVerification {
    let id: VerificationID
    let index: LogIndex
    let replica: ReplicaID
    let coordinator: NodeID
    let isScrub: Bool
    let sinceMilliseconds: Int64
    var heardMilliseconds: Int64
    var status = VerificationStatus.waiting
    var state: MarkedState?
    var scrub: StateScrub?
    /// A range of rows is being read.
    var isReading = false
}

/// A verification that this node coordinates.
struct RunningVerification {
    /// The first try; later ones are at other indexes, under IDs of their own.
    let origin: VerificationID
    let attempt: Int
    let isScheduled: Bool
    var machine: GroupVerification
    /// When it begins anew, at another index.
    var againMilliseconds: Int64?
}

/// A replica on its way out: a leader hands over first.
struct Condemnation {
    let replica: ReplicaID
    let reason: String
    let deadlineMilliseconds: Int64
}

/// How a verification ended.
package struct VerificationNote: Hashable, Sendable {
    /// The time of day at this node.
    package let time: Timestamp
    package let index: LogIndex
    /// What admins asked for; nil where another node coordinated it.
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
