internal import Consensus
internal import MailModel
internal import NodeRuntime
internal import Placement
internal import ReplicaCore

/// An admin who drains, decommissions, cordons, labels and takes back nodes at random, pauses the scheduler, hands out
/// tokens that are used too often, adds and removes groups, lets machines join, and repeats what has been said; while
/// the scheduler of whoever leads the directory moves replicas about. When the faults are over, every group must have
/// its wanted voters by itself, and then all of them are on every node again, as the other checks need it.
///
/// Its chance is its own: a run without it is the same as if it did not exist.
final class AdminFaults {
    /// Where the admin is once the faults are over.
    private enum Stage {
        case faults
        /// Every node is to be active again, and nothing is to run.
        case restoring
        /// The scheduler is to give every group its voters.
        case scheduling(since: Int64)
        /// The scheduler is to rest, and every group to be everywhere.
        case spreading
    }

    private unowned let world: World
    private var random: SimRandom
    let isActive: Bool
    private let newcomers: Newcomers
    /// How many groups were to be added.
    private var groupsAsked: UInt32 = 0
    private var nextMicroseconds: Int64 = 0
    /// Up to which entry the directories were compared with the model.
    private var comparedIndex = LogIndex.zero
    private var stage = Stage.faults
    /// The last committed configuration of each group that was seen.
    private var seen: [GroupID: (index: LogIndex, configuration: Configuration)] = [:]
    /// Groups that were allowed a majority on one value of a label.
    private var excused: Set<GroupID> = []
    /// The voters that were to be left where others were made learners, which is one of the faults.
    private var demotions: Set<[ReplicaID]> = []
    /// The labels that nodes had, and until when: who changes a group's members may not have heard of the next ones.
    private var formerLabels: [(until: Int64, labels: [NodeID: Labels])] = []
    private let secret = [UInt8](repeating: 7, count: JoinToken.hashBytes)

    private static let voters = 3
    private static let vendors = 3
    /// Groups that have no more than a few entries to copy have their voters well within this time.
    private static let boundMicroseconds: Int64 = 60_000_000

    /// Whether the run with a seed has an admin.
    static func isChosen(for seed: UInt64, nodes: Int) -> Bool {
        guard nodes >= voters else { return false }
        var random = SimRandom(seed: seed ^ 0x6164_6d69_6e73)
        // Of three nodes none can give its replicas away.
        return random.chance(perMillion: nodes > voters ? 450_000 : 150_000)
    }

    /// What a node says of itself: in a run with an admin, its vendor.
    func labels(of position: Int) -> [Label] {
        isActive ? [Label(key: "vendor", value: "v\(position % Self.vendors)")] : []
    }

    init(in world: World) {
        self.world = world
        random = SimRandom(seed: world.options.seed ^ 0x6164_6d69_6e21)
        isActive = Self.isChosen(for: world.options.seed, nodes: world.nodes.count)
        newcomers = Newcomers(in: world, isActive: isActive)
    }

    private var directory: DirectoryModel { world.checker.model(.directory).directory }
    private var everybody: [NodeID] { world.nodes.filter(\.identity.isMember).map(\.id).sorted() }
    private var addedGroups: AddedGroups { AddedGroups(world: world) }

    /// Whether every group is on all nodes, and nothing changes that any more.
    var isOver: Bool {
        guard isActive else { return true }
        guard case .spreading = stage else { return false }
        return isPaused && misplaced.isEmpty && addedGroups.areGone
    }

    /// Now and then.
    func check() {
        guard isActive else { return }
        compareDirectories()
        noteLabels()
        checkMembers()
        guard world.now >= nextMicroseconds else { return }
        switch stage {
        case .faults where world.isHealing: stage = .restoring
        case .faults:
            nextMicroseconds = world.now + random.time(300_000...4_000_000)
            act()
        case .restoring:
            nextMicroseconds = world.now + 500_000
            restore()
        // What was said before the faults were over may come late.
        case .scheduling where !areNodesRestored, .spreading where !areNodesRestored: stage = .restoring
        case .scheduling(let since):
            nextMicroseconds = world.now + 500_000
            if areVotersThere {
                stage = .spreading
            } else if world.now - since > Self.boundMicroseconds {
                world.fail("every group has its wanted voters once healed", unsettled)
            }
        case .spreading:
            nextMicroseconds = world.now + 500_000
            guard isPaused else {
                return tell(.setScheduler(SchedulerSettings(pausedUntil: Timestamp(milliseconds: .max / 2))))
            }
            for group in misplaced {
                tell(
                    .placeGroup(
                        group,
                        Placing(voters: everybody, preferredLeader: random.pick(everybody)),
                        replacing: nil
                    )
                )
            }
        }
    }

