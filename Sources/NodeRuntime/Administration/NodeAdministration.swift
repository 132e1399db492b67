public import Consensus
public import MailModel
internal import Placement

extension Node {
    /// What admins do with nodes.
    public var nodeAdministration: NodeAdministration { NodeAdministration(node: self) }
}

/// What admins do with nodes that takes no time, through one node.
public struct NodeAdministration: Sendable {
    let node: Node

    private var directory: DirectoryAdministration { node.directoryAdministration }

    /// Moves a node to another state of its life. An operation that is under way for it is cancelled, where that is
    /// what the change comes to.
    ///
    /// - Throws: ``AdministrationError``: `.notFound`, `.failedPrecondition` where the node is in a state that does not
    ///   allow it, `.unavailable` where no quorum answers in time.
    ///
    /// - Parameter former: the states that the change is for; empty for all that can become that.
    public func change(
        _ target: NodeID,
        to state: NodeState,
        from former: [NodeState],
        dryRun: Bool
    ) async throws(AdministrationError) -> AdminChange {
        let look = try await node.look()
        let record = try look.node(target)
        let changed = look.view.changing(target) { $0.state = state }
        let preview = ChangePreview(during: changed, Foresight(from: changed) { $0.reason.isRepair })
        guard record.state.mayBecome(state), former.isEmpty || former.contains(record.state) else {
            throw AdministrationError(
                .failedPrecondition,
                "node \(target.rawValue) is \(record.state.name)" + Self.advice(for: record.state, to: state)
            )
        }
        guard !dryRun else { return AdminChange(preview: preview, operation: nil) }
        let running = look.directory.runningOperations.first { $0.kind.node == target }
        if let running, state == .active {
            // What was begun is taken back.
            return AdminChange(preview: preview, operation: try await node.operationAdministration.cancel(running.id))
        }
        switch try await directory.tell(.setNodeState(target, state)) {
        case .done: return AdminChange(preview: preview, operation: nil)
        case .refused(.notFromHere):
            throw AdministrationError(.unavailable, "the state of the node has changed meanwhile; please ask again")
        case let outcome: throw AdministrationError(.failedPrecondition, "the directory answered \(outcome)")
        }
    }

    private static func advice(for state: NodeState, to next: NodeState) -> String {
        switch (state, next) {
        case (.cordoned, .active): "; `staffettactl node uncordon` has it take replicas again"
        case (.draining, .active), (.drained, .active): "; `staffettactl node undrain` has it lead again"
        case (.decommissioning, .active), (.decommissioned, .active):
            "; `staffettactl node recommission` takes it back"
        case (_, .forgotten): "; only a decommissioned node is forgotten: `staffettactl node decommission` comes first"
        default: ", and cannot become \(next.name)"
        }
    }

    /// Gives a node labels that count instead of those that it says itself.
    ///
    /// - Parameters:
    ///   - labels: what the node is to have.
    ///   - removed: keys that it is not to have.
    ///   - reset: keys for which its own word counts again.
    /// - Throws: ``AdministrationError``: `.notFound`, `.invalidArgument`, `.unavailable` where no quorum answers in
    ///   time.
    public func label(
        _ target: NodeID,
        with labels: [Label],
        removing removed: [String],
        resetting reset: [String],
        dryRun: Bool
    ) async throws(AdministrationError) -> AdminChange {
        let look = try await node.look()
        var record = try look.node(target)
        for label in labels where label.key.isEmpty || label.value.isEmpty || label.key.contains("=") {
            throw AdministrationError(.invalidArgument, "\"\(label)\" is no label: a key and a value are needed")
        }
        let new = labels + removed.map { Label(key: $0, value: "") }
        let touched = new.map(\.key) + reset
        guard Set(touched).count == touched.count else {
            throw AdministrationError(.invalidArgument, "one key is named twice")
        }
        record.givenLabels = record.givenLabels.filter { !touched.contains($0.key) } + new
        guard record.givenLabels.count <= NodeRecord.maximumGivenLabels else {
            throw AdministrationError(
                .invalidArgument,
                "a node can be given \(NodeRecord.maximumGivenLabels) labels at most"
            )
        }
        let changed = look.view.labelling(target, record.labels)
        let preview = ChangePreview(during: changed, Foresight(from: changed) { $0.reason.isRepair })
        guard !dryRun else { return AdminChange(preview: preview, operation: nil) }
        guard case .done = try await directory.tell(.setLabels(target, record.givenLabels)) else {
            throw .unavailable
        }
        return AdminChange(preview: preview, operation: nil)
    }
}
