internal import Consensus
internal import MailModel

/// Decides what to move next.
///
/// Repairs come before balance: replicas are balanced only when no repair is planned, waits or is under way. The
/// planner looks at the view alone, so asking again after each change is all that it takes to go on, for whoever asks.
public enum Planner {
    /// The moves that may begin now, and what stays wrong and why. No moves, nothing that waits and none under way mean
    /// that nothing can be made better.
    ///
    /// The time is that of the groups times the nodes, in the worst case.
    public static func plan(_ view: ClusterView) -> Plan {
        var pass = PlanningPass(view)
        repair(&pass)
        let isRepairing =
            pass.plan.moves.contains { $0.reason.isRepair && !$0.changesLeaderOnly }
            || view.movesUnderWay.contains { $0.reason.isRepair && !$0.changesLeaderOnly }
            || !pass.plan.waiting.isEmpty
        if !isRepairing { ReplicaBalance.plan(&pass) }
        LeaderBalance.plan(&pass)
        pass.sortReports()
        return pass.plan
    }

    /// How much a group needs a repair: the first go first.
    private enum Urgency: Int, CaseIterable {
        /// One more loss, and the group stops.
        case noSlack
        case replicaLost
        case tooFewVoters
        case ruleBroken
        case nodeLeaves
        case other
    }

    private static func repair(_ pass: inout PlanningPass) {
        var queues: [[Int]] = Array(repeating: [], count: Urgency.allCases.count)
        for exam in pass.exams where !pass.isTaken[exam.group] {
            queues[urgency(of: exam, in: pass.view).rawValue].append(exam.group)
        }
        for group in queues.joined() {
            let exam = pass.exams[group]
            switch GroupRepair.next(exam, &pass) {
            case .nothing: break
            case .move(let move): pass.take(move, ofGroup: group)
            case .wait: pass.postpone(group: group)
            case .blocked(let obstacle):
                pass.report(RepairReport.reports(exam, obstacle: obstacle, in: &pass))
            }
            if !pass.isTaken[group] { LeaderRepair.plan(exam, &pass) }
        }
    }

    private static func urgency(of exam: GroupExam, in view: ClusterView) -> Urgency {
        let lost = exam.faults.contains { fault in fault.map { $0.urgency <= 1 } ?? false }
        if lost { return exam.liveCount <= Majority.least(of: exam.voters.count) ? .noSlack : .replicaLost }
        if exam.voters.count < exam.wanted { return .tooFewVoters }
        if exam.holdsMajority(view.ruleIndexes[exam.rule]) || exam.measure.canaryExcess > 0 { return .ruleBroken }
        return exam.hasFaults ? .nodeLeaves : .other
    }
}
