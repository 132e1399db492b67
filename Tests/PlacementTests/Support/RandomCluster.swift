import Consensus
import MailModel

@testable import Placement

/// Clusters of every kind, from a seed: labels missing, few nodes, full nodes, dead nodes.
struct RandomCluster {
    var random: SplitMix64
    private let vendors = ["alfa", "beta", "gamma", "delta"]
    private let datacenters = ["milano", "roma", "torino"]

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    private mutating func isOne(in count: Int) -> Bool { random.below(count) == 0 }

    mutating func view(maximumNodes: Int = 12, maximumGroups: Int = 12) -> ClusterView {
        let nodes = nodes(1 + random.below(maximumNodes))
        let groups = (1...(1 + random.below(maximumGroups))).map { group(UInt32($0), nodes) }
        let settings = PlacementSettings(
            balanceTolerancePercent: 5 + random.below(30),
            movesPerNode: 1 + random.below(3),
            movesPerCluster: 1 + random.below(8),
            transfersPerCluster: 1 + random.below(4)
        )
        let rules = ["free": rule(), "paid": rule()]
        return ClusterView(
            nodes: withUsed(nodes, groups),
            groups: groups,
            rules: rules,
            settings: settings
        )
    }

    mutating func nodes(_ count: Int) -> [NodeView] {
        let usedVendors = 1 + random.below(vendors.count)
        let usedDatacenters = 1 + random.below(datacenters.count)
        let isHealthy = isOne(in: 3)
        return (1...count).map { id in
            let states: [NodeState] = [
                .joining, .cordoned, .draining, .drained, .decommissioning, .decommissioned, .forgotten,
            ]
            let isChanged = !isHealthy && isOne(in: 6)
            let isGone = !isHealthy && isOne(in: 6)
            return Sample.node(
                UInt64(id),
                isOne(in: 10) ? "" : vendors[random.below(usedVendors)],
                isOne(in: 10) ? "" : datacenters[random.below(usedDatacenters)],
                state: isChanged ? states[random.below(states.count)] : .active,
                liveness: isGone ? .gone(seconds: isOne(in: 3) ? 100 : 5_000) : .alive,
                capacity: (20 + random.below(180)) * Sample.gigabyte,
                slow: isOne(in: 8)
            )
        }
    }

    private mutating func group(_ id: UInt32, _ nodes: [NodeView]) -> GroupView {
        let ids = nodes.map(\.id.rawValue).shuffled(using: &random)
        let voters = min(ids.count, isOne(in: 3) ? 1 + random.below(7) : 3)
        var chosen = Array(ids.prefix(voters))
        if isOne(in: 20) { chosen.append(chosen[0]) }
        let learners = isOne(in: 8) ? Array(ids.dropFirst(voters).prefix(1)) : []
        return Sample.group(
            id,
            on: chosen,
            leader: isOne(in: 5) ? nil : chosen[random.below(chosen.count)],
            learners: learners,
            quarantined: isOne(in: 6) ? [chosen[random.below(chosen.count)]] : [],
            bytes: (isOne(in: 10) ? 0 : 1 + random.below(10)) * Sample.gigabyte,
            pool: isOne(in: 3) ? "free" : "paid"
        )
    }

    private mutating func rule() -> PlacementRule {
        let constraints: [[Constraint]] = [
            [.exists(key: "vendor")], [.isNotIn(key: "datacenter", values: ["torino"])],
            [.isIn(key: "vendor", values: ["alfa", "beta", "gamma"])],
        ]
        let preferences = [Label(key: "datacenter", value: "milano"), Label(key: "datacenter", value: "roma")]
        return PlacementRule(
            voters: isOne(in: 4) ? 5 : 3,
            spread: isOne(in: 5) ? ["datacenter"] : ["vendor", "datacenter"],
            constraints: isOne(in: 4) ? constraints[random.below(3)] : [],
            leaderPreferences: isOne(in: 3) ? preferences : [],
            canaries: isOne(in: 4) ? [Label(key: "vendor", value: vendors[random.below(4)])] : []
        )
    }

    /// What the replicas use, and something besides; now and then a node that is as good as full.
    private mutating func withUsed(_ nodes: [NodeView], _ groups: [GroupView]) -> [NodeView] {
        nodes.map { node in
            var node = node
            let held = groups.filter { group in group.replicas.contains { $0.node == node.id } }
            node.usedBytes = held.reduce(0) { $0 + $1.bytes } + random.below(5) * Sample.gigabyte
            if isOne(in: 8) { node.usedBytes = max(node.usedBytes, node.capacityBytes / 100 * 88) }
            return node
        }
    }
}
