import Consensus
import MailModel
import Testing

@testable import Placement

/// Judges plans by the words of the rules, without the planner's indexes, and carries them out until none is left.
struct Referee {
    private(set) var view: ClusterView
    private(set) var moves = 0
    private(set) var rounds = 0
    private(set) var complaints: [String] = []
    private(set) var lastPlan = Plan()
    private var seen: Set<[[UInt64]]> = []
    /// Bytes that each node had when the last plan was made, with what the plan's moves so far bring.
    private var committed: [NodeID: Int] = [:]

    init(_ view: ClusterView) { self.view = view }

    /// Plans and applies until nothing is planned, for so many rounds at most.
    mutating func settle(rounds limit: Int = 400) {
        note(assignment)
        while complaints.isEmpty {
            lastPlan = Planner.plan(view)
            committed = Dictionary(uniqueKeysWithValues: view.nodes.map { ($0.id, $0.usedBytes) })
            judge(lastPlan)
            guard !lastPlan.moves.isEmpty else { break }
            guard rounds < limit else { return complaints.append("no end after \(rounds) rounds, \(moves) moves") }
            rounds += 1
            for move in lastPlan.moves {
                judge(move)
                for target in move.targets { committed[target, default: 0] += move.bytesToCopy / move.targets.count }
                view = view.applying([move], round: rounds)
                moves += 1
            }
            note(assignment)
        }
        if !lastPlan.waiting.isEmpty { complaints.append("groups wait for nothing") }
        if complaints.isEmpty, Planner.plan(view) != lastPlan { complaints.append("another second plan") }
    }

    /// Who holds what, replicas in quarantine told apart, and who leads.
    private var assignment: [[UInt64]] {
        view.groups.map { group in
            let places = group.replicas.map { replica in
                replica.node.rawValue << 2 | (replica.role == .voter ? 2 : 0) | (replica.isQuarantined ? 1 : 0)
            }
            return places.sorted() + [group.leader?.rawValue ?? 0]
        }
    }

    private mutating func note(_ assignment: [[UInt64]]) {
        if !seen.insert(assignment).inserted { complaints.append("an assignment came back in round \(rounds)") }
    }

    // MARK: Plans

    private mutating func judge(_ plan: Plan) {
        if Set(plan.moves.map(\.group)).count != plan.moves.count { complaints.append("two moves of one group") }
        let settings = view.settings
        let copies = plan.moves.filter { $0.bytesToCopy > 0 }
        for node in view.nodes {
            let busy = copies.count { $0.targets.contains(node.id) } + copies.count { $0.sender == node.id }
            if busy > settings.movesPerNode { complaints.append("node \(node.id) takes part in \(busy) moves") }
        }
        let transfers = plan.moves.count(where: \.changesLeaderOnly)
        if plan.moves.count - transfers > settings.movesPerCluster { complaints.append("too many moves") }
        if transfers > settings.transfersPerCluster { complaints.append("too many transfers") }
        if let complaint = needlessBalance(plan) { complaints.append(complaint) }
        for move in plan.moves where move.reason.isRepair {
            let violations = RuleCheck.violations(of: move.group, in: view)
            if violations.isEmpty { complaints.append("\(move) repairs nothing") }
        }
    }

    /// Balance without a node beyond the tolerance, counted from the view by itself.
    private func needlessBalance(_ plan: Plan) -> String? {
        let balance = plan.moves.filter { !$0.reason.isRepair }
        guard balance.count == plan.moves.count, !balance.isEmpty else { return nil }
        let tolerance = Double(view.settings.balanceTolerancePercent) / 100 - 1e-9
        let nodes = view.nodes.filter { $0.state == .active && $0.liveness == .alive }
        func isBeyond(_ amounts: [Int], _ weights: [Int]) -> Bool {
            let (sum, weight) = (Double(amounts.reduce(0, +)), Double(weights.reduce(0, +)))
            return zip(amounts, weights).contains { abs(Double($0) * weight / (sum * Double($1)) - 1) > tolerance }
        }
        let replicas = nodes.map { node in
            view.groups.reduce(0) { $0 + $1.replicas.count { $0.node == node.id } }
        }
        let capacities = nodes.map(\.capacityBytes)
        let isUneven = isBeyond(nodes.map(\.usedBytes), capacities) || isBeyond(replicas, capacities)
        if balance.contains(where: { !$0.changesLeaderOnly }), !isUneven { return "replicas moved without need" }
        let leaders = nodes.filter { $0.disk == .well }
        let led = leaders.map { node in
            view.groups.count { group in
                group.leader == node.id && group.replicas.contains { $0.node == node.id && !$0.isQuarantined }
            }
        }
        if balance.allSatisfy(\.changesLeaderOnly), !isBeyond(led, leaders.map { _ in 1 }) {
            return "leaders moved without need"
        }
        return nil
    }

