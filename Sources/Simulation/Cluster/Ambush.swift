internal import Consensus
internal import NodeRuntime
internal import ReplicaCore

/// A loss that waits for a node in a rare role: while a disk may be harmed at all, hardly any node happens to be a
/// learner, or to send or get a snapshot.
final class Ambush {
    private struct Waiting {
        let kind: FaultPlan.Fault
        let role: FaultCoverage.Role
        let until: Int64
        var nextLook: Int64 = 0
    }

    private unowned let world: World
    private var waiting: Waiting?
    /// Once in a run.
    private var mayLay = true

    init(in world: World) { self.world = world }

    /// Whether a loss waits.
    var isLaid: Bool { waiting != nil }

    private static let waitMicroseconds: Int64 = 6_000_000
    /// Learners stay for a quarter of a second, small installs for some milliseconds.
    private static let lookMicroseconds: (learners: Int64, installs: Int64) = (20_000, 2_000)

    /// Once in a run, a loss waits for its moment, and no other fault is drawn until then.
    ///
    /// - Returns: whether it does.
    func lay(_ kind: FaultPlan.Fault) -> Bool {
        guard mayLay, world.harmedMachine.position == nil, FaultPlan.Fault.losses.contains(kind),
            let role = world.faults.pick(roles(for: kind))
        else { return false }
        mayLay = false
        waiting = Waiting(kind: kind, role: role, until: world.now + Self.waitMicroseconds)
        world.trace.add(at: world.now, .fault, node: -1, "\(kind) waits for a \(role)")
        if role != .learner, let node = world.faults.pick(world.nodes) { letLag(node) }
        return true
    }

    /// While somebody gets a snapshot, no row is made to differ together with its digest: see `SilentHarm`.
    private func roles(for kind: FaultPlan.Fault) -> [FaultCoverage.Role] {
        kind == .divergence ? [.learner] : [.learner, .sender, .receiver]
    }

    /// A node hears nothing for a while: where little of the log is kept, only a snapshot helps.
    private func letLag(_ node: SimNode) {
        for peer in world.nodes.indices where peer != node.position {
            world.cutLink(from: node.position, to: peer, duration: Self.waitMicroseconds / 3)
            world.cutLink(from: peer, to: node.position, duration: Self.waitMicroseconds / 3)
        }
    }

    /// Every now and then: is anybody where it is waited for?
    func spring() {
        guard let waiting, world.now >= waiting.nextLook else { return }
        let isForLearners = waiting.role == .learner
        let pause = isForLearners ? Self.lookMicroseconds.learners : Self.lookMicroseconds.installs
        self.waiting?.nextLook = world.now + pause
        guard !world.isHealing, world.now < waiting.until, world.harmedMachine.position == nil else {
            self.waiting = nil
            return
        }
        if isForLearners {
            // All vote: now is the time, as nobody else is in need.
            if world.harmedMachine.isWhole, let node = world.faults.pick(world.nodes) {
                return world.injector.demote(node)
            }
        } else {
            // Roles are not worked out for nothing.
            guard world.nodes.contains(where: { $0.core?.isInstalling == true }) else { return }
        }
        for node in world.nodes where node.pausedUntil <= world.now {
            guard world.groups.contains(where: { world.has(waiting.role, node, in: $0) }) else { continue }
            let roles = world.roles(of: node)
            let other = (node.position + 1) % world.nodes.count
            let hit = world.injector.inject(waiting.kind, into: node, other: other, duration: 0)
            // It may have gone down without having lost anything: then the moment is over.
            guard !hit.isEmpty || !node.isUp else { continue }
            if !hit.isEmpty { world.counts.coverage.add(waiting.kind, roles) }
            self.waiting = nil
            return
        }
    }
}

extension FaultPlan.Fault {
    /// They take away or change what was durable.
    static let losses: [Self] = [
        .wipe, .rollback, .logRollback, .bitFlip, .lostTail, .lostSegment, .damagedState, .harmedRow, .divergence,
    ]
}
