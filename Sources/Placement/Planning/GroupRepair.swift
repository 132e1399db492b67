internal import Consensus
internal import MailModel

/// Plans the next move that brings the voters of one group nearer to what its rule wants.
///
/// ``SpreadSearch`` says which set of voters to go for, and which exchanges lead there. Of these the most urgent is
/// taken, on the node with the best ``Score``; on the way no rule is broken that held, unless the goal breaks it too.
/// Where every way to the goal breaks one, a lost voter is replaced all the same, as well as the nodes allow.
struct GroupRepair {
    enum Outcome {
        case nothing
        case move(Move)
        /// A limit of moves at once does not allow the move yet.
        case wait
        case blocked(Obstacle)
    }

    private let exam: GroupExam
    private let view: ClusterView
    private let index: RuleIndex
    private let seating: Seating
    private let loads: NodeLoads
    private let limits: MoveLimits
    private var metLimit = false
    private var metUnsafe = false

    private init(_ exam: GroupExam, _ pass: PlanningPass) {
        self.exam = exam
        view = pass.view
        index = view.ruleIndexes[exam.rule]
        seating = view.seatings[exam.group]
        loads = pass.loads
        limits = pass.limits
    }

    static func next(_ exam: GroupExam, _ pass: inout PlanningPass) -> Outcome {
        let strays = RuleCheck.strayLearners(of: exam.group, in: pass.view)
        if exam.isSound(pass.view.ruleIndexes[exam.rule]), strays.isEmpty { return .nothing }
        var repair = GroupRepair(exam, pass)
        return repair.nextMove(&pass, strays)
    }

    private mutating func nextMove(_ pass: inout PlanningPass, _ strays: [Seating.Seat]) -> Outcome {
        guard exam.hasQuorum else {
            return .blocked(.noQuorum(live: exam.liveCount, needed: Majority.least(of: exam.voters.count)))
        }
        if let goal = goal(&pass.search) {
            if let move = move(towards: goal, &pass.search) { return .move(move) }
            if metLimit { return .wait }
        }
        if let stray = strays.first {
            guard limits.allowMove else { return .wait }
            return .move(pass.maker(of: exam).remove(learner: stray, reason: reasonToRemove(stray: stray)))
        }
        if metUnsafe { return .blocked(.noSafeStep) }
        return .blocked(.noNode)
    }

    // MARK: Where to go

    private struct Goal {
        /// The places of the voters that go in any case, the most urgent first.
        let leaving: [Int]
        /// The places of the other voters, in the order of the question.
        let kept: [Int]
        let question: SpreadSearch.Question
        let answer: SpreadSearch.Answer
    }

    /// The best that can be reached: as many faulty voters as possible are replaced, then as many voters as possible
    /// are added. Nil where nothing can be made better.
    private func goal(_ search: inout SpreadSearch) -> Goal? {
        let faulty = exam.faultyPlaces
        for replaced in stride(from: faulty.count, through: 0, by: -1) {
            let leaving = Array(faulty.prefix(replaced))
            let kept = exam.voters.indices.filter { !leaving.contains($0) }.sorted {
                (exam.code(at: $0, index), $0) < (exam.code(at: $1, index), $1)
            }
            let room = room(keeping: kept)
            let missing = exam.wanted - kept.count
            let least = min(missing, max(replaced, 1))
            for adds in stride(from: max(missing, 0), through: max(least, 0), by: -1) {
                let question = SpreadSearch.Question(
                    rule: exam.rule,
                    kept: kept.map { exam.code(at: $0, index) },
                    adds: adds,
                    drops: max(-missing, 0),
                    room: room
                )
                guard let answer = search.answer(question, index: index) else { continue }
                let isBetter = answer.exchanges > 0 && (replaced > 0 || adds > 0 || answer.measure < exam.measure)
                guard replaced > 0 || adds > 0 || question.drops > 0 || isBetter else { return nil }
                return Goal(leaving: leaving, kept: kept, question: question, answer: answer)
            }
        }
        return nil
    }

