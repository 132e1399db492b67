internal import AdminAPI
internal import Consensus
internal import GRPCCore
internal import MailModel
internal import NodeRuntime
internal import Placement
internal import SwiftProtobuf

extension Staffetta_Admin_V1_Preview {
    private static let maximumMoves = 1_000

    init(_ preview: ChangePreview) {
        self = .with {
            $0.moves = preview.moves.prefix(Self.maximumMoves).map { .init($0) }
            $0.moveCount = UInt32(preview.moves.count)
            $0.bytesToCopy = UInt64(preview.bytesToCopy)
            $0.notSurvivedDuring = preview.during
            $0.notSurvivedAfter = preview.after
            $0.obstacles = preview.obstacles
        }
    }
}

extension Staffetta_Admin_V1_PlannedMove {
    fileprivate init(_ move: Move) {
        self = .with {
            $0.group = move.group.rawValue
            $0.bytes = UInt64(move.bytesToCopy)
            $0.reason = move.reason.description
            switch move.kind {
            case .replaceVoter(_, let source, let target):
                $0.kind = "replace"
                $0.fromNode = source.rawValue
                $0.toNode = target.rawValue
            case .replaceVoters(let exchanges):
                $0.kind = "replace"
                $0.fromNode = exchanges.first?.from.rawValue ?? 0
                $0.toNode = exchanges.first?.to.rawValue ?? 0
                $0.alsoFrom = exchanges.dropFirst().map(\.from.rawValue)
                $0.alsoTo = exchanges.dropFirst().map(\.to.rawValue)
            case .addVoter(let target):
                $0.kind = "add"
                $0.toNode = target.rawValue
            case .removeVoter(_, let source), .removeLearner(_, let source):
                $0.kind = "remove"
                $0.fromNode = source.rawValue
            case .transferLeadership(let transfer):
                $0.kind = "lead"
                $0.fromNode = transfer.from.rawValue
                $0.toNode = transfer.to.rawValue
            }
        }
    }
}

extension Staffetta_Admin_V1_Operation {
    init(_ report: OperationReport) {
        let record = report.record
        self = .with {
            $0.id = OperationAdministration.name(of: record.id)
            $0.kind = record.kind.name
            $0.node = record.kind.node?.rawValue ?? 0
            $0.group = record.kind.group?.rawValue ?? 0
            $0.state = record.state.name
            $0.beganMilliseconds = record.began.rawValue
            $0.endedMilliseconds = record.ended?.rawValue ?? 0
            $0.replicas = max(record.work.replicas, report.left.replicas)
            $0.replicasLeft = report.left.replicas
            $0.bytes = max(record.work.bytes, report.left.bytes)
            $0.bytesLeft = report.left.bytes
            $0.secondsLeft = report.secondsLeft.map { Int64($0) } ?? -1
            $0.waits = report.waits
            $0.summary = report.record.sentence
        }
    }
}

extension OperationKind {
    /// The name that admins see.
    var name: String {
        switch self {
        case .drain: "drain"
        case .decommission: "decommission"
        case .moveReplicas: "move-replicas"
        case .rebalance: "rebalance"
        }
    }
}

extension OperationRecord {
    /// What the operation does, or has done.
    fileprivate var sentence: String {
        switch (kind, state) {
        case (.drain(let node), .running): "others take the lead from node \(node.rawValue)"
        case (.drain(let node), .succeeded): "node \(node.rawValue) leads nothing: it is safe to stop it"
        case (.decommission(let node), .running): "the replicas of node \(node.rawValue) move to other nodes"
        case (.decommission(let node), .succeeded):
            "node \(node.rawValue) holds nothing: it is safe to throw it away"
        case (.moveReplicas(let group, _, let placing), .running):
            "the voters of group \(group.rawValue) move to nodes \(placing.voters.list)"
        case (.moveReplicas(let group, _, let placing), .succeeded):
            "the voters of group \(group.rawValue) are on nodes \(placing.voters.list)"
        case (.rebalance, .running): "replicas and leaderships are shared out"
        case (.rebalance, .succeeded): "replicas and leaderships are as even as the rules allow"
        case (_, .failed): "something else was asked for meanwhile"
        case (_, .cancelled): "cancelled; what was not done yet was undone"
        }
    }
}

extension [NodeID] {
    /// `1, 2, 3`.
    var list: String { map { "\($0.rawValue)" }.joined(separator: ", ") }
}

