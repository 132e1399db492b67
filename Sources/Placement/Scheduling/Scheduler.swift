public import Consensus
public import MailModel

/// What the scheduler has somebody do. Each decision is made from the directory as it is, and refused where that has
/// changed meanwhile; what is not done is decided again.
public enum SchedulerDecision: Hashable, Sendable {
    /// The directory is to say something else.
    case command(DirectoryCommand)
    /// The node that leads a group is to hand its leadership to another one.
    case handOver(GroupID, from: NodeID, to: NodeID)
}

/// Turns what is planned into what the directory says, and ends operations that have reached their aim.
///
/// The scheduler keeps nothing in mind: whoever leads the directory asks it again and again, and goes on where another
/// one has stopped.
public struct Scheduler: Sendable {
    private let directory: Directory
    private let view: ClusterView
    private let now: Timestamp
    /// Whether enough is known to decide anything: a node that has not been heard yet may lead what seems to have no
    /// leader, and hold what seems to be empty.
    private let isInformed: Bool
    /// What the planner would do, with what stays wrong.
    public let plan: Plan

    /// - Parameters:
    ///   - survey: what the nodes have said of themselves.
    ///   - now: the time by which a pause ends.
    public init(_ directory: Directory, _ survey: ClusterSurvey, now: Timestamp) {
        self.directory = directory
        self.now = now
        view = ClusterView(directory, survey)
        isInformed = survey.covers(directory)
        plan = Planner.plan(view)
    }

    /// Whether an admin has the scheduler move nothing by itself.
    public var isPaused: Bool {
        guard let end = directory.policy.scheduler.pausedUntil else { return false }
        return now < end && !directory.isRebalancing
    }

    /// What is to be done now, in order. Nothing, before every node has been heard or is known to be gone.
    public var decisions: [SchedulerDecision] {
        guard isInformed else { return [] }
        var decisions: [SchedulerDecision] = []
        for move in plan.moves where isAllowed(move) { decisions += self.decisions(for: move) }
        decisions += withdrawals + preferences
        decisions += directory.runningOperations.compactMap { operation in
            end(of: operation).map { .command(.endOperation(operation.id, $0)) }
        }
        return decisions
    }

    /// While the scheduler is paused, nodes that admins drain or decommission go on to be emptied.
    private func isAllowed(_ move: Move) -> Bool {
        guard isPaused else { return true }
        let nodes = move.changesLeaderOnly ? [move.transfer?.from].compactMap(\.self) : move.sources
        return nodes.compactMap { directory.node($0)?.state }.contains { state in
            move.changesLeaderOnly ? state.handsLeadershipsOn : state.sendsReplicasAway
        }
    }

    // MARK: Moves

    private func decisions(for move: Move) -> [SchedulerDecision] {
        guard let record = directory.group(move.group) else { return [] }
        var voters = record.members.voterNodes
        switch move.kind {
        case .replaceVoter(_, let source, let target):
            guard source != target else { return [] }
            voters.removeAll { $0 == source }
            voters.append(target)
        case .replaceVoters(let exchanges):
            voters.removeAll { voter in exchanges.contains { $0.from == voter } }
            voters += exchanges.map(\.to)
        case .addVoter(let target): voters.append(target)
        case .removeVoter(_, let source): voters.removeAll { $0 == source }
        // A group lets go of learners that are not wanted by itself.
        case .removeLearner: return []
        case .transferLeadership(let transfer):
            let placing = Placing(voters: voters, preferredLeader: transfer.to)
            let handOver = SchedulerDecision.handOver(move.group, from: transfer.from, to: transfer.to)
            return place(record, placing) + [handOver]
        }
        let preferred = record.placing.preferredLeader
        let stays = preferred.map(voters.contains) ?? true
        let next = stays ? preferred : move.transfer?.to ?? move.targets.first
        // The planner breaks the rule of majorities only where the nodes at hand allow nothing better: a group that has
        // lost voters is rather redundant than spread.
        return place(
            record,
            Placing(
                voters: voters,
                preferredLeader: next,
                mayFormMajority: directory.formsMajority(voters, in: record)
            )
        )
    }

