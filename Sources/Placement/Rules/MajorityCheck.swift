public import Consensus
public import MailModel

/// A voter, as far as the check of majorities is concerned.
public struct LabelledVoter: Hashable, Sendable {
    /// The node that holds the voter.
    public let node: NodeID
    /// The labels of that node.
    public let labels: Labels

    public init(node: NodeID, labels: Labels) {
        self.node = node
        self.labels = labels
    }
}

/// Which of the two sets of voters that must agree in a joint configuration.
public enum ConfigurationHalf: Hashable, Sendable {
    /// The voters to come, or the only voters of a configuration that is not joint.
    case incoming
    case outgoing
}

/// One value of a label holds a majority of a group's voters: what hits that value stops the group.
public struct MajorityFinding: Hashable, Sendable, CustomStringConvertible {
    /// The key of the label.
    public let key: String
    /// The value that holds the majority.
    public let value: DomainValue
    /// The half of the configuration in which that is so.
    public let half: ConfigurationHalf
    /// The nodes of the voters with that value, sorted.
    public let holders: [NodeID]
    /// All voters of that half.
    public let voters: Int

    public var description: String {
        let side = half == .outgoing ? " outgoing" : ""
        return "\(key) \(value) holds \(holders.count) of \(voters)\(side) voters, which is a majority"
    }
}

/// Whether a single value of a label holds a majority of the voters. The check stands in front of every change of a
/// configuration; in a joint configuration each half is a set of voters whose majority is needed.
public enum MajorityCheck {
    /// Every value of a spread key that holds a majority of the voters of either half. A node without the label is a
    /// value of its own. The findings come in the order of the keys, the incoming half first.
    ///
    /// - Parameters:
    ///   - voters: The (incoming) voters.
    ///   - outgoingVoters: The outgoing voters of a joint configuration, otherwise none.
    ///   - spread: The keys of the rule.
    public static func findings(
        voters: [LabelledVoter],
        outgoingVoters: [LabelledVoter] = [],
        spread: [String]
    ) -> [MajorityFinding] {
        spread.flatMap { key in
            [finding(of: key, among: voters, in: .incoming), finding(of: key, among: outgoingVoters, in: .outgoing)]
                .compactMap(\.self)
        }
    }

    /// What a change of voters makes worse: values that hold a majority afterwards, of keys on which none does before.
    ///
    /// - Parameter spread: The keys of the rule.
    public static func findingsOfChange(
        from before: [LabelledVoter],
        to after: [LabelledVoter],
        spread: [String]
    ) -> [MajorityFinding] {
        let known = Set(findings(voters: before, spread: spread).map(\.key))
        return findings(voters: after, spread: spread).filter { !known.contains($0.key) }
    }

    /// There is at most one such value, as two majorities of the same voters share one.
    private static func finding(
        of key: String,
        among voters: [LabelledVoter],
        in half: ConfigurationHalf
    ) -> MajorityFinding? {
        let values = voters.map { DomainValue(of: key, node: $0.node, labels: $0.labels) }
        for value in values {
            let holders = zip(voters, values).filter { $0.1 == value }.map(\.0.node)
            guard holders.count >= Majority.least(of: voters.count) else { continue }
            return MajorityFinding(
                key: key,
                value: value,
                half: half,
                holders: holders.sorted(),
                voters: voters.count
            )
        }
        return nil
    }
}

extension ClusterView {
    /// What ``MajorityCheck`` finds in a configuration whose nodes are in this view, by the rule of a pool. A node that
    /// is not in the view has no labels; a pool that is not has the default rule.
    public func majorities(in configuration: MoveConfiguration, ofPool pool: String) -> [MajorityFinding] {
        MajorityCheck.findings(
            voters: configuration.voters.map(labelled),
            outgoingVoters: configuration.outgoingVoters.map(labelled),
            spread: (rule(ofPool: pool) ?? PlacementRule()).spread
        )
    }

    private func labelled(_ id: NodeID) -> LabelledVoter {
        LabelledVoter(node: id, labels: node(id)?.labels ?? [:])
    }
}

/// How voters relate to a majority of them.
enum Majority {
    /// The least voters that are a majority.
    static func least(of voters: Int) -> Int { voters / 2 + 1 }
}
