internal import Consensus
internal import MailModel

/// Why a voter cannot stay where it is, the most urgent first.
enum SeatFault: Hashable, Sendable {
    case departed(Departure)
    case quarantined
    case constraint(Constraint)
    /// Another voter of the group on the same node stays.
    case sharesNode

    var urgency: Int {
        switch self {
        case .departed(.dead), .departed(.state(.decommissioned)), .departed(.state(.forgotten)): 0
        case .quarantined: 1
        case .sharesNode: 2
        case .constraint: 3
        case .departed(.state): 4
        }
    }
}

/// One group against its rule: what is wrong with each voter, and how well all of them are spread.
struct GroupExam: Sendable {
    let group: Int
    let rule: Int
    let voters: [Seating.Seat]
    /// What is wrong with each voter; nil where it may stay.
    let faults: [SeatFault?]
    /// The shape of each voter's node.
    let shapes: [Int]
    /// The measure of all voters, those that cannot stay included.
    let measure: SpreadMeasure
    /// For each voter, whether it can be part of a quorum now.
    let isLive: [Bool]
    let wanted: Int

    init(group: Int, in view: ClusterView) {
        let index = view.ruleIndexes[view.ruleOfGroup[group]]
        let voters = view.seatings[group].voters
        self.group = group
        rule = view.ruleOfGroup[group]
        self.voters = voters
        faults = voters.indices.map { Self.fault(at: $0, of: voters, index, view) }
        shapes = voters.map { index.shapeOfNode[$0.node] }
        measure = index.shapes.measure(shapes, voters: voters.count)
        isLive = voters.map { view.nodes[$0.node].liveness == .alive && !$0.isQuarantined }
        wanted = index.rule.voters
    }

    private static func fault(
        at place: Int,
        of voters: [Seating.Seat],
        _ index: RuleIndex,
        _ view: ClusterView
    ) -> SeatFault? {
        let seat = voters[place]
        if let departure = view.departure(ofNode: seat.node) { return .departed(departure) }
        if seat.isQuarantined { return .quarantined }
        let isSecond = voters.indices.contains { other in
            other < place && voters[other].node == seat.node && !voters[other].isQuarantined
        }
        if isSecond { return .sharesNode }
        return index.brokenConstraint[seat.node].map(SeatFault.constraint)
    }

    var liveCount: Int { isLive.count { $0 } }
    var hasQuorum: Bool { liveCount >= Majority.least(of: voters.count) }
    var hasFaults: Bool { faults.contains { $0 != nil } }

    /// Whether voters are as many as wanted, each may stay, no value holds a majority, and no other set of voters would
    /// be spread better.
    func isSound(_ index: RuleIndex) -> Bool {
        voters.count == wanted && !hasFaults && !holdsMajority(index) && isBestSpread(index)
    }

    /// Whether no other set of as many voters can be spread better. Where the answer is no, a search tells for sure.
    func isBestSpread(_ index: RuleIndex) -> Bool {
        // The bound is that of the nodes that may take a replica. A voter on another node may have a better value.
        if measure <= index.bound, voters.allSatisfy({ index.mayTake[$0.node] }) { return true }
        let isEven = index.rule.spread.indices.allSatisfy { measure.largest(ofKey: $0) <= 1 }
        return isEven && measure.canaryExcess == 0
    }

    /// Whether one value of a spread key holds a majority of the voters.
    func holdsMajority(_ index: RuleIndex) -> Bool {
        index.rule.spread.indices.contains { measure.excess(ofKey: $0) > 0 }
    }

    /// The code of the voter at that place for ``SpreadSearch``.
    func code(at place: Int, _ index: RuleIndex) -> Int {
        SpreadSearch.code(shape: shapes[place], takesRoom: index.mayTake[voters[place].node])
    }

    /// The places of the voters that cannot stay, the most urgent first.
    var faultyPlaces: [Int] {
        let urgencies = faults.enumerated().compactMap { place, fault in fault.map { ($0.urgency, place) } }
        return urgencies.sorted { $0 < $1 }.map(\.1)
    }
}
