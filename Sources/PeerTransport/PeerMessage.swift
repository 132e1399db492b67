public import Consensus
public import MailModel
public import NIOCore
public import ReplicaCore

/// Everything that one node says to another (`Docs/formats/peer.md`).
public enum PeerMessage: Sendable {
    case replica(ReplicaMessage)
    /// A command for a group that the receiver is thought to lead; the payload is an encoded `CommandEnvelope`.
    case forward(group: GroupID, request: RequestID, payload: ByteBuffer)
    case forwardReply(group: GroupID, request: RequestID, ForwardResult)
    /// "Which index must a linearizable read see?" `id` is never used twice.
    case readIndex(group: GroupID, id: UInt64)
    /// The index; nil where the node does not lead, or cannot say yet.
    case readIndexReply(group: GroupID, id: UInt64, index: LogIndex?)
    /// Asks for the rows behind a key of a snapshot (empty: a new snapshot).
    case snapshotPull(SnapshotPull)
    case snapshotPiece(SnapshotPiece)
    /// From a node whose directory belongs to no cluster yet: "this is my directory; how do we begin?"
    case introduction(directory: UInt64)
    /// How the cluster began. Answers an introduction.
    case founded([Founder], mailGroups: UInt32)
    /// "What has my replica told yours of itself?" Asked before the first vote after a start. `run` is the run of the
    /// node that asks.
    case recall(group: GroupID, replica: ReplicaID, run: UInt64)
    /// `run` is the run of the question. An answer to an earlier run's question may be older than the last promise.
    /// `witness` is the replica that answers, nil where the node has none.
    case testimony(group: GroupID, replica: ReplicaID, run: UInt64, Testimony, witness: ReplicaID?)
    /// "I have an empty replica of your group, and may have lost another one: take it in."
    case join(group: GroupID, replica: ReplicaID)
    case beat(Beat)
    case resting(RestList)
    /// These groups are not at rest, although the receiver said so or may think so: the receiver wakes their leaders.
    case stirred([GroupID])
    /// Whether the replicas of a group hold the same.
    case verification(group: GroupID, VerificationMessage)
    /// The bytes of a body that a disk has spoiled.
    case body(group: GroupID, BodyMessage)
    /// Reads of a group for nodes that have no replica of it.
    case read(group: GroupID, ReadMessage)
    /// Changes to accounts of a group, for nodes that have no replica of it.
    case watch(group: GroupID, WatchMessage)
    /// What nodes hold and how much room they have.
    case survey(SurveyMessage)
    /// "No leader speaks to my replica of your group: does the group go on without it?" A leader says so where it is
    /// so; of group 0, the others name whom to ask.
    case stranded(group: GroupID, replica: ReplicaID)
    /// "Ask these for the directory": the answer to ``join(group:replica:)`` and ``stranded(group:replica:)`` of group
    /// 0 from a node that does not lead it. Who asks may have lost the directory, and know few of the others.
    case contacts([JoinContact])
    /// "The group goes on without your replica." The term is that of the leader that says so.
    case leftBehind(group: GroupID, replica: ReplicaID, term: Term)
}

/// What became of a command that was forwarded.
public enum ForwardResult: Hashable, Sendable {
    case outcome(MailOutcome)
    /// Nothing happened here; the node named, if any, is thought to lead.
    case notLeader(NodeID?)
    /// Nothing happened: too much is under way.
    case busy
    /// Nothing happened: there is no room for new mail.
    case noSpace
}

/// "Send me more of a snapshot." The receiver of a snapshot asks for every piece.
public struct SnapshotPull: Hashable, Sendable {
    /// The group whose snapshot is pulled.
    public let group: GroupID
    /// Chosen by the receiver of the snapshot; names one transfer.
    public let transfer: UInt64
    /// The snapshot must reach at least this index.
    public let atLeast: LogIndex
    /// The term of that entry, which is committed.
    public let term: Term
    /// The last key received; empty at the start.
    public let after: [UInt8]

    public init(group: GroupID, transfer: UInt64, atLeast: LogIndex, term: Term, after: [UInt8]) {
        self.group = group
        self.transfer = transfer
        self.atLeast = atLeast
        self.term = term
        self.after = after
    }
}

/// A piece of a snapshot, or why there is none.
public struct SnapshotPiece: Sendable {
    /// What the sender has for the receiver.
    public enum Content: Sendable {
        case rows(ByteBuffer, checksum: UInt64, lastKey: [UInt8], isLast: Bool)
        /// The sender cannot serve this transfer (any more): the receiver starts over or gives up.
        case refused
    }

    /// The group whose snapshot it is.
    public let group: GroupID
    /// The transfer of the ``SnapshotPull`` that this answers.
    public let transfer: UInt64
    /// What the snapshot covers.
    public let point: SnapshotPoint?
    /// The rows, or the refusal.
    public let content: Content

    public init(group: GroupID, transfer: UInt64, point: SnapshotPoint?, content: Content) {
        self.group = group
        self.transfer = transfer
        self.point = point
        self.content = content
    }
}
