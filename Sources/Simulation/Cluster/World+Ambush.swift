internal import Consensus
internal import NodeRuntime
internal import ReplicaCore

/// A loss that waits for a node in a rare role: while a disk may be harmed at all, hardly any node happens to be a
/// learner, or to send or get a snapshot.
struct Ambush {
    let kind: FaultPlan.Fault
    let role: FaultCoverage.Role
    let until: Int64
    var nextLook: Int64 = 0
}

extension FaultPlan.Fault {
    /// They take away or change what was durable.
    static let losses: [Self] = [
        .wipe, .rollback, .logRollback, .bitFlip, .lostTail, .lostSegment, .damagedState, .harmedRow, .divergence,
    ]
}

extension World {
    private static let ambushMicroseconds: Int64 = 6_000_000
    /// Learners stay for a quarter of a second, small installs for some milliseconds.
    private static let lookMicroseconds: (learners: Int64, installs: Int64) = (20_000, 2_000)

    /// Once in a run, a loss waits for its moment, and no other fault is drawn until then.
    ///
    /// - Returns: whether it does.
    func layAmbush(_ kind: FaultPlan.Fault) -> Bool {
        guard canAmbush, harmed == nil, FaultPlan.Fault.losses.contains(kind),
            let role = faults.pick(roles(for: kind))
        else { return false }
        canAmbush = false
        ambush = Ambush(kind: kind, role: role, until: now + Self.ambushMicroseconds)
        trace.add(at: now, .fault, node: -1, "\(kind) waits for a \(role)")
        if role != .learner, let node = faults.pick(nodes) { letLag(node) }
        return true
    }

    /// While somebody gets a snapshot, no row is made to differ together with its digest: see `harm`.
    private func roles(for kind: FaultPlan.Fault) -> [FaultCoverage.Role] {
        kind == .divergence ? [.learner] : [.learner, .sender, .receiver]
    }

    /// A node hears nothing for a while: where little of the log is kept, only a snapshot helps.
    private func letLag(_ node: SimNode) {
        for peer in nodes.indices where peer != node.position {
            cutLink(from: node.position, to: peer, duration: Self.ambushMicroseconds / 3)
            cutLink(from: peer, to: node.position, duration: Self.ambushMicroseconds / 3)
        }
    }

    /// Every now and then: is anybody where it is waited for?
    func springAmbush() {
        guard let waiting = ambush, now >= waiting.nextLook else { return }
        let isForLearners = waiting.role == .learner
        ambush?.nextLook = now + (isForLearners ? Self.lookMicroseconds.learners : Self.lookMicroseconds.installs)
        guard !isHealing, now < waiting.until, harmed == nil else {
            ambush = nil
            return
        }
        if isForLearners {
            // All vote: now is the time, as nobody else is in need.
            if isWhole, let node = faults.pick(nodes) { return demote(node) }
        } else {
            // Roles are not worked out for nothing.
            guard nodes.contains(where: { $0.core?.isInstalling == true }) else { return }
        }
        for node in nodes where node.pausedUntil <= now {
            guard groups.contains(where: { has(waiting.role, node, in: $0) }) else { continue }
            let roles = roles(of: node)
            let hit = inject(waiting.kind, into: node, other: (node.position + 1) % nodes.count, duration: 0)
            // It may have gone down without having lost anything: then the moment is over.
            guard !hit.isEmpty || !node.isUp else { continue }
            if !hit.isEmpty { counts.coverage.add(waiting.kind, roles) }
            ambush = nil
            return
        }
    }
}
