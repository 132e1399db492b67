internal import Consensus
internal import MailModel

/// Moves voters from nodes that hold much to nodes that hold little.
///
/// A move is planned only where one of both nodes is beyond the tolerance, they differ by more than it, and the sum of
/// squares of all loads falls. As that sum falls with every move, no assignment ever comes back.
struct ReplicaBalance {
    private let tolerance: Double
    /// For each node, the groups that have a voter there, in their order.
    private let groupsOfNode: [[Int]]
    /// Nodes that have nothing to give: what others take changes little about it in one pass.
    private var isDone: [Bool]

    private enum Measure {
        case bytes
        case replicas
    }

    private struct Choice {
        let gain: Double
        let measure: Measure
        let group: Int
        let place: Int
        let target: Int
    }

    static func plan(_ pass: inout PlanningPass) {
        var balance = ReplicaBalance(pass)
        while pass.limits.allowMove, balance.planMove(&pass) {}
    }

    private init(_ pass: PlanningPass) {
        tolerance = Double(pass.view.settings.balanceTolerancePercent) / 100
        var groups: [[Int]] = Array(repeating: [], count: pass.view.nodes.count)
        for exam in pass.exams {
            for seat in exam.voters { groups[seat.node].append(exam.group) }
        }
        groupsOfNode = groups
        isDone = pass.loads.isBalanced.map { !$0 }
    }

    private mutating func planMove(_ pass: inout PlanningPass) -> Bool {
        let loads = pass.loads
        let order = isDone.indices.filter { !isDone[$0] }.map { node in
            (load: max(loads.byteShare(node), loads.replicaShare(node)), node: node)
        }
        for (_, source) in order.sorted(by: { ($1.load, $0.node) < ($0.load, $1.node) }) {
            guard let choice = bestChoice(from: source, pass) else {
                if let move = bestPair(from: source, pass) {
                    pass.take(move.move, ofGroup: move.group)
                    return true
                }
                isDone[source] = true
                continue
            }
            let move = pass.maker(of: pass.exams[choice.group]).add(
                toNode: choice.target,
                inPlaceOf: choice.place,
                reason: reason(choice.measure, from: source, to: choice.target, loads)
            )
            pass.take(move, ofGroup: choice.group)
            return true
        }
        return false
    }

    private func bestChoice(from source: Int, _ pass: PlanningPass) -> Choice? {
        let targets = pass.loads.isBalanced.indices.compactMap { target in
            outOfBalance(from: source, to: target, pass).map { (target, $0) }
        }
        guard !targets.isEmpty else { return nil }
        var best: Choice?
        for group in groupsOfNode[source] where !pass.isTaken[group] {
            let exam = pass.exams[group]
            let size = pass.view.groups[group].bytes
            guard let place = exam.voters.firstIndex(where: { $0.node == source }),
                mayMove(exam, pass), size == 0 || senderMayCopy(group, pass)
            else { continue }
            for (target, measure) in targets {
                let gain = pass.loads.gain(moving: size, from: source, to: target)
                let measured = measure == .bytes ? gain.bytes : gain.replicas
                let sum = gain.bytes + gain.replicas
                guard measured > 1e-12, sum > max(1e-12, best?.gain ?? 0),
                    mayTake(exam, at: place, target: target, pass)
                else { continue }
                best = Choice(gain: sum, measure: measure, group: group, place: place, target: target)
            }
        }
        return best
    }

    /// Two voters of a group change their nodes at once, where no single one may: the spread stays as it is.
    private func bestPair(from source: Int, _ pass: PlanningPass) -> (move: Move, group: Int)? {
        let targets = pass.loads.isBalanced.indices.filter { target in
            outOfBalance(from: source, to: target, pass) != nil && isWorthTwo(to: target, pass)
        }
        guard !targets.isEmpty else { return nil }
        var best: (gain: Double, group: Int, pair: ExchangePairs.Pair)?
        for group in groupsOfNode[source] where !pass.isTaken[group] {
            let exam = pass.exams[group]
            let size = pass.view.groups[group].bytes
            guard let place = exam.voters.firstIndex(where: { $0.node == source }),
                mayMove(exam, pass), size == 0 || senderMayCopy(group, pass)
            else { continue }
            let index = pass.view.ruleIndexes[exam.rule]
            let learners = pass.view.seatings[group].learners
            let pairs = ExchangePairs(exam, in: pass.view, pass.loads).all(with: place) { node in
                pass.loads.isBalanced[node] && size <= pass.loads.freeBytes(node)
                    && pass.limits.allowCopy(atNode: node) && !learners.contains { $0.node == node }
            }
            for pair in pairs where targets.contains(pair.first.node) {
                let other = exam.voters[pair.second.place].node
                guard pass.loads.isBalanced[other] else { continue }
                let first = pass.loads.gain(moving: size, from: source, to: pair.first.node)
                let second = pass.loads.gain(moving: size, from: other, to: pair.second.node)
                let gain = first.bytes + first.replicas + second.bytes + second.replicas
                guard gain > max(1e-12, best?.gain ?? 0),
                    index.shapes.measure(pair.voters.map { index.shapeOfNode[$0] }, voters: pair.voters.count)
                        <= exam.measure, leads(exam, after: pair, index)
                else { continue }
                best = (gain, group, pair)
            }
        }
        return best.map { best in
            let reason = reason(.replicas, from: source, to: best.pair.first.node, pass.loads)
            let maker = pass.maker(of: pass.exams[best.group])
            return (maker.exchange([best.pair.first, best.pair.second], reason: reason), best.group)
        }
    }

