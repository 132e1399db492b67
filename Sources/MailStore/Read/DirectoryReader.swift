internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// Reads the rows of group 0.
struct DirectoryReader {
    /// One that does not change meanwhile.
    let state: any StateSnapshot

    func directory() throws -> Directory? {
        guard let row = try state.get(DirectoryRows.clusterKey.bytes) else { return nil }
        let founding = try DirectoryRows.founding(in: row)
        let version = try state.get(DirectoryRows.versionKey.bytes).map { try DirectoryRows.version(in: $0) }
        let applied = try state.get(Key(.directory, .meta).bytes).map { try GroupState.decodeMeta($0).appliedIndex }
        let counters = try state.get(DirectoryRows.countersKey.bytes).map { try DirectoryRows.Counters(row: $0) }
        let directory = Directory(
            founding,
            version: version ?? .first,
            index: applied ?? .zero,
            nodes: try nodes(),
            groups: try groups(founding),
            moved: try movedSlots(),
            policy: try policy(),
            operations: try operations(),
            lastGroup: GroupID((counters ?? DirectoryRows.Counters(founding)).group)
        )
        guard let directory else { throw DecodingError(.outOfRange, offset: 0, subject: "group of a slot") }
        return directory
    }

    func joinTokens() throws -> [JoinToken] {
        var tokens: [JoinToken] = []
        try scan(DirectoryRows.tokensPrefix) { _, row in tokens.append(try DirectoryRows.token(in: row)) }
        return tokens
    }

    private func policy() throws -> Directory.Policy {
        var rules: [String: PlacementRule] = [:]
        try scan(DirectoryRows.rulesPrefix) { _, row in
            let (pool, rule) = try DirectoryRows.rule(in: row)
            rules[pool] = rule
        }
        let scheduler = try state.get(DirectoryRows.schedulerKey.bytes).map { try DirectoryRows.scheduler(in: $0) }
        return Directory.Policy(rules: rules, scheduler: scheduler ?? SchedulerSettings())
    }

    private func operations() throws -> [OperationRecord] {
        var operations: [OperationRecord] = []
        try scan(DirectoryRows.operationsPrefix) { _, row in
            operations.append(try DirectoryRows.operation(in: row))
        }
        return operations
    }

    /// - Parameters:
    ///   - sequence: only events behind this one.
    ///   - limit: at most so many, the oldest first.
    func events(after sequence: UInt64, limit: Int) throws -> [NumberedEvent] {
        var events: [NumberedEvent] = []
        guard sequence < .max, limit > 0 else { return events }
        let first = DirectoryRows.eventKey(sequence + 1)
        try state.scan(from: first.bytes, to: DirectoryRows.eventsPrefix.end) { key, value in
            let number = try Key.integer(key, at: DirectoryRows.eventsPrefix.bytes.count, as: UInt64.self)
            events.append(try DirectoryRows.event(number, in: ByteBuffer(copying: value)))
            return events.count < limit
        }
        return events
    }

    private func nodes() throws -> [NodeRecord] {
        var nodes: [NodeRecord] = []
        try scan(DirectoryRows.nodesPrefix) { _, row in nodes.append(try DirectoryRows.node(in: row)) }
        return nodes
    }

    /// Groups that are as they were founded have no row.
    private func groups(_ founding: Directory.Founding) throws -> [GroupRecord] {
        var groups: [GroupRecord] = []
        var next: UInt32 = 0
        func addFounded(below end: UInt32) {
            while next < end, next <= founding.mailGroups {
                groups.append(GroupRecord(founded: GroupID(next), by: founding))
                next += 1
            }
        }
        try scan(DirectoryRows.groupsPrefix) { key, row in
            var rest = key
            guard let number = rest.readInteger(as: UInt32.self), number <= GroupID.maximum.rawValue else {
                throw DecodingError(.outOfRange, offset: 0, subject: "key of a group row")
            }
            addFounded(below: number)
            next = number + 1
            if let group = try DirectoryRows.group(GroupID(number), in: row) { groups.append(group) }
        }
        addFounded(below: founding.mailGroups + 1)
        return groups
    }

    private func movedSlots() throws -> [Slot: GroupID] {
        var moved: [Slot: GroupID] = [:]
        try scan(DirectoryRows.slotsPrefix) { key, row in
            var rest = key
            guard let number = rest.readInteger(as: UInt16.self) else {
                throw DecodingError(.truncated, offset: 0, subject: "key of a slot row")
            }
            moved[Slot(rawValue: number)] = try DirectoryRows.groupOfSlot(in: row)
        }
        return moved
    }

    /// Calls `body` with what is behind a prefix in each key, and the row.
    private func scan(_ prefix: Key, _ body: (ByteBuffer, ByteBuffer) throws -> Void) throws {
        let length = prefix.bytes.count
        try state.scan(from: prefix.bytes, to: prefix.end) { key, value in
            try body(
                ByteBuffer(bytes: Array(ByteBuffer(copying: key).readableBytesView.dropFirst(length))),
                ByteBuffer(copying: value)
            )
            return true
        }
    }
}
