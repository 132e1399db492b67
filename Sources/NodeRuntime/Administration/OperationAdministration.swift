public import Consensus
public import MailModel
internal import Placement

extension Node {
    /// What admins ask for that takes its time.
    public var operationAdministration: OperationAdministration { OperationAdministration(node: self) }
}

/// What admins ask for that takes its time, through one node.
public struct OperationAdministration: Sendable {
    let node: Node

    private var directory: DirectoryAdministration { node.directoryAdministration }

    // MARK: To look

    /// The operations, those that began last first.
    ///
    /// - Parameter all: also those that have ended.
    /// - Throws: ``AdministrationError``, `.unavailable` where no quorum answers in time.
    public func operations(all: Bool) async throws(AdministrationError) -> [OperationReport] {
        let look = try await node.look()
        let plan = Planner.plan(look.view)
        return look.directory.operations.filter { all || $0.state == .running }
            .sorted { ($1.began.rawValue, $1.id) < ($0.began.rawValue, $0.id) }
            .map { OperationReport($0, in: look, plan: plan) }
    }

    /// One operation.
    ///
    /// - Throws: ``AdministrationError``: `.notFound`, `.unavailable` where no quorum answers in time.
    public func operation(_ id: OperationID) async throws(AdministrationError) -> OperationReport {
        let look = try await node.look()
        guard let record = look.directory.operations.first(where: { $0.id == id }) else { throw Self.noOperation(id) }
        return OperationReport(record, in: look)
    }

    private static func noOperation(_ id: OperationID) -> AdministrationError {
        AdministrationError(
            .notFound,
            "there is no operation \(name(of: id)); `staffettactl operation list --all` shows those that are remembered"
        )
    }

