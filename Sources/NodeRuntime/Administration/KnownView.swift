public import Consensus
public import MailModel
internal import Placement

/// The cluster as a node knows it without a quorum: its own copy of the directory, and what those nodes say that
/// answer.
public struct KnownView: Sendable {
    /// A node of the cluster.
    public struct KnownNode: Sendable {
        /// What the directory says of it.
        public let record: NodeRecord
        /// Whether it answers.
        public let isAlive: Bool
        /// How many groups it leads.
        public let led: Int
        /// Of how many groups it has a replica, as far as the directory has heard.
        public let replicas: Int
        /// Room for data, in bytes; 0 where that is not known.
        public let capacityBytes: UInt64
        /// What of it is free.
        public let freeBytes: UInt64
    }

    /// A group of the cluster.
    public struct KnownGroup: Sendable {
        /// What the directory says of it.
        public let record: GroupRecord
        /// The node that says it leads; nil where none does.
        public let leader: NodeID?
    }

    /// All nodes that are listed, in order.
    public let nodes: [KnownNode]
    /// All groups, in order.
    public let groups: [KnownGroup]
    /// Groups of which no node that answers says that it leads them, in order.
    public let leaderless: [GroupID]
    /// What the rules promise and the cluster does not keep, a sentence each.
    public let brokenPromises: [String]

    init(_ directory: Directory, _ survey: ClusterSurvey) {
        let view = ClusterView(directory, survey)
        var led: [NodeID: Int] = [:]
        var replicas: [NodeID: Int] = [:]
        for group in view.groups {
            if let leader = group.leader { led[leader, default: 0] += 1 }
            for replica in group.replicas { replicas[replica.node, default: 0] += 1 }
        }
        nodes = directory.nodes.filter { $0.state != .forgotten }.map { record in
            let report = survey.reports[record.id]
            return KnownNode(
                record: record,
                isAlive: report != nil && survey.goneSeconds[record.id] == nil,
                led: led[record.id] ?? 0,
                replicas: replicas[record.id] ?? 0,
                capacityBytes: report?.capacityBytes ?? 0,
                freeBytes: report?.freeBytes ?? 0
            )
        }
        groups = zip(directory.groups, view.groups).map { KnownGroup(record: $0, leader: $1.leader) }
        leaderless = view.groups.filter { $0.leader == nil }.map(\.id)
        brokenPromises = Survivability.sentences(in: view)
    }

    /// The cluster as the directory's quorum knows it.
    public init(_ look: ClusterLook) { self.init(look.directory, look.survey) }

    /// Before the cluster has begun: the node itself.
    init(alone settings: NodeSettings) {
        let own = NodeDescription(
            id: settings.node.rawValue,
            peerAddress: settings.advertisedAddress,
            labels: settings.labels
        )
        let record = NodeRecord(own, run: 0, state: .joining, directory: 0)
        nodes = [KnownNode(record: record, isAlive: true, led: 0, replicas: 0, capacityBytes: 0, freeBytes: 0)]
        groups = []
        leaderless = []
        brokenPromises = []
    }
}

extension Node {
    /// The cluster as this node knows it. Takes less than a second, also where other nodes do not answer.
    public func knownView() async -> KnownView {
        guard isFounded, !mail.directory.now.nodes.isEmpty else { return KnownView(alone: settings) }
        return KnownView(mail.directory.now, await survey())
    }
}
