import Consensus
import MailModel

/// What group 0 must say, by a model that is simple and slow.
struct DirectoryModel {
    /// Nil before the cluster is founded.
    private(set) var founding: Directory.Founding?
    /// The cluster's version.
    private(set) var version: ClusterVersion?
    /// The nodes that were asked when the cluster went on to that version.
    private(set) var raisedWith: Set<NodeID> = []
    private(set) var nodes: [NodeID: NodeRecord] = [:]
    private(set) var tokens: [JoinTokenID: JoinToken] = [:]
    private(set) var groups: [GroupID: GroupRecord] = [:]
    private(set) var rules: [String: PlacementRule] = [:]
    private(set) var scheduler = SchedulerSettings()
    private(set) var operations: [OperationID: OperationRecord] = [:]
    /// The group of each slot.
    private(set) var slots: [GroupID] = []
    private var admitted: [UInt64: NodeID] = [:]
    private var lastNode: UInt64 = 0
    private var lastGroup: UInt32 = 0

    /// What of a directory is not as it should be; nil where all is.
    func difference(from other: Directory) -> String? {
        let others = Dictionary(uniqueKeysWithValues: other.nodes.map { ($0.id, $0) })
        let otherGroups = Dictionary(uniqueKeysWithValues: other.groups.map { ($0.id, $0) })
        let otherOperations = Dictionary(uniqueKeysWithValues: other.operations.map { ($0.id, $0) })
        if other.version != version { return "version \(other.version), should be \(String(describing: version))" }
        if others != nodes { return "nodes \(other.nodes), should be \(nodes.values)" }
        if otherGroups != groups { return "groups \(other.groups), should be \(groups.values)" }
        if otherOperations != operations { return "operations \(other.operations), should be \(operations.values)" }
        let policy = Directory.Policy(rules: rules, scheduler: scheduler)
        return other.policy == policy ? nil : "policy \(other.policy), should be \(policy)"
    }

    mutating func carryOut(_ command: DirectoryCommand, at time: Timestamp) throws(Refusal) -> MailOutcome {
        if case .found(let id, let mailGroups, let first, let founders) = command {
            if founding == nil {
                found(Directory.Founding(clusterID: id, mailGroups: mailGroups, founders: founders), first)
            }
            return .done
        }
        switch command {
        case .found: break
        case .registerNode(let node, let run): try register(node, run)
        case .raiseVersion(let next): try raise(to: next)
        case .addToken(let token):
            guard tokens[token.id] == nil else { break }
            let good = tokens.filter { $0.value.expires > time }
            guard good.count < JoinToken.maximumCount else { throw .tooManyEntries }
            tokens = good
            tokens[token.id] = token
        case .removeToken(let id): tokens[id] = nil
        case .admitNode(let directory, let proof, let node):
            return .nodeAdmitted(try admit(node, from: directory, by: proof, at: time))
        case .setNodeState(let id, let state):
            try set(state, of: id)
        case .addGroup(let pool, let placing): return .groupAdded(try add(pool, placing))
        case .placeGroup(let id, let placing, let replaced): try place(id, placing, replacing: replaced)
        case .removeGroup(let id):
            guard id != .directory, !slots.contains(id) else { throw .notFromHere }
            groups[id] = nil
        case .reportMembers(let id, let index, let configuration):
            try change(id) { group in
                guard index > group.membersIndex else { return }
                group.members = configuration
                group.membersIndex = index
            }
        case .setRule(let pool, let rule):
            guard rules[pool] != nil || rules.count < PlacementRule.maximumPools else { throw .tooManyEntries }
            rules[pool] = rule
        case .setScheduler(let settings): scheduler = settings
        case .setLabels(let id, let labels):
            guard nodes[id] != nil else { throw .noSuchNode }
            nodes[id]?.givenLabels = labels.sorted()
        case .beginOperation(let id, let kind, let work):
            if let other = try begin(id, kind, with: work, at: time) { return .operationConflicts(other) }
        case .endOperation(let id, let state): try end(id, state, at: time)
        case .assignSlots(let range, let id):
            guard id != .directory, groups[id] != nil else { throw .noSuchGroup }
            var changed: Set<GroupID> = []
            for slot in range.slots where slots[Int(slot.rawValue)] != id {
                changed.formUnion([slots[Int(slot.rawValue)], id])
                slots[Int(slot.rawValue)] = id
            }
            for id in changed {
                let count = slots.filter { $0 == id }.count
                try change(id) { group in
                    group.epoch += 1
                    group.slots = UInt32(count)
                }
            }
        }
        return .done
    }

    private mutating func found(_ founding: Directory.Founding, _ first: ClusterVersion) {
        self.founding = founding
        version = first
        for number in 0...founding.mailGroups {
            groups[GroupID(number)] = GroupRecord(founded: GroupID(number), by: founding)
        }
        slots = (0..<Slot.count).map { founding.group(of: Slot(rawValue: UInt16($0))) }
        lastNode = founding.founders.map(\.node.rawValue).max() ?? 0
        lastGroup = founding.mailGroups
    }

    private mutating func register(_ node: NodeDescription, _ run: UInt64) throws(Refusal) {
        guard let version, let founding else { throw .notHere }
        guard node.versions.contains(version) else { throw .unsupportedVersion }
        let id = NodeID(node.id)
        let founder = NodeRecord(node, run: 0, state: .active, directory: 0)
        let isFounder = founding.founders.contains { $0.node == id }
        guard var record = nodes[id] ?? (isFounder ? founder : nil), record.state.isMember else { throw .noSuchNode }
        guard run > record.run else { throw .staleRegistration }
        record.description = node
        record.run = run
        if record.state == .joining { record.state = .active }
        nodes[id] = record
    }

