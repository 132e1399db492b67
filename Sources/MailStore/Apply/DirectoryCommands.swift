internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// What group 0 knows of the cluster: its nodes, groups and slots, and who may join.
struct DirectoryCommands {
    let scope: CommandScope
    var events: EventLog { EventLog(scope: scope) }

    func carryOut(_ command: DirectoryCommand) throws -> MailOutcome {
        guard scope.group == .directory else { throw Refusal.notHere }
        switch command {
        case .found(let clusterID, let mailGroups, let version, let founders):
            let founding = Directory.Founding(clusterID: clusterID, mailGroups: mailGroups, founders: founders)
            try found(founding, version)
        case .registerNode(let node, let run): try register(node, run: run)
        case .raiseVersion(let next): try raiseVersion(to: next)
        case .addToken(let token): try add(token)
        case .removeToken(let id): try remove(id)
        case .admitNode(let directory, let proof, let node):
            return .nodeAdmitted(try admit(node, from: directory, by: proof))
        case .setNodeState(let node, let state): try set(state, of: node)
        case .addGroup(let pool, let placing): return .groupAdded(try addGroup(pool, placing))
        case .placeGroup(let id, let placing, let replaced): try place(id, placing, replacing: replaced)
        case .removeGroup(let id): try removeGroup(id)
        case .reportMembers(let id, let index, let members): try report(members, of: id, at: index)
        case .assignSlots(let range, let group): try assign(range, to: group)
        case .setRule(let pool, let rule): try setRule(rule, ofPool: pool)
        case .setScheduler(let settings): try setScheduler(settings)
        case .setLabels(let node, let labels): try give(labels, to: node)
        case .beginOperation(let id, let kind, let work):
            let operations = OperationCommands(directory: self)
            guard let other = try operations.begin(id, kind, with: work) else { return .done }
            return .operationConflicts(other)
        case .endOperation(let id, let state): try OperationCommands(directory: self).end(id, state)
        }
        return .done
    }

    // MARK: The cluster

    private func found(_ founding: Directory.Founding, _ version: ClusterVersion) throws {
        let key = DirectoryRows.clusterKey
        guard try scope.lookUp(key) == nil else { return }
        scope.putLookedUp(key, row: DirectoryRows.clusterRow(founding), replacing: nil)
        let versionKey = DirectoryRows.versionKey
        scope.putLookedUp(
            versionKey,
            row: DirectoryRows.versionRow(version),
            replacing: try scope.lookUp(versionKey)
        )
    }

    private func founding() throws -> Directory.Founding {
        guard let row = try scope.lookUp(DirectoryRows.clusterKey) else { throw Refusal.notHere }
        return try DirectoryRows.founding(in: row)
    }

    private func clusterVersion() throws -> ClusterVersion? {
        try scope.lookUp(DirectoryRows.versionKey).map { try DirectoryRows.version(in: $0) }
    }

    private func raiseVersion(to next: ClusterVersion) throws {
        // The scan sees what is written only.
        try scope.commit()
        guard let version = try clusterVersion() else { throw Refusal.notHere }
        guard next > version else { return }
        guard next == version.next, try DirectoryRows.allNodes(in: scope.store, know: next) else {
            throw Refusal.unsupportedVersion
        }
        let key = DirectoryRows.versionKey
        scope.putLookedUp(key, row: DirectoryRows.versionRow(next), replacing: try scope.lookUp(key))
        try events.add(DirectoryEvent(.versionRaised, number: UInt64(next.rawValue)))
    }

    private func takeNumber(_ body: (inout DirectoryRows.Counters) -> Void) throws {
        let key = DirectoryRows.countersKey
        let old = try scope.lookUp(key)
        var counters: DirectoryRows.Counters
        if let old {
            counters = try DirectoryRows.Counters(row: old)
        } else {
            counters = DirectoryRows.Counters(try founding())
        }
        body(&counters)
        scope.putLookedUp(key, row: counters.row, replacing: old)
    }

    // MARK: Nodes

