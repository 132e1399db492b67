internal import Consensus
public import NIOCore

extension ByteBuffer {
    /// Appends the labels behind their count: key and value of each.
    public mutating func write(_ labels: [Label]) {
        writeCount(labels.count)
        for label in labels {
            writeLengthPrefixed(label.key)
            writeLengthPrefixed(label.value)
        }
    }

    private mutating func write(_ texts: [String]) {
        writeCount(texts.count)
        for text in texts { writeLengthPrefixed(text) }
    }

    /// Appends the number of voters (8 bits), the spread keys, the constraints, the leader preferences and the
    /// canaries, each list behind its count.
    public mutating func write(_ rule: PlacementRule) {
        writeInteger(UInt8(rule.voters))
        write(rule.spread)
        writeCount(rule.constraints.count)
        for constraint in rule.constraints {
            switch constraint {
            case .isIn(let key, let values):
                writeInteger(0, as: UInt8.self)
                writeLengthPrefixed(key)
                write(values)
            case .isNotIn(let key, let values):
                writeInteger(1, as: UInt8.self)
                writeLengthPrefixed(key)
                write(values)
            case .exists(let key):
                writeInteger(2, as: UInt8.self)
                writeLengthPrefixed(key)
            }
        }
        write(rule.leaderPreferences)
        write(rule.canaries)
    }

    /// Appends the six limits of placement and the pace of copies (32 bits each), and the end of a pause (64 bits; 0
    /// for none).
    public mutating func write(_ settings: SchedulerSettings) {
        let placement = settings.placement
        for limit in [
            placement.deadAfterSeconds, placement.balanceTolerancePercent, placement.fullPercent,
            placement.movesPerNode, placement.movesPerCluster, placement.transfersPerCluster,
        ] {
            writeInteger(UInt32(clamping: limit))
        }
        writeInteger(settings.copyMebibytesPerSecond)
        writeInteger(settings.pausedUntil?.rawValue ?? 0)
    }

    /// Appends a tag and what the kind is about.
    public mutating func write(_ kind: OperationKind) {
        switch kind {
        case .drain(let node):
            writeInteger(0, as: UInt8.self)
            writeInteger(node.rawValue)
        case .decommission(let node):
            writeInteger(1, as: UInt8.self)
            writeInteger(node.rawValue)
        case .moveReplicas(let group, let from, let to):
            writeInteger(2, as: UInt8.self)
            writeInteger(group.rawValue)
            write(from)
            write(to)
        case .rebalance: writeInteger(3, as: UInt8.self)
        }
    }

    /// Appends replicas (32 bits) and bytes (64 bits).
    public mutating func write(_ work: OperationWork) {
        writeInteger(work.replicas)
        writeInteger(work.bytes)
    }

    /// Appends ID (64 bits), kind, state (8 bits), beginning and end (64 bits each; 0 while it runs), and the work.
    public mutating func write(_ operation: OperationRecord) {
        writeInteger(operation.id.rawValue)
        write(operation.kind)
        writeInteger(operation.state.rawValue)
        writeInteger(operation.began.rawValue)
        writeInteger(operation.ended?.rawValue ?? 0)
        write(operation.work)
    }

    /// Appends the time (64 bits), the kind (8 bits), node (64 bits), group (32 bits) and operation (64 bits), each
    /// behind a byte that says whether it is there, then the nodes, the number (64 bits) and the name.
    public mutating func write(_ event: NumberedEvent) {
        writeInteger(event.time.rawValue)
        writeInteger(event.event.kind.rawValue)
        func write(_ number: (some FixedWidthInteger)?) {
            writeBool(number != nil)
            if let number { writeInteger(number) }
        }
        write(event.event.node?.rawValue)
        write(event.event.group?.rawValue)
        write(event.event.operation?.rawValue)
        writeCount(event.event.nodes.count)
        for node in event.event.nodes { writeInteger(node.rawValue) }
        writeInteger(event.event.number)
        writeLengthPrefixed(event.event.name)
    }
}

extension WireDecoder {
    /// Reads labels behind their count.
    ///
    /// - Throws: ``DecodingError``, also for more than `maximum`.
    public mutating func labels(maximum: Int = .max) throws(DecodingError) -> [Label] {
        let count = try count(minimumBytes: 8)
        guard count <= maximum else { throw failure(.outOfRange) }
        var labels: [Label] = []
        for _ in 0..<count { labels.append(Label(key: try string(), value: try string())) }
        return labels
    }

    private mutating func texts() throws(DecodingError) -> [String] {
        var texts: [String] = []
        for _ in 0..<(try count(minimumBytes: 4)) { texts.append(try string()) }
        return texts
    }

