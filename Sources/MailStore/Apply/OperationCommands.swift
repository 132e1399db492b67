internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// The operations of the directory: what they change at once, and what is undone when they are cancelled.
struct OperationCommands {
    let directory: DirectoryCommands
    private var scope: CommandScope { directory.scope }

    /// - Returns: the operation that stands in the way; nil where this one has begun, now or earlier.
    func begin(_ id: OperationID, _ kind: OperationKind, with work: OperationWork) throws -> OperationID? {
        let key = DirectoryRows.operationKey(id)
        let known = try scope.lookUp(key)
        guard known == nil || Mutant.isOn(.operationTwice) else { return nil }
        let others = try all()
        let running = others.filter { $0.state == .running }
        if let other = running.first(where: { $0.kind.conflicts(with: kind) }) { return other.id }
        guard running.count < OperationRecord.maximumRunning else { throw Refusal.tooManyEntries }
        switch kind {
        case .drain(let node): try directory.set(.draining, of: node)
        case .decommission(let node): try directory.set(.decommissioning, of: node)
        case .moveReplicas(let group, let from, let to): try directory.place(group, to, replacing: from)
        case .rebalance: break
        }
        forgetEnded(others)
        let operation = OperationRecord(id: id, kind: kind, began: scope.timestamp, work: work)
        scope.putLookedUp(key, row: DirectoryRows.operationRow(operation), replacing: known)
        try directory.events.add(
            DirectoryEvent(.operationBegan, node: kind.node, group: kind.group, operation: id)
        )
        return nil
    }

    func end(_ id: OperationID, _ state: OperationState) throws {
        let key = DirectoryRows.operationKey(id)
        guard let old = try scope.lookUp(key) else { throw Refusal.noSuchOperation }
        var operation = try DirectoryRows.operation(in: old)
        guard state != .running else { throw Refusal.notFromHere }
        guard operation.state == .running else {
            if operation.state == state { return }
            throw Refusal.notFromHere
        }
        try finish(operation.kind, state)
        operation.state = state
        operation.ended = scope.timestamp
        scope.putLookedUp(key, row: DirectoryRows.operationRow(operation), replacing: old)
        let kind = operation.kind
        try directory.events.add(
            DirectoryEvent(
                .operationEnded,
                node: kind.node,
                group: kind.group,
                operation: id,
                number: UInt64(state.rawValue)
            )
        )
    }

    /// A node whose state an admin has changed meanwhile stays as it is.
    private func finish(_ kind: OperationKind, _ state: OperationState) throws {
        switch (kind, state) {
        case (.drain(let node), .succeeded): try move(node, from: .draining, to: .drained)
        case (.drain(let node), .cancelled): try move(node, from: .draining, to: .active)
        case (.decommission(let node), .succeeded): try move(node, from: .decommissioning, to: .decommissioned)
        case (.decommission(let node), .cancelled): try move(node, from: .decommissioning, to: .active)
        case (.moveReplicas(let group, let from, let to), .cancelled):
            guard try directory.group(group)?.record.placing == to else { return }
            do {
                try directory.place(group, from, replacing: to)
            } catch is Refusal {
                // There is no way back any more, as a node of the former placing has left.
            }
        case (.moveReplicas, _), (.rebalance, _), (_, .running), (_, .failed): break
        }
    }

    private func move(_ node: NodeID, from former: NodeState, to next: NodeState) throws {
        if try directory.state(of: node) == former { try directory.set(next, of: node) }
    }

    private func all() throws -> [OperationRecord] {
        // The scan sees what is written only.
        try scope.commit()
        var operations: [OperationRecord] = []
        let prefix = DirectoryRows.operationsPrefix
        try scope.store.scan(from: prefix.bytes, to: prefix.end) { _, row in
            operations.append(try DirectoryRows.operation(in: ByteBuffer(copying: row)))
            return true
        }
        return operations
    }

    /// Room for one more that has ended.
    private func forgetEnded(_ operations: [OperationRecord]) {
        let ended = operations.filter { $0.state != .running }
            .sorted { ($0.ended?.rawValue ?? 0, $0.id) < ($1.ended?.rawValue ?? 0, $1.id) }
        for operation in ended.prefix(max(0, ended.count - OperationRecord.maximumEnded)) {
            scope.deleteLookedUp(
                DirectoryRows.operationKey(operation.id),
                old: DirectoryRows.operationRow(operation)
            )
        }
    }
}
