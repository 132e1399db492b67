public import Consensus
public import MailModel

/// What an operator decides about a node. Where each setting comes from is the program's business.
public struct NodeSettings: Sendable {
    /// A node of the cluster, and where it listens for the others.
    public struct Peer: Hashable, Sendable {
        /// The node's ID in the cluster.
        public let node: NodeID
        /// A name or an address.
        public let host: String
        /// A TCP port.
        public let port: Int
        public init(node: NodeID, host: String, port: Int) {
            self.node = node
            self.host = host
            self.port = port
        }
    }

    /// The PEM files by which nodes know one another (TLS on both sides).
    public struct PeerCertificates: Hashable, Sendable {
        /// The certificate chain that this node shows.
        public let certificateFile: String
        /// The key of the chain's first certificate.
        public let keyFile: String
        /// The roots that the other nodes' chains must end at.
        public let trustRootsFile: String
        public init(certificateFile: String, keyFile: String, trustRootsFile: String) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.trustRootsFile = trustRootsFile
        }
    }

    /// This node's ID in the cluster (`node.id`); never used again for another node.
    public var node: NodeID
    /// The name of the cluster (`cluster.name`), the same on all nodes.
    public var cluster: String
    /// Where the node keeps everything (`data.directory`).
    public var dataDirectory: String
    /// The host on which the node listens for other nodes (`peer.listen`).
    public var peerHost: String
    /// The port on which the node listens for other nodes (`peer.listen`).
    public var peerPort: Int
    /// All nodes of the cluster, this one included, in any order.
    public var peers: [Peer]
    /// Nodes of a cluster that this one is to join, unless it belongs to one (`join`).
    public var join: [HostPort]
    /// What lets it in (`join-token`).
    var joinSecret: JoinSecret?
    /// Where others reach this node (`peer.advertise`); nil for where it listens.
    public var advertised: HostPort?
    /// Where the node stands, for operators (`node.labels`).
    public var labels: [Label]
    /// How many groups share the accounts; fixed when the cluster is founded.
    public var mailGroups: UInt32
    /// What nodes prove by who they are (`peer.tls`); nil for connections without TLS.
    public var peerCertificates: PeerCertificates?
    /// Times and limits of what also runs in the simulator.
    public var core: CoreSettings
    /// Threads for reads of the state, which may wait for the disk (`threads.read`).
    public var readThreads: Int
    /// Threads that hash and check passwords (`threads.password`).
    public var passwordThreads: Int
    /// Password checks waiting at once; more are refused.
    public var maxWaitingPasswords: Int
    /// For how long a password that was right is known without another hash, since it was used last
    /// (`login.remember-seconds`); 0: each one is hashed.
    public var passwordLifeMilliseconds: Int64
    /// The write buffer of the state store, in bytes (`state.memory-bytes`).
    public var stateMemoryBytes: Int

    /// A node without others, with the default of every setting that has one.
    public init(node: NodeID, cluster: String, dataDirectory: String) {
        self.node = node
        self.cluster = cluster
        self.dataDirectory = dataDirectory
        peerHost = "127.0.0.1"
        peerPort = 14_000
        peers = []
        join = []
        labels = []
        mailGroups = 8
        core = CoreSettings()
        readThreads = 4
        passwordThreads = 1
        maxWaitingPasswords = 512
        passwordLifeMilliseconds = 900_000
        stateMemoryBytes = 64 << 20
    }

    /// Where the others reach this node, `host:port`: what `cluster.peers` says of it. A node without others has the
    /// address it listens on, or none (empty) where that is a wildcard.
    public var advertisedAddress: String {
        if let advertised { return Self.address(advertised.host, advertised.port) }
        if let own = peers.first(where: { $0.node == node }), !Self.isWildcard(own.host) {
            return Self.address(own.host, own.port)
        }
        return Self.isWildcard(peerHost) ? "" : Self.address(peerHost, peerPort)
    }

    private static func address(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func isWildcard(_ host: String) -> Bool { ["0.0.0.0", "::"].contains(host) }

    /// The cluster's ID on the wire, from its name.
    public var clusterID: UInt64 {
        var hash = StableHash()
        hash.combine(cluster.utf8)
        return hash.finish()
    }
}
