public import Consensus

/// A node as the directory keeps it.
public struct NodeRecord: Hashable, Sendable {
    /// What the node said of itself last.
    public var description: NodeDescription
    /// The run in which it said so; 0 for a node that was admitted and has said nothing yet.
    public var run: UInt64
    /// Where it stands in its life.
    public var state: NodeState
    /// The data directory that it was admitted with; 0 for a founder.
    public var directory: UInt64
    /// Labels that an admin has given it, which count instead of those of the same keys that it says itself. An empty
    /// value takes a label away. Sorted by key.
    public var givenLabels: [Label]

    public init(
        _ description: NodeDescription,
        run: UInt64,
        state: NodeState,
        directory: UInt64,
        givenLabels: [Label] = []
    ) {
        self.description = description
        self.run = run
        self.state = state
        self.directory = directory
        self.givenLabels = givenLabels
    }

    /// How many labels an admin can give a node.
    public static let maximumGivenLabels = 64

    /// The labels that count.
    public var labels: Labels {
        Labels(Labels(description.labels + givenLabels).sorted.filter { !$0.value.isEmpty })
    }

    /// The data directory by which the node's first replicas of groups are named.
    ///
    /// - Parameter founding: how the cluster began, which names the directories of the founders.
    public func origin(in founding: Directory.Founding) -> UInt64 {
        directory != 0 ? directory : founding.founders.first { $0.node == id }?.directory ?? 0
    }

    /// The node itself.
    public var id: NodeID { NodeID(description.id) }
}