    private var isPaused: Bool { directory.scheduler.pausedUntil.map { $0.rawValue > 1 << 60 } ?? false }

    private var misplaced: [GroupID] {
        let groups = directory.groups
        return groups.keys.sorted().filter { groups[$0]?.placing.voters != everybody || groups[$0]?.isSettled != true }
    }

    private var areVotersThere: Bool {
        directory.groups.values.allSatisfy { $0.isSettled && $0.placing.voters.count == Self.voters }
    }

    private var unsettled: String {
        directory.groups.values.sorted { $0.id < $1.id }.map { group in
            "group \(group.id.rawValue): \(group.members.voterNodes.map(\.rawValue)) of "
                + "\(group.placing.voters.map(\.rawValue))"
        }.joined(separator: ", ")
    }

    // MARK: What the admin does

    private func act() {
        world.counts.replicas.adminActs += 1
        startGoneNodes()
        if !newcomers.wiped.isEmpty, random.chance(perMillion: 400_000) { letNextIn() }
        retireWipedNodes()
        harmAnyone()
        let node = random.pick(everybody) ?? NodeID(1)
        // Few numbers, so that some are used again.
        let operation = OperationID(rawValue: UInt64(1 + random.below(40)))
        switch random.below(16) {
        case 0: tell(.beginOperation(operation, .drain(node), OperationWork()))
        case 1, 2:
            tell(.beginOperation(operation, .decommission(node), OperationWork(replicas: 1)))
            // To move everything takes its time.
            if random.chance(perMillion: 700_000) { nextMicroseconds = world.now + 9_000_000 }
        case 3: tell(.endOperation(operation, .cancelled))
        case 4: tell(.setNodeState(node, .active))
        case 5: tell(.setNodeState(node, random.pick([.cordoned, .active, .drained]) ?? .active))
        case 6:
            let dead = random.pick([2, 600]) ?? 600
            let pause = random.chance(perMillion: 300_000) ? world.now / 1_000 + 5_000 : nil
            tell(
                .setScheduler(
                    SchedulerSettings(
                        placement: PlacementSettings(deadAfterSeconds: dead, movesPerCluster: 1 + random.below(4)),
                        pausedUntil: pause.map { Timestamp(milliseconds: $0) }
                    )
                )
            )
        case 7: tell(.beginOperation(operation, .rebalance, OperationWork()))
        case 8: useToken()
        case 9: changeGroups()
        case 10: letNextIn()
        case 11: tell(.setLabels(node, random.pick([labels(of: random.below(Self.vendors)), []]) ?? []))
        default: move(as: operation)
        }
    }

    /// Whoever asks may have seen the directory some time ago.
    private func move(as operation: OperationID) {
        guard let group = random.pick(world.groups), let record = directory.groups[group],
            let added = random.pick(everybody.filter { !record.placing.voters.contains($0) }),
            let removed = random.pick(record.placing.voters)
        else { return }
        let voters = record.placing.voters.filter { $0 != removed } + [added]
        let former = random.chance(perMillion: 400_000) ? Placing(voters: [added]) : record.placing
        tell(
            .beginOperation(operation, .moveReplicas(group, from: former, to: Placing(voters: voters)), OperationWork())
        )
    }

    /// A token that lets one node in is used by several.
    private func useToken() {
        // Whoever is let in gets the next number, which belongs to a machine that is to come.
        guard newcomers.waiting.isEmpty else { return letNextIn() }
        let token = JoinTokenID(rawValue: UInt64(1 + random.below(2)))
        let end = Timestamp(milliseconds: .max / 2)
        tell(.addToken(JoinToken(id: token, secretHash: secret, expires: end, uses: 1)))
        let machine = UInt64(1_000 + random.below(4))
        let node = NodeDescription(id: 0, peerAddress: "", labels: [], versions: .current)
        tell(.admitNode(directory: machine, JoinTokenProof(id: token, secretHash: secret), node))
    }

