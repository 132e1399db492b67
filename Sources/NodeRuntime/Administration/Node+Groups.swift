public import Consensus
internal import MailModel
internal import MailStore
internal import ReplicaCore

/// A group as a replica of it sees it.
public struct GroupReport: Sendable {
    /// One member of the group's configuration.
    public struct ReplicaReport: Sendable {
        /// The replica, the node that has it, and its priority.
        public let member: Member
        /// Whether the member votes; in a joint configuration, in either of the two.
        public let isVoter: Bool
        /// Whether the member gets the log and does not vote yet.
        public let isLearner: Bool
        /// Whether the member leads the group, as far as this node's replica knows.
        public let isLeader: Bool
        /// What the leader knows of the member; nil where this node does not lead, and for the leader itself.
        public let peer: PeerStatus?
    }

    /// The group that this is a report of.
    public let group: GroupID
    /// The node whose replica leads the group; nil where this node's replica knows of no leader.
    public let leaderNode: NodeID?
    /// The Raft core of this node's replica: role, term, indexes, configuration and, where it leads, its peers.
    public let status: RaftStatus
    /// The digest of the group's rows on this node, in hexadecimal; empty where the state cannot be read.
    public let digest: String
    /// The entry behind which the rows have this digest.
    public let digestIndex: LogIndex
    /// All members of the configuration, in its order.
    public let replicas: [ReplicaReport]
    /// Nil: no verification since the node started.
    public let verification: LastVerification?
    /// Replicas differ, and it is not known whether this one is right.
    public let isInDoubt: Bool
    /// How long the oldest row that housekeeping is still to remove has been due; nil where this replica does not lead.
    public let housekeepingBacklogSeconds: Int64?
}

/// What a node knows of all its groups together: costs nothing for each of them.
public struct GroupSummary: Sendable {
    /// How many groups have a replica on this node.
    public private(set) var groups = 0
    /// How many of them know a leader.
    public private(set) var withLeader = 0
    /// How many of them each node leads.
    public private(set) var led: [NodeID: Int] = [:]
    /// Of how many of them each node has a replica.
    public private(set) var replicas: [NodeID: Int] = [:]
    /// Groups that know no leader, in order.
    public private(set) var leaderless: [GroupID] = []
    /// Members of groups that this node leads which do not answer, by group and node.
    public private(set) var silent: [(group: GroupID, node: NodeID)] = []
    /// How long housekeeping of groups that this node leads has been behind, in seconds; in the order of the groups.
    public private(set) var behind: [(group: GroupID, seconds: Int64)] = []

    fileprivate init(_ loops: [LoopSummary]) {
        for loop in loops {
            groups += loop.tally.groups
            withLeader += loop.tally.withLeader
            for (node, share) in loop.tally.shares {
                led[node, default: 0] += share.led
                replicas[node, default: 0] += share.replicas
            }
            leaderless += loop.leaderless
            silent += loop.silent
            behind += loop.behind
        }
        leaderless.sort()
        silent.sort { ($0.group, $0.node) < ($1.group, $1.node) }
        behind.sort { $0.group < $1.group }
    }
}

extension Node {
    /// Groups that this node has a replica of, in order.
    ///
    /// - Parameters:
    ///   - group: only those with a higher ID; nil for all.
    ///   - limit: at most so many.
    public func groups(after group: GroupID? = nil, limit: Int = .max) async -> [GroupReport] {
        let reports = await askAll { .groups(.behind(group, limit: limit), $0) }.flatMap(\.self)
        return reports.sorted { $0.group < $1.group }.prefix(limit).map(describe)
    }

    /// What this node knows of all its groups together.
    public func summary() async -> GroupSummary { GroupSummary(await askAll { .summary($0) }) }

    /// One group; nil where this node has no replica of it.
    public func group(_ id: GroupID) async -> GroupReport? {
        await ask(id) { .groups(.one(id), $0) }.first.map(describe)
    }

    private func describe(_ report: HostedGroupReport) -> GroupReport {
        let (group, status) = (report.group, report.status)
        let digest = try? mail.reader.digest(group)
        let replicas = status.configuration.members.map { member in
            GroupReport.ReplicaReport(
                member: member,
                isVoter: status.configuration.isVoter(member.replica),
                isLearner: status.configuration.learners.contains(member.replica),
                isLeader: status.leader == member.replica,
                peer: status.peers.first { $0.replica == member.replica }
            )
        }
        return GroupReport(
            group: group,
            leaderNode: report.leaderNode,
            status: status,
            digest: digest.map { "\($0.digest)" } ?? "",
            digestIndex: digest?.index ?? .zero,
            replicas: replicas,
            verification: report.verification.map { LastVerification(group, $0) },
            isInDoubt: report.isInDoubt,
            housekeepingBacklogSeconds: report.housekeepingBacklogSeconds
        )
    }

    /// What keeps this node from having a voting replica of every group, a sentence each.
    public func membershipProblems() async -> [String] {
        guard isFounded else {
            return ["node \(settings.node.rawValue): the cluster has not begun; all its nodes have to be there"]
        }
        return await askAll { .problems($0) }.flatMap(\.membership)
    }

    /// Why this node cannot serve every account now, a sentence each; empty when it can.
    public func unreadyReasons() async -> [String] {
        guard isFounded else { return ["the cluster has not begun"] }
        return await askAll { .problems($0) }.flatMap(\.unready)
    }
}
