internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// What group 0 knows of the cluster: its nodes, groups and slots, and who may join.
struct DirectoryCommands {
    let scope: CommandScope

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
        case .placeGroup(let id, let placing): try change(id) { $0.placing = placing }
        case .removeGroup(let id): try removeGroup(id)
        case .reportMembers(let id, let index, let configuration):
            try change(id) { group in
                guard index > group.membersIndex else { return }
                group.members = configuration
                group.membersIndex = index
            }
        case .assignSlots(let range, let group): try assign(range, to: group)
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
            return scope.putLookedUp(key, row: DirectoryRows.nodeRow(record), replacing: nil)
        }
        var record = try DirectoryRows.node(in: old)
        guard record.state.isMember else { throw Refusal.noSuchNode }
        // A registration of an earlier run that was held up must not replace that of the present run.
        guard record.run < run else { throw Refusal.staleRegistration }
        record.description = node
        record.run = run
        if record.state == .joining { record.state = .active }
        scope.putLookedUp(key, row: DirectoryRows.nodeRow(record), replacing: old)
    }

    private func set(_ state: NodeState, of id: NodeID) throws {
        let key = DirectoryRows.nodeKey(id)
        guard let old = try scope.lookUp(key) else { throw Refusal.noSuchNode }
        var record = try DirectoryRows.node(in: old)
        guard record.state != state else { return }
        guard record.state.mayBecome(state) else { throw Refusal.notFromHere }
        record.state = state
        scope.putLookedUp(key, row: DirectoryRows.nodeRow(record), replacing: old)
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
    }

    private func remove(_ id: JoinTokenID) throws {
        let key = DirectoryRows.tokenKey(id)
        guard let old = try scope.lookUp(key) else { return }
        scope.deleteLookedUp(key, old: old)
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
        token.uses -= 1
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

    /// Nil for a group that is not there. A group that is as it was founded has no row.
    private func group(_ id: GroupID) throws -> (record: GroupRecord, row: ByteBuffer?)? {
        if let row = try scope.lookUp(DirectoryRows.groupKey(id)) {
            return try DirectoryRows.group(id, in: row).map { ($0, row) }
        }
        let founding = try founding()
        guard id.rawValue <= founding.mailGroups else { return nil }
        return (GroupRecord(founded: id, by: founding), nil)
    }

    private func addGroup(_ pool: String, _ placing: Placing) throws -> GroupID {
        guard !placing.voters.isEmpty else { throw Refusal.notFromHere }
        for node in placing.voters where try scope.lookUp(DirectoryRows.nodeKey(node)) == nil {
            throw Refusal.noSuchNode
        }
        var id = GroupID(0)
        try takeNumber { counters in
            guard counters.group < UInt32(Directory.maximumGroups) else { return }
            counters.group += 1
            id = GroupID(counters.group)
        }
        guard id != .directory else { throw Refusal.tooManyEntries }
        let record = GroupRecord(
            id: id,
            pool: pool,
            epoch: 1,
            slots: 0,
            placing: placing,
            membersIndex: .zero,
            members: Configuration(voters: [])
        )
        let key = DirectoryRows.groupKey(id)
        scope.putLookedUp(key, row: DirectoryRows.groupRow(record), replacing: try scope.lookUp(key))
        return id
    }

    private func removeGroup(_ id: GroupID) throws {
        guard id != .directory else { throw Refusal.notFromHere }
        guard let known = try group(id) else { return }
        guard known.record.slots == 0 else { throw Refusal.notFromHere }
        scope.putLookedUp(DirectoryRows.groupKey(id), row: DirectoryRows.removedGroupRow, replacing: known.row)
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
    }
}