    /// Two copies for one step are worth it where a node has next to nothing, a new one, and where an admin has asked
    /// for it. Otherwise the loads stay as the values of the labels happen to be combined.
    private func isWorthTwo(to target: Int, _ pass: PlanningPass) -> Bool {
        pass.view.evensOut || pass.loads.replicaShare(target) < Self.shareOfNewNodes
    }

    /// In shares of the average.
    private static let shareOfNewNodes = 0.5

    /// Whether the group can be led as well as before.
    private func leads(_ exam: GroupExam, after pair: ExchangePairs.Pair, _ index: RuleIndex) -> Bool {
        let before = LeaderChoice.candidates(exam, index).map { index.preference[$0] }.min() ?? .max
        let after = pair.voters.filter { index.mayLead[$0] }.map { index.preference[$0] }.min() ?? .max
        return after <= before
    }

    /// In what the two nodes differ too much; nil where they are within the tolerance.
    private func outOfBalance(from source: Int, to target: Int, _ pass: PlanningPass) -> Measure? {
        let loads = pass.loads
        guard loads.isBalanced[target], target != source, pass.limits.allowCopy(atNode: target) else { return nil }
        func isBeyond(_ source: Double, _ target: Double) -> Bool {
            (source > 1 + tolerance || target < 1 - tolerance) && source - target > tolerance
        }
        if isBeyond(loads.byteShare(source), loads.byteShare(target)) { return .bytes }
        return isBeyond(loads.replicaShare(source), loads.replicaShare(target)) ? .replicas : nil
    }

    private func mayMove(_ exam: GroupExam, _ pass: PlanningPass) -> Bool {
        exam.voters.count == exam.wanted && !exam.hasFaults && exam.hasQuorum
    }

    private func senderMayCopy(_ group: Int, _ pass: PlanningPass) -> Bool {
        pass.view.seatings[group].leader.map { pass.limits.allowCopy(atNode: $0) } ?? true
    }

    /// Whether the target may take the voter, and no rule is obeyed less than before.
    private func mayTake(_ exam: GroupExam, at place: Int, target: Int, _ pass: PlanningPass) -> Bool {
        let index = pass.view.ruleIndexes[exam.rule]
        let seating = pass.view.seatings[exam.group]
        guard index.mayTake[target], pass.view.groups[exam.group].bytes <= pass.loads.freeBytes(target) else {
            return false
        }
        let isThere =
            exam.voters.contains { $0.node == target } || seating.learners.contains { $0.node == target }
        guard !isThere else { return false }
        var shapes = exam.shapes
        shapes[place] = index.shapeOfNode[target]
        guard index.shapes.measure(shapes, voters: shapes.count) <= exam.measure else { return false }
        return leads(exam, at: place, target: target, index)
    }

    /// Whether the group can be led as well as before.
    private func leads(_ exam: GroupExam, at place: Int, target: Int, _ index: RuleIndex) -> Bool {
        let candidates = LeaderChoice.candidates(exam, index)
        let before = candidates.map { index.preference[$0] }.min() ?? .max
        let left = candidates.filter { $0 != exam.voters[place].node } + (index.mayLead[target] ? [target] : [])
        return left.map { index.preference[$0] }.min() ?? .max <= before
    }

    private func reason(_ measure: Measure, from source: Int, to target: Int, _ loads: NodeLoads) -> MoveReason {
        func percent(_ share: Double) -> Int { Int(min(share * 100, 1e9)) }
        return switch measure {
        case .bytes:
            .balanceBytes(
                sourcePercent: percent(loads.byteShare(source)),
                targetPercent: percent(loads.byteShare(target))
            )
        case .replicas:
            .balanceReplicas(
                sourcePercent: percent(loads.replicaShare(source)),
                targetPercent: percent(loads.replicaShare(target))
            )
        }
    }
}
