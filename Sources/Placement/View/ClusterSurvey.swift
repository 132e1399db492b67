public import Consensus
public import MailModel

/// What the nodes have said of themselves, as somebody has heard it.
public struct ClusterSurvey: Sendable {
    /// The last report of each node that has ever been heard of.
    public var reports: [NodeID: NodeReport]
    /// For how many seconds nodes have not been heard of; a node that is not named here is alive.
    public var goneSeconds: [NodeID: Int]

    public init(reports: [NodeID: NodeReport] = [:], goneSeconds: [NodeID: Int] = [:]) {
        self.reports = reports
        self.goneSeconds = goneSeconds
    }

    /// The same, where nodes that have not answered are not gone if they answered an earlier inquiry, shortly before.
    public func completed(by earlier: ClusterSurvey) -> ClusterSurvey {
        var survey = self
        for (node, report) in earlier.reports where survey.reports[node] == nil {
            survey.reports[node] = report
            survey.goneSeconds[node] = nil
        }
        return survey
    }

    /// What of a group's mail a node has said that it has, in bytes.
    fileprivate func bytes(of group: GroupID, on node: NodeID) -> Int {
        reports[node]?.groups.first { $0.group == group }.map { Int(clamping: $0.bytes) } ?? 0
    }

    /// Whether each node of the cluster has said something, or is known to be gone. Of the others nobody knows what
    /// they lead and hold.
    public func covers(_ directory: Directory) -> Bool {
        directory.members.allSatisfy { reports[$0] != nil || goneSeconds[$0] != nil }
    }
}

extension ClusterView {
    /// The cluster as its directory and its nodes tell it.
    ///
    /// A group's replicas are those that it has, as far as the directory has heard. Where they are not those that the
    /// directory wants, a move is under way, unless one of its targets can take nothing any more, or labels have
    /// changed so that the move would break the rule of majorities: such a group is open for another plan. A group that
    /// has lost its quorum to dead nodes goes nowhere: nothing is under way there, and no other group waits for it. Of
    /// a joint configuration, the voters are then those that have lost it.
    public init(_ directory: Directory, _ survey: ClusterSurvey) {
        var leaders: [GroupID: NodeID] = [:]
        var sizes: [GroupID: (accounts: Int, bytes: Int)] = [:]
        for (node, report) in survey.reports.sorted(by: { $0.key < $1.key }) {
            let isAlive = survey.goneSeconds[node] == nil && directory.node(node)?.state.isMember == true
            for held in report.groups {
                if held.isLeader, isAlive { leaders[held.group] = node }
                let known = sizes[held.group] ?? (0, 0)
                sizes[held.group] = (
                    max(known.accounts, Int(held.accounts)), max(known.bytes, Int(clamping: held.bytes))
                )
            }
        }
        let nodes = directory.nodes.filter { $0.state != .forgotten }.map { NodeView($0, survey) }
        let settings = directory.policy.scheduler.placement
        let leaving = Set(nodes.filter { $0.departure(deadAfterSeconds: settings.deadAfterSeconds) != nil }.map(\.id))
        // Nodes that are forgotten are not listed, and dead as well.
        let present = Set(nodes.filter { !$0.isDead(afterSeconds: settings.deadAfterSeconds) }.map(\.id))
        let stopped = directory.groups.map { $0.votersWithoutQuorum(among: present) }
        let groups = zip(directory.groups, stopped).map { record, stopped in
            let voters = stopped ?? record.members.voters
            return GroupView(record, voters: voters, leader: leaders[record.id], size: sizes[record.id] ?? (0, 0))
        }
        let moves = zip(zip(directory.groups, groups), stopped).compactMap { group, stopped -> Move? in
            guard stopped == nil, !directory.refusesPlacing(of: group.0) else { return nil }
            return Move(underWay: group.0, group.1, leaving: leaving) { survey.bytes(of: group.0.id, on: $0) }
        }
        self.init(
            nodes: nodes,
            groups: groups,
            rules: directory.policy.rules,
            settings: settings,
            movesUnderWay: moves
        )
        self = evening(out: directory.isRebalancing)
    }
}

extension Directory {
    /// Whether one value of a label would get a majority on the way to the wanted voters that none has now, and nobody
    /// has allowed that: labels or rules have changed since the voters were chosen.
    fileprivate func refusesPlacing(of record: GroupRecord) -> Bool {
        !record.isSettled && !record.placing.mayFormMajority && formsMajority(record.placing.voters, in: record)
    }

