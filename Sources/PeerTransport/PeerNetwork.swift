public import Consensus
internal import NIOCore

/// How a node's threads reach other nodes. Best effort, in order while a link is up: a sender that needs an answer
/// asks again.
public protocol PeerNetwork: AnyObject, Sendable {
    /// Hands over a batch; never blocks. A batch that exceeds the link's limit of bytes is dropped, and the receiver
    /// told so.
    func send(_ messages: [PeerMessage], to node: NodeID)
    /// Where nodes of the cluster are reached from now on, `host:port`. Others that were named by this function are
    /// not connected to any more; addresses that the settings name stay as they are. To nodes that are gone, and from
    /// them, no connection stays open, whoever named them.
    func reach(_ addresses: [NodeID: String], partingFrom gone: [NodeID])
}

/// The part of a node that hears what other nodes say. Called on the transport's event loops.
public protocol PeerReceiver: AnyObject, Sendable {
    /// Takes in what the node said, in the order in which one connection brought it.
    ///
    /// - Parameter receipt: to be kept until the messages are dealt with. While much is kept, nothing more is read from
    ///   the connection.
    func received(_ messages: [PeerMessage], from node: NodeID, _ receipt: PeerReceipt)
    /// Messages under way to the node may be lost: the link broke, or its queue was full.
    func lost(_ node: NodeID)
    /// The node says that this one is gone for good.
    func calledGone(by node: NodeID)
}

/// The part of a node that lets others join.
public protocol PeerDoorkeeper: AnyObject, Sendable {
    /// A node wants to join. Called on an event loop of the transport.
    ///
    /// - Parameter reply: to be called once, from any thread.
    func receiveJoin(_ request: JoinRequest, _ reply: @escaping @Sendable (JoinReply) -> Void)
    /// Whether a node was a member of the cluster, and is gone for good: it is refused.
    func isGone(_ node: NodeID) -> Bool
}

/// By what this node is known to others.
public struct PeerIdentity: Hashable, Sendable {
    /// The cluster that the node belongs to: others are refused.
    public let cluster: UInt64
    /// The node itself.
    public let node: NodeID

    public init(cluster: UInt64, node: NodeID) {
        self.cluster = cluster
        self.node = node
    }
}

/// Sizes and times of the connections between nodes.
public enum PeerLimits {
    /// Bytes waiting for one peer, in this process.
    public static let queuedBytes = 64 << 20
    /// Bytes that one connection has brought and nobody has dealt with yet: beyond this, it is not read from.
    static let receivedBytes = 32 << 20
    /// About how much goes into one frame.
    public static let frameBytes = 1 << 20
    /// Payloads from this size up are written from where they are, instead of being copied into the frame.
    static let uncopiedBytes = 16 << 10
    /// No frame is larger.
    public static let maximumFrameBytes = 16 << 20
    /// No frame holds more messages: the smallest messages take many times their bytes in memory.
    public static let maximumFrameMessages = 1 << 16
    /// The longest pause between two attempts to connect.
    public static let maximumBackoffMilliseconds: Int64 = 1_000
    /// How long one attempt to connect may take: an address that says nothing is tried again after it.
    static let connectSeconds: Int64 = 2
    /// How long the first frame of a connection may take to come.
    public static let handshakeSeconds: Int64 = 5
    /// Accepted connections that have not said hello. Beyond this the oldest of them is closed.
    static let maximumAwaitingHello = 128
    /// Nodes that are connected to this one; each has one connection. Beyond this other nodes are refused.
    static let maximumConnectedNodes = 1_000
    /// A connection is given up when the other side's system has not acknowledged anything for so long. Left to itself,
    /// TCP repeats with pauses that double: after a long silent cut, the connection would be found dead only long after
    /// the network is back.
    static let silenceMilliseconds = 3_000
    /// An accepted connection is given up when nothing has come for so long, not even an answer to probes. The side
    /// that accepted writes nothing but the greeting: without probes it would not notice that the other side is gone.
    static let deafMilliseconds = 10_000
    /// The probes begin after so long a silence. A node that runs says something every 100 ms.
    static let probeAfterSeconds = 3
    static let probeEverySeconds = 1
    /// Linux's `TCP_KEEPIDLE`, `TCP_KEEPINTVL` and `TCP_USER_TIMEOUT` (tcp(7)).
    static let keepIdle = NIOBSDSocket.Option(rawValue: 4)
    static let keepInterval = NIOBSDSocket.Option(rawValue: 5)
    static let userTimeout = NIOBSDSocket.Option(rawValue: 18)
    /// How long a complaint about a peer is not repeated.
    static let complaintSeconds: Int64 = 60
    /// Complaints that are told apart. Beyond that, new ones go under one name.
    static let maximumComplaints = 1_000
    /// Groups that one message about groups at rest may name.
    public static let maximumRestingGroups = 4_096
    /// Replica loops of a node.
    public static let maximumLanes = 255
}
