internal import Consensus
internal import MailModel
internal import MailStore
internal import NodeRuntime

/// Programs of two neighbouring versions, in one cluster. They are the same program, but that the next one knows a
/// cluster version more, and writes it once the cluster is there.
struct Programs {
    unowned let world: World

    static let nextVersion = ClusterVersion(rawValue: 2)

    /// Some clusters begin in the middle of an upgrade.
    func mix() {
        for node in world.nodes where world.faults.chance(perMillion: 600_000) {
            node.versions.newest = Self.nextVersion
        }
    }

    /// To the next program, or back, as long as the cluster has not gone on.
    ///
    /// - Returns: whether there was one to go to.
    func replace(on node: SimNode) -> Bool {
        guard !world.harmedMachine.isCalm else { return false }
        let mayGoBack = world.checker.version < Self.nextVersion
        let next = mayGoBack && world.faults.chance(perMillion: 250_000) ? ClusterVersion.first : Self.nextVersion
        guard next != node.versions.newest else { return false }
        run(next, on: node)
        if world.faults.next() & 1 == 0 { world.machines.stop(node) } else { world.machines.crash(node) }
        return true
    }

    /// When the faults are over, every node goes on with the next program.
    func replaceAll() {
        for node in world.nodes where node.versions.newest < Self.nextVersion {
            run(Self.nextVersion, on: node)
            let event = SimEvent.stop(node: node.position, incarnation: node.incarnation)
            if node.isUp { world.schedule(event, after: world.faults.time(1_000...3_000_000)) }
        }
    }

    private func run(_ version: ClusterVersion, on node: SimNode) {
        world.counts.programs.replaced += 1
        let note = "gets a program that knows version \(version.rawValue)"
        world.trace.add(at: world.now, .note, node: node.position, note)
        node.versions.newest = version
    }

    /// Whether the cluster's version is the one that all programs know in the end.
    var isUpgraded: Bool {
        guard world.plan.kinds.contains(.replaceProgram) else { return true }
        return world.nodes.allSatisfy { node in
            node.core?.loops.allSatisfy { $0.floor.version.cluster == Self.nextVersion } == true
        }
    }

    /// Whether the directory has heard from all of them.
    var areAllTold: Bool { world.nodes.allSatisfy { $0.core?.agent.isTold == true } }

    /// After a turn of a node's agent.
    func noteTold(_ node: SimNode) {
        if node.core?.agent.isTold == true { node.versions.told = node.versions.running }
    }

    /// At the end: what the directory says of the cluster is what was last told.
    func checkDirectory(of node: SimNode) throws {
        let model = world.checker.model(.directory).directory
        guard let cluster = try node.reader.directory() else {
            return world.fail("the directory knows the cluster", "node \(node.position + 1)")
        }
        let said = Dictionary(uniqueKeysWithValues: cluster.nodes.map { ($0.id, $0.description.versions) })
        let told = Dictionary(uniqueKeysWithValues: world.nodes.map { ($0.id, $0.knownVersions) })
        let own = said.filter { told[$0.key] != nil }
        let difference = own == told ? model.difference(from: cluster) : "nodes say \(said), should be \(told)"
        if let difference {
            world.fail("the directory says what it was told", "node \(node.position + 1): \(difference)")
        }
    }

    // MARK: Who is too old

    /// A node says that it cannot go on.
    func noteFailure(_ error: any Error, of node: SimNode) {
        node.failure = node.failure ?? "\(error)"
        if error is VersionError || (error as? DecodingError).map(Self.isUnknownVersion) == true {
            judgeTooOld(node, reason: "\(error)")
        }
    }

    /// A node does not start. Its operator takes the newer program.
    func noteRefusal(_ error: VersionError, of node: SimNode) {
        judgeTooOld(node, reason: "\(error)")
        world.schedule(.restart(node: node.position), after: 100_000)
    }

    private static func isUnknownVersion(_ error: DecodingError) -> Bool {
        if case .unknownVersion = error.reason { true } else { false }
    }

    /// That is in order only where somebody went back to the older program, and the directory did not hear of it before
    /// the cluster went on; or where the cluster went on before it has heard of the node at all, or without it.
    private func judgeTooOld(_ node: SimNode, reason: String) {
        world.counts.programs.refused += 1
        let wasAsked = world.checker.model(.directory).directory.raisedWith.contains(node.id)
        guard node.versions.told == Self.nextVersion || !wasAsked, world.checker.version == Self.nextVersion else {
            return world.fail("no node is left behind by an upgrade", "node \(node.position + 1): \(reason)")
        }
        if node.versions.newest < Self.nextVersion { run(Self.nextVersion, on: node) }
    }
}
