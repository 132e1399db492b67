public import Consensus
public import MailModel
public import Placement

/// What would be left of the cluster if nodes vanished now.
public struct SurvivalReport: Sendable {
    /// What each loss would do.
    public let losses: [Survivability.Report]
    /// What the rules promise and the cluster does not keep, a sentence each.
    public let brokenPromises: [String]
    /// All groups.
    public let groups: Int
    /// The accounts in them, as they were counted last.
    public let accounts: Int
    /// Nodes that do not answer now.
    public let goneNodes: [NodeID]
}

extension PolicyAdministration {
    /// What would be left if nodes vanished now.
    ///
    /// - Parameters:
    ///   - pairs: also what the loss of each two values would do.
    ///   - labels: what is lost, instead of each value in turn: all nodes with one of the labels,
    ///   - nodes: and these.
    /// - Throws: ``AdministrationError``: `.notFound` for a label or a node that is not there, `.unavailable` where no
    ///   quorum answers in time.
    public func survive(
        pairs: Bool,
        losing labels: [Label],
        and nodes: [NodeID]
    ) async throws(AdministrationError) -> SurvivalReport {
        let look = try await node.look()
        for label in labels { try look.checkLabel(label) }
        for node in nodes { _ = try look.node(node) }
        var losses: [Survivability.Report]
        if labels.isEmpty, nodes.isEmpty {
            losses = Survivability.ofValues(in: look.view)
            losses += Survivability.ofNodes(in: look.view).filter { report in
                report.loss.nodes.first.flatMap { look.directory.node($0)?.state.isMember } == true
            }
            if pairs { losses += Survivability.ofPairs(in: look.view) }
        } else {
            losses = [Survivability.of(Survivability.Loss(labels: labels, nodes: nodes), in: look.view)]
        }
        return SurvivalReport(
            losses: losses,
            brokenPromises: Survivability.sentences(in: look.view),
            groups: look.view.groups.count,
            accounts: look.view.groups.reduce(0) { $0 + $1.accounts },
            goneNodes: look.survey.goneSeconds.keys.sorted()
        )
    }
}