/// The number of an operation in a request.
enum OperationNumber {
    /// 0 stands for one that is drawn here.
    static func id(_ number: UInt64, dryRun: Bool) -> OperationID? {
        guard !dryRun else { return nil }
        return OperationID(rawValue: number == 0 ? .random(in: 1...(.max)) : number)
    }

    /// Reads 16 hexadecimal digits.
    static func parse(_ text: String) throws(RPCError) -> OperationID {
        guard let number = UInt64(text, radix: 16), number > 0 else {
            throw RPCError(
                code: .invalidArgument,
                message: "\"\(text)\" is no operation: expected up to 16 hexadecimal digits"
            )
        }
        return OperationID(rawValue: number)
    }
}

// MARK: Rules

extension Staffetta_Admin_V1_Rule {
    init(_ pool: String, _ rule: PlacementRule) {
        self = .with {
            $0.pool = pool
            $0.voters = UInt32(rule.voters)
            $0.spread = rule.spread
            $0.leaderPreferences = rule.leaderPreferences.map { .init($0) }
            $0.canaries = rule.canaries.map { .init($0) }
            $0.constraints = rule.constraints.map { constraint in
                .with {
                    switch constraint {
                    case .isIn(let key, let values):
                        $0.key = key
                        $0.operator = "in"
                        $0.values = values
                    case .isNotIn(let key, let values):
                        $0.key = key
                        $0.operator = "not-in"
                        $0.values = values
                    case .exists(let key):
                        $0.key = key
                        $0.operator = "exists"
                    }
                }
            }
        }
    }

    /// The rule, checked.
    func checked() throws(RPCError) -> (pool: String, rule: PlacementRule) {
        func refuse(_ message: String) -> RPCError { RPCError(code: .invalidArgument, message: message) }
        let pool = pool.isEmpty ? GroupRecord.defaultPool : pool
        guard pool.utf8.count <= 64 else { throw refuse("the name of a pool has 64 bytes at most") }
        let canaries = canaries.map { Label($0) }
        if let problem = PlacementRule.problem(voters: Int(voters), spread: spread, canaries: canaries) {
            throw refuse("\(problem)")
        }
        guard self.constraints.count <= PlacementRule.maximumConstraints,
            leaderPreferences.count <= PlacementRule.maximumPreferences
        else { throw refuse("a rule has at most \(PlacementRule.maximumConstraints) constraints and preferences") }
        guard !spread.contains(""), !(canaries + leaderPreferences.map { Label($0) }).contains(where: \.key.isEmpty)
        else { throw refuse("a label needs a key") }
        var constraints: [Constraint] = []
        for constraint in self.constraints {
            guard !constraint.key.isEmpty else { throw refuse("a constraint needs a key") }
            switch constraint.operator {
            case "in": constraints.append(.isIn(key: constraint.key, values: constraint.values))
            case "not-in": constraints.append(.isNotIn(key: constraint.key, values: constraint.values))
            case "exists": constraints.append(.exists(key: constraint.key))
            case let other: throw refuse("\"\(other)\" is no operator of a constraint: expected in, not-in or exists")
            }
        }
        let rule = PlacementRule(
            voters: Int(voters),
            spread: spread,
            constraints: constraints,
            leaderPreferences: leaderPreferences.map { Label($0) },
            canaries: canaries
        )
        return (pool, rule)
    }
}

extension Staffetta_Admin_V1_Label {
    init(_ label: Label) {
        self = .with {
            $0.key = label.key
            $0.value = label.value
        }
    }
}

extension Label {
    init(_ label: Staffetta_Admin_V1_Label) { self.init(key: label.key, value: label.value) }
}

extension Staffetta_Admin_V1_Loss {
    init(_ report: Survivability.Report) {
        self = .with {
            $0.what = report.loss.description
            $0.groupsWithoutReplica = report.lastReplica.groups.map(\.rawValue)
            $0.accountsWithoutReplica = UInt64(report.lastReplica.accounts)
            $0.groupsWithoutQuorum = report.quorum.groups.map(\.rawValue)
            $0.accountsWithoutQuorum = UInt64(report.quorum.accounts)
            $0.groupsLessRedundant = report.redundancy.groups.map(\.rawValue)
            $0.accountsLessRedundant = UInt64(report.redundancy.accounts)
            $0.isSurvived = report.isSurvived
        }
    }
}
