package import Consensus
internal import MailModel
internal import MailStore
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore

/// A snapshot on its way into this node's state.
package struct SnapshotInstall {
    /// Names the transfer in the messages of both nodes; no other transfer of this node has the same number.
    let transfer: UInt64
    /// The node that sends the snapshot.
    package let from: NodeID
    /// The entry that the snapshot must contain at least.
    let atLeast: LogIndex
    /// The term of that entry.
    let term: Term
    /// The point that the sender's snapshot is at; nil until a piece has come.
    var point: SnapshotPoint?
    /// The last key that the installer has written: the next piece starts behind it.
    var after: [UInt8] = []
    /// The last key that came. The rows between `after` and `taken` are being written.
    var taken: [UInt8] = []
    /// Whether the last piece has come: nothing more is asked for.
    var isComplete = false
    /// When the install last got on, on the monotonic clock.
    var progressMilliseconds: Int64
    /// How often the same piece was asked for again.
    var repeats = 0
    /// When an install that has failed begins anew, on the monotonic clock; nil for one that goes on.
    var retryMilliseconds: Int64?

    /// A sender that answers other things and sends no piece is not waited for any longer.
    static let maximumRepeats = 4
}
