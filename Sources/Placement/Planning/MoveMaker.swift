internal import Consensus
internal import MailModel

/// Makes the moves of one group, with every configuration on the way.
struct MoveMaker {
    let view: ClusterView
    let exam: GroupExam
    let loads: NodeLoads

    private var group: GroupView { view.groups[exam.group] }
    private var voters: [NodeID] { exam.voters.map { view.nodes[$0.node].id } }
    private var learners: [NodeID] { view.seatings[exam.group].learners.map { view.nodes[$0.node].id } }
    private var leader: NodeID? { view.seatings[exam.group].leader.map { view.nodes[$0].id } }

    /// A voter comes to the node, in place of the voter at that place where there is one.
    func add(toNode node: Int, inPlaceOf place: Int?, reason: MoveReason) -> Move {
        let target = view.nodes[node].id
        let others = learners.filter { $0 != target }
        var after = voters
        if let place { after.remove(at: place) }
        after.append(target)
        var steps = [MoveStep.learner(MoveConfiguration(voters: voters, learners: others + [target]))]
        if let place, let transfer = transfer(from: place) { steps.append(.transfer(transfer)) }
        steps.append(.joint(MoveConfiguration(voters: after, outgoingVoters: voters, learners: others)))
        steps.append(.final(MoveConfiguration(voters: after, learners: others)))
        let copies = !view.seatings[exam.group].hasSoundLearner(on: node)
        let kind: Move.Kind =
            if let place {
                .replaceVoter(exam.voters[place].replica, from: voters[place], to: target)
            } else {
                .addVoter(to: target)
            }
        return Move(
            group: group.id,
            kind: kind,
            reason: reason,
            bytesToCopy: copies ? group.bytes : 0,
            sender: copies && group.bytes > 0 ? leader : nil,
            steps: steps
        )
    }

    /// Voters come to the nodes in place of the voters at those places, all in one joint change.
    func exchange(_ exchanges: [(place: Int, node: Int)], reason: MoveReason) -> Move {
        let targets = exchanges.map { view.nodes[$0.node].id }
        let places = exchanges.map(\.place)
        let others = learners.filter { !targets.contains($0) }
        let after = voters.indices.filter { !places.contains($0) }.map { voters[$0] } + targets
        var steps = [MoveStep.learner(MoveConfiguration(voters: voters, learners: others + targets))]
        let handOver = places.compactMap { transfer(from: $0, besides: places) }.first
        if let handOver { steps.append(.transfer(handOver)) }
        steps.append(.joint(MoveConfiguration(voters: after, outgoingVoters: voters, learners: others)))
        steps.append(.final(MoveConfiguration(voters: after, learners: others)))
        let copies = exchanges.count { !view.seatings[exam.group].hasSoundLearner(on: $0.node) }
        return Move(
            group: group.id,
            kind: .replaceVoters(
                zip(places, targets).map { VoterExchange(exam.voters[$0].replica, from: voters[$0], to: $1) }
            ),
            reason: reason,
            bytesToCopy: copies * group.bytes,
            sender: copies > 0 && group.bytes > 0 ? leader : nil,
            steps: steps
        )
    }

    /// The voter at that place leaves.
    func removeVoter(at place: Int, reason: MoveReason) -> Move {
        var after = voters
        after.remove(at: place)
        var steps: [MoveStep] = []
        if let transfer = transfer(from: place) { steps.append(.transfer(transfer)) }
        steps.append(.joint(MoveConfiguration(voters: after, outgoingVoters: voters, learners: learners)))
        steps.append(.final(MoveConfiguration(voters: after, learners: learners)))
        let kind = Move.Kind.removeVoter(exam.voters[place].replica, from: voters[place])
        return Move(group: group.id, kind: kind, reason: reason, bytesToCopy: 0, sender: nil, steps: steps)
    }

    /// The learner leaves.
    func remove(learner seat: Seating.Seat, reason: MoveReason) -> Move {
        let left = view.seatings[exam.group].learners.filter { $0 != seat }.map { view.nodes[$0.node].id }
        return Move(
            group: group.id,
            kind: .removeLearner(seat.replica, from: view.nodes[seat.node].id),
            reason: reason,
            bytesToCopy: 0,
            sender: nil,
            steps: [.final(MoveConfiguration(voters: voters, learners: left))]
        )
    }

    /// Another voter leads.
    func transferLeadership(from: Int, to: Int, reason: MoveReason) -> Move {
        let transfer = LeadershipTransfer(from: view.nodes[from].id, to: view.nodes[to].id)
        return Move(
            group: group.id,
            kind: .transferLeadership(transfer),
            reason: reason,
            bytesToCopy: 0,
            sender: nil,
            steps: [.transfer(transfer)]
        )
    }

    /// Who leads when the leader's replica, if it is the one at that place, leaves. Nil where another replica leads, or
    /// where nobody else may: Raft elects a leader then.
    ///
    /// - Parameter others: further places whose voters leave with it.
    private func transfer(from place: Int, besides others: [Int] = []) -> LeadershipTransfer? {
        let leaving = exam.voters[place].node
        let gone = [leaving] + others.map { exam.voters[$0].node }
        guard view.seatings[exam.group].leader == leaving, let next = heir(exceptFor: gone) else { return nil }
        return LeadershipTransfer(from: view.nodes[leaving].id, to: view.nodes[next].id)
    }

    /// The number of the node that should lead instead of another: by the preferences, then who leads least.
    func nextLeader(besides leader: Int) -> Int? { heir(exceptFor: [leader]) }

    private func heir(exceptFor leaving: [Int]) -> Int? {
        let index = view.ruleIndexes[exam.rule]
        return LeaderChoice.candidates(exam, index).filter { !leaving.contains($0) }.min { a, b in
            (index.preference[a], loads.leaders[a], a) < (index.preference[b], loads.leaders[b], b)
        }
    }
}
