internal import Consensus
internal import MailModel

/// The ways in which two voters of a group can give their places to two new ones at once. Of the nodes with equal
/// labels only the least loaded one is looked at, so that there are few.
struct ExchangePairs {
    struct Pair {
        let first: (place: Int, node: Int)
        let second: (place: Int, node: Int)
        /// The numbers of the nodes of all voters afterwards.
        let voters: [Int]
    }

    private let exam: GroupExam
    private let view: ClusterView
    private let index: RuleIndex
    private let loads: NodeLoads

    init(_ exam: GroupExam, in view: ClusterView, _ loads: NodeLoads) {
        self.exam = exam
        self.view = view
        self.loads = loads
        index = view.ruleIndexes[exam.rule]
    }

    /// - Parameters:
    ///   - place: the place of one of the voters that go.
    ///   - mayTake: whether a node has room for the group.
    func all(with place: Int, where mayTake: (Int) -> Bool) -> [Pair] {
        let candidates = candidates(where: mayTake)
        var pairs: [Pair] = []
        for other in exam.voters.indices where other != place {
            let kept = exam.voters.indices.filter { $0 != place && $0 != other }.map { exam.voters[$0].node }
            for first in candidates {
                for second in candidates where second != first {
                    pairs.append(
                        Pair(first: (place, first), second: (other, second), voters: kept + [first, second])
                    )
                }
            }
        }
        return pairs
    }

    /// The two least loaded nodes of each shape that have no voter of the group.
    private func candidates(where mayTake: (Int) -> Bool) -> [Int] {
        var ofShape: [[Int]] = Array(repeating: [], count: index.shapes.count)
        for node in view.nodes.indices where index.mayTake[node] && mayTake(node) {
            guard !exam.voters.contains(where: { $0.node == node }) else { continue }
            ofShape[index.shapeOfNode[node]].append(node)
        }
        return ofShape.flatMap { nodes in
            nodes.sorted { a, b in (load(of: a), a) < (load(of: b), b) }.prefix(2)
        }
    }

    private func load(of node: Int) -> Double { loads.byteShare(node) + loads.replicaShare(node) }
}