    /// Somebody starts again what the cluster goes on without.
    private func startGoneNodes() {
        for node in world.nodes where node.isUp && directory.nodes[node.id]?.state == .decommissioned {
            world.machines.crash(node)
        }
    }

    /// A machine comes that the cluster has begun without.
    private func letNextIn() {
        if let node = anyNode { newcomers.letNextIn(through: node) }
    }

    /// A machine has lost everything.
    ///
    /// - Returns: whether it is to join as a new node: who was there when the cluster began may come back as what it
    ///   was.
    func takesAsNewcomer(_ node: SimNode) -> Bool {
        guard isActive, everybody.count > Self.voters,
            !node.identity.isFounder || random.chance(perMillion: 500_000)
        else { return false }
        newcomers.add(node)
        return true
    }

    /// Where nodes come and go, the moments are rare at which a disk may be harmed: they are used.
    private func harmAnyone() {
        let kinds = FaultPlan.Fault.losses.filter(world.plan.kinds.contains)
        guard world.harmedMachine.position == nil, random.chance(perMillion: 300_000),
            let kind = kinds.contains(.wipe) && random.chance(perMillion: 400_000) ? .wipe : random.pick(kinds),
            let node = random.pick(world.nodes)
        else { return }
        let roles = world.roles(of: node)
        guard !world.injector.inject(kind, into: node, other: node.position, duration: 0).isEmpty else { return }
        world.counts.coverage.add(kind, roles)
    }

    /// Nodes that no machine is any more are taken out, and forgotten.
    private func retireWipedNodes() {
        let gone = Set(world.nodes.flatMap(\.identity.formerIDs) + newcomers.wiped.map(\.id))
        for id in gone.sorted() where random.chance(perMillion: 300_000) {
            switch directory.nodes[id]?.state {
            case nil, .forgotten: break
            case .decommissioned: tell(.setNodeState(id, .forgotten))
            case .joining, .active, .cordoned, .draining, .drained, .decommissioning:
                let operation = OperationID(rawValue: 1_000 + id.rawValue)
                tell(.beginOperation(operation, .decommission(id), OperationWork(replicas: 1)))
            }
        }
    }

    private func changeGroups() {
        guard let node = anyNode else { return }
        addedGroups.change(&random, among: everybody, through: node, asked: &groupsAsked)
    }

    private func restore() {
        let directory = directory
        letNextIn()
        if let node = anyNode { addedGroups.removeAll(through: node) }
        for operation in directory.operations.values.sorted(by: { $0.id < $1.id }) where operation.state == .running {
            tell(.endOperation(operation.id, .cancelled))
        }
        for node in directory.nodes.values.sorted(by: { $0.id < $1.id }) {
            if everybody.contains(node.id) {
                if node.state != .active { tell(.setNodeState(node.id, .active)) }
                if !node.givenLabels.isEmpty { tell(.setLabels(node.id, [])) }
            } else if node.state.isMember, !newcomers.isExpected(node) {
                // Nobody who was let in by the token is there, and no machine that was wiped is what it was.
                let isLeaving = node.state == .decommissioning
                tell(.setNodeState(node.id, isLeaving ? .decommissioned : .decommissioning))
            }
        }
        let settings = SchedulerSettings(placement: PlacementSettings(deadAfterSeconds: 600))
        if directory.scheduler != settings { tell(.setScheduler(settings)) }
        if areNodesRestored, directory.scheduler == settings { stage = .scheduling(since: world.now) }
    }

    /// Whether every node is active, nobody else is there, and nothing runs.
    private var areNodesRestored: Bool {
        let directory = directory
        guard newcomers.waiting.isEmpty, addedGroups.areGone else { return false }
        return directory.nodes.values.allSatisfy { node in
            everybody.contains(node.id) ? node.state == .active && node.givenLabels.isEmpty : !node.state.isMember
        } && !directory.operations.values.contains { $0.state == .running }
    }

    private var anyNode: SimNode? { random.pick(world.nodes.filter { $0.service != nil && $0.isUp }) }

    private func tell(_ command: DirectoryCommand) {
        if let node = anyNode { world.tellDirectory(command, through: node) }
    }

    // MARK: What must hold

