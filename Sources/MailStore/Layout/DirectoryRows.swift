internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// The rows of group 0.
enum DirectoryRows {
    private static func key(_ kind: UInt8) -> Key { Key(.directory, .directory).appending(kind) }

    static var clusterKey: Key { key(0) }
    static var nodesPrefix: Key { key(1) }
    static func nodeKey(_ id: NodeID) -> Key { nodesPrefix.appending(id.rawValue) }
    static var versionKey: Key { key(2) }
    static var groupsPrefix: Key { key(3) }
    static func groupKey(_ id: GroupID) -> Key { groupsPrefix.appending(id.rawValue) }
    static var slotsPrefix: Key { key(4) }
    static func slotKey(_ slot: Slot) -> Key { slotsPrefix.appending(slot.rawValue) }
    static var tokensPrefix: Key { key(5) }
    static func tokenKey(_ id: JoinTokenID) -> Key { tokensPrefix.appending(id.rawValue) }
    static var countersKey: Key { key(6) }
    static var admissionsPrefix: Key { key(7) }
    /// By the data directory that was admitted.
    static func admissionKey(_ directory: UInt64) -> Key { admissionsPrefix.appending(directory) }

    static var rulesPrefix: Key { key(8) }
    static func ruleKey(_ pool: String) -> Key {
        var key = rulesPrefix
        key.append(text: pool)
        return key
    }
    static var schedulerKey: Key { key(9) }
    static var operationsPrefix: Key { key(10) }
    static func operationKey(_ id: OperationID) -> Key { operationsPrefix.appending(id.rawValue) }
    static var eventsPrefix: Key { key(11) }
    static func eventKey(_ sequence: UInt64) -> Key { eventsPrefix.appending(sequence) }
    static var lastEventKey: Key { key(12) }

    // MARK: Rows

    static func clusterRow(_ founding: Directory.Founding) -> ByteBuffer {
        var row = newRow(capacity: 17 + 16 * founding.founders.count)
        row.writeInteger(founding.clusterID)
        row.writeInteger(founding.mailGroups)
        row.write(founding.founders)
        return row
    }

    static func founding(in row: ByteBuffer) throws(DecodingError) -> Directory.Founding {
        var decoder = try WireDecoder(row: row, subject: "cluster row")
        let id: UInt64 = try decoder.integer()
        let groups: UInt32 = try decoder.integer()
        guard groups > 0, groups <= UInt32(Slot.count) else { throw decoder.failure(.outOfRange) }
        let founders = try decoder.founders()
        try decoder.finish()
        return Directory.Founding(clusterID: id, mailGroups: groups, founders: founders)
    }

    static func versionRow(_ version: ClusterVersion) -> ByteBuffer {
        var row = newRow(capacity: 2)
        row.writeInteger(version.rawValue)
        return row
    }

    static func version(in row: ByteBuffer) throws(DecodingError) -> ClusterVersion {
        var decoder = try WireDecoder(row: row, subject: "cluster version row")
        return ClusterVersion(rawValue: try decoder.integer())
    }

    static func nodeRow(_ node: NodeRecord) -> ByteBuffer {
        var row = newRow()
        row.writeInteger(node.state.rawValue)
        row.writeInteger(node.description.versions.oldest.rawValue)
        row.writeInteger(node.description.versions.newest.rawValue)
        row.writeInteger(node.run)
        row.writeInteger(node.directory)
        row.write(node.description)
        row.write(node.givenLabels)
        return row
    }

    static func node(in row: ByteBuffer) throws(DecodingError) -> NodeRecord {
        var decoder = try WireDecoder(row: row, subject: "node row")
        let state = try decoder.nodeState()
        let _: UInt16 = try decoder.integer()
        let run: UInt64 = try decoder.integer()
        let directory: UInt64 = try decoder.integer()
        let description = try decoder.nodeDescription()
        let given = try decoder.labels(maximum: NodeRecord.maximumGivenLabels)
        try decoder.finish()
        return NodeRecord(description, run: run, state: state, directory: directory, givenLabels: given)
    }

    /// Whether the cluster has nodes, and the programs of all know a version. Looks at nothing else in their rows.
    static func allNodes(in store: some StateReader, know version: ClusterVersion) throws -> Bool {
        var (isAny, isKnown) = (false, true)
        try store.scan(from: nodesPrefix.bytes, to: nodesPrefix.end) { _, row in
            guard row.count > 4, row[0] == rowVersion, let state = NodeState(rawValue: row[1]) else {
                throw DecodingError(.truncated, offset: row.count, subject: "node row")
            }
            guard state.isMember else { return true }
            isAny = true
            isKnown = row[2] <= version.rawValue && version.rawValue <= row[3]
            return isKnown
        }
        return isAny && isKnown
    }

