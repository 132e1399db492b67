internal import Consensus
internal import MailModel

/// What one pass of the planner has decided so far.
struct PlanningPass {
    let view: ClusterView
    let exams: [GroupExam]
    private(set) var plan = Plan()
    private(set) var loads: NodeLoads
    private(set) var limits: MoveLimits
    /// For each group, whether a move of it is under way or planned.
    private(set) var isTaken: [Bool]
    var search = SpreadSearch()

    init(_ view: ClusterView) {
        self.view = view
        exams = view.groups.indices.map { GroupExam(group: $0, in: view) }
        loads = NodeLoads(view)
        limits = MoveLimits(view)
        isTaken = view.isUnderWay
    }

    func maker(of exam: GroupExam) -> MoveMaker { MoveMaker(view: view, exam: exam, loads: loads) }

    mutating func take(_ move: Move, ofGroup group: Int) {
        isTaken[group] = true
        loads.count(move, in: view)
        limits.count(move, in: view)
        plan.moves.append(move)
    }

    /// The group needs a repair that a limit does not allow yet.
    mutating func postpone(group: Int) {
        let id = view.groups[group].id
        if plan.waiting.last != id { plan.waiting.append(id) }
    }

    mutating func report(_ unrepaired: [Unrepaired]) { plan.unrepaired += unrepaired }

    mutating func sortReports() {
        // Each group's reports stay in their order.
        let order = plan.unrepaired.indices.sorted { a, b in
            (plan.unrepaired[a].group, a) < (plan.unrepaired[b].group, b)
        }
        plan.unrepaired = order.map { plan.unrepaired[$0] }
        plan.waiting.sort()
    }
}
