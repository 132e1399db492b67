/// A node as the directory knows it.
public struct NodeDescription: Hashable, Sendable {
    /// A property of a node, such as `datacenter=milano`.
    public struct Label: Hashable, Sendable {
        /// What the label is about.
        public let key: String
        /// What holds for this node.
        public let value: String
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// The number of the node, which is a `NodeID` where there is Raft.
    public let id: UInt64
    /// `host:port` where other nodes reach it.
    public let peerAddress: String
    /// Sorted by key.
    public let labels: [Label]
    /// What its program knows.
    public let versions: KnownVersions

    /// A node with its labels in the order of their keys.
    public init(id: UInt64, peerAddress: String, labels: [Label], versions: KnownVersions = .current) {
        self.id = id
        self.peerAddress = peerAddress
        self.labels = labels.sorted { $0.key < $1.key }
        self.versions = versions
    }
}

/// Changes of group 0's own state.
public enum DirectoryCommand: Hashable, Sendable {
    /// Founds the cluster: its ID, how many mail groups (1...n) share the slots, and the version that it begins with.
    /// The first one wins.
    case found(clusterID: UInt64, mailGroups: UInt32, version: ClusterVersion)
    /// Adds a node, or updates what is known of it. Refused when its program does not know the cluster's version, and
    /// when a later run of the node has registered: `run` is higher with every run (see ``NodeDescription``).
    case registerNode(NodeDescription, run: UInt64)
    /// Lets all nodes write the next version. Refused unless every node's program knows it. There is no way back.
    case raiseVersion(ClusterVersion)
}