    private func register(_ node: NodeDescription, run: UInt64) throws {
        guard let version = try clusterVersion() else { throw Refusal.notHere }
        guard node.versions.contains(version) else { throw Refusal.unsupportedVersion }
        let id = NodeID(node.id)
        let key = DirectoryRows.nodeKey(id)
        guard let old = try scope.lookUp(key) else {
            // Who did not begin the cluster is admitted first.
            guard try founding().founders.contains(where: { $0.node == id }) else { throw Refusal.noSuchNode }
            let record = NodeRecord(node, run: run, state: .active, directory: 0)
            scope.putLookedUp(key, row: DirectoryRows.nodeRow(record), replacing: nil)
            return try events.add(DirectoryEvent(.nodeStarted, node: id, number: run))
        }
        var record = try DirectoryRows.node(in: old)
        guard record.state.isMember || Mutant.isOn(.goneNodeLetIn) else { throw Refusal.noSuchNode }
        // A registration of an earlier run that was held up must not replace that of the present run.
        guard record.run < run else { throw Refusal.staleRegistration }
        record.description = node
        record.run = run
        if record.state == .joining { record.state = .active }
        scope.putLookedUp(key, row: DirectoryRows.nodeRow(record), replacing: old)
        try events.add(DirectoryEvent(.nodeStarted, node: id, number: run))
    }

    private func give(_ labels: [Label], to id: NodeID) throws {
        let key = DirectoryRows.nodeKey(id)
        guard let old = try scope.lookUp(key) else { throw Refusal.noSuchNode }
        var record = try DirectoryRows.node(in: old)
        let sorted = labels.sorted()
        guard record.givenLabels != sorted else { return }
        record.givenLabels = sorted
        scope.putLookedUp(key, row: DirectoryRows.nodeRow(record), replacing: old)
        try events.add(DirectoryEvent(.nodeLabelled, node: id))
    }

    func state(of id: NodeID) throws -> NodeState? {
        try scope.lookUp(DirectoryRows.nodeKey(id)).map { try DirectoryRows.node(in: $0).state }
    }

    func set(_ state: NodeState, of id: NodeID) throws {
        let key = DirectoryRows.nodeKey(id)
        guard let old = try scope.lookUp(key) else { throw Refusal.noSuchNode }
        var record = try DirectoryRows.node(in: old)
        guard record.state != state else { return }
        guard record.state.mayBecome(state) else { throw Refusal.notFromHere }
        record.state = state
        scope.putLookedUp(key, row: DirectoryRows.nodeRow(record), replacing: old)
        try events.add(DirectoryEvent(.nodeStateChanged, node: id, number: UInt64(state.rawValue)))
    }

    // MARK: Joining

    private func add(_ token: JoinToken) throws {
        try scope.commit()
        let key = DirectoryRows.tokenKey(token.id)
        guard try scope.lookUp(key) == nil else { return }
        var ended: [(key: Key, row: ByteBuffer)] = []
        var count = 0
        try scope.store.scan(from: DirectoryRows.tokensPrefix.bytes, to: DirectoryRows.tokensPrefix.end) { _, value in
            let row = ByteBuffer(copying: value)
            let other = try DirectoryRows.token(in: row)
            if other.expires <= scope.timestamp {
                ended.append((DirectoryRows.tokenKey(other.id), row))
            } else {
                count += 1
            }
            return true
        }
        guard count < JoinToken.maximumCount else { throw Refusal.tooManyEntries }
        for token in ended { scope.deleteLookedUp(token.key, old: token.row) }
        scope.putLookedUp(key, row: DirectoryRows.tokenRow(token), replacing: nil)
        try events.add(DirectoryEvent(.tokenAdded, number: token.id.rawValue))
    }

    private func remove(_ id: JoinTokenID) throws {
        let key = DirectoryRows.tokenKey(id)
        guard let old = try scope.lookUp(key) else { return }
        scope.deleteLookedUp(key, old: old)
        try events.add(DirectoryEvent(.tokenRevoked, number: id.rawValue))
    }

