internal import Consensus
internal import ReplicaCore

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