    /// Reads a rule.
    ///
    /// - Throws: ``DecodingError``, also for one that ``PlacementRule/problem(voters:spread:canaries:)`` refuses.
    public mutating func placementRule() throws(DecodingError) -> PlacementRule {
        let voters = Int(try integer(as: UInt8.self))
        let spread = try texts()
        let count = try count(minimumBytes: 5)
        guard count <= PlacementRule.maximumConstraints else { throw failure(.outOfRange) }
        var constraints: [Constraint] = []
        for _ in 0..<count {
            switch try integer(as: UInt8.self) {
            case 0: constraints.append(.isIn(key: try string(), values: try texts()))
            case 1: constraints.append(.isNotIn(key: try string(), values: try texts()))
            case 2: constraints.append(.exists(key: try string()))
            case let tag: throw failure(.unknownTag(UInt64(tag)))
            }
        }
        let preferences = try labels(maximum: PlacementRule.maximumPreferences)
        let canaries = try labels()
        guard PlacementRule.problem(voters: voters, spread: spread, canaries: canaries) == nil else {
            throw failure(.outOfRange)
        }
        return PlacementRule(
            voters: voters,
            spread: spread,
            constraints: constraints,
            leaderPreferences: preferences,
            canaries: canaries
        )
    }

    /// Reads what the scheduler goes by.
    ///
    /// - Throws: ``DecodingError``, also for a limit of 0.
    public mutating func schedulerSettings() throws(DecodingError) -> SchedulerSettings {
        var limits: [Int] = []
        for _ in 0..<6 {
            let limit: UInt32 = try integer()
            guard limit > 0 else { throw failure(.outOfRange) }
            limits.append(Int(limit))
        }
        let pace: UInt32 = try integer()
        let pause = try timestamp()
        return SchedulerSettings(
            placement: PlacementSettings(
                deadAfterSeconds: limits[0],
                balanceTolerancePercent: limits[1],
                fullPercent: limits[2],
                movesPerNode: limits[3],
                movesPerCluster: limits[4],
                transfersPerCluster: limits[5]
            ),
            copyMebibytesPerSecond: pace,
            pausedUntil: pause.rawValue == 0 ? nil : pause
        )
    }

    /// Reads what an operation is to do.
    ///
    /// - Throws: ``DecodingError``, also for a kind that is not known.
    public mutating func operationKind() throws(DecodingError) -> OperationKind {
        switch try integer(as: UInt8.self) {
        case 0: return .drain(NodeID(try integer(as: UInt64.self)))
        case 1: return .decommission(NodeID(try integer(as: UInt64.self)))
        case 2:
            let group = try group()
            let from = try placing()
            return .moveReplicas(group, from: from, to: try placing())
        case 3: return .rebalance
        case let tag: throw failure(.unknownTag(UInt64(tag)))
        }
    }

    /// Reads how much there is to do.
    ///
    /// - Throws: ``DecodingError``, for what is cut off.
    public mutating func operationWork() throws(DecodingError) -> OperationWork {
        OperationWork(replicas: try integer(), bytes: try integer())
    }

    /// Reads how an operation stands (8 bits).
    ///
    /// - Throws: ``DecodingError``, also for a state that is not known.
    public mutating func operationState() throws(DecodingError) -> OperationState {
        let raw: UInt8 = try integer()
        guard let state = OperationState(rawValue: raw) else { throw failure(.unknownTag(UInt64(raw))) }
        return state
    }

    /// Reads an operation.
    ///
    /// - Throws: ``DecodingError``, for what is cut off or not known.
    public mutating func operation() throws(DecodingError) -> OperationRecord {
        let id = OperationID(rawValue: try integer())
        let kind = try operationKind()
        let state = try operationState()
        let began = try timestamp()
        let ended = try timestamp()
        return OperationRecord(
            id: id,
            kind: kind,
            state: state,
            began: began,
            ended: ended.rawValue == 0 ? nil : ended,
            work: try operationWork()
        )
    }

    /// Reads an event, whose place among all is known.
    ///
    /// - Throws: ``DecodingError``, also for a kind that is not known.
    public mutating func event(sequence: UInt64) throws(DecodingError) -> NumberedEvent {
        let time = try timestamp()
        let raw: UInt8 = try integer()
        guard let kind = DirectoryEvent.Kind(rawValue: raw) else { throw failure(.unknownTag(UInt64(raw))) }
        var event = DirectoryEvent(kind)
        if try bool() { event.node = NodeID(try integer(as: UInt64.self)) }
        if try bool() { event.group = try group() }
        if try bool() { event.operation = OperationID(rawValue: try integer()) }
        for _ in 0..<(try count(minimumBytes: 8)) { event.nodes.append(NodeID(try integer(as: UInt64.self))) }
        event.number = try integer()
        event.name = try string()
        return NumberedEvent(sequence: sequence, time: time, event: event)
    }
}
