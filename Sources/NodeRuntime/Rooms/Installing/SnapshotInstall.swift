package import Consensus
internal import MailModel
internal import MailStore
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore

/// A snapshot on its way into this node's state.
package struct SnapshotInstall {
    let transfer: UInt64
    package let from: NodeID
    /// At least this much the snapshot must cover.
    let atLeast: LogIndex
    /// The term of that entry.
    let term: Term
    /// What the sender said it covers, from its first piece on.
    var point: SnapshotPoint?
    /// The last key written; where the next piece starts.
    var after: [UInt8] = []
    /// The last key that came; what is behind `after` is being written.
    var taken: [UInt8] = []
    /// It came with the last piece: nothing more is asked for.
    var isComplete = false
    var progressMilliseconds: Int64
    /// How often the same piece was asked for again.
    var repeats = 0
    /// When to begin anew, after it failed.
    var retryMilliseconds: Int64?

    /// A sender that answers other things and sends no piece is not waited for any longer.
    static let maximumRepeats = 4
}