    private mutating func raise(to next: ClusterVersion) throws(Refusal) {
        guard let version else { throw .notHere }
        guard next > version else { return }
        let members = nodes.values.filter(\.state.isMember)
        guard next == version.next, !members.isEmpty, members.allSatisfy({ $0.description.versions.contains(next) })
        else { throw .unsupportedVersion }
        self.version = next
        raisedWith = Set(members.map(\.id))
    }

    private mutating func admit(
        _ description: NodeDescription,
        from directory: UInt64,
        by proof: JoinTokenProof,
        at time: Timestamp
    ) throws(Refusal) -> NodeID {
        if let known = admitted[directory] {
            guard nodes[known]?.state.isMember == true else { throw .noSuchNode }
            return known
        }
        guard let version else { throw .notHere }
        guard description.versions.contains(version) else { throw .unsupportedVersion }
        guard let token = tokens[proof.id], token.secretHash == proof.secretHash, token.uses > 0, time < token.expires
        else { throw .tokenRefused }
        tokens[proof.id]?.uses -= 1
        lastNode += 1
        let id = NodeID(lastNode)
        nodes[id] = NodeRecord(description.numbered(id.rawValue), run: 0, state: .joining, directory: directory)
        admitted[directory] = id
        return id
    }

    private mutating func add(_ pool: String, _ placing: Placing) throws(Refusal) -> GroupID {
        guard !placing.voters.isEmpty, placing.voters.count <= 9 else { throw .notFromHere }
        for node in placing.voters {
            guard let known = nodes[node] else { throw .noSuchNode }
            guard known.state == .active else { throw .nodeTakesNothing }
        }
        lastGroup += 1
        let id = GroupID(lastGroup)
        var directories = Dictionary(
            uniqueKeysWithValues: (founding?.founders ?? []).map { ($0.node, $0.directory) }
        )
        for (directory, node) in admitted { directories[node] = directory }
        let voters = placing.voters.map { node in
            Member(
                replica: Founder.replica(of: id, in: directories[node] ?? 0, 0),
                node: node,
                priority: node == placing.preferredLeader ? 200 : 100
            )
        }
        groups[id] = GroupRecord(
            id: id,
            pool: pool,
            epoch: 1,
            slots: 0,
            placing: placing,
            membersIndex: .zero,
            members: Configuration(voters: voters)
        )
        return id
    }

    private mutating func place(_ id: GroupID, _ placing: Placing, replacing: Placing?) throws(Refusal) {
        guard let group = groups[id] else { throw .noSuchGroup }
        guard group.placing != placing else { return }
        guard replacing == nil || replacing == group.placing else { throw .changedMeanwhile }
        let holders = group.members.members.filter { group.members.voters.contains($0.replica) }.map(\.node)
        for node in placing.voters where !group.placing.voters.contains(node) && !holders.contains(node) {
            try requireActive(node)
        }
        groups[id]?.placing = placing
    }

    private func requireActive(_ id: NodeID) throws(Refusal) {
        guard let node = nodes[id] else { throw .noSuchNode }
        guard node.state == .active else { throw .nodeTakesNothing }
    }

    private mutating func begin(
        _ id: OperationID,
        _ kind: OperationKind,
        with work: OperationWork,
        at time: Timestamp
    ) throws(Refusal) -> OperationID? {
        guard operations[id] == nil else { return nil }
        let running = operations.values.filter { $0.state == .running }.sorted { $0.id < $1.id }
        if let other = running.first(where: { $0.kind.conflicts(with: kind) }) { return other.id }
        guard running.count < OperationRecord.maximumRunning else { throw .tooManyEntries }
        switch kind {
        case .drain(let node): try set(.draining, of: node)
        case .decommission(let node): try set(.decommissioning, of: node)
        case .moveReplicas(let group, let from, let to): try place(group, to, replacing: from)
        case .rebalance: break
        }
        let ended = operations.values.filter { $0.state != .running }
            .sorted { ($0.ended?.rawValue ?? 0, $0.id) > ($1.ended?.rawValue ?? 0, $1.id) }
        for operation in ended.dropFirst(OperationRecord.maximumEnded) { operations[operation.id] = nil }
        operations[id] = OperationRecord(id: id, kind: kind, began: time, work: work)
        return nil
    }

    private mutating func end(_ id: OperationID, _ state: OperationState, at time: Timestamp) throws(Refusal) {
        guard let operation = operations[id] else { throw .noSuchOperation }
        guard state != .running, operation.state == .running || operation.state == state else { throw .notFromHere }
        guard operation.state == .running else { return }
        let isUndone = state == .cancelled
        switch operation.kind {
        case .drain(let node) where nodes[node]?.state == .draining && state != .failed:
            nodes[node]?.state = isUndone ? .active : .drained
        case .decommission(let node) where nodes[node]?.state == .decommissioning && state != .failed:
            nodes[node]?.state = isUndone ? .active : .decommissioned
        case .moveReplicas(let group, let from, let to) where isUndone && groups[group]?.placing == to:
            try? place(group, from, replacing: to)
        case .drain, .decommission, .moveReplicas, .rebalance: break
        }
        operations[id]?.state = state
        operations[id]?.ended = time
    }

    private mutating func set(_ state: NodeState, of id: NodeID) throws(Refusal) {
        guard let node = nodes[id] else { throw .noSuchNode }
        guard node.state.mayBecome(state) else { throw .notFromHere }
        nodes[id]?.state = state
    }

    private mutating func change(_ id: GroupID, _ body: (inout GroupRecord) -> Void) throws(Refusal) {
        guard var group = groups[id] else { throw .noSuchGroup }
        body(&group)
        groups[id] = group
    }
}
