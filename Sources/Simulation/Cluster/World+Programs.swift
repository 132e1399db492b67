internal import Consensus
internal import MailModel
internal import MailStore
internal import NodeRuntime

/// Programs of two neighbouring versions, in one cluster. They are the same program, but that the next one knows a
/// cluster version more, and writes it once the cluster is there.
extension World {
    static let nextVersion = ClusterVersion(rawValue: 2)

    /// Some clusters begin in the middle of an upgrade.
    func mixPrograms() {
        for node in nodes where faults.chance(perMillion: 600_000) {
            node.versions.newest = Self.nextVersion
        }
    }

    /// To the next program, or back, as long as the cluster has not gone on.
    ///
    /// - Returns: whether there was one to go to.
    func replaceProgram(of node: SimNode) -> Bool {
        guard !isCalm else { return false }
        let mayGoBack = checker.version < Self.nextVersion
        let next = mayGoBack && faults.chance(perMillion: 250_000) ? ClusterVersion.first : Self.nextVersion
        guard next != node.versions.newest else { return false }
        run(next, on: node)
        if faults.next() & 1 == 0 { stop(node) } else { crash(node) }
        return true
    }

    /// When the faults are over, every node goes on with the next program.
    func replaceAllPrograms() {
        for node in nodes where node.versions.newest < Self.nextVersion {
            run(Self.nextVersion, on: node)
            let event = SimEvent.stop(node: node.position, incarnation: node.incarnation)
            if node.isUp { schedule(event, after: faults.time(1_000...3_000_000)) }
        }
    }

    private func run(_ version: ClusterVersion, on node: SimNode) {
        counts.programsReplaced += 1
        trace.add(at: now, .note, node: node.position, "gets a program that knows version \(version.rawValue)")
        node.versions.newest = version
    }

    /// Whether the cluster's version is the one that all programs know in the end.
    var isUpgraded: Bool {
        guard plan.kinds.contains(.replaceProgram) else { return true }
        return nodes.allSatisfy { $0.core?.loops.allSatisfy { $0.floor.version.cluster == Self.nextVersion } == true }
    }

    /// Whether the directory has heard from all of them.
    var areAllTold: Bool { nodes.allSatisfy { $0.core?.agent.isTold == true } }

    /// After a turn of a node's agent.
    func noteTold(_ node: SimNode) {
        if node.core?.agent.isTold == true { node.versions.told = node.versions.running }
    }

    /// At the end: what the directory says of the cluster is what was last told.
    func checkDirectory(_ node: SimNode) throws {
        let model = checker.model(.directory)
        guard let cluster = try node.reader.cluster() else {
            return fail("the directory knows the cluster", "node \(node.position + 1)")
        }
        let said = Dictionary(uniqueKeysWithValues: cluster.nodes.map { ($0.id, $0.versions) })
        let told = Dictionary(uniqueKeysWithValues: nodes.map { ($0.id.rawValue, $0.registration.node.versions) })
        if cluster.version != model.version || said != model.nodes || said != told {
            fail(
                "the directory says what it was told",
                "node \(node.position + 1): version \(cluster.version.rawValue), nodes \(said), should be \(told)"
            )
        }
    }

    // MARK: Who is too old

    func failed(_ error: any Error, on node: SimNode) {
        node.failure = node.failure ?? "\(error)"
        if error is VersionError || (error as? DecodingError).map(Self.isUnknownVersion) == true {
            tooOld("\(error)", node)
        }
    }

    /// A node does not start. Its operator takes the newer program.
    func refused(_ error: VersionError, on node: SimNode) {
        tooOld("\(error)", node)
        schedule(.restart(node: node.position), after: 100_000)
    }

    private static func isUnknownVersion(_ error: DecodingError) -> Bool {
        if case .unknownVersion = error.reason { true } else { false }
    }

    /// That is in order only where somebody went back to the older program, and the directory did not hear of it before
    /// the cluster went on.
    private func tooOld(_ reason: String, _ node: SimNode) {
        counts.programsRefused += 1
        guard node.versions.told == Self.nextVersion, checker.version == Self.nextVersion else {
            return fail("no node is left behind by an upgrade", "node \(node.position + 1): \(reason)")
        }
        if node.versions.newest < Self.nextVersion { run(Self.nextVersion, on: node) }
    }
}
