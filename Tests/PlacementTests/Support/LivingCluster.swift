import Consensus
import MailModel

@testable import Placement

/// A cluster whose directory is carried out: groups go where they are placed, a step in each round, and leaders come
/// and go with their nodes.
struct LivingCluster {
    /// How long a round takes, by the clock of whoever counts for how long a node has been gone.
    static let secondsPerRound = 60

    private(set) var nodes: [NodeRecord]
    private(set) var groups: [GroupRecord]
    private(set) var operations: [OperationRecord] = []
    private(set) var leaders: [GroupID: NodeID] = [:]
    var policy: Directory.Policy
    /// Nodes that are down, and since how many seconds.
    private(set) var downSeconds: [NodeID: Int]
    private var capacities: [NodeID: Int] = [:]
    private var disks: [NodeID: DiskCondition] = [:]
    private var sizes: [GroupID: Int] = [:]
    private var random: SplitMix64
    private var lastReplica: UInt64 = 1_000_000
    private var index: UInt64 = 1
    /// What should not have been.
    private(set) var complaints: [String] = []
    /// How often the directory said something else of a group.
    private(set) var placings = 0

    /// - Parameter view: of which no node holds two replicas of a group; quarantine is nothing that a directory knows.
    init(_ view: ClusterView, seed: UInt64) {
        random = SplitMix64(seed: seed)
        nodes = view.nodes.map { node in
            let labels = node.labels.sorted
            let description = NodeDescription(id: node.id.rawValue, peerAddress: "", labels: labels)
            return NodeRecord(description, run: 1, state: node.state, directory: 0)
        }
        downSeconds = [:]
        for node in view.nodes {
            capacities[node.id] = node.capacityBytes
            disks[node.id] = node.disk
            if case .gone(let seconds) = node.liveness { downSeconds[node.id] = seconds }
        }
        let rules = Dictionary(uniqueKeysWithValues: zip(view.pools, view.rules))
        policy = Directory.Policy(rules: rules, scheduler: SchedulerSettings(placement: view.settings))
        let all = view.nodes.map(\.id)
        groups = [Self.directory(of: all)]
        for (place, group) in view.groups.enumerated() {
            let record = Self.record(of: group, id: GroupID(UInt32(place + 1)))
            sizes[record.id] = group.bytes
            leaders[record.id] = group.leader
            groups.append(record)
        }
    }

    private static func directory(of nodes: [NodeID]) -> GroupRecord {
        let members = nodes.map { Member(replica: ReplicaID($0.rawValue), node: $0) }
        return record(
            .directory,
            pool: GroupRecord.defaultPool,
            Configuration(
                members: members,
                voters: members.prefix(3).map(\.replica),
                learners: members.dropFirst(3).map(\.replica)
            )
        )
    }

    private static func record(of group: GroupView, id: GroupID) -> GroupRecord {
        var seen: Set<NodeID> = []
        let replicas = group.replicas.filter { seen.insert($0.node).inserted }
        return record(
            id,
            pool: group.pool,
            Configuration(
                members: replicas.map { Member(replica: $0.replica, node: $0.node) },
                voters: replicas.filter { $0.role == .voter }.map(\.replica),
                learners: replicas.filter { $0.role == .learner }.map(\.replica)
            )
        )
    }

    private static func record(_ id: GroupID, pool: String, _ members: Configuration) -> GroupRecord {
        GroupRecord(
            id: id,
            pool: pool,
            epoch: 1,
            slots: 0,
            placing: Placing(voters: members.voterNodes),
            membersIndex: .zero,
            members: members
        )
    }

    // MARK: What is seen of it

    var directory: Directory {
        let founding = Directory.Founding(clusterID: 1, mailGroups: UInt32(groups.count - 1), founders: [])
        let directory = Directory(
            founding,
            version: .first,
            index: LogIndex(index),
            nodes: nodes,
            groups: groups,
            policy: policy,
            operations: operations
        )
        guard let directory else { preconditionFailure("every slot has a group") }
        return directory
    }

    /// What the nodes that are up say, and what was said by those that are down.
    var survey: ClusterSurvey {
        var survey = ClusterSurvey()
        for node in nodes where node.state.isMember {
            let held = groups.filter { $0.holders.contains(node.id) }
            let used = held.reduce(0) { $0 + sizes[$1.id, default: 0] }
            let capacity = capacities[node.id, default: 0]
            survey.reports[node.id] = NodeReport(
                directoryIndex: LogIndex(index),
                capacityBytes: UInt64(capacity),
                freeBytes: UInt64(max(0, capacity - used)),
                disk: disks[node.id, default: .well],
                groups: held.map { group in
                    HeldGroup(
                        group: group.id,
                        isLeader: leaders[group.id] == node.id,
                        accounts: 1,
                        bytes: UInt64(sizes[group.id, default: 0])
                    )
                }
            )
        }
        survey.goneSeconds = downSeconds
        return survey
    }

