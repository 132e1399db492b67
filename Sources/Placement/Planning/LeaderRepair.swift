internal import Consensus
internal import MailModel

/// Hands a leadership on that is against the rule.
enum LeaderRepair {
    static func plan(_ exam: GroupExam, _ pass: inout PlanningPass) {
        let violations = RuleCheck.leaderViolations(exam, in: pass.view)
        guard let violation = violations.first, let leader = pass.view.seatings[exam.group].leader else { return }
        let maker = pass.maker(of: exam)
        guard let next = maker.nextLeader(besides: leader) else {
            let rejected = pass.view.nodes.indices.map { node in
                RejectedNode(node: pass.view.nodes[node].id, rejection: rejection(of: node, exam, pass.view))
            }
            let group = pass.view.groups[exam.group].id
            let reports = violations.map {
                Unrepaired(group: group, violation: $0, obstacle: .nobodyMayLead, rejected: rejected)
            }
            return pass.report(reports)
        }
        guard pass.limits.allowTransfer else { return pass.postpone(group: exam.group) }
        let move = maker.transferLeadership(from: leader, to: next, reason: .repair(violation))
        pass.take(move, ofGroup: exam.group)
    }

    private static func rejection(of node: Int, _ exam: GroupExam, _ view: ClusterView) -> Rejection {
        let facts = view.nodes[node]
        guard let seat = exam.voters.first(where: { $0.node == node }) else { return .holdsNoVoter }
        if facts.state != .active { return .state(facts.state) }
        if case .gone(let seconds) = facts.liveness { return .gone(seconds: seconds) }
        if seat.isQuarantined { return .quarantined }
        let canaries = view.ruleIndexes[exam.rule].rule.canaries
        if let canary = canaries.first(where: facts.labels.contains) { return .canary(canary) }
        return facts.disk == .well ? .doesNotHelp : .disk(facts.disk)
    }
}