    // MARK: Moves

    private mutating func judge(_ move: Move) {
        guard let group = view.group(move.group), let rule = view.rule(ofPool: group.pool) else { return }
        if let complaint = wrongTarget(move, group, rule) ?? wrongLeader(move, group, rule) {
            complaints.append("\(complaint): \(move)")
        }
        let before = MoveConfiguration(voters: group.replicas.filter { $0.role == .voter }.map(\.node))
        for configuration in move.steps.compactMap(\.configuration) {
            if let complaint = newlyBroken(configuration, before: before, move, group, rule) {
                complaints.append("\(complaint) in \(configuration): \(move)")
            }
        }
    }

    private func wrongTarget(_ move: Move, _ group: GroupView, _ rule: PlacementRule) -> String? {
        var bytes = 0
        for target in move.targets {
            guard let node = view.node(target) else { return "a target that is not there" }
            if node.state != .active || node.liveness != .alive { return "a target that is not at hand" }
            if !rule.constraints.allSatisfy({ $0.allows(node.labels) }) { return "a target against a constraint" }
            let held = group.replicas.filter { $0.node == target }
            let beginsAnew = move.sources == [target] && held.count == 1 && held[0].isQuarantined
            let learns = held.count == 1 && held[0].role == .learner && !held[0].isQuarantined
            if !held.isEmpty, !beginsAnew, !learns { return "a target that holds a replica" }
            if move.bytesToCopy > 0, !beginsAnew {
                let used = Double(node.usedBytes + group.bytes) / Double(node.capacityBytes)
                if used * 100 > Double(view.settings.fullPercent) + 1e-6 { return "a target without room" }
            }
            bytes += learns ? 0 : group.bytes
        }
        return move.bytesToCopy == bytes ? nil : "wrong bytes"
    }

    private func wrongLeader(_ move: Move, _ group: GroupView, _ rule: PlacementRule) -> String? {
        guard let transfer = move.transfer, let node = view.node(transfer.to) else { return nil }
        if transfer.from != group.leader { return "a transfer from who does not lead" }
        let isWell = node.disk == .well && node.state == .active && node.liveness == .alive
        guard isWell else { return "a leader that may not lead" }
        if rule.canaries.contains(where: node.labels.contains) { return "a leader on probation" }
        let isVoter = group.replicas.contains { $0.node == transfer.to && $0.role == .voter && !$0.isQuarantined }
        return isVoter ? nil : "a leader without a vote"
    }

    /// A rule that held, and does not in a configuration on the way although another target would do.
    private func newlyBroken(
        _ configuration: MoveConfiguration,
        before: MoveConfiguration,
        _ move: Move,
        _ group: GroupView,
        _ rule: PlacementRule
    ) -> String? {
        for canary in rule.canaries {
            let old = count(before.voters, canary)
            if max(count(configuration.voters, canary), count(configuration.outgoingVoters, canary)) > max(old, 1) {
                return "two on probation"
            }
        }
        let live = group.replicas.filter { replica in
            !replica.isQuarantined && view.node(replica.node)?.liveness == .alive
        }.map(\.node)
        for half in [configuration.voters, configuration.outgoingVoters] where !half.isEmpty {
            let alive = half.count { live.contains($0) || move.targets.contains($0) }
            if alive * 2 <= half.count { return "no quorum" }
        }
        let held = Set(view.majorities(in: before, ofPool: group.pool).map(\.key))
        let broken = view.majorities(in: configuration, ofPool: group.pool).map(\.key).filter { !held.contains($0) }
        guard !broken.isEmpty else { return nil }
        let isAvoidable = alternatives(move, before, group, rule).contains { other in
            view.majorities(in: other, ofPool: group.pool).allSatisfy { held.contains($0.key) }
        }
        guard isAvoidable, let best = bestReachable(group, rule) else { return nil }
        let needed = Set(view.majorities(in: MoveConfiguration(voters: best), ofPool: group.pool).map(\.key))
        return broken.allSatisfy(needed.contains) ? nil : "a majority that could be avoided"
    }

