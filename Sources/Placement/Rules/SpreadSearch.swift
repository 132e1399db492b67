internal import MailModel

/// Finds the best spread that a group can reach with the nodes at hand, and the fewest exchanges of voters that lead
/// there. A single exchange is not always enough: two vendors may have to change places.
struct SpreadSearch: Sendable {
    /// A set of voters and how it may change. Groups with equal shapes ask the same question.
    struct Question: Hashable, Sendable {
        /// The number of the rule.
        let rule: Int
        /// The codes of the voters that may stay, sorted; see ``code(shape:takesRoom:)``.
        let kept: [Int]
        /// Voters that are added in any case.
        let adds: Int
        /// Voters of those that may stay that go in any case.
        let drops: Int
        /// For each shape, the nodes with it that can take a replica, with those that hold one already.
        let room: [Int]
    }

    /// What to do first: which voters may go and which may come. Each pair is part of a best solution.
    struct Answer: Sendable {
        /// The measure of the best set of voters.
        fileprivate(set) var measure: SpreadMeasure
        /// How many voters are exchanged beyond what the question demands.
        fileprivate(set) var exchanges: Int
        fileprivate let shapes: Int
        /// The first row is for what leaves in any case, the others for the voters of the question; the last column is
        /// for voters that go without another in their place.
        fileprivate var allowed: [Bool]

        /// Whether a solution adds a node of that shape.
        func adds(shape: Int) -> Bool { allowed[shape] }

        /// Whether a solution drops the voter of the question at that place and adds a node of that shape.
        func exchanges(keptAt place: Int, for shape: Int) -> Bool { allowed[(place + 1) * (shapes + 1) + shape] }

        /// Whether a solution drops the voter of the question at that place.
        func drops(keptAt place: Int) -> Bool { allowed[(place + 1) * (shapes + 1) + shapes] }
    }

    /// Sets of voters that one search looks at, at most. Beyond them the best that was found counts.
    static let maximumSets = 100_000

    private var known: [Question: Answer?] = [:]

    /// A voter's shape, and whether its node is one of those that may take a replica (and so has one free place less).
    static func code(shape: Int, takesRoom: Bool) -> Int { shape * 2 + (takesRoom ? 1 : 0) }

    /// The answer to a question; nil where there are too few nodes.
    mutating func answer(_ question: Question, index: RuleIndex) -> Answer? {
        if let answer = known[question] { return answer }
        let answer = Self.search(question, index: index)
        known[question] = .some(answer)
        return answer
    }

    /// As ``answer(_:index:)``, without looking whether the question was asked before.
    static func search(_ question: Question, index: RuleIndex) -> Answer? {
        var walk = Walk(question, index: index)
        walk.run()
        return walk.answer
    }
}

/// One search: sets with the fewest exchanges first.
private struct Walk {
    private let index: RuleIndex
    private let question: SpreadSearch.Question
    private let bound: SpreadMeasure
    private let voters: Int
    private var room: [Int]
    private var isDropped: [Bool]
    private var shapes: [Int] = []
    private var added: [Int] = []
    private var setsLeft = SpreadSearch.maximumSets
    private var exchanges = 0
    private(set) var answer: SpreadSearch.Answer?

    init(_ question: SpreadSearch.Question, index: RuleIndex) {
        self.index = index
        self.question = question
        room = question.room
        isDropped = Array(repeating: false, count: question.kept.count)
        voters = question.kept.count + question.adds - question.drops
        var all = question.room
        for code in question.kept where code & 1 == 0 { all[code / 2] += 1 }
        bound = index.shapes.bound(room: all, voters: voters)
        for code in question.kept where code & 1 == 1 { room[code / 2] -= 1 }
    }

    mutating func run() {
        let free = room.reduce(0) { $0 + max(0, $1) }
        while exchanges + question.drops <= question.kept.count, exchanges + question.adds <= free {
            drop(exchanges + question.drops, from: 0)
            if let answer, answer.measure <= bound { return }
            if setsLeft <= 0 { return }
            exchanges += 1
        }
    }

    /// Drops so many voters at the given place or behind it, in every way that makes a difference.
    private mutating func drop(_ count: Int, from start: Int) {
        guard count > 0 else {
            shapes = question.kept.indices.filter { !isDropped[$0] }.map { question.kept[$0] / 2 }
            let measure = index.shapes.measure(shapes, voters: voters)
            return add(question.adds + exchanges, from: 0, measure)
        }
        guard start + count <= question.kept.count else { return }
        for place in start...(question.kept.count - count) {
            // Of equal voters the first ones go.
            if place > start, question.kept[place] == question.kept[place - 1] { continue }
            isDropped[place] = true
            drop(count - 1, from: place + 1)
            isDropped[place] = false
        }
    }

    /// Adds so many nodes of the given shape or a later one to `shapes`, whose measure is given.
    private mutating func add(_ count: Int, from start: Int, _ measure: SpreadMeasure) {
        if let answer, answer.measure < measure || answer.exchanges < exchanges && answer.measure == measure { return }
        guard count > 0 else { return note(measure) }
        for shape in start..<max(index.shapes.count, start) where room[shape] > 0 {
            guard setsLeft > 0 else { return }
            let isTaken =
                index.shapes.isCanary(shape: shape) && shapes.contains { index.shapes.sharesCanary($0, shape) }
            if isTaken { continue }
            setsLeft -= 1
            let next = index.shapes.extend(measure, of: shapes, adding: shape, voters: voters)
            room[shape] -= 1
            shapes.append(shape)
            added.append(shape)
            add(count - 1, from: shape, next)
            added.removeLast()
            shapes.removeLast()
            room[shape] += 1
        }
    }

    private mutating func note(_ measure: SpreadMeasure) {
        let columns = index.shapes.count + 1
        var found =
            answer
            ?? SpreadSearch.Answer(measure: measure, exchanges: exchanges, shapes: index.shapes.count, allowed: [])
        if measure < found.measure || found.allowed.isEmpty {
            found.measure = measure
            found.exchanges = exchanges
            found.allowed = Array(repeating: false, count: columns * (question.kept.count + 1))
        }
        for shape in added { found.allowed[shape] = true }
        for place in isDropped.indices where isDropped[place] {
            let row = (place + 1) * columns
            for shape in added { found.allowed[row + shape] = true }
            found.allowed[row + index.shapes.count] = true
        }
        answer = found
    }
}
