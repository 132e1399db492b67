internal import Consensus
internal import MailStore
internal import NodeRuntime
internal import ReplicaCore

/// What nodes say of themselves, and what they may say when.
struct NodeObserver {
    unowned let world: World

    func observeMembership(_ event: MembershipEvent, of node: SimNode) {
        world.trace.add(at: world.now, .note, node: node.position, "\(event)")
        switch event {
        case .waiting, .founded: break
        case .begun(let group, _): node.losses.left.remove(group)
        case .leaving(let group): node.losses.left.insert(group)
        case .quarantined(let group, let reason): noteQuarantine(of: group, on: node, reason: reason)
        case .stopped(let group, let index, let reason):
            guard world.silentHarm.mayDiffer(node, in: group) else {
                world.fail(
                    "every entry can be applied",
                    "node \(node.position + 1), group \(group.rawValue), entry \(index.rawValue): \(reason)"
                )
                return
            }
            // A harmed row: the operator starts the node again.
            node.failure = node.failure ?? reason
        case .contradicted(let group, let contradiction, let sender):
            world.fail(
                "nobody contradicts what is committed",
                "node \(node.position + 1), group \(group.rawValue), by \(sender.map { "\($0.rawValue)" } ?? "-"): "
                    + contradiction.rawValue
            )
        case .unreadable(let group, _, let reason):
            // A read that was made to fail is told of as well, and costs nothing but a comparison.
            guard !world.silentHarm.mayDiffer(node, in: group), reason != "\(SimStateStore.injected)" else { return }
            world.fail("what is stored can be read", "node \(node.position + 1), group \(group.rawValue): \(reason)")
        case .admitted: world.counts.replicas.admissions += 1
        // Another replica begins, under an ID of its own: what the last one has forgotten, this one never said.
        case .wanted(let group): node.losses.forgotten[group] = nil
        case .learning, .removed: break
        case .version: world.counts.programs.versionsTaken += 1
        }
    }

    func observeVerification(_ event: VerificationEvent, of node: SimNode) {
        world.trace.add(at: world.now, .note, node: node.position, "\(event)")
        switch event {
        case .verified: world.counts.verification.ended += 1
        case .different(let group, let report):
            world.counts.verification.differences += 1
            let isOfThePast = report.replicas.contains {
                world.silentHarm.mayBeGivenUp($0.node, in: group) && [.condemned, .disputed].contains($0.finding)
            }
            if world.harmedMachine.position == nil, !isOfThePast {
                world.fail("replicas that hold the same are not told apart", "node \(node.position + 1): \(event)")
            }
        case .searched(let group, let report):
            for replica in report.replicas where replica.finding == .condemned {
                guard let key = replica.firstKey else { continue }
                world.counts.verification.rowsNamed += 1
                world.trace.add(
                    at: world.now,
                    .note,
                    node: node.position,
                    "group \(group.rawValue) differs in \(RowName(key: key))"
                )
            }
        case .snapshotRefused: world.counts.verification.snapshotsRefused += 1
        }
    }

    /// Only a replica that has lost something may be given up.
    private func noteQuarantine(of group: GroupID, on node: SimNode, reason: String) {
        world.counts.replicas.quarantines += 1
        node.losses.forgotten[group] = nil
        guard !node.losses.isExcused else { return }
        // A node that hears of an added group when the others have begun it cannot know that it had nothing of it.
        if !world.groups.contains(group), !world.checker.hasShown(group, on: node) { return }
        // Its leader said that the group goes on without the replica, and the node's own directory has not heard so.
        if node.losses.left.contains(group) { return }
        // What a verification says, not what a log has lost.
        let isVerdict = reason.hasPrefix("At entry") || reason.hasPrefix("Its rows")
        if isVerdict, world.silentHarm.mayBeGivenUp(node.id, in: group) { return }
        world.fail("nothing is lost that was durable", "node \(node.position + 1), group \(group.rawValue): \(reason)")
    }
}
