internal import Consensus
public import MailModel

/// How far an operation is, by the state of the cluster.
public struct OperationProgress: Hashable, Sendable {
    /// What is left to do.
    public let left: OperationWork
    /// Why it does not go on, a sentence each; empty while it does.
    public let waits: [String]

    /// Nothing is left of what has ended.
    ///
    /// - Parameter plan: what the planner would do next in this view.
    public init(of operation: OperationRecord, _ directory: Directory, _ view: ClusterView, plan: Plan) {
        guard operation.state == .running else {
            left = OperationWork()
            waits = []
            return
        }
        if case .rebalance = operation.kind {
            // What comes behind the next moves would take as many plans to tell.
            let moves = plan.moves + view.movesUnderWay
            left = OperationWork(
                replicas: UInt32(moves.count + plan.waiting.count),
                bytes: moves.reduce(0) { $0 + UInt64($1.bytesToCopy) }
            )
        } else {
            left = Self.work(of: operation.kind, directory, view)
        }
        waits = Self.obstacles(to: operation.kind, by: plan, directory, view)
    }

    /// All that there is to do for a kind of operation, as the cluster is.
    public static func work(of kind: OperationKind, _ directory: Directory, _ view: ClusterView) -> OperationWork {
        func bytes(_ groups: [GroupID]) -> UInt64 { groups.reduce(0) { $0 + UInt64(view.group($1)?.bytes ?? 0) } }
        switch kind {
        case .drain(let node): return OperationWork(replicas: UInt32(view.groups.count { $0.leader == node }))
        case .decommission(let node):
            let held = Scheduler.groupsHeld(by: node, directory)
            return OperationWork(replicas: UInt32(held.count), bytes: bytes(held))
        case .moveReplicas(let group, _, let placing):
            let present = directory.group(group)?.members.voterNodes ?? []
            let added = placing.voters.filter { !present.contains($0) }.count
            let removed = present.filter { !placing.voters.contains($0) }.count
            return OperationWork(
                replicas: UInt32(max(added, removed)),
                bytes: UInt64(added) * bytes([group])
            )
        case .rebalance:
            let foresight = Foresight(from: view.evening())
            let count = foresight.moves.count + view.movesUnderWay.count
            return OperationWork(replicas: UInt32(count), bytes: UInt64(foresight.bytesToCopy))
        }
    }

    private static func obstacles(
        to kind: OperationKind,
        by plan: Plan,
        _ directory: Directory,
        _ view: ClusterView
    ) -> [String] {
        let groups: [GroupID]
        switch kind {
        case .drain(let node): groups = view.groups.filter { $0.leader == node }.map(\.id)
        case .decommission(let node): groups = Scheduler.groupsHeld(by: node, directory)
        case .moveReplicas(let group, _, _): groups = [group]
        case .rebalance: groups = view.groups.map(\.id)
        }
        var found: [String] = []
        let concerned = Set(groups)
        for unrepaired in plan.unrepaired where concerned.contains(unrepaired.group) {
            found.append(unrepaired.explanation)
        }
        let waiting = plan.waiting.filter(concerned.contains).count
        if waiting > 0 { found.append("\(waiting) groups wait for the limits of moves at once") }
        for move in view.movesUnderWay where concerned.contains(move.group) {
            for node in move.targets {
                guard case .gone(let seconds)? = view.node(node)?.liveness else { continue }
                found.append(
                    "group \(move.group.rawValue) waits for node \(node.rawValue), which has been gone for \(seconds) s"
                )
            }
            if view.group(move.group)?.leader == nil { found.append("group \(move.group.rawValue) has no leader") }
        }
        return Array(found.prefix(maximumWaits))
    }

    /// So many reasons are enough.
    private static let maximumWaits = 20
}
