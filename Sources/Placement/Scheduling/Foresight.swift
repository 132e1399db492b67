public import Consensus
public import MailModel

/// What would come of a cluster, by the planner itself: its moves, one after the other, until nothing is left to do.
public struct Foresight: Sendable {
    /// All moves, in the order in which they would begin.
    public private(set) var moves: [Move] = []
    /// What stays wrong in the end, and why.
    public private(set) var unrepaired: [Unrepaired] = []
    /// The cluster in the end.
    public private(set) var outcome: ClusterView
    /// Whether the planner came to an end within ``maximumRounds``.
    public private(set) var isComplete = false

    /// So often the planner is asked at most.
    static let maximumRounds = 2_000

    /// Plans until nothing is left to do. What is under way counts as done.
    ///
    /// - Parameters:
    ///   - view: the cluster as it is, or as it would be.
    ///   - isWanted: whether a move is to be made; others are passed over. The first round without a wanted move is the
    ///     last one.
    public init(from view: ClusterView, where isWanted: (Move) -> Bool = { _ in true }) {
        var lastReplica: UInt64 = 0
        func next(_ move: Move) -> ReplicaID {
            lastReplica += 1
            return ReplicaID(UInt64.max - lastReplica)
        }
        outcome = view.applying(view.movesUnderWay, newReplica: next)
        for _ in 0..<Self.maximumRounds {
            let plan = Planner.plan(outcome)
            let wanted = plan.moves.filter(isWanted)
            guard !wanted.isEmpty else {
                unrepaired = plan.unrepaired
                isComplete = plan.waiting.isEmpty
                return
            }
            moves += wanted
            outcome = outcome.applying(wanted, newReplica: next)
        }
    }

    /// Bytes that all moves copy.
    public var bytesToCopy: Int { moves.reduce(0) { $0 + $1.bytesToCopy } }
}

extension ClusterView {
    /// The same cluster with one node changed.
    public func changing(_ id: NodeID, _ change: (inout NodeView) -> Void) -> ClusterView {
        withNodes(
            nodes.map { node in
                var node = node
                if node.id == id { change(&node) }
                return node
            }
        )
    }

    /// The same cluster with other labels of one node.
    public func labelling(_ id: NodeID, _ labels: Labels) -> ClusterView {
        withNodes(
            nodes.map { node in
                guard node.id == id else { return node }
                return NodeView(
                    id: id,
                    labels: labels,
                    state: node.state,
                    liveness: node.liveness,
                    capacityBytes: node.capacityBytes,
                    usedBytes: node.usedBytes,
                    disk: node.disk
                )
            }
        )
    }

    /// The same cluster with the voters of one group on other nodes.
    public func placing(_ id: GroupID, on voters: [NodeID]) -> ClusterView {
        ClusterView(
            nodes: nodes,
            groups: groups.map { group in
                guard group.id == id else { return group }
                let kept = group.replicas.filter { voters.contains($0.node) && $0.role == .voter }
                let added = voters.filter { node in !kept.contains { $0.node == node } }
                return GroupView(
                    id: id,
                    pool: group.pool,
                    replicas: kept + added.map { ReplicaView(replica: ReplicaID(.max - $0.rawValue), node: $0) },
                    leader: group.leader.flatMap { voters.contains($0) ? $0 : nil },
                    bytes: group.bytes,
                    accounts: group.accounts
                )
            },
            rules: rulesByPool,
            settings: settings
        )
    }

    /// The same cluster with other rules.
    public func withRules(_ rules: [String: PlacementRule]) -> ClusterView {
        ClusterView(
            nodes: nodes,
            groups: groups,
            rules: rules,
            settings: settings,
            movesUnderWay: movesUnderWay
        )
    }
}

extension Survivability {
    /// What the loss of single values of the rules' keys would stop, a sentence for each loss that some group would not
    /// survive.
    public static func sentences(in view: ClusterView) -> [String] {
        promises(in: view).flatMap { promise -> [String] in
            var found = promise.shortfalls.map { "pool \(promise.pool): \($0)" }
            if !promise.stopped.groups.isEmpty {
                found.append("pool \(promise.pool): \(promise.stopped) have no quorum even now")
            }
            return found + promise.broken.map { "pool \(promise.pool): \($0.sentence)" }
        }
    }
}

extension Survivability.Toll: CustomStringConvertible {
    /// `3 groups (12 accounts)`.
    public var description: String {
        func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
        return "\(count(groups.count, "group")) (\(count(accounts, "account")))"
    }
}

extension Survivability.Report {
    /// What the loss would do, in a sentence.
    public var sentence: String {
        var parts: [String] = []
        if !lastReplica.groups.isEmpty { parts.append("\(lastReplica) would lose their last replica") }
        if !quorum.groups.isEmpty { parts.append("\(quorum) would lose their quorum") }
        if !redundancy.groups.isEmpty { parts.append("\(redundancy) would lose redundancy") }
        return "without \(loss): " + (parts.isEmpty ? "nothing changes" : parts.joined(separator: ", "))
    }
}
