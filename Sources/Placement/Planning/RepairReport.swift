internal import Consensus
internal import MailModel

/// Says why violations stay.
enum RepairReport {
    /// The violations of a group's replicas, each with what stands in the way.
    static func reports(_ exam: GroupExam, obstacle: Obstacle, in pass: inout PlanningPass) -> [Unrepaired] {
        let violations = RuleCheck.violationsFound(by: exam, in: pass.view, search: &pass.search).filter {
            !$0.isAboutLeader
        }
        guard !violations.isEmpty else { return [] }
        let rejected: [RejectedNode] =
            if case .noQuorum = obstacle {
                []
            } else {
                pass.view.nodes.indices.map { node in
                    let rejection = rejection(of: node, for: exam, in: pass)
                    return RejectedNode(node: pass.view.nodes[node].id, rejection: rejection)
                }
            }
        let group = pass.view.groups[exam.group].id
        return violations.map {
            Unrepaired(group: group, violation: $0, obstacle: obstacle, rejected: rejected)
        }
    }

    private static func rejection(of node: Int, for exam: GroupExam, in pass: PlanningPass) -> Rejection {
        let view = pass.view
        let facts = view.nodes[node]
        let index = view.ruleIndexes[exam.rule]
        let seating = view.seatings[exam.group]
        if facts.state != .active { return .state(facts.state) }
        if case .gone(let seconds) = facts.liveness { return .gone(seconds: seconds) }
        if let constraint = index.brokenConstraint[node] { return .constraint(constraint) }
        if seating.voters.contains(where: { $0.node == node && !$0.isQuarantined }) { return .holdsReplica }
        if seating.learners.contains(where: { $0.node == node && $0.isQuarantined }) { return .quarantined }
        if facts.disk == .full { return .disk(.full) }
        let size = view.groups[exam.group].bytes
        let isThere = seating.hasSoundLearner(on: node) || seating.voters.contains { $0.node == node }
        if !isThere, size > pass.loads.freeBytes(node) {
            return .noRoom(freeBytes: pass.loads.freeBytes(node), neededBytes: size)
        }
        return spreadRejection(of: node, for: exam, in: view)
    }

    private static func spreadRejection(of node: Int, for exam: GroupExam, in view: ClusterView) -> Rejection {
        let index = view.ruleIndexes[exam.rule]
        let labels = view.nodes[node].labels
        let stay = exam.voters.indices.filter { exam.faults[$0] == nil }.map { view.nodes[exam.voters[$0].node] }
        for canary in index.rule.canaries where labels.contains(canary) {
            if stay.contains(where: { $0.labels.contains(canary) }) { return .canaryTaken(canary) }
        }
        for key in index.rule.spread {
            guard let value = labels[key] else { continue }
            let holders = stay.count { $0.labels[key] == value }
            if holders > 0 { return .valueIsTaken(key: key, .labelled(value), voters: holders) }
        }
        return .doesNotHelp
    }
}
