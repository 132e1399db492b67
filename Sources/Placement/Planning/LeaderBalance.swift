internal import Consensus
internal import MailModel

/// Hands leaderships from nodes that lead many groups to nodes that lead few, among voters that are preferred alike.
enum LeaderBalance {
    static func plan(_ pass: inout PlanningPass) {
        let tolerance = Double(pass.view.settings.balanceTolerancePercent) / 100
        let mayLead = pass.view.nodes.indices.filter { node in
            pass.view.nodes[node].isAtHand && pass.view.nodes[node].disk == .well
        }
        let average = pass.loads.averageLeaders(among: mayLead)
        var led: [[Int]] = Array(repeating: [], count: pass.view.nodes.count)
        for (group, seating) in pass.view.seatings.enumerated() where !pass.isTaken[group] {
            if let leader = seating.leader { led[leader].append(group) }
        }
        let order = mayLead.sorted { (pass.loads.leaders[$1], $0) < (pass.loads.leaders[$0], $1) }
        for source in order {
            for group in led[source] {
                guard pass.limits.allowTransfer else { return }
                let loads = pass.loads
                guard let target = bestTarget(of: pass.exams[group], from: source, pass) else { continue }
                let (many, few) = (loads.leaders[source], loads.leaders[target])
                let isBeyond =
                    Double(many) > average * (1 + tolerance) || Double(few) < average * (1 - tolerance)
                guard isBeyond, many - few >= 2, Double(many - few) > average * tolerance else { continue }
                let reason = MoveReason.balanceLeaders(source: many, target: few)
                let exam = pass.exams[group]
                let move = pass.maker(of: exam).transferLeadership(from: source, to: target, reason: reason)
                pass.take(move, ofGroup: group)
            }
        }
    }

    /// Of the voters that are preferred like the leader, the one whose node leads the fewest groups.
    private static func bestTarget(of exam: GroupExam, from source: Int, _ pass: PlanningPass) -> Int? {
        let index = pass.view.ruleIndexes[exam.rule]
        return LeaderChoice.candidates(exam, index)
            .filter { $0 != source && index.preference[$0] == index.preference[source] }
            .min { (pass.loads.leaders[$0], $0) < (pass.loads.leaders[$1], $1) }
    }
}
