public import Consensus
public import NIOCore

/// A Raft message with the payloads that its entry headers name, in their order.
public struct ReplicaMessage: Sendable {
    /// The group whose replicas talk.
    public let group: GroupID
    /// What the Raft core says.
    public let message: Message
    /// One for each entry of an `appendEntries`; empty otherwise.
    public let payloads: [ByteBuffer]
    /// How far the sender's log is durable. For a leader this is a promise: a leader never cuts its log in its term.
    public let durableIndex: LogIndex

    public init(group: GroupID, message: Message, payloads: [ByteBuffer] = [], durableIndex: LogIndex = .zero) {
        self.group = group
        self.message = message
        self.payloads = payloads
        self.durableIndex = durableIndex
    }
}

/// A message and the node it goes to.
public struct Outgoing: Sendable {
    /// The node that the message goes to.
    public let node: NodeID
    /// The message for the replica on that node.
    public let message: ReplicaMessage

    public init(node: NodeID, message: ReplicaMessage) {
        self.node = node
        self.message = message
    }
}

/// One durable step of a replica, with the payloads of its entries.
public struct ReplicaWrite: Sendable {
    /// The group whose log is written.
    public let group: GroupID
    /// Rises by one with every write of this replica; the shell gives it back when the write is durable.
    public let sequence: UInt64
    /// The new hard state; nil where it has not changed.
    public let hardState: HardState?
    /// Index of the first entry; what the log held from here on is replaced.
    public let firstIndex: LogIndex
    /// Headers of the entries, contiguous from `firstIndex`.
    public let headers: [EntryHeader]
    /// One payload for each of `headers`, empty for entries without a command.
    public let payloads: [ByteBuffer]
    /// Messages that leave once the write is durable.
    public let releases: [Outgoing]

    public init(
        group: GroupID,
        sequence: UInt64,
        hardState: HardState?,
        firstIndex: LogIndex,
        headers: [EntryHeader],
        payloads: [ByteBuffer],
        releases: [Outgoing]
    ) {
        self.group = group
        self.sequence = sequence
        self.hardState = hardState
        self.firstIndex = firstIndex
        self.headers = headers
        self.payloads = payloads
        self.releases = releases
    }
}

/// A committed entry on its way to the state machine.
public struct CommittedEntry: Sendable {
    /// The index of the entry.
    public let index: LogIndex
    /// The term of the leader that took the entry in.
    public let term: Term
    /// Nil for entries that carry no command.
    public let command: ByteBuffer?

    public init(index: LogIndex, term: Term, command: ByteBuffer?) {
        self.index = index
        self.term = term
        self.command = command
    }
}

/// What the shell has to do for a replica, in the order given.
public enum ReplicaEffect: Sendable {
    case send(Outgoing)
    /// Hand to the log writer; its completion comes back as ``Replica/persisted(_:_:into:)``.
    case write(ReplicaWrite)
    /// Hand to the applier; its completion comes back as ``Replica/applied(upTo:_:into:)``.
    case apply([CommittedEntry])
    /// The state machine has reached what this read must see: serve it now.
    case readReady(id: UInt64, index: LogIndex)
    case readRejected(id: UInt64, Rejection)
    /// Fetch a snapshot at or past this point from the node and install it.
    case installSnapshot(SnapshotPoint, from: NodeID)
    case roleChanged(RoleKind, term: Term, leader: NodeID?)
    /// The group has other members, or others of them vote.
    case configurationChanged
    /// The replica on that node, where the node is known, sent what no correct replica sends.
    case contradicted(Contradiction, by: NodeID?)
}

/// Where a replica finds payloads that its cache no longer holds: its log on disk.
public protocol PayloadSource {
    /// The payloads of the entries `first ..< first + count`, or nil when they cannot be read.
    func payloads(group: GroupID, first: LogIndex, count: Int) -> [ByteBuffer]?
}