    private func admit(
        _ description: NodeDescription,
        from directory: UInt64,
        by proof: JoinTokenProof
    ) throws -> NodeID {
        let key = DirectoryRows.admissionKey(directory)
        if let row = try scope.lookUp(key) {
            let node = try DirectoryRows.admittedNode(in: row)
            guard let row = try scope.lookUp(DirectoryRows.nodeKey(node)),
                try DirectoryRows.node(in: row).state.isMember
            else { throw Refusal.noSuchNode }
            return node
        }
        guard let version = try clusterVersion() else { throw Refusal.notHere }
        guard description.versions.contains(version) else { throw Refusal.unsupportedVersion }
        let tokenKey = DirectoryRows.tokenKey(proof.id)
        guard let old = try scope.lookUp(tokenKey) else { throw Refusal.tokenRefused }
        var token = try DirectoryRows.token(in: old)
        guard token.secretHash == proof.secretHash, token.uses > 0, scope.timestamp < token.expires else {
            throw Refusal.tokenRefused
        }
        if !Mutant.isOn(.tokenKept) { token.uses -= 1 }
        scope.putLookedUp(tokenKey, row: DirectoryRows.tokenRow(token), replacing: old)
        var id = NodeID(0)
        try takeNumber { counters in
            guard counters.node < UInt64(Int64.max) else { return }
            counters.node += 1
            id = NodeID(counters.node)
        }
        guard id != NodeID(0) else { throw Refusal.tooManyEntries }
        let record = NodeRecord(description.numbered(id.rawValue), run: 0, state: .joining, directory: directory)
        let nodeKey = DirectoryRows.nodeKey(id)
        scope.putLookedUp(
            nodeKey,
            row: DirectoryRows.nodeRow(record),
            replacing: try scope.lookUp(nodeKey)
        )
        scope.putLookedUp(key, row: DirectoryRows.admissionRow(id), replacing: nil)
        try events.add(DirectoryEvent(.nodeAdmitted, node: id))
        return id
    }

    // MARK: Groups and slots

    private func change(_ id: GroupID, _ body: (inout GroupRecord) throws -> Void) throws {
        guard let known = try group(id) else { throw Refusal.noSuchGroup }
        var record = known.record
        try body(&record)
        guard record != known.record else { return }
        scope.putLookedUp(DirectoryRows.groupKey(id), row: DirectoryRows.groupRow(record), replacing: known.row)
    }

    /// - Parameter replaced: what the directory must say by now; nil for whatever it says.
    func place(_ id: GroupID, _ placing: Placing, replacing replaced: Placing?) throws {
        guard let known = try group(id)?.record else { throw Refusal.noSuchGroup }
        guard known.placing != placing else { return }
        if let replaced, replaced != known.placing, !Mutant.isOn(.placingsUncompared) { throw Refusal.changedMeanwhile }
        for node in placing.voters where !known.placing.voters.contains(node) && known.members.voter(on: node) == nil {
            try requireActive(node)
        }
        try change(id) { $0.placing = placing }
        if placing.voters != known.placing.voters {
            try events.add(DirectoryEvent(.groupPlaced, group: id, nodes: placing.voters))
        }
        if placing.mayFormMajority, !known.placing.mayFormMajority {
            try events.add(DirectoryEvent(.majorityAllowed, group: id, nodes: placing.voters))
        }
    }

    /// Nothing new comes to a node that keeps what it has, or is about to be emptied.
    private func requireActive(_ node: NodeID) throws {
        guard let state = try state(of: node) else { throw Refusal.noSuchNode }
        guard state == .active else { throw Refusal.nodeTakesNothing }
    }

    private func report(_ members: Configuration, of id: GroupID, at index: LogIndex) throws {
        guard let known = try group(id)?.record else { throw Refusal.noSuchGroup }
        guard index > known.membersIndex else { return }
        try change(id) { group in
            group.members = members
            group.membersIndex = index
        }
        let nodes = members.voterNodes
        if !members.isJoint, nodes != known.members.voterNodes || known.members.isJoint {
            try events.add(DirectoryEvent(.votersChanged, group: id, nodes: nodes))
        }
    }

    /// Nil for a group that is not there. A group that is as it was founded has no row.
    func group(_ id: GroupID) throws -> (record: GroupRecord, row: ByteBuffer?)? {
        if let row = try scope.lookUp(DirectoryRows.groupKey(id)) {
            return try DirectoryRows.group(id, in: row).map { ($0, row) }
        }
        let founding = try founding()
        guard id.rawValue <= founding.mailGroups else { return nil }
        return (GroupRecord(founded: id, by: founding), nil)
    }