    /// For each shape, the nodes that can take this very group, with those whose voter may stay.
    private func room(keeping kept: [Int]) -> [Int] {
        var room = Array(repeating: 0, count: index.shapes.count)
        for node in view.nodes.indices where index.mayTake[node] {
            let isKept = kept.contains { exam.voters[$0].node == node }
            if isKept || hasRoom(node) { room[index.shapeOfNode[node]] += 1 }
        }
        return room
    }

    private func hasRoom(_ node: Int) -> Bool {
        if seating.learners.contains(where: { $0.node == node && $0.isQuarantined }) { return false }
        let isThere = seating.hasSoundLearner(on: node) || seating.voters.contains { $0.node == node }
        return isThere || view.groups[exam.group].bytes <= loads.freeBytes(node)
    }

    // MARK: The next step

    private mutating func move(towards goal: Goal, _ search: inout SpreadSearch) -> Move? {
        if let move = safeMove(towards: goal, &search) { return move }
        guard !metLimit, metUnsafe else { return nil }
        // Redundancy comes before spread, which further moves mend; but no majority is given away where two voters that
        // change places at once keep it.
        if let move = careless(.brokenMayGrow, towards: goal, &search) ?? pairExchange(towards: goal, &search) {
            return move
        }
        return metLimit ? nil : careless(.spreadMaySuffer, towards: goal, &search)
    }

    /// A voter for one that leaves or is missing, on whatever node, with so much care.
    private mutating func careless(_ care: Care, towards goal: Goal, _ search: inout SpreadSearch) -> Move? {
        for place in goal.leaving {
            if let node = bestNode(inPlaceOf: place, goal, care, allows: { _ in true }) {
                return addition(to: node, inPlaceOf: place, &search)
            }
        }
        guard exam.voters.count < exam.wanted,
            let node = bestNode(inPlaceOf: nil, goal, care, allows: { _ in true })
        else { return nil }
        return addition(to: node, inPlaceOf: nil, &search)
    }

    /// Two voters go and two come in one joint change, where one after the other would break a rule on the way: two
    /// vendors change places. A voter that must go is one of the two, where there is one.
    private mutating func pairExchange(towards goal: Goal, _ search: inout SpreadSearch) -> Move? {
        let pairs = ExchangePairs(exam, in: view, loads)
        let places = goal.leaving.isEmpty ? Array(exam.voters.indices) : goal.leaving
        guard !metLimit else { return nil }
        var best: (score: Score, pair: ExchangePairs.Pair)?
        var isBusy = false
        for first in places {
            for pair in pairs.all(with: first, where: hasRoom) {
                let score = Score(of: pair.voters, forGroup: exam.group, in: view, loads: loads)
                guard allows(score.measure, with: .goalMayBreak, towards: goal),
                    !goal.leaving.isEmpty || score.measure < exam.measure, keepsMajority(exchanging: pair)
                else { continue }
                guard mayCopy(to: pair.first.node), mayCopy(to: pair.second.node) else {
                    isBusy = true
                    continue
                }
                if best.map({ score < $0.score }) ?? true { best = (score, pair) }
            }
        }
        guard let best else {
            metLimit = metLimit || isBusy
            return nil
        }
        let exchanges = [best.pair.first, best.pair.second]
        return maker.exchange(exchanges, reason: reasonForMove(at: best.pair.first.place, &search))
    }

    /// Whether a majority of the voters that there will be is alive.
    private func keepsMajority(exchanging pair: ExchangePairs.Pair) -> Bool {
        let leaving = [pair.first.place, pair.second.place].count { exam.isLive[$0] }
        return exam.liveCount - leaving + 2 >= Majority.least(of: exam.voters.count)
    }

    /// What a move may do to majorities on the way.
    private enum Care {
        /// Every majority stays as it is or becomes less, but for those that the goal has too.
        case goalMayBreak
        /// No key on which no value holds a majority gets such a value.
        case brokenMayGrow
        case spreadMaySuffer
    }

