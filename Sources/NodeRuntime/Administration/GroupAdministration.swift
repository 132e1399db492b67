public import Consensus
internal import MailModel
internal import Placement

extension Node {
    /// What admins have done with whole groups.
    public var groupAdministration: GroupAdministration {
        GroupAdministration(mail: mail, directory: directoryAdministration)
    }
}

/// A group that was added.
public struct AddedGroup: Sendable {
    /// Its number, which no group had before.
    public let group: GroupID
    /// The pool whose rules hold for the group.
    public let pool: String
    /// The nodes of its voters, sorted.
    public let nodes: [NodeID]
    /// The node that is rather to lead; nil where each leads as well as another.
    public let preferredLeader: NodeID?
}

/// What admins have done with whole groups, through one node.
public struct GroupAdministration: Sendable {
    let mail: NodeService
    let directory: DirectoryAdministration
    private static let longestPool = 64

    /// Adds a group without slots. Its nodes begin it as soon as they hear of it.
    ///
    /// - Parameters:
    ///   - pool: whose rules hold for the group; empty for the default pool.
    ///   - nodes: where the voters are to be; none for the best place by the pool's rule.
    ///   - leader: the node that is rather to lead; nil for the best one by the pool's rule.
    /// - Throws: ``AdministrationError``: `.invalidArgument`, `.notFound` for a node that is not there,
    ///   `.failedPrecondition` where no node, or not the named ones, can take a replica, `.unavailable` where no quorum
    ///   answers in time.
    public func addGroup(
        pool: String,
        on nodes: [NodeID],
        preferredLeader leader: NodeID?
    ) async throws(AdministrationError) -> AddedGroup {
        let pool = pool.isEmpty ? GroupRecord.defaultPool : pool
        guard pool.utf8.count <= Self.longestPool else {
            throw AdministrationError(.invalidArgument, "a pool's name has at most \(Self.longestPool) bytes")
        }
        let known = try await directory.current()
        let best = NewGroupPlacing.best(ofPool: pool, in: ClusterView(known, await survey()))
        let placing: Placing
        if nodes.isEmpty {
            guard let best else {
                throw AdministrationError(
                    .failedPrecondition,
                    "no node can take a replica of the pool \(pool); `staffettactl node list` shows all"
                )
            }
            let isLeaderThere = leader.map { best.voters.contains($0) } ?? true
            guard isLeaderThere else {
                throw AdministrationError(
                    .failedPrecondition,
                    "the group would have no replica on the node that is rather to lead; name all its nodes"
                )
            }
            placing = Placing(voters: best.voters, preferredLeader: leader ?? best.preferredLeader)
        } else {
            placing = Placing(voters: nodes, preferredLeader: leader ?? best?.preferredLeader)
            try check(nodes, leader: leader, by: known)
            try checkMajorities(of: placing, ofPool: pool, insteadOf: best, known)
        }
        switch try await directory.tell(.addGroup(pool: pool, placing)) {
        case .groupAdded(let group):
            return AddedGroup(
                group: group,
                pool: pool,
                nodes: placing.voters,
                preferredLeader: placing.preferredLeader
            )
        case .refused(.tooManyEntries):
            throw AdministrationError(
                .failedPrecondition,
                "the cluster has had \(Directory.maximumGroups) groups, and can have no more"
            )
        case .refused(.noSuchNode), .refused(.nodeTakesNothing):
            throw AdministrationError(
                .failedPrecondition,
                "a node has ceased to take replicas meanwhile; `staffettactl node list` shows all"
            )
        case let outcome: throw AdministrationError(.failedPrecondition, "the directory answered \(outcome)")
        }
    }

    /// Ends a group. Its nodes drop their replicas, and its number is not used again.
    ///
    /// - Throws: ``AdministrationError``: `.notFound`, `.failedPrecondition` for the directory and for a group that
    ///   serves slots, `.unavailable` where no quorum answers in time.
    public func removeGroup(_ group: GroupID) async throws(AdministrationError) {
        guard group != .directory else {
            throw AdministrationError(
                .failedPrecondition,
                "group 0 is the directory, which the cluster cannot do without"
            )
        }
        guard let record = try await directory.current().group(group) else {
            throw AdministrationError(.notFound, "there is no group \(group.rawValue)")
        }
        let inUse = AdministrationError(
            .failedPrecondition,
            "group \(group.rawValue) serves \(record.slots) slots; a group is removed when it serves none"
        )
        guard record.slots == 0 else { throw inUse }
        switch try await directory.tell(.removeGroup(group)) {
        case .done: return
        case .refused(.notFromHere): throw inUse
        case let outcome: throw AdministrationError(.failedPrecondition, "the directory answered \(outcome)")
        }
    }

    /// What the nodes say of themselves; a node that does not answer in time counts as gone.
    private func survey() async -> ClusterSurvey {
        await withCheckedContinuation { continuation in
            mail.inboxes.agent.put(.survey(.wanted { continuation.resume(returning: $0) }))
        }
    }

    private func check(
        _ nodes: [NodeID],
        leader: NodeID?,
        by directory: Directory
    ) throws(AdministrationError) {
        guard Set(nodes).count == nodes.count, nodes.count <= Placing.maximumVoters else {
            throw AdministrationError(
                .invalidArgument,
                "a group has 1 to \(Placing.maximumVoters) voters, each on a node of its own"
            )
        }
        guard leader.map(nodes.contains) ?? true else {
            throw AdministrationError(.invalidArgument, "the node that is rather to lead is none of those named")
        }
        for node in nodes {
            guard let known = directory.node(node), known.state.isMember else {
                throw AdministrationError(
                    .notFound,
                    "there is no node \(node.rawValue); `staffettactl node list` shows all"
                )
            }
            guard known.state == .active else {
                throw AdministrationError(
                    .failedPrecondition,
                    "node \(node.rawValue) is \(known.state.name), and takes no replica"
                )
            }
        }
    }

    /// No value of a label gets a majority of the voters that could do without.
    private func checkMajorities(
        of placing: Placing,
        ofPool pool: String,
        insteadOf best: Placing?,
        _ directory: Directory
    ) throws(AdministrationError) {
        func labelled(_ nodes: [NodeID]) -> [LabelledVoter] {
            nodes.map { LabelledVoter(node: $0, labels: directory.labels(of: $0)) }
        }
        let findings = MajorityCheck.findingsOfChange(
            from: labelled(best?.voters ?? []),
            to: labelled(placing.voters),
            spread: directory.policy.rule(ofPool: pool).spread
        )
        guard findings.isEmpty else {
            let reasons = findings.map(\.description).joined(separator: "; ")
            let nodes = (best?.voters ?? []).map { "\($0.rawValue)" }.joined(separator: ", ")
            throw AdministrationError(
                .failedPrecondition,
                "the group would stop with one value of a label: \(reasons). Nodes \(nodes) would do better"
            )
        }
    }
}