    private func addGroup(_ pool: String, _ placing: Placing) throws -> GroupID {
        let count = placing.voters.count
        guard (1...Placing.maximumVoters).contains(count) else { throw Refusal.notFromHere }
        let founding = try founding()
        var origins: [NodeID: UInt64] = [:]
        for id in placing.voters {
            guard let row = try scope.lookUp(DirectoryRows.nodeKey(id)) else { throw Refusal.noSuchNode }
            let node = try DirectoryRows.node(in: row)
            guard node.state == .active else { throw Refusal.nodeTakesNothing }
            origins[id] = node.origin(in: founding)
        }
        var id = GroupID(0)
        try takeNumber { counters in
            guard counters.group < UInt32(Directory.maximumGroups) else { return }
            counters.group += 1
            id = GroupID(counters.group)
        }
        guard id != .directory else { throw Refusal.tooManyEntries }
        let record = GroupRecord(added: id, pool: pool, placing: placing) { origins[$0] ?? 0 }
        let key = DirectoryRows.groupKey(id)
        scope.putLookedUp(key, row: DirectoryRows.groupRow(record), replacing: try scope.lookUp(key))
        try events.add(DirectoryEvent(.groupAdded, group: id, nodes: placing.voters, name: pool))
        return id
    }

    private func removeGroup(_ id: GroupID) throws {
        guard id != .directory else { throw Refusal.notFromHere }
        guard let known = try group(id) else { return }
        guard known.record.slots == 0 else { throw Refusal.notFromHere }
        scope.putLookedUp(DirectoryRows.groupKey(id), row: DirectoryRows.removedGroupRow, replacing: known.row)
        try events.add(DirectoryEvent(.groupRemoved, group: id))
    }

    private func assign(_ range: SlotRange, to target: GroupID) throws {
        guard target != .directory, try group(target) != nil else { throw Refusal.noSuchGroup }
        let founding = try founding()
        var changes: [GroupID: Int] = [:]
        for slot in range.slots {
            let key = DirectoryRows.slotKey(slot)
            let old = try scope.lookUp(key)
            let former = try old.map { try DirectoryRows.groupOfSlot(in: $0) } ?? founding.group(of: slot)
            guard former != target else { continue }
            changes[former, default: 0] -= 1
            changes[target, default: 0] += 1
            scope.putLookedUp(key, row: DirectoryRows.slotRow(target), replacing: old)
        }
        for (id, difference) in changes.sorted(by: { $0.key < $1.key }) {
            try change(id) { group in
                group.epoch += 1
                group.slots = UInt32(max(0, Int(group.slots) + difference))
            }
        }
        if let gained = changes[target] {
            try events.add(DirectoryEvent(.slotsAssigned, group: target, number: UInt64(gained)))
        }
    }

    // MARK: What admins have said

    private func setRule(_ rule: PlacementRule, ofPool pool: String) throws {
        let key = DirectoryRows.ruleKey(pool)
        let old = try scope.lookUp(key)
        if let old, try DirectoryRows.rule(in: old).rule == rule { return }
        if old == nil {
            try scope.commit()
            var count = 0
            try scope.store.scan(from: DirectoryRows.rulesPrefix.bytes, to: DirectoryRows.rulesPrefix.end) { _, _ in
                count += 1
                return true
            }
            guard count < PlacementRule.maximumPools else { throw Refusal.tooManyEntries }
        }
        scope.putLookedUp(key, row: DirectoryRows.ruleRow(pool, rule), replacing: old)
        try events.add(DirectoryEvent(.ruleSet, name: pool))
    }

    private func setScheduler(_ settings: SchedulerSettings) throws {
        let key = DirectoryRows.schedulerKey
        let old = try scope.lookUp(key)
        if let old, try DirectoryRows.scheduler(in: old) == settings { return }
        scope.putLookedUp(key, row: DirectoryRows.schedulerRow(settings), replacing: old)
        try events.add(DirectoryEvent(.schedulerSet))
    }
}
