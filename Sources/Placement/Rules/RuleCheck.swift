public import Consensus
internal import MailModel

/// How groups obey their rules.
public enum RuleCheck {
    /// All violations of one group, in a fixed order; none where the view has no such group. A group with a move under
    /// way is judged as it is now.
    public static func violations(of group: GroupID, in view: ClusterView) -> [Violation] {
        guard let number = view.groupNumber(of: group) else { return [] }
        var search = SpreadSearch()
        return violationsFound(by: GroupExam(group: number, in: view), in: view, search: &search)
    }

    /// All groups with violations, sorted.
    public static func violationsByGroup(in view: ClusterView) -> [(group: GroupID, violations: [Violation])] {
        var search = SpreadSearch()
        return view.groups.indices.compactMap { number in
            let found = violationsFound(by: GroupExam(group: number, in: view), in: view, search: &search)
            return found.isEmpty ? nil : (view.groups[number].id, found)
        }
    }

    /// All violations of the group of an exam, in a fixed order.
    static func violationsFound(by exam: GroupExam, in view: ClusterView, search: inout SpreadSearch) -> [Violation] {
        replicaViolations(exam, in: view)
            + spreadViolations(exam, in: view, search: &search)
            + leaderViolations(exam, in: view)
    }

    // MARK: Replicas

    private static func replicaViolations(_ exam: GroupExam, in view: ClusterView) -> [Violation] {
        var found: [Violation] = []
        if exam.voters.count < exam.wanted {
            found.append(.tooFewVoters(has: exam.voters.count, wants: exam.wanted))
        }
        if exam.voters.count > exam.wanted {
            found.append(.tooManyVoters(has: exam.voters.count, wants: exam.wanted))
        }
        let index = view.ruleIndexes[exam.rule]
        for seat in exam.voters + strayLearners(of: exam.group, in: view) {
            let node = view.nodes[seat.node].id
            if let departure = view.departure(ofNode: seat.node) { found.append(.replicaMustLeave(node, departure)) }
            if seat.isQuarantined { found.append(.quarantinedReplica(seat.replica, node)) }
        }
        for seat in exam.voters {
            if let constraint = index.brokenConstraint[seat.node] {
                found.append(.constraintBroken(view.nodes[seat.node].id, constraint))
            }
        }
        return found + sharedNodes(of: exam.group, in: view)
    }

    private static func sharedNodes(of group: Int, in view: ClusterView) -> [Violation] {
        let seats = (view.seatings[group].voters + view.seatings[group].learners).sorted {
            ($0.node, $0.replica) < ($1.node, $1.replica)
        }
        var found: [Violation] = []
        for (place, seat) in seats.enumerated() where place == 0 || seats[place - 1].node != seat.node {
            let replicas = seats[place...].prefix { $0.node == seat.node }.map(\.replica)
            if replicas.count > 1 {
                found.append(.replicasShareNode(view.nodes[seat.node].id, replicas: replicas))
            }
        }
        return found
    }

    /// Learners that cannot stay: on nodes that give replicas away, in quarantine, or beside a voter on the same node.
    /// The directory has a learner on every node, which is no concern of placement.
    static func strayLearners(of group: Int, in view: ClusterView) -> [Seating.Seat] {
        guard view.groups[group].id != .directory else { return [] }
        let seating = view.seatings[group]
        return seating.learners.filter { seat in
            seat.isQuarantined || view.departure(ofNode: seat.node) != nil
                || seating.voters.contains { $0.node == seat.node }
        }
    }

    // MARK: Spread

    private static func spreadViolations(
        _ exam: GroupExam,
        in view: ClusterView,
        search: inout SpreadSearch
    ) -> [Violation] {
        let index = view.ruleIndexes[exam.rule]
        let rule = index.rule
        var found: [Violation] = []
        if exam.holdsMajority(index) {
            let nodes = exam.voters.map { view.nodes[$0.node].id }
            found += view.majorities(in: MoveConfiguration(voters: nodes), ofPool: view.groups[exam.group].pool)
                .map(Violation.majorityOnValue)
        }
        for label in rule.canaries where exam.measure.canaryExcess > 0 {
            let nodes = exam.voters.map { view.nodes[$0.node] }.filter { $0.labels.contains(label) }
            if nodes.count > 1 { found.append(.canaryHoldsReplicas(label, nodes: nodes.map(\.id).sorted())) }
        }
        guard exam.voters.count == exam.wanted, !exam.isBestSpread(index) else { return found }
        let codes = exam.voters.indices.map { exam.code(at: $0, index) }.sorted()
        let question = SpreadSearch.Question(rule: exam.rule, kept: codes, adds: 0, drops: 0, room: index.room)
        guard let best = search.answer(question, index: index)?.measure, best < exam.measure else { return found }
        for (number, key) in rule.spread.enumerated() {
            let largest = exam.measure.largest(ofKey: number)
            let possible = best.largest(ofKey: number)
            if possible < largest {
                found.append(.spreadWorseThanPossible(key: key, largest: largest, possible: possible))
                break
            }
        }
        return found
    }

    // MARK: Leader

    static func leaderViolations(_ exam: GroupExam, in view: ClusterView) -> [Violation] {
        guard let leader = view.seatings[exam.group].leader else { return [] }
        let index = view.ruleIndexes[exam.rule]
        let node = view.nodes[leader]
        var found: [Violation] = []
        if let canary = index.rule.canaries.first(where: node.labels.contains) {
            found.append(.canaryLeads(canary, node.id))
        }
        if node.disk != .well { found.append(.poorDiskLeads(node.id, node.disk)) }
        if let departure = node.leaderDeparture(deadAfterSeconds: view.settings.deadAfterSeconds) {
            found.append(.leaderMustLeave(node.id, departure))
        }
        guard found.isEmpty else { return found }
        let better = LeaderChoice.candidates(exam, index).filter { index.preference[$0] < index.preference[leader] }
        if let preferred = better.min(by: { (index.preference[$0], $0) < (index.preference[$1], $1) }) {
            let label = index.rule.leaderPreferences[index.preference[preferred]]
            found.append(
                .leaderAgainstPreference(leader: node.id, preferred: view.nodes[preferred].id, label)
            )
        }
        return found
    }
}

/// Who of a group may lead.
enum LeaderChoice {
    /// The numbers of the nodes whose voter may lead: it is not in quarantine, and the node is active, alive, has no
    /// slow disk and is not on probation.
    static func candidates(_ exam: GroupExam, _ index: RuleIndex) -> [Int] {
        exam.voters.filter { index.mayLead[$0.node] && !$0.isQuarantined }.map(\.node)
    }
}
