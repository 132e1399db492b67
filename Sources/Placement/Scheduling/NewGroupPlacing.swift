internal import Consensus
public import MailModel

/// Where the voters of a group that does not exist yet had best be.
public struct NewGroupPlacing {
    private let view: ClusterView
    /// The number in the view of the group that is to come.
    private let group: Int
    private let rule: Int
    private let loads: NodeLoads

    private init(_ view: ClusterView, group: Int) {
        self.view = view
        self.group = group
        rule = view.ruleOfGroup[group]
        loads = NodeLoads(view)
    }

    /// The best placing for a new group of a pool: as many voters as the rule wants, or as there are nodes that can
    /// take one, spread as well as these nodes allow, then where there is least. The voter that is rather to lead is on
    /// the node that the rule prefers, then on the one that leads least.
    ///
    /// - Returns: nil where no node can take a replica of the pool.
    public static func best(ofPool pool: String, in view: ClusterView) -> Placing? {
        let id = GroupID((view.groups.last?.id.rawValue ?? 0) + 1)
        let group = GroupView(id: id, pool: pool, replicas: [], leader: nil, bytes: 0)
        let wider = ClusterView(
            nodes: view.nodes,
            groups: view.groups + [group],
            rules: Dictionary(uniqueKeysWithValues: zip(view.pools, view.rules)),
            settings: view.settings,
            movesUnderWay: view.movesUnderWay
        )
        return wider.groupNumber(of: id).flatMap { NewGroupPlacing(wider, group: $0).best }
    }

    private var index: RuleIndex { view.ruleIndexes[rule] }

    private var best: Placing? {
        let takers = view.nodes.indices.filter { index.mayTake[$0] && loads.freeBytes($0) >= 0 }
        // Labels on probation may leave fewer nodes than there are.
        for count in stride(from: min(index.rule.voters, takers.count), to: 0, by: -1) {
            if let nodes = choose(count, of: takers) { return placing(on: nodes) }
        }
        return nil
    }

    /// So many nodes, one after the other, each part of a best set with those that were chosen before it. Nil where
    /// there is no such set.
    private func choose(_ count: Int, of takers: [Int]) -> [Int]? {
        var room = Array(repeating: 0, count: index.shapes.count)
        for node in takers { room[index.shapeOfNode[node]] += 1 }
        var chosen: [Int] = []
        while chosen.count < count {
            let question = SpreadSearch.Question(
                rule: rule,
                kept: chosen.map { SpreadSearch.code(shape: index.shapeOfNode[$0], takesRoom: true) }.sorted(),
                adds: count - chosen.count,
                drops: 0,
                room: room
            )
            guard let answer = SpreadSearch.search(question, index: index) else { return nil }
            let candidates = takers.filter { !chosen.contains($0) && answer.adds(shape: index.shapeOfNode[$0]) }
            let scored = candidates.map { (score: score(of: chosen + [$0]), node: $0) }
            guard let next = scored.min(by: { ($0.score, $0.node) < ($1.score, $1.node) }) else { return nil }
            chosen.append(next.node)
        }
        return chosen
    }

    private func score(of nodes: [Int]) -> Score { Score(of: nodes, forGroup: group, in: view, loads: loads) }

    private func placing(on nodes: [Int]) -> Placing {
        let leader = nodes.filter { index.mayLead[$0] }.min { a, b in
            (index.preference[a], loads.leaders[a], a) < (index.preference[b], loads.leaders[b], b)
        }
        return Placing(voters: nodes.map { view.nodes[$0].id }, preferredLeader: leader.map { view.nodes[$0].id })
    }
}
