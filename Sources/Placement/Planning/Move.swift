public import Consensus
internal import MailModel

/// The voters and learners of a group during a move, by the nodes that hold them. Where a replica in quarantine is
/// replaced on its own node, that node stands on both sides.
public struct MoveConfiguration: Hashable, Sendable {
    /// The nodes of the (incoming) voters, sorted.
    public let voters: [NodeID]
    /// The nodes of the outgoing voters of a joint configuration, sorted; empty when it is not joint.
    public let outgoingVoters: [NodeID]
    /// The nodes of the learners, sorted.
    public let learners: [NodeID]

    /// A configuration. The nodes may come in any order and are sorted here.
    public init(voters: [NodeID], outgoingVoters: [NodeID] = [], learners: [NodeID] = []) {
        self.voters = voters.sorted()
        self.outgoingVoters = outgoingVoters.sorted()
        self.learners = learners.sorted()
    }
}

/// A leadership that is handed over.
public struct LeadershipTransfer: Hashable, Sendable {
    /// The node that leads.
    public let from: NodeID
    /// The node that is to lead.
    public let to: NodeID
}

/// One step of a move. Each ends before the next begins.
public enum MoveStep: Hashable, Sendable {
    /// The target becomes a learner, and catches up.
    case learner(MoveConfiguration)
    /// Another voter takes the lead, as the leader's replica is about to leave.
    case transfer(LeadershipTransfer)
    /// The old and the new voters must agree.
    case joint(MoveConfiguration)
    /// The new voters are by themselves.
    case final(MoveConfiguration)

    /// The configuration that the step enters; nil where it changes the leader alone.
    public var configuration: MoveConfiguration? {
        switch self {
        case .learner(let configuration), .joint(let configuration), .final(let configuration): configuration
        case .transfer: nil
        }
    }
}

/// Why a move is planned.
public enum MoveReason: Hashable, Sendable, CustomStringConvertible {
    case repair(Violation)
    /// The source holds more bytes than the target, in per cent of the average.
    case balanceBytes(sourcePercent: Int, targetPercent: Int)
    /// The source holds more replicas than the target, in per cent of the average.
    case balanceReplicas(sourcePercent: Int, targetPercent: Int)
    /// The source leads more groups than the target.
    case balanceLeaders(source: Int, target: Int)

    /// Whether a rule is broken without the move.
    public var isRepair: Bool {
        switch self {
        case .repair: true
        case .balanceBytes, .balanceReplicas, .balanceLeaders: false
        }
    }

    public var description: String {
        switch self {
        case .repair(let violation): violation.description
        case .balanceBytes(let source, let target):
            "The source holds \(source) % of the average bytes, the target \(target) %."
        case .balanceReplicas(let source, let target):
            "The source holds \(source) % of the average replicas, the target \(target) %."
        case .balanceLeaders(let source, let target):
            "The source leads \(source) groups, the target \(target)."
        }
    }
}

/// A voter that gives its place to a new one on another node.
public struct VoterExchange: Hashable, Sendable {
    /// The voter that leaves.
    public let replica: ReplicaID
    /// Its node.
    public let from: NodeID
    /// The node of the voter that comes.
    public let to: NodeID

    public init(_ replica: ReplicaID, from: NodeID, to: NodeID) {
        self.replica = replica
        self.from = from
        self.to = to
    }
}

/// One change of one group's replicas or leader, with all that it passes through.
public struct Move: Hashable, Sendable {
    /// What is changed.
    public enum Kind: Hashable, Sendable {
        /// A new voter takes the place of another. Both nodes are the same where a replica in quarantine begins anew.
        case replaceVoter(ReplicaID, from: NodeID, to: NodeID)
        /// Several at once, in one joint change: one after the other would break a rule on the way.
        case replaceVoters([VoterExchange])
        case addVoter(to: NodeID)
        case removeVoter(ReplicaID, from: NodeID)
        case removeLearner(ReplicaID, from: NodeID)
        case transferLeadership(LeadershipTransfer)
    }

    /// The group that is changed.
    public let group: GroupID
    /// What is changed.
    public let kind: Kind
    /// Why.
    public let reason: MoveReason
    /// Bytes that are copied to all targets together; 0 where nothing is, or where a learner becomes a voter.
    public let bytesToCopy: Int
    /// The node that sends the copy, which is the leader's; nil where nothing is copied or no leader is known.
    public let sender: NodeID?
    /// What the group passes through, in order.
    public let steps: [MoveStep]

    public init(
        group: GroupID,
        kind: Kind,
        reason: MoveReason,
        bytesToCopy: Int,
        sender: NodeID?,
        steps: [MoveStep]
    ) {
        self.group = group
        self.kind = kind
        self.reason = reason
        self.bytesToCopy = bytesToCopy
        self.sender = sender
        self.steps = steps
    }

    /// The nodes that get a replica.
    public var targets: [NodeID] {
        switch kind {
        case .replaceVoter(_, _, let node), .addVoter(let node): [node]
        case .replaceVoters(let exchanges): exchanges.map(\.to)
        case .removeVoter, .removeLearner, .transferLeadership: []
        }
    }

    /// The nodes that lose a replica.
    public var sources: [NodeID] {
        switch kind {
        case .replaceVoter(_, let node, _), .removeVoter(_, let node), .removeLearner(_, let node): [node]
        case .replaceVoters(let exchanges): exchanges.map(\.from)
        case .addVoter, .transferLeadership: []
        }
    }

    /// The replicas that leave the group.
    public var leavingReplicas: [ReplicaID] {
        switch kind {
        case .replaceVoter(let replica, _, _), .removeVoter(let replica, _), .removeLearner(let replica, _): [replica]
        case .replaceVoters(let exchanges): exchanges.map(\.replica)
        case .addVoter, .transferLeadership: []
        }
    }

    /// The leadership that is handed over, by itself or on the way; nil where the leader stays.
    public var transfer: LeadershipTransfer? {
        if case .transferLeadership(let transfer) = kind { return transfer }
        for case .transfer(let transfer) in steps { return transfer }
        return nil
    }

    /// Whether the leader is all that changes.
    public var changesLeaderOnly: Bool {
        switch kind {
        case .transferLeadership: true
        case .replaceVoter, .replaceVoters, .addVoter, .removeVoter, .removeLearner: false
        }
    }
}