    private func place(_ record: GroupRecord, _ placing: Placing) -> [SchedulerDecision] {
        guard placing != record.placing, !placing.voters.isEmpty else { return [] }
        return [.command(.placeGroup(record.id, placing, replacing: record.placing))]
    }

    /// Groups that wait for a node that can take nothing any more, and for which nothing better is planned: they stay
    /// where they are. Groups without a quorum are left alone: when it is back, they go on. That a learner is to go is
    /// no better plan, as its group keeps it while it is wanted.
    private var withdrawals: [SchedulerDecision] {
        let stopped = plan.unrepaired.filter { if case .noQuorum = $0.obstacle { true } else { false } }
        let moves = plan.moves.filter { if case .removeLearner = $0.kind { false } else { true } }
        let planned = Set(moves.map(\.group) + view.movesUnderWay.map(\.group) + stopped.map(\.group))
        return directory.groups.filter { !$0.isSettled && !planned.contains($0.id) && !$0.members.isJoint }
            .flatMap { record in
                let voters = record.members.voterNodes
                let preferred = record.placing.preferredLeader.flatMap { voters.contains($0) ? $0 : nil }
                return place(record, Placing(voters: voters, preferredLeader: preferred ?? voters.first))
            }
    }

    /// Groups that a node is to lead which leads nothing any more: whoever leads them now is to do so.
    private var preferences: [SchedulerDecision] {
        let moved = Set(plan.moves.map(\.group))
        return zip(directory.groups, view.groups).flatMap { record, group -> [SchedulerDecision] in
            guard record.isSettled, !moved.contains(record.id), let preferred = record.placing.preferredLeader,
                let leader = group.leader, leader != preferred, mustNotLead(preferred, record.pool),
                !mustNotLead(leader, record.pool)
            else { return [] }
            return place(record, Placing(voters: record.placing.voters, preferredLeader: leader))
        }
    }

    private func mustNotLead(_ id: NodeID, _ pool: String) -> Bool {
        guard let node = view.node(id) else { return true }
        let canaries = directory.policy.rule(ofPool: pool).canaries
        return node.state.handsLeadershipsOn || canaries.contains(where: node.labels.contains)
    }

    // MARK: Operations

    /// How an operation has ended; nil while it goes on.
    private func end(of operation: OperationRecord) -> OperationState? {
        switch operation.kind {
        case .drain(let node):
            guard let state = directory.node(node)?.state, state == .draining else { return .failed }
            return Self.isLeading(node, view) ? nil : .succeeded
        case .decommission(let node):
            guard let state = directory.node(node)?.state, state == .decommissioning else { return .failed }
            return Self.groupsHeld(by: node, directory).isEmpty ? .succeeded : nil
        case .moveReplicas(let id, _, let placing):
            guard let record = directory.group(id), record.placing.voters == placing.voters else { return .failed }
            return record.isSettled && record.members.learners.isEmpty || record.isSettled && id == .directory
                ? .succeeded : nil
        case .rebalance:
            let isDone = plan.moves.isEmpty && plan.waiting.isEmpty && view.movesUnderWay.isEmpty
            return isDone ? .succeeded : nil
        }
    }

    /// Whether a node leads a group, as far as is known, or may be given one any moment.
    private static func isLeading(_ node: NodeID, _ view: ClusterView) -> Bool {
        view.groups.contains { $0.leader == node }
    }

    /// The groups that a node has a replica of, or is to have one of: of group 0, only a voter counts, as every node of
    /// the cluster learns it.
    static func groupsHeld(by node: NodeID, _ directory: Directory) -> [GroupID] {
        directory.groups.filter { record in
            if record.placing.voters.contains(node) { return true }
            if record.id == .directory {
                let replicas = record.members.voters + record.members.outgoingVoters
                return replicas.contains { record.members.member($0)?.node == node }
            }
            return record.members.members.contains { $0.node == node }
        }.map(\.id)
    }
}

extension Directory {
    /// Whether an admin has asked for loads to be evened out.
    var isRebalancing: Bool { runningOperations.contains { $0.kind == .rebalance } }
}
