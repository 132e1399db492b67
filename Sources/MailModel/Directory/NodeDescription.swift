/// A node as the directory knows it.
public struct NodeDescription: Hashable, Sendable {
    /// The key of the label by which nodes are near to each other.
    public static let datacenterKey = "datacenter"

    /// The number of the node, which is a `NodeID` where there is Raft.
    public let id: UInt64
    /// `host:port` where other nodes reach it.
    public let peerAddress: String
    /// Sorted by key.
    public let labels: [Label]
    /// What its program knows.
    public let versions: KnownVersions

    /// The same node under another number.
    public func numbered(_ id: UInt64) -> NodeDescription {
        NodeDescription(id: id, peerAddress: peerAddress, labels: labels, versions: versions)
    }

    /// A node with its labels in the order of their keys.
    public init(id: UInt64, peerAddress: String, labels: [Label], versions: KnownVersions = .current) {
        self.id = id
        self.peerAddress = peerAddress
        self.labels = labels.sorted { $0.key < $1.key }
        self.versions = versions
    }
}
