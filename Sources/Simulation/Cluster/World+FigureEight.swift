internal import Consensus
internal import NodeRuntime
internal import ReplicaCore

/// What figure 8 of the Raft paper shows, step by step: chance alone hardly ever gets there.
struct FigureEight {
    let group: GroupID
    /// The node that leads, is cut off with an entry that no other node has, and leads again later.
    let first: SimNode
    /// The node that led in between, and has an entry of its own term that no other node has.
    var second: SimNode?
    let until: Int64
}

extension World {
    private static let cutMicroseconds: Int64 = 4_000_000

    /// A leader is cut off, and what its clients ask for meanwhile stays in its log.
    func layFigureEight() {
        let leading = nodes.flatMap { node in
            (node.core?.replicas.filter(\.isLeader) ?? []).compactMap { replica in
                clients.first { $0.group == replica.group }.map { (node, replica.group, $0) }
            }
        }
        guard figureEight == nil, harmed == nil, let (first, group, client) = faults.pick(leading) else { return }
        canFigureEight = false
        trace.add(at: now, .fault, node: first.position, "figure 8 in group \(group.rawValue)")
        figureEight = FigureEight(group: group, first: first, until: now + 3 * Self.cutMicroseconds / 2)
        client.move(to: first.position)
        cutOff(first)
    }

    /// - Returns: whether other faults keep away.
    func isInFigureEight() -> Bool {
        guard let figure = figureEight else { return false }
        if isHealing || isCalm || now >= figure.until { figureEight = nil }
        return figureEight != nil
    }

    /// The next leader is cut off as well, and the first one is back: nobody else has the entry that the new one began
    /// its term with.
    func electedInFigureEight(_ node: SimNode) {
        guard let figure = figureEight, figure.second == nil, node !== figure.first,
            node.core?.replica(figure.group)?.isLeader == true
        else { return }
        figureEight?.second = node
        trace.add(at: now, .fault, node: node.position, "the second leader of figure 8")
        join(figure.first)
        cutOff(node)
    }

    /// The first one leads again, and what it had all the time has reached a majority. That proves nothing: it goes,
    /// and the second one comes back.
    func committedInFigureEight(_ node: SimNode) {
        guard let figure = figureEight, let second = figure.second, node === figure.first,
            node.core?.replica(figure.group)?.isLeader == true
        else { return }
        figureEight = nil
        counts.coverage.add(.cutOffAfterCommit, roles(of: node))
        trace.add(at: now, .fault, node: node.position, "the first leader of figure 8 has committed")
        join(second)
        cutOff(node)
    }

    private func cutOff(_ node: SimNode) {
        counts.partitions += 1
        for peer in nodes.indices where peer != node.position {
            cutLink(from: node.position, to: peer, duration: Self.cutMicroseconds)
            cutLink(from: peer, to: node.position, duration: Self.cutMicroseconds)
        }
    }

    private func join(_ node: SimNode) {
        for peer in nodes.indices where peer != node.position {
            network[node.position, peer].cutUntil = 0
            network[peer, node.position].cutUntil = 0
        }
    }
}