    var scheduler: Scheduler { Scheduler(directory, survey, now: Timestamp(milliseconds: 1)) }

    func state(of node: NodeID) -> NodeState? { nodes.first { $0.id == node }?.state }
    func isUp(_ node: NodeID) -> Bool { downSeconds[node] == nil && state(of: node)?.isMember == true }
    func groupsLed(by node: NodeID) -> [GroupID] { groups.map(\.id).filter { leaders[$0] == node } }

    // MARK: What happens to it

    mutating func stop(_ node: NodeID, seconds: Int = 0) { downSeconds[node] = seconds }
    mutating func start(_ node: NodeID) { downSeconds[node] = nil }

    /// Begins an operation as the directory does.
    mutating func begin(_ id: UInt64, _ kind: OperationKind) {
        switch kind {
        case .drain(let node): setState(.draining, of: node)
        case .decommission(let node): setState(.decommissioning, of: node)
        case .moveReplicas(let group, _, let placing): change(group) { $0.placing = placing }
        case .rebalance: break
        }
        let began = Timestamp(milliseconds: 1)
        operations.append(
            OperationRecord(id: OperationID(rawValue: id), kind: kind, began: began, work: OperationWork())
        )
        index += 1
    }

    mutating func setPlacing(_ placing: Placing, of group: UInt32) { change(GroupID(group)) { $0.placing = placing } }
    mutating func setMembers(_ members: Configuration, of group: UInt32) {
        change(GroupID(group)) { $0.members = members }
    }

    mutating func setLeader(_ node: UInt64?, of group: UInt32) { leaders[GroupID(group)] = node.map { NodeID($0) } }

    mutating func setState(_ state: NodeState, of id: NodeID) {
        guard let place = nodes.firstIndex(where: { $0.id == id }) else { return }
        nodes[place].state = state
        index += 1
    }

    /// An admin says what labels a node has.
    mutating func setLabels(_ labels: [Label], of id: NodeID) {
        guard let place = nodes.firstIndex(where: { $0.id == id }) else { return }
        nodes[place].givenLabels = labels
        index += 1
    }

    private mutating func change(_ id: GroupID, _ body: (inout GroupRecord) -> Void) {
        guard let place = groups.firstIndex(where: { $0.id == id }) else { return }
        body(&groups[place])
        index += 1
    }

    /// One look of the scheduler, what comes of it, and a round of all groups.
    ///
    /// - Returns: how much the scheduler has decided.
    mutating func advance() -> Int {
        let decisions = scheduler.decisions
        if random.below(8) == 0, scheduler.decisions != decisions {
            complaints.append("two schedulers decide otherwise")
        }
        for decision in decisions { carryOut(decision) }
        for id in groups.map(\.id) { follow(id) }
        for node in downSeconds.keys { downSeconds[node, default: 0] += Self.secondsPerRound }
        return decisions.count
    }

    private mutating func carryOut(_ decision: SchedulerDecision) {
        switch decision {
        case .handOver(let group, let leader, let target):
            guard leaders[group] == leader else { return complaints.append("\(leader) does not lead \(group)") }
            let isVoter = groups.first { $0.id == group }?.members.voterNodes.contains(target) == true
            if isVoter, isUp(target) { leaders[group] = target }
        case .command(.placeGroup(let id, let placing, let replaced)): place(id, placing, replacing: replaced)
        case .command(.endOperation(let id, let state)): end(id, state)
        case .command(let command): complaints.append("the scheduler is not to say \(command)")
        }
    }

    private mutating func place(_ id: GroupID, _ placing: Placing, replacing: Placing?) {
        guard let group = groups.first(where: { $0.id == id }) else { return complaints.append("no group \(id)") }
        placings += 1
        if group.placing != replacing { complaints.append("group \(id) was placed otherwise meanwhile") }
        for node in placing.voters where !group.placing.voters.contains(node) && group.members.voter(on: node) == nil {
            if state(of: node) != .active { complaints.append("node \(node) takes nothing") }
        }
        judge(placing, of: group)
        change(id) { $0.placing = placing }
    }