    private func allows(_ measure: SpreadMeasure, with care: Care, towards goal: Goal) -> Bool {
        guard measure.canaryExcess <= exam.measure.canaryExcess else { return false }
        return switch care {
        case .goalMayBreak: measure.keepsWhatHeld(before: exam.measure, goal: goal.answer.measure)
        case .brokenMayGrow:
            index.rule.spread.indices.allSatisfy {
                measure.excess(ofKey: $0) == 0 || exam.measure.excess(ofKey: $0) > 0
            }
        case .spreadMaySuffer: true
        }
    }

    private mutating func safeMove(towards goal: Goal, _ search: inout SpreadSearch) -> Move? {
        let answer = goal.answer
        let count = exam.voters.count
        // A faulty voter that needs no other in its place.
        if count > exam.wanted, let place = safeRemoval(of: goal.leaving, goal) {
            return removal(of: place, &search)
        }
        for place in goal.leaving {
            if let node = bestNode(inPlaceOf: place, goal, allows: { answer.adds(shape: $0) }) {
                return addition(to: node, inPlaceOf: place, &search)
            }
        }
        if count < exam.wanted, let node = bestNode(inPlaceOf: nil, goal, allows: { answer.adds(shape: $0) }) {
            return addition(to: node, inPlaceOf: nil, &search)
        }
        if count > exam.wanted {
            let dropped = goal.kept.filter { answer.drops(keptAt: questionPlace(of: $0, goal)) }
            if let place = safeRemoval(of: dropped, goal) { return removal(of: place, &search) }
        }
        return exchange(goal, &search)
    }

    /// Of voters with equal codes, the question names the first.
    private func questionPlace(of place: Int, _ goal: Goal) -> Int {
        let code = exam.code(at: place, index)
        return goal.question.kept.firstIndex(of: code) ?? 0
    }

    private mutating func exchange(_ goal: Goal, _ search: inout SpreadSearch) -> Move? {
        guard goal.answer.exchanges > 0 else { return nil }
        var best: (score: Score, place: Int, node: Int)?
        for place in goal.kept.sorted() {
            let asked = questionPlace(of: place, goal)
            guard goal.answer.drops(keptAt: asked) else { continue }
            let allows = { (shape: Int) in goal.answer.exchanges(keptAt: asked, for: shape) }
            guard let node = bestNode(inPlaceOf: place, goal, allows: allows) else { continue }
            let score = score(inPlaceOf: place, node)
            if best.map({ score < $0.score }) ?? true { best = (score, place, node) }
        }
        return best.map { addition(to: $0.node, inPlaceOf: $0.place, &search) }
    }

    /// The voters' nodes with one more, without the voter at that place.
    private func nodes(without place: Int?, adding node: Int?) -> [Int] {
        var nodes = exam.voters.map(\.node)
        if let place { nodes.remove(at: place) }
        if let node { nodes.append(node) }
        return nodes
    }

    private func score(inPlaceOf place: Int?, _ node: Int) -> Score {
        Score(of: nodes(without: place, adding: node), forGroup: exam.group, in: view, loads: loads)
    }

    /// - Parameters:
    ///   - place: The place of the voter that leaves; nil where none does.
    ///   - goal: What the move is to lead to.
    ///   - care: What the move may do to majorities.
    ///   - allows: Whether nodes of a shape may be taken.
    private mutating func bestNode(
        inPlaceOf place: Int?,
        _ goal: Goal,
        _ care: Care = .goalMayBreak,
        allows: (Int) -> Bool
    ) -> Int? {
        var best: (score: Score, node: Int)?
        var bestOfBusy: SpreadMeasure?
        for node in view.nodes.indices where index.mayTake[node] && allows(index.shapeOfNode[node]) {
            guard !holdsVoter(node, besides: place), hasRoom(node) else { continue }
            let score = score(inPlaceOf: place, node)
            guard self.allows(score.measure, with: care, towards: goal), keepsQuorum(without: place, adding: 1) else {
                metUnsafe = true
                continue
            }
            guard mayCopy(to: node) else {
                bestOfBusy = min(bestOfBusy ?? score.measure, score.measure)
                continue
            }
            if best.map({ score < $0.score }) ?? true { best = (score, node) }
        }
        // A group waits rather than to be spread worse.
        guard let bestOfBusy, best.map({ bestOfBusy < $0.score.measure }) ?? true else { return best?.node }
        metLimit = true
        return nil
    }

