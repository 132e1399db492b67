import Consensus
import MailModel

@testable import Placement

/// Short ways to write clusters.
enum Sample {
    static let gigabyte = 1_000_000_000

    /// A node with a vendor and a data center; an empty value means that the label is missing.
    static func node(
        _ id: UInt64,
        _ vendor: String,
        _ datacenter: String = "",
        state: NodeState = .active,
        liveness: Liveness = .alive,
        capacity: Int = 1_000 * gigabyte,
        used: Int = 0,
        slow: Bool = false
    ) -> NodeView {
        var labels: [Label] = []
        if !vendor.isEmpty { labels.append(Label(key: "vendor", value: vendor)) }
        if !datacenter.isEmpty { labels.append(Label(key: "datacenter", value: datacenter)) }
        return NodeView(
            id: NodeID(id),
            labels: Labels(labels),
            state: state,
            liveness: liveness,
            capacityBytes: capacity,
            usedBytes: used,
            disk: slow ? .slow : .well
        )
    }

    /// A group whose replica `i` lies on node `nodes[i]` and has the ID `100 · group + i`.
    static func group(
        _ id: UInt32,
        on nodes: [UInt64],
        leader: UInt64? = nil,
        learners: [UInt64] = [],
        quarantined: [UInt64] = [],
        bytes: Int = gigabyte,
        accounts: Int = 10,
        pool: String = "paid"
    ) -> GroupView {
        let replicas = (nodes + learners).enumerated().map { place, node in
            ReplicaView(
                replica: ReplicaID(UInt64(id) * 100 + UInt64(place)),
                node: NodeID(node),
                role: place < nodes.count ? .voter : .learner,
                isQuarantined: quarantined.contains(node)
            )
        }
        return GroupView(
            id: GroupID(id),
            pool: pool,
            replicas: replicas,
            leader: leader.map { NodeID($0) },
            bytes: bytes,
            accounts: accounts
        )
    }

    /// Three vendors in three data centers, two nodes of each vendor. Only 1, 2, 3 and 4, 5, 6 differ in both.
    static let six: [NodeView] = [
        node(1, "alfa", "milano"), node(2, "beta", "roma"), node(3, "gamma", "torino"),
        node(4, "alfa", "roma"), node(5, "beta", "torino"), node(6, "gamma", "milano"),
    ]

    /// Three vendors in three data centers, each vendor in one of them with two nodes: 1 is like 4, 2 like 5, 3 like 6.
    static let pairs: [NodeView] =
        six.prefix(3) + [
            node(4, "alfa", "milano"), node(5, "beta", "roma"), node(6, "gamma", "torino"),
        ]

    static func view(
        _ nodes: [NodeView],
        _ groups: [GroupView],
        rule: PlacementRule = PlacementRule(),
        settings: PlacementSettings = PlacementSettings(balanceTolerancePercent: 1_000)
    ) -> ClusterView {
        ClusterView(nodes: nodes, groups: groups, rules: ["paid": rule], settings: settings)
    }
}

extension [NodeView] {
    /// The same nodes, one of them changed.
    func with(_ id: UInt64, _ change: (inout NodeView) -> Void) -> [NodeView] {
        map { node in
            var node = node
            if node.id == NodeID(id) { change(&node) }
            return node
        }
    }
}

extension GroupView {
    var voters: [UInt64] { replicas.filter { $0.role == .voter }.map(\.node.rawValue).sorted() }
}

extension ClusterView {
    /// Applies moves with replica IDs that no other replica has.
    func applying(_ moves: [Move], round: Int) -> ClusterView {
        var count: UInt64 = 0
        return applying(moves) { move in
            count += 1
            return ReplicaID(UInt64(round + 1) << 40 | count << 32 | UInt64(move.group.rawValue))
        }
    }
}
