internal import Consensus
internal import LogStorage
internal import PeerTransport
internal import ReplicaCore

/// How a node waits for its cluster to begin.
struct FoundingState {
    /// The directories of the nodes that wait as well, as they said last.
    var introduced: [NodeID: UInt64] = [:]
    var nextMilliseconds: Int64 = 0
    var reportMilliseconds: Int64?
    /// The decision has fallen and is being made durable.
    var isDecided = false
}

/// A cluster begins once: when every node it is configured with is there with an empty directory. The lowest of them
/// decides, and tells the others who began. A directory that was not there then never votes for what the founding
/// replicas of its node knew.
extension NodeLoop {
    private static let introductionMilliseconds: Int64 = 200
    private static let reportMilliseconds: Int64 = 5_000

    /// On every tick, until the cluster has begun.
    func tendFounding() {
        guard !identity.isFounded, !founding.isDecided, nowMilliseconds >= founding.nextMilliseconds else { return }
        founding.nextMilliseconds = nowMilliseconds + Self.introductionMilliseconds
        let missing = peers.filter { $0 != node && founding.introduced[$0] == nil }
        guard missing.isEmpty, node == peers.min() else {
            for peer in peers where peer != node { send(.introduction(directory: identity.directory), to: peer) }
            return report(missing)
        }
        var founders = peers.filter { $0 != node }.compactMap { peer in
            founding.introduced[peer].map { Founder(node: peer, directory: $0) }
        }
        founders.append(Founder(node: node, directory: identity.directory))
        begin(founders.sorted { $0.node < $1.node })
    }

    private func report(_ missing: [NodeID]) {
        let since = founding.reportMilliseconds ?? nowMilliseconds
        if founding.reportMilliseconds == nil { founding.reportMilliseconds = since }
        guard nowMilliseconds - since >= Self.reportMilliseconds else { return }
        founding.reportMilliseconds = nowMilliseconds
        floor.observers.membership?(.waiting(for: missing.isEmpty ? [peers.min() ?? node] : missing))
    }

    func takeIntroduction(_ directory: UInt64, from peer: NodeID) {
        if identity.isFounded { return send(.founded(identity.founders, mailGroups: identity.mailGroups), to: peer) }
        guard !founding.isDecided, peers.contains(peer) else { return }
        founding.introduced[peer] = directory
    }

    func takeFounded(_ founders: [Founder], _ mailGroups: UInt32) {
        guard !identity.isFounded, !founding.isDecided, !founders.isEmpty else { return }
        guard mailGroups == identity.mailGroups else {
            founding.isDecided = true
            return failed(
                StartupError(
                    "The cluster has \(mailGroups) groups, and the setting cluster.groups says \(identity.mailGroups). "
                        + "Start this node again with cluster.groups \(mailGroups)."
                )
            )
        }
        begin(founders)
    }

    /// First the decision is made durable, then what follows from it: a crash between finds the decision.
    private func begin(_ founders: [Founder]) {
        founding.isDecided = true
        var decided = identity
        decided.founders = founders
        save(decided) { loop in
            loop.floor.observers.membership?(.founded(founders))
            loop.completeFounding()
        }
    }

    /// Makes the groups as they were founded, those that are not there yet.
    func completeFounding() {
        guard identity.isFounded, !identity.isComplete else { return }
        let own = Founder(node: node, directory: identity.directory)
        guard identity.founders.contains(own) else { return finishFounding() }
        let missing = identity.groups.filter { replica($0) == nil }
        guard !missing.isEmpty else { return finishFounding() }
        let inbox = inbox
        let identity = identity
        let operations = missing.map { group in
            LogOperation.createGroup(
                group,
                replica: NodeIdentity.replica(of: group, in: identity.directory, 0),
                SnapshotPoint(index: .zero, term: .zero, configuration: identity.configuration(of: group))
            )
        }
        floor.write(
            .perform(operations) {
                inbox.put(
                    .control { loop in
                        for group in missing {
                            loop.floor.apply(.open(group))
                            loop.floor.admitNew(
                                group,
                                NodeIdentity.replica(of: group, in: identity.directory, 0),
                                identity.configuration(of: group)
                            )
                        }
                        loop.finishFounding()
                    }
                )
            }
        )
    }

    private func finishFounding() {
        var complete = identity
        complete.isComplete = true
        save(complete) { $0.replaceMissing() }
    }

    /// Groups of which a member of the cluster should have a replica, and this node has none.
    func replaceMissing() {
        guard identity.isComplete else { return }
        for group in identity.groups where standing(of: group) == .absent {
            floor.giveUp(group, reason: "The log of this node has nothing of it.")
        }
    }

    private func save(_ changed: NodeIdentity, then: @escaping @Sendable (NodeLoop) -> Void) {
        let store = identityStore
        let inbox = inbox
        let failed = failed
        background.run {
            do {
                try store.save(changed)
                inbox.put(
                    .control { loop in
                        loop.identity = changed
                        then(loop)
                    }
                )
            } catch {
                failed(error)
            }
        }
    }
}