    static func groupRow(_ group: GroupRecord) -> ByteBuffer {
        var row = newRow(capacity: 128)
        row.writeInteger(1, as: UInt8.self)
        row.writeLengthPrefixed(group.pool)
        row.writeInteger(group.epoch)
        row.writeInteger(group.slots)
        row.write(group.placing)
        row.writeInteger(group.membersIndex.rawValue)
        row.write(group.members)
        return row
    }

    /// What stays of a group that was removed: its number is not used again.
    static var removedGroupRow: ByteBuffer {
        var row = newRow(capacity: 2)
        row.writeInteger(0, as: UInt8.self)
        return row
    }

    /// Nil for a group that was removed.
    static func group(_ id: GroupID, in row: ByteBuffer) throws(DecodingError) -> GroupRecord? {
        var decoder = try WireDecoder(row: row, subject: "group row")
        guard try decoder.bool() else {
            try decoder.finish()
            return nil
        }
        let group = GroupRecord(
            id: id,
            pool: try decoder.poolName(),
            epoch: try decoder.integer(),
            slots: try decoder.integer(),
            placing: try decoder.placing(),
            membersIndex: try decoder.logIndex(),
            members: try decoder.configuration()
        )
        try decoder.finish()
        return group
    }

    static func slotRow(_ group: GroupID) -> ByteBuffer {
        var row = newRow(capacity: 5)
        row.writeInteger(group.rawValue)
        return row
    }

    static func groupOfSlot(in row: ByteBuffer) throws(DecodingError) -> GroupID {
        try decodeRow(row, as: "slot row") { decoder throws(DecodingError) in try decoder.group() }
    }

    static func tokenRow(_ token: JoinToken) -> ByteBuffer {
        var row = newRow(capacity: 57)
        row.write(token)
        return row
    }

    static func token(in row: ByteBuffer) throws(DecodingError) -> JoinToken {
        try decodeRow(row, as: "token row") { decoder throws(DecodingError) in try decoder.joinToken() }
    }

    /// The numbers that were given last.
    struct Counters {
        var node: UInt64
        var group: UInt32

        var row: ByteBuffer {
            var row = newRow(capacity: 13)
            row.writeInteger(node)
            row.writeInteger(group)
            return row
        }

        init(row: ByteBuffer) throws(DecodingError) {
            var decoder = try WireDecoder(row: row, subject: "counters row")
            node = try decoder.integer()
            group = try decoder.integer()
            try decoder.finish()
        }

        init(_ founding: Directory.Founding) {
            node = founding.founders.map(\.node.rawValue).max() ?? 0
            group = founding.mailGroups
        }
    }

    static func admissionRow(_ node: NodeID) -> ByteBuffer {
        var row = newRow(capacity: 9)
        row.writeInteger(node.rawValue)
        return row
    }

    static func admittedNode(in row: ByteBuffer) throws(DecodingError) -> NodeID {
        try decodeRow(row, as: "admission row") { decoder throws(DecodingError) in
            NodeID(try decoder.integer(as: UInt64.self))
        }
    }

    // MARK: What admins have said, and what happened

    static func ruleRow(_ pool: String, _ rule: PlacementRule) -> ByteBuffer {
        var row = newRow(capacity: 128)
        row.writeLengthPrefixed(pool)
        row.write(rule)
        return row
    }

    static func rule(in row: ByteBuffer) throws(DecodingError) -> (pool: String, rule: PlacementRule) {
        try decodeRow(row, as: "rule row") { decoder throws(DecodingError) in
            (try decoder.poolName(), try decoder.placementRule())
        }
    }

    static func schedulerRow(_ settings: SchedulerSettings) -> ByteBuffer {
        var row = newRow(capacity: 37)
        row.write(settings)
        return row
    }

    static func scheduler(in row: ByteBuffer) throws(DecodingError) -> SchedulerSettings {
        try decodeRow(row, as: "scheduler row") { decoder throws(DecodingError) in try decoder.schedulerSettings() }
    }

    static func operationRow(_ operation: OperationRecord) -> ByteBuffer {
        var row = newRow(capacity: 128)
        row.write(operation)
        return row
    }

    static func operation(in row: ByteBuffer) throws(DecodingError) -> OperationRecord {
        try decodeRow(row, as: "operation row") { decoder throws(DecodingError) in try decoder.operation() }
    }

    static func eventRow(_ event: NumberedEvent) -> ByteBuffer {
        var row = newRow(capacity: 96)
        row.write(event)
        return row
    }

    static func event(_ sequence: UInt64, in row: ByteBuffer) throws(DecodingError) -> NumberedEvent {
        try decodeRow(row, as: "event row") { decoder throws(DecodingError) in try decoder.event(sequence: sequence) }
    }

    static func lastEventRow(_ sequence: UInt64) -> ByteBuffer {
        var row = newRow(capacity: 9)
        row.writeInteger(sequence)
        return row
    }

    static func lastEvent(in row: ByteBuffer) throws(DecodingError) -> UInt64 {
        try decodeRow(row, as: "last event row") { decoder throws(DecodingError) in try decoder.integer() }
    }
}