    private func isCandidate(_ node: NodeView, _ group: GroupView, _ rule: PlacementRule) -> Bool {
        let learns = group.replicas.contains { $0.node == node.id && $0.role == .learner && !$0.isQuarantined }
        let used = committed[node.id, default: 0] + (learns ? 0 : group.bytes)
        return node.state == .active && node.liveness == .alive
            && rule.constraints.allSatisfy { $0.allows(node.labels) }
            && (learns || used * 100 <= node.capacityBytes * view.settings.fullPercent)
    }

    /// The set of as many voters as wanted with the best spread that the voters that may stay and all nodes with room
    /// allow, by trying all; nil where there are too few.
    func bestReachable(_ group: GroupView, _ rule: PlacementRule) -> [NodeID]? {
        let stay = group.replicas.filter { $0.role == .voter && !$0.isQuarantined }.compactMap { view.node($0.node) }
            .filter { $0.departure(deadAfterSeconds: view.settings.deadAfterSeconds) == nil }
            .filter { node in rule.constraints.allSatisfy { $0.allows(node.labels) } }
        let all = view.nodes.filter { stay.contains($0) || isCandidate($0, group, rule) }
        let sets = combinations(of: all, rule.voters).filter { set in
            rule.canaries.allSatisfy { canary in set.count { $0.labels.contains(canary) } <= 1 }
        }
        return sets.min {
            DumbSpread.measure($0, rule.spread).lexicographicallyPrecedes(DumbSpread.measure($1, rule.spread))
        }?
        .map(\.id)
    }

    private func combinations(of nodes: [NodeView], _ count: Int) -> [[NodeView]] {
        guard count > 0 else { return [[]] }
        return nodes.indices.flatMap { first in
            combinations(of: Array(nodes[(first + 1)...]), count - 1).map { [nodes[first]] + $0 }
        }
    }

    /// The final configurations that the same move with another target would have.
    private func alternatives(
        _ move: Move,
        _ before: MoveConfiguration,
        _ group: GroupView,
        _ rule: PlacementRule
    ) -> [MoveConfiguration] {
        guard move.targets.count == 1 else { return [] }
        return view.nodes.compactMap { node in
            guard !before.voters.contains(node.id), isCandidate(node, group, rule) else { return nil }
            var voters = before.voters
            voters.removeAll(where: move.sources.contains)
            voters.append(node.id)
            let isTaken = rule.canaries.contains { count(voters, $0) > 1 && node.labels.contains($0) }
            return isTaken ? nil : MoveConfiguration(voters: voters)
        }
    }

    private func count(_ nodes: [NodeID], _ label: Label) -> Int {
        nodes.count { view.node($0)?.labels.contains(label) ?? false }
    }
}

/// The spread of voters, counted label by label.
enum DumbSpread {
    /// For each key, voters of the largest value beyond what is less than a majority; then for each key, voters of the
    /// largest value.
    static func measure(_ nodes: [NodeView], _ spread: [String]) -> [Int] {
        let largest = spread.map { key in
            nodes.map { node in
                let value = DomainValue(of: key, node: node.id, labels: node.labels)
                return nodes.count { DomainValue(of: key, node: $0.id, labels: $0.labels) == value }
            }.max() ?? 0
        }
        return largest.map { max(0, $0 - nodes.count / 2) } + largest
    }
}