    /// No key of the rule on which no value has a majority gets one, unless the best that the nodes allow has it too.
    private mutating func judge(_ placing: Placing, of group: GroupRecord) {
        let view = ClusterView(directory, survey)
        guard let seen = view.group(group.id), let rule = view.rule(ofPool: group.pool) else { return }
        func keys(_ voters: [NodeID]) -> Set<String> {
            Set(view.majorities(in: MoveConfiguration(voters: voters), ofPool: group.pool).map(\.key))
        }
        let broken = keys(placing.voters).subtracting(keys(group.members.voterNodes))
        guard !broken.isEmpty, group.members.voterNodes.count > 2, placing.voters.count > 2 else { return }
        if let best = Referee(view).bestReachable(seen, rule), broken.isSubset(of: keys(best)) { return }
        // Redundancy comes before spread: a voter is lost, and no other node keeps the rule.
        let present = group.members.voterNodes
        let kept = present.filter(placing.voters.contains)
        let others = view.nodes.filter { node in
            let isOnProbation = rule.canaries.contains { canary in
                node.labels.contains(canary) && kept.contains { view.node($0)?.labels.contains(canary) == true }
            }
            // What comes to the node counts until it is there.
            let expected = groups.filter { group in
                group.placing.voters.contains(node.id) && !group.holders.contains(node.id)
            }
            let used = (node.usedBytes + seen.bytes + expected.reduce(0) { $0 + sizes[$1.id, default: 0] }) * 100
            return node.state == .active && node.liveness == .alive && !present.contains(node.id) && !isOnProbation
                && rule.constraints.allSatisfy { $0.allows(node.labels) }
                && used <= node.capacityBytes * view.settings.fullPercent
                && keys(kept + [node.id]).isSubset(of: keys(present))
        }
        guard let other = others.first else { return }
        complaints.append(
            "group \(group.id) gets a majority of \(broken) by \(placing), not \(other), from \(present)"
        )
    }

    private mutating func end(_ id: OperationID, _ state: OperationState) {
        guard let place = operations.firstIndex(where: { $0.id == id && $0.state == .running }) else {
            return complaints.append("operation \(id) does not run")
        }
        operations[place].state = state
        index += 1
        guard state == .succeeded else { return }
        switch operations[place].kind {
        case .drain(let node):
            if isUp(node), !groupsLed(by: node).isEmpty { complaints.append("node \(node) is drained, and leads") }
            setState(.drained, of: node)
        case .decommission(let node):
            let held = groups.filter { group in
                let isVoter = group.members.voters.contains { group.members.member($0)?.node == node }
                return isVoter || group.id != .directory && group.holders.contains(node)
            }
            if !held.isEmpty { complaints.append("node \(node) is decommissioned, and holds \(held.map(\.id))") }
            setState(.decommissioned, of: node)
        case .moveReplicas, .rebalance: break
        }
    }

    // MARK: Groups

    func hasQuorum(_ group: GroupRecord) -> Bool {
        [group.members.voters, group.members.outgoingVoters].allSatisfy { half in
            half.isEmpty || half.count { group.members.member($0).map { isUp($0.node) } ?? false } * 2 > half.count
        }
    }

    private mutating func follow(_ id: GroupID) {
        guard let group = groups.first(where: { $0.id == id }), hasQuorum(group) else {
            leaders[id] = nil
            return
        }
        let up = group.members.voterNodes.filter(isUp)
        guard let leader = leaders[id], up.contains(leader) else {
            leaders[id] = up.isEmpty ? nil : up[random.below(up.count)]
            return
        }
        // A leadership goes back to whom the directory prefers, sooner or later.
        if let preferred = group.placing.preferredLeader, up.contains(preferred), random.below(3) == 0 {
            leaders[id] = preferred
        }
        if let next = step(group) {
            change(id) { $0.members = next }
        }
    }

    /// The next configuration; nil where the group is as it is to be, waits for a node, or hands its leadership on
    /// first.
    private mutating func step(_ group: GroupRecord) -> Configuration? {
        let members = group.members
        if members.isJoint {
            let stay = members.members.filter { members.voters.contains($0.replica) || isLearner($0, members) }
            return Configuration(members: stay, voters: members.voters, learners: members.learners)
        }
        let present = members.voterNodes
        let wanted = group.placing.voters
        let added = wanted.filter { !present.contains($0) && isUp($0) }
        let removed = present.first { !wanted.contains($0) }.flatMap { members.voter(on: $0) }
        var voters = members.voters
        var learners = members.learners
        if let target = added.first {
            guard let learner = learners.first(where: { members.member($0)?.node == target }) else {
                lastReplica += 1
                let member = Member(replica: ReplicaID(lastReplica), node: target)
                return Configuration(
                    members: members.members + [member],
                    voters: voters,
                    learners: learners + [member.replica]
                )
            }
            learners.removeAll { $0 == learner }
            voters.append(learner)
        } else if removed == nil || wanted.contains(where: { !present.contains($0) }) {
            guard group.id != .directory, !learners.isEmpty, removed == nil else { return nil }
            let stay = members.members.filter { voters.contains($0.replica) }
            return Configuration(members: stay, voters: voters)
        }
        if let removed, let node = members.member(removed)?.node {
            if leaders[group.id] == node {
                let others = present.filter { $0 != node && isUp($0) }
                if let next = others.first(where: { $0 == group.placing.preferredLeader }) ?? others.first {
                    leaders[group.id] = next
                    return nil
                }
                // Nobody else votes: the newcomer votes beside the leader, and leads next.
                guard !added.isEmpty else { return nil }
            } else {
                voters.removeAll { $0 == removed }
            }
        }
        return Configuration(
            members: members.members,
            voters: voters,
            outgoingVoters: members.voters,
            learners: learners
        )
    }

    private func isLearner(_ member: Member, _ members: Configuration) -> Bool {
        members.learners.contains(member.replica)
    }
}
