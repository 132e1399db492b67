internal import Consensus
internal import MailStore
internal import ReplicaCore

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

/// A replica on its way out: a leader hands over first.
struct Condemnation {
    let replica: ReplicaID
    let reason: String
    let deadlineMilliseconds: Int64
}