    /// Whether one value of a label gets a majority that none has now when a group's voters are on these nodes.
    func formsMajority(_ voters: [NodeID], in record: GroupRecord) -> Bool {
        func labelled(_ nodes: [NodeID]) -> [LabelledVoter] {
            nodes.map { LabelledVoter(node: $0, labels: labels(of: $0)) }
        }
        return !MajorityCheck.findingsOfChange(
            from: labelled(record.members.voterNodes),
            to: labelled(voters),
            spread: policy.rule(ofPool: record.pool).spread
        ).isEmpty
    }
}

extension NodeView {
    fileprivate init(_ record: NodeRecord, _ survey: ClusterSurvey) {
        let report = survey.reports[record.id]
        let capacity = Int(clamping: report?.capacityBytes ?? 0)
        // The others do not talk to a node that belongs to the cluster no more.
        let gone = survey.goneSeconds[record.id] ?? (record.state.isMember ? nil : .max)
        self.init(
            id: record.id,
            labels: record.labels,
            state: record.state,
            liveness: gone.map { .gone(seconds: $0) } ?? .alive,
            capacityBytes: capacity,
            usedBytes: max(0, capacity - Int(clamping: report?.freeBytes ?? 0)),
            disk: report?.disk ?? .well
        )
    }
}

extension GroupView {
    /// - Parameter voters: of a joint configuration, one half of it.
    fileprivate init(
        _ record: GroupRecord,
        voters: [ReplicaID],
        leader: NodeID?,
        size: (accounts: Int, bytes: Int)
    ) {
        let members = record.members
        let replicas = members.members.compactMap { member -> ReplicaView? in
            if voters.contains(member.replica) {
                return ReplicaView(replica: member.replica, node: member.node, role: .voter)
            }
            guard members.learners.contains(member.replica) else { return nil }
            return ReplicaView(replica: member.replica, node: member.node, role: .learner)
        }
        self.init(
            id: record.id,
            pool: record.pool,
            replicas: replicas,
            leader: leader,
            bytes: size.bytes,
            accounts: size.accounts
        )
    }
}

extension GroupRecord {
    /// Whether the group has the voters that it is to have, and is not on the way from others.
    public var isSettled: Bool { !members.isJoint && members.voterNodes == placing.voters }

    /// The voters, or those of one half of a joint configuration, of whom too many are lost for any change; nil where
    /// there is a quorum.
    fileprivate func votersWithoutQuorum(among present: Set<NodeID>) -> [ReplicaID]? {
        [members.voters, members.outgoingVoters].first { half in
            let left = half.count { members.member($0).map { present.contains($0.node) } ?? false }
            return left < half.count && left < Majority.least(of: half.count)
        }
    }
}

extension Move {
    /// What is under way in a group whose voters are not where they are to be. Nil where they are, and where one of
    /// them is to be on a node that can take nothing any more.
    ///
    /// - Parameter copied: the bytes that a node has already: they count in what it uses, and are not to come.
    fileprivate init?(
        underWay record: GroupRecord,
        _ view: GroupView,
        leaving: Set<NodeID>,
        copied: (NodeID) -> Int
    ) {
        guard !record.isSettled else { return nil }
        let present = record.members.voterNodes
        let wanted = record.placing.voters
        let added = wanted.filter { !present.contains($0) }
        guard added.allSatisfy({ !leaving.contains($0) }) else { return nil }
        let removed = present.filter { !wanted.contains($0) }
        let exchanges = zip(removed, added).compactMap { source, target in
            record.members.voter(on: source).map { VoterExchange($0, from: source, to: target) }
        }
        let kind: Kind
        if let only = exchanges.first, exchanges.count == 1 {
            kind = .replaceVoter(only.replica, from: only.from, to: only.to)
        } else if !exchanges.isEmpty {
            kind = .replaceVoters(exchanges)
        } else if let target = added.first {
            kind = .addVoter(to: target)
        } else if let source = removed.first, let replica = record.members.voter(on: source) {
            kind = .removeVoter(replica, from: source)
        } else {
            // The joint configuration is about to be left.
            kind = .removeLearner(ReplicaID(0), from: present.first ?? NodeID(0))
        }
        self.init(
            group: record.id,
            kind: kind,
            reason: .repair(.tooFewVoters(has: present.count, wants: wanted.count)),
            bytesToCopy: added.reduce(0) { $0 + max(0, view.bytes - copied($1)) },
            sender: view.leader,
            steps: []
        )
    }
}
