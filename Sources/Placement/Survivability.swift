public import Consensus
public import MailModel

/// What would be left if some nodes vanished now.
public enum Survivability {
    /// Nodes that vanish together: all that have one of the labels, and single nodes.
    public struct Loss: Hashable, Sendable, CustomStringConvertible {
        /// Labels whose nodes vanish.
        public let labels: [Label]
        /// Further nodes that vanish.
        public let nodes: [NodeID]

        public init(labels: [Label] = [], nodes: [NodeID] = []) {
            self.labels = labels
            self.nodes = nodes
        }

        public var description: String {
            (labels.map(\.description) + nodes.map { "node \($0.rawValue)" }).joined(separator: " and ")
        }
    }

    /// Groups that one loss hits in the same way.
    public struct Toll: Hashable, Sendable {
        /// The groups, sorted.
        public fileprivate(set) var groups: [GroupID] = []
        /// The accounts in these groups.
        public fileprivate(set) var accounts = 0
    }

    /// What one loss would do. Each group counts once, by the worst that happens to it; what is so already, without the
    /// loss, does not count.
    public struct Report: Hashable, Sendable {
        /// What is lost.
        public let loss: Loss
        /// Groups that would have no sound replica left: their data is gone, or must come from the lost nodes.
        public fileprivate(set) var lastReplica = Toll()
        /// Groups that would have no quorum: nothing can be written, a surviving replica can be read.
        public fileprivate(set) var quorum = Toll()
        /// Groups that would go on with fewer replicas.
        public fileprivate(set) var redundancy = Toll()

        /// Whether every group that works now would go on.
        public var isSurvived: Bool { lastReplica.groups.isEmpty && quorum.groups.isEmpty }
    }

    /// Whether any single value of the spread keys of a pool's rule can vanish, and no group of the pool stops.
    public struct Promise: Hashable, Sendable {
        /// The pool.
        public let pool: String
        /// Groups of the pool that have no quorum even now.
        public let stopped: Toll
        /// Single values that some group of the pool would not survive, in the order of the rule's keys.
        public let broken: [Report]
        /// What the nodes at hand lack for the promise to be kept.
        public let shortfalls: [SpreadShortfall]

        /// Whether the promise holds for every group of the pool.
        public var holds: Bool { stopped.groups.isEmpty && broken.isEmpty }
    }

    // MARK: Losses

    /// What the loss of each value of each spread key of any rule would do, the keys in the order of the pools and
    /// their rules, the values sorted. Nodes without a label are among ``ofNodes(in:)``.
    public static func ofValues(in view: ClusterView) -> [Report] {
        spreadLabels(in: view).map { of(Loss(labels: [$0]), in: view) }
    }

    /// What the loss of each two of these values at once would do, of one key or of two.
    public static func ofPairs(in view: ClusterView) -> [Report] {
        let values = spreadLabels(in: view)
        return values.indices.flatMap { first in
            values[(first + 1)...].map { of(Loss(labels: [values[first], $0]), in: view) }
        }
    }

    /// What the loss of each single node would do, by ID.
    public static func ofNodes(in view: ClusterView) -> [Report] {
        view.nodes.map { of(Loss(nodes: [$0.id]), in: view) }
    }

    /// What the loss of all nodes with one of the labels, and of single nodes, would do.
    public static func of(_ loss: Loss, in view: ClusterView) -> Report {
        report(loss, groups: view.groups.indices, in: view)
    }

    private static func spreadLabels(in view: ClusterView) -> [Label] {
        var keys: [String] = []
        for key in view.rules.flatMap(\.spread) where !keys.contains(key) { keys.append(key) }
        return keys.flatMap { labels(ofKey: $0, in: view) }
    }

    private static func labels(ofKey key: String, in view: ClusterView) -> [Label] {
        Set(view.nodes.compactMap { $0.labels[key] }).sorted().map { Label(key: key, value: $0) }
    }

    private static func report(_ loss: Loss, groups: some Sequence<Int>, in view: ClusterView) -> Report {
        let isLost = view.nodes.map { node in
            loss.labels.contains(where: node.labels.contains) || loss.nodes.contains(node.id)
        }
        var report = Report(loss: loss)
        for number in groups {
            let before = Survivors(number, in: view) { _ in false }
            let after = Survivors(number, in: view) { isLost[$0] }
            guard after != before else { continue }
            let group = view.groups[number]
            if after.replicas == 0, before.replicas > 0 {
                report.lastReplica.count(group)
            } else if before.hasQuorum, !after.hasQuorum {
                report.quorum.count(group)
            } else {
                report.redundancy.count(group)
            }
        }
        return report
    }

    // MARK: Promises

    /// Whether each pool's promise holds, sorted by pool. A node that lacks a spread key is a value of its own.
    public static func promises(in view: ClusterView) -> [Promise] {
        view.pools.enumerated().map { rule, pool in
            let groups = view.groups.indices.filter { view.ruleOfGroup[$0] == rule }
            var stopped = Toll()
            for number in groups where !Survivors(number, in: view, isLost: { _ in false }).hasQuorum {
                stopped.count(view.groups[number])
            }
            let broken = view.rules[rule].spread.flatMap { losses(ofKey: $0, in: view) }
                .map { report($0, groups: groups, in: view) }.filter { !$0.isSurvived }
            let shortfalls = SpreadShortfall.all(ofPool: pool, in: view)
            return Promise(pool: pool, stopped: stopped, broken: broken, shortfalls: shortfalls)
        }
    }

    private static func losses(ofKey key: String, in view: ClusterView) -> [Loss] {
        labels(ofKey: key, in: view).map { Loss(labels: [$0]) }
            + view.nodes.filter { $0.labels[key] == nil }.map { Loss(nodes: [$0.id]) }
    }
}

extension Survivability.Toll {
    fileprivate mutating func count(_ group: GroupView) {
        groups.append(group.id)
        accounts += group.accounts
    }
}

/// What is left of a group: replicas on nodes that are alive, and not in quarantine.
private struct Survivors: Equatable {
    let voters: Int
    let replicas: Int
    let hasQuorum: Bool

    init(_ group: Int, in view: ClusterView, isLost: (Int) -> Bool) {
        func isSound(_ seat: Seating.Seat) -> Bool {
            !seat.isQuarantined && view.nodes[seat.node].liveness == .alive && !isLost(seat.node)
        }
        let seating = view.seatings[group]
        voters = seating.voters.count(where: isSound)
        replicas = voters + seating.learners.count(where: isSound)
        hasQuorum = voters >= Majority.least(of: seating.voters.count)
    }
}