    /// A replica in quarantine may begin anew where it lies, if it is the node's only voter of the group.
    private func holdsVoter(_ node: Int, besides place: Int?) -> Bool {
        exam.voters.indices.contains { other in
            exam.voters[other].node == node && !(other == place && exam.faults[other] == .quarantined)
        }
    }

    private func mayCopy(to node: Int) -> Bool {
        guard limits.allowMove else { return false }
        if seating.hasSoundLearner(on: node) || view.groups[exam.group].bytes == 0 { return true }
        return limits.allowCopy(atNode: node) && seating.leader.map { limits.allowCopy(atNode: $0) } ?? true
    }

    private mutating func safeRemoval(of places: [Int], _ goal: Goal) -> Int? {
        var best: (score: Score, place: Int)?
        for place in places {
            let nodes = nodes(without: place, adding: nil)
            let score = Score(of: nodes, forGroup: exam.group, in: view, loads: loads)
            guard score.measure.keepsWhatHeld(before: exam.measure, goal: goal.answer.measure),
                keepsQuorum(without: place, adding: 0)
            else {
                metUnsafe = true
                continue
            }
            guard limits.allowMove else {
                metLimit = true
                return nil
            }
            if best.map({ score < $0.score }) ?? true { best = (score, place) }
        }
        return best?.place
    }

    private func keepsQuorum(without place: Int?, adding count: Int) -> Bool {
        let live = exam.liveCount + count - (place.map { exam.isLive[$0] ? 1 : 0 } ?? 0)
        return live >= Majority.least(of: exam.voters.count + count - (place == nil ? 0 : 1))
    }

    // MARK: Moves

    private var maker: MoveMaker { MoveMaker(view: view, exam: exam, loads: loads) }

    private func addition(to node: Int, inPlaceOf place: Int?, _ search: inout SpreadSearch) -> Move {
        maker.add(toNode: node, inPlaceOf: place, reason: reasonForMove(at: place, &search))
    }

    private func removal(of place: Int, _ search: inout SpreadSearch) -> Move {
        maker.removeVoter(at: place, reason: reasonForMove(at: place, &search))
    }

    /// The violation that a move cures: that of the voter that leaves, or else of the group.
    private func reasonForMove(at place: Int?, _ search: inout SpreadSearch) -> MoveReason {
        if let place, let fault = exam.faults[place] {
            let seat = exam.voters[place]
            let node = view.nodes[seat.node].id
            switch fault {
            case .departed(let departure): return .repair(.replicaMustLeave(node, departure))
            case .quarantined: return .repair(.quarantinedReplica(seat.replica, node))
            case .constraint(let constraint): return .repair(.constraintBroken(node, constraint))
            case .sharesNode:
                let replicas = exam.voters.filter { $0.node == seat.node }.map(\.replica)
                return .repair(.replicasShareNode(node, replicas: replicas))
            }
        }
        let violations = RuleCheck.violationsFound(by: exam, in: view, search: &search)
        let count = Violation.tooFewVoters(has: exam.voters.count, wants: exam.wanted)
        return .repair(violations.first { !$0.isAboutLeader } ?? count)
    }

    private func reasonToRemove(stray seat: Seating.Seat) -> MoveReason {
        let node = view.nodes[seat.node].id
        if let departure = view.departure(ofNode: seat.node) { return .repair(.replicaMustLeave(node, departure)) }
        if seat.isQuarantined { return .repair(.quarantinedReplica(seat.replica, node)) }
        let voters = exam.voters.filter { $0.node == seat.node }.map(\.replica)
        return .repair(.replicasShareNode(node, replicas: voters + [seat.replica]))
    }
}
