public import Consensus
public import MailModel

/// What an operator decides about a node. Where each setting comes from is the program's business.
public struct NodeSettings: Sendable {
    public struct Peer: Hashable, Sendable {
        public let node: NodeID
        public let host: String
        public let port: Int
        public init(node: NodeID, host: String, port: Int) {
            self.node = node
            self.host = host
            self.port = port
        }
    }

    public struct PeerCertificates: Hashable, Sendable {
        public let certificateFile: String
        public let keyFile: String
        public let trustRootsFile: String
        public init(certificateFile: String, keyFile: String, trustRootsFile: String) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.trustRootsFile = trustRootsFile
        }
    }

    public var node: NodeID
    public var cluster: String
    public var dataDirectory: String
    public var peerHost: String
    public var peerPort: Int
    /// All nodes of the cluster, this one included, in any order.
    public var peers: [Peer]
    public var labels: [NodeDescription.Label]
    /// How many groups share the accounts; fixed when the cluster is founded.
    public var mailGroups: UInt32
    public var peerCertificates: PeerCertificates?
    public var core: CoreSettings
    public var readThreads: Int
    public var passwordThreads: Int
    /// Password checks waiting at once; more are refused.
    public var maxWaitingPasswords: Int
    public var stateMemoryBytes: Int

    public init(node: NodeID, cluster: String, dataDirectory: String) {
        self.node = node
        self.cluster = cluster
        self.dataDirectory = dataDirectory
        peerHost = "127.0.0.1"
        peerPort = 14_000
        peers = []
        labels = []
        mailGroups = 8
        core = CoreSettings()
        readThreads = 4
        passwordThreads = 1
        maxWaitingPasswords = 128
        stateMemoryBytes = 64 << 20
    }

    /// Where the others reach this node, `host:port`: what `cluster.peers` says of it. A node without others has the
    /// address it listens on, or none (empty) where that is a wildcard.
    public var advertisedAddress: String {
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