    /// A node that has applied what is committed knows what the model says.
    private func compareDirectories() {
        let index = LogIndex(UInt64(world.checker.groups[0].committed.count))
        guard index > comparedIndex,
            let node = world.nodes.first(where: { $0.core?.directory.now.index == index }), let core = node.core
        else { return }
        comparedIndex = index
        guard let difference = directory.difference(from: core.directory.now) else { return }
        world.fail("the directory says what it was told", "node \(node.position + 1): \(difference)")
    }

    /// Voters come before others go, and no value of a label gets a majority that none has had.
    private func checkMembers() {
        guard directory.nodes.count >= everybody.count else { return }
        for group in world.groups {
            if directory.groups[group]?.placing.mayFormMajority == true { excused.insert(group) }
            guard
                let raft = world.nodes.lazy.compactMap({ $0.core?.replica(group)?.raft }).first(where: { raft in
                    raft.role == .leader && raft.configurationIndex <= raft.commitIndex
                })
            else { continue }
            let known = seen[group]
            guard raft.configurationIndex > known?.index ?? .zero else { continue }
            seen[group] = (raft.configurationIndex, raft.configuration)
            guard let known else { continue }
            compare(known.configuration, raft.configuration, of: group)
        }
    }

    /// A group is to be placed: never with fewer voters than the rule says, where it has as many.
    func checkPlacing(_ placing: Placing, of group: GroupID, in directory: DirectoryModel) {
        guard isActive, let record = directory.groups[group], placing.voters.count < Self.voters,
            record.members.voters.count >= Self.voters, record.placing.voters.count >= Self.voters
        else { return }
        let nodes = directory.nodes.values.sorted { $0.id < $1.id }.map { "\($0.id.rawValue) \($0.state)" }
        world.fail(
            "nobody wants fewer voters than the rule",
            "group \(group.rawValue): members \(record.members), wanted \(record.placing.voters.map(\.rawValue)), "
                + "now \(placing.voters.map(\.rawValue)), nodes \(nodes)"
        )
    }

    /// Voters of a group are to learn only.
    func noteDemotion(leaving voters: [ReplicaID]) { demotions.insert(voters.sorted()) }

    private func noteLabels() {
        let labels = directory.nodes.mapValues(\.labels)
        formerLabels.removeAll { $0.until < world.now }
        if labels != formerLabels.last?.labels {
            if let last = formerLabels.indices.last {
                formerLabels[last].until = world.now + Self.labelsTravelMicroseconds
            }
            formerLabels.append((.max, labels))
        }
    }

    /// How long somebody who is cut off may go by old labels.
    private static let labelsTravelMicroseconds: Int64 = 60_000_000

    private func compare(_ before: Configuration, _ after: Configuration, of group: GroupID) {
        let step =
            "group \(group.rawValue): \(before.voterNodes.map(\.rawValue)) to \(after.voterNodes.map(\.rawValue))"
        // One of the faults has a voter only learn, whatever the rules are. It may be long until this is seen; and
        // where the scheduler hears of it late, the learner goes, too.
        let isDemotion =
            before.voters.contains { after.learners.contains($0) } || demotions.contains(after.voters.sorted())
        if case .spreading = stage {
        } else if !isDemotion, before.voters.count >= Self.voters, after.voters.count < Self.voters {
            world.fail("a voter goes only when another has come", step)
        }
        guard !isDemotion, !excused.contains(group) else { return }
        // Before a node has registered, nobody knows its labels, and nobody moves anything to it.
        let voters = before.voterNodes + after.voterNodes
        let known = formerLabels.map(\.labels).filter { labels in voters.allSatisfy { labels[$0] != nil } }
        let findings = known.map { Self.majorities(from: before, to: after, $0) }
        if let last = findings.last, !findings.contains(where: \.isEmpty) {
            world.fail("no value of a label gets a majority", "\(step): \(last)")
        }
    }

    private static func majorities(
        from before: Configuration,
        to after: Configuration,
        _ labels: [NodeID: Labels]
    ) -> [MajorityFinding] {
        func labelled(_ configuration: Configuration) -> [LabelledVoter] {
            configuration.voterNodes.map { LabelledVoter(node: $0, labels: labels[$0] ?? [:]) }
        }
        return MajorityCheck.findingsOfChange(
            from: labelled(before),
            to: labelled(after),
            spread: PlacementRule().spread
        ).filter { $0.key == "vendor" }
    }
}
