/// A node as the directory knows it.
public struct NodeDescription: Hashable, Sendable {
    public struct Label: Hashable, Sendable {
        public let key: String
        public let value: String
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    public let id: UInt64
    /// `host:port` where other nodes reach it.
    public let peerAddress: String
    /// Sorted by key.
    public let labels: [Label]

    public init(id: UInt64, peerAddress: String, labels: [Label]) {
        self.id = id
        self.peerAddress = peerAddress
        self.labels = labels.sorted { $0.key < $1.key }
    }
}

/// Changes of group 0's own state.
public enum DirectoryCommand: Hashable, Sendable {
    /// Founds the cluster: its ID, and how many mail groups (1...n) share the slots. The first one wins.
    case found(clusterID: UInt64, mailGroups: UInt32)
    /// Adds a node, or updates its address and labels.
    case registerNode(NodeDescription)
}