    /// 16 hexadecimal digits.
    public static func name(of id: OperationID) -> String {
        let digits = String(id.rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: To begin

    /// Has others lead in a node's place.
    ///
    /// - Parameter id: nil for a dry run.
    /// - Throws: ``AdministrationError``: `.notFound`, `.failedPrecondition` where the node is in a state that does not
    ///   allow it or another operation is in the way, `.unavailable` where no quorum answers in time.
    public func drain(_ target: NodeID, as id: OperationID?) async throws(AdministrationError) -> AdminChange {
        let look = try await node.look()
        let record = try look.node(target)
        let changed = look.view.changing(target) { $0.state = .draining }
        // What it is for is to stop the node.
        let stopped = changed.changing(target) { $0.liveness = .gone(seconds: 0) }
        let foresight = Foresight(from: changed) { $0.transfer?.from == target && $0.changesLeaderOnly }
        let preview = ChangePreview(during: stopped, foresight)
        return try await begin(.drain(target), as: id, in: look, preview) { () throws(AdministrationError) in
            try Self.check(record, mayBecome: .draining)
        }
    }

    /// Has a node's replicas be elsewhere.
    ///
    /// - Parameter id: nil for a dry run.
    /// - Throws: ``AdministrationError``, as ``drain(_:as:)``, and `.failedPrecondition` where a group has nowhere to
    ///   go, with the nodes that were considered and why each was not taken.
    public func decommission(_ target: NodeID, as id: OperationID?) async throws(AdministrationError) -> AdminChange {
        let look = try await node.look { Self.departure(of: target, in: $0).stays.isEmpty }
        let (foresight, stays) = Self.departure(of: target, in: look)
        let record = try look.node(target)
        let preview = ChangePreview(during: look.view, foresight)
        return try await begin(.decommission(target), as: id, in: look, preview) { () throws(AdministrationError) in
            try Self.check(record, mayBecome: .decommissioning)
            guard let first = stays.first else { return }
            let reason = foresight.unrepaired.first { $0.group == first.id }
            throw AdministrationError(
                .failedPrecondition,
                "\(stays.count) groups would have to stay on node \(target.rawValue), "
                    + "group \(first.id.rawValue) first. " + (reason?.explanation ?? "")
            )
        }
    }

    /// What comes of a node's leaving, and the groups that would have a voter on it for good.
    private static func departure(
        of node: NodeID,
        in look: ClusterLook
    ) -> (foresight: Foresight, stays: [GroupView]) {
        let foresight = Foresight(from: look.view.changing(node) { $0.state = .decommissioning })
        let stays = foresight.outcome.groups.filter { group in
            group.replicas.contains { $0.node == node && $0.role == .voter }
        }
        return (foresight, stays)
    }

    /// Has a group's voters be on other nodes. The group's leader takes replicas in and out.
    ///
    /// - Parameters:
    ///   - added: nodes that are to hold a voter, and hold none now.
    ///   - removed: nodes that are to hold none any more.
    ///   - mayFormMajority: also where one value of a label then holds a majority of the voters.
    ///   - id: nil for a dry run.
    /// - Throws: ``AdministrationError``: `.notFound`, `.failedPrecondition` where a node cannot take a replica or none
    ///   would be left, `.unavailable` where no quorum answers in time.
    public func moveReplicas(
        of group: GroupID,
        adding added: [NodeID],
        removing removed: [NodeID],
        mayFormMajority: Bool,
        as id: OperationID?
    ) async throws(AdministrationError) -> (placing: Placing, change: AdminChange) {
        let look = try await node.look()
        let record = try look.group(group)
        if let id, let known = look.directory.operations.first(where: { $0.id == id }) {
            let preview = ChangePreview(during: look.view, Foresight(from: look.view) { _ in false })
            return (record.placing, AdminChange(preview: preview, operation: OperationReport(known, in: look)))
        }
        for node in added { _ = try look.node(node) }
        let placing = try DirectoryAdministration.placing(
            of: record,
            adding: added,
            removing: removed,
            mayFormMajority: mayFormMajority,
            look.directory
        )
        let kind = OperationKind.moveReplicas(group, from: record.placing, to: placing)
        let moved = look.view.placing(group, on: placing.voters)
        let preview = ChangePreview(during: look.view, Foresight(from: moved) { _ in false })
        return (placing, try await begin(kind, as: id, in: look, preview) {})
    }

    /// Shares replicas and leaderships out as evenly as the rules allow.
    ///
    /// - Parameter id: nil for a dry run.
    /// - Throws: ``AdministrationError``: `.failedPrecondition` where this is under way, `.unavailable` where no quorum
    ///   answers in time.
    public func rebalance(as id: OperationID?) async throws(AdministrationError) -> AdminChange {
        let look = try await node.look()
        let preview = ChangePreview(during: look.view, Foresight(from: look.view.evening()))
        return try await begin(.rebalance, as: id, in: look, preview) {}
    }

    /// Hands the leadership of a group to another node, and waits until it leads. It is rather to lead from then on.
    ///
    /// - Parameter target: nil for the voter that leads the fewest groups.
    /// - Throws: ``AdministrationError``: `.notFound`, `.failedPrecondition` where the node cannot lead the group,
    ///   `.unavailable` where the handover is not confirmed within 5 s.
    public func transferLeadership(of group: GroupID, to target: NodeID?) async throws(AdministrationError) {
        var look = try await node.look { look in
            guard let seen = look.view.group(group), seen.leader != nil else { return false }
            return target.map { look.survey.goneSeconds[$0] == nil } ?? true
        }
        let record = try look.group(group)
        guard let leader = look.view.group(group)?.leader else {
            throw AdministrationError(.failedPrecondition, "group \(group.rawValue) has no leader now")
        }
        let voters = record.members.voterNodes
        let others = voters.filter { $0 != leader && look.survey.goneSeconds[$0] == nil }
        guard let target = target ?? others.min(by: { look.led(by: $0) < look.led(by: $1) }) else {
            throw AdministrationError(.failedPrecondition, "group \(group.rawValue) has no other voter that is there")
        }
        _ = try look.node(target)
        guard target != leader else { return }
        guard voters.contains(target), look.survey.goneSeconds[target] == nil else {
            let why = voters.contains(target) ? "does not answer" : "has no voter of it"
            throw AdministrationError(
                .failedPrecondition,
                "group \(group.rawValue) cannot be led by node \(target.rawValue), which \(why)"
            )
        }
        let placing = Placing(
            voters: record.placing.voters,
            preferredLeader: target,
            mayFormMajority: record.placing.mayFormMajority
        )
        _ = try await directory.tell(.placeGroup(group, placing, replacing: record.placing))
        for _ in 0..<25 {
            if let leader = look.view.group(group)?.leader, leader != target {
                node.askToHandOver(group, from: leader, to: target)
            }
            try? await Task.sleep(for: .milliseconds(200))
            look = try await node.look()
            if look.view.group(group)?.leader == target { return }
        }
        throw AdministrationError(
            .unavailable,
            "the handover of group \(group.rawValue) was not confirmed in 5 s; see `staffettactl group describe`"
        )
    }

    private static func check(_ record: NodeRecord, mayBecome state: NodeState) throws(AdministrationError) {
        guard record.state.mayBecome(state), record.state != state else {
            let isThere =
                record.state == state || (record.state, state) == (.drained, .draining)
                || (record.state, state) == (.decommissioned, .decommissioning)
            throw AdministrationError(
                .failedPrecondition,
                "node \(record.id.rawValue) is \(record.state.name)"
                    + (isThere ? " already" : ", and cannot become \(state.name)")
            )
        }
    }

    /// - Parameter check: looks whether it can be begun, unless it has begun already.
    private func begin(
        _ kind: OperationKind,
        as id: OperationID?,
        in look: ClusterLook,
        _ preview: ChangePreview,
        check: () throws(AdministrationError) -> Void
    ) async throws(AdministrationError) -> AdminChange {
        if let id, let known = look.directory.operations.first(where: { $0.id == id }) {
            return AdminChange(preview: preview, operation: OperationReport(known, in: look))
        }
        if let other = look.directory.runningOperations.first(where: { $0.kind.conflicts(with: kind) }) {
            throw Self.conflict(other.id)
        }
        try check()
        guard let id else { return AdminChange(preview: preview, operation: nil) }
        var work = OperationProgress.work(of: kind, look.directory, look.view)
        if case .decommission = kind { work.bytes = UInt64(preview.bytesToCopy) }
        switch try await directory.tell(.beginOperation(id, kind, work)) {
        case .done: return AdminChange(preview: preview, operation: try await operation(id))
        case .operationConflicts(let other): throw Self.conflict(other)
        case .refused(.changedMeanwhile):
            throw AdministrationError(.unavailable, "the directory has changed meanwhile; please ask again")
        case .refused(.tooManyEntries):
            throw AdministrationError(
                .failedPrecondition,
                "\(OperationRecord.maximumRunning) operations run already; wait for one, or cancel one"
            )
        case let outcome: throw AdministrationError(.failedPrecondition, "the directory answered \(outcome)")
        }
    }

    private static func conflict(_ other: OperationID) -> AdministrationError {
        AdministrationError(
            .failedPrecondition,
            "operation \(name(of: other)) is in the way; wait for it, or "
                + "`staffettactl operation cancel \(name(of: other))`"
        )
    }

    // MARK: To end

    /// Ends an operation, and undoes what has not happened yet.
    ///
    /// - Throws: ``AdministrationError``: `.notFound`, `.failedPrecondition` where it has ended, `.unavailable` where
    ///   no quorum answers in time.
    public func cancel(_ id: OperationID) async throws(AdministrationError) -> OperationReport {
        switch try await directory.tell(.endOperation(id, .cancelled)) {
        case .done: return try await operation(id)
        case .refused(.noSuchOperation): throw Self.noOperation(id)
        case let outcome:
            throw AdministrationError(
                .failedPrecondition,
                "operation \(Self.name(of: id)) cannot be cancelled: "
                    + (outcome == .refused(.notFromHere) ? "it has ended" : "\(outcome)")
            )
        }
    }
}
