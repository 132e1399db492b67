internal import AdminAPI
internal import Consensus
internal import GRPCCore
internal import MailModel
internal import NodeRuntime
internal import SwiftProtobuf

struct GroupsService: Staffetta_Admin_V1_Groups.SimpleServiceProtocol {
    let node: Node

    func listGroups(
        request: Staffetta_Admin_V1_ListGroupsRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ListGroupsResponse {
        let known = await node.knownView().groups
        // The directory is group 0, and a token is never 0: one more than the last group shown.
        let page = try Paging.page(known, after: request.pageToken, size: request.pageSize) {
            UInt64($0.record.id.rawValue) + 1
        }
        // Of those that have a replica here, all that are on the page.
        let before = (page.items.first?.record.id.rawValue).flatMap { $0 == 0 ? nil : GroupID($0 - 1) }
        let hosted = await node.groups(after: before, limit: page.items.count)
        let reports = Dictionary(uniqueKeysWithValues: hosted.map { ($0.group, $0) })
        return .with {
            $0.groups = page.items.map { .init($0, reports[$0.record.id]) }
            $0.nextPageToken = page.next
        }
    }

    func describeGroup(
        request: Staffetta_Admin_V1_DescribeGroupRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_Group {
        try await describe(request.id)
    }

    func transferLeader(
        request: Staffetta_Admin_V1_TransferLeaderRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_Group {
        try await answering { () async throws(AdministrationError) in
            try await node.operationAdministration.transferLeadership(
                of: GroupID(request.group),
                to: request.toNode == 0 ? nil : NodeID(request.toNode)
            )
        }
        return try await describe(request.group)
    }

    func changeReplicas(
        request: Staffetta_Admin_V1_ChangeReplicasRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ChangeReplicasResponse {
        let id = OperationNumber.id(request.operationID, dryRun: request.dryRun)
        let (placing, change) = try await answering { () async throws(AdministrationError) in
            try await node.operationAdministration.moveReplicas(
                of: GroupID(request.group),
                adding: request.addNodes.map { NodeID($0) },
                removing: request.removeNodes.map { NodeID($0) },
                mayFormMajority: request.allowMajority,
                as: id
            )
        }
        return .with {
            $0.nodes = placing.voters.map(\.rawValue)
            $0.preview = .init(change.preview)
            if let operation = change.operation { $0.operation = .init(operation) }
        }
    }

    func verifyGroup(
        request: Staffetta_Admin_V1_VerifyGroupRequest,
        response: RPCWriter<Staffetta_Admin_V1_VerifyGroupResponse>,
        context: ServerContext
    ) async throws {
        do {
            let verdict = try await node.verify(GroupID(request.group), isScrub: request.scrub) { progress in
                try await response.write(.with { $0.progress = .init(progress) })
            }
            try await response.write(.with { $0.result = .init(verdict) })
        } catch let error as AdministrationError {
            throw error.rpcError
        }
    }

    func addGroup(
        request: Staffetta_Admin_V1_AddGroupRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_AddGroupResponse {
        let added = try await answering { () async throws(AdministrationError) in
            try await node.groupAdministration.addGroup(
                pool: request.pool,
                on: request.nodes.map { NodeID($0) },
                preferredLeader: request.preferredLeader == 0 ? nil : NodeID(request.preferredLeader)
            )
        }
        return .with {
            $0.group = added.group.rawValue
            $0.pool = added.pool
            $0.nodes = added.nodes.map(\.rawValue)
            $0.preferredLeader = added.preferredLeader?.rawValue ?? 0
        }
    }

    func removeGroup(
        request: Staffetta_Admin_V1_RemoveGroupRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_RemoveGroupResponse {
        try await answering { () async throws(AdministrationError) in
            try await node.groupAdministration.removeGroup(GroupID(request.group))
        }
        return Staffetta_Admin_V1_RemoveGroupResponse()
    }

    private func describe(_ id: UInt32) async throws -> Staffetta_Admin_V1_Group {
        let id = GroupID(id)
        let known = await node.knownView().groups
        guard let group = known.first(where: { $0.record.id == id }) else {
            throw RPCError(
                code: .notFound,
                message:
                    "there is no group \(id.rawValue) among the \(known.count) groups, of which the last is group "
                    + "\(known.last?.record.id.rawValue ?? 0). `staffettactl group list` shows all"
            )
        }
        return .init(group, await node.group(id))
    }
}

extension Staffetta_Admin_V1_Group {
    /// - Parameter report: nil where this node has no replica of the group.
    init(_ known: KnownView.KnownGroup, _ report: GroupReport?) {
        let record = known.record
        var group = report.map { Self($0) } ?? Self()
        group.id = record.id.rawValue
        group.kind = record.id == .directory ? "directory" : "mail"
        // A replica that has just begun knows nothing yet.
        if group.leaderNode == 0 { group.leaderNode = known.leader?.rawValue ?? 0 }
        if group.replicas.isEmpty {
            group.replicas = record.members.members.map { member in
                .with {
                    $0.id = member.replica.rawValue
                    $0.node = member.node.rawValue
                    $0.isLeader = member.node == known.leader
                    $0.role = Staffetta_Admin_V1_Replica.role(of: member.replica, in: record.members)
                }
            }
        }
        group.isHosted = report != nil
        group.pool = record.pool
        group.wantedNodes = record.placing.voters.map(\.rawValue)
        self = group
    }

    private init(_ report: GroupReport) {
        let status = report.status
        self = .with {
            $0.id = report.group.rawValue
            $0.kind = report.group == .directory ? "directory" : "mail"
            $0.leaderNode = report.leaderNode?.rawValue ?? 0
            $0.term = status.term.rawValue
            $0.firstIndex = status.firstIndex.rawValue
            $0.lastIndex = status.lastIndex.rawValue
            $0.commitIndex = status.commitIndex.rawValue
            $0.appliedIndex = status.appliedIndex.rawValue
            $0.digest = report.digest
            $0.digestIndex = report.digestIndex.rawValue
            $0.uncommittedBytes = UInt64(status.uncommittedBytes)
            $0.replicas = report.replicas.map { .init($0, status) }
            $0.isInDoubt = report.isInDoubt
            $0.housekeepingBacklogSeconds = UInt64(clamping: report.housekeepingBacklogSeconds ?? 0)
            guard let verification = report.verification else { return }
            if let verdict = verification.verdict { $0.lastVerification = .init(verdict) }
            guard verification.isAgreement(of: status.id) else { return }
            $0.verifiedIndex = verification.index.rawValue
            $0.verifiedMilliseconds = verification.time.rawValue
        }
    }
}

extension Staffetta_Admin_V1_Replica {
    fileprivate static func role(of replica: ReplicaID, in configuration: Configuration) -> String {
        if configuration.learners.contains(replica) { return "learner" }
        return configuration.voters.contains(replica) ? "voter" : "leaving"
    }

    init(_ report: GroupReport.ReplicaReport, _ status: RaftStatus) {
        self = .with {
            $0.id = report.member.replica.rawValue
            $0.node = report.member.node.rawValue
            $0.role = Self.role(of: report.member.replica, in: status.configuration)
            $0.isLeader = report.isLeader
            if let peer = report.peer {
                $0.isKnown = true
                $0.matchIndex = peer.matchIndex.rawValue
                $0.lagEntries = UInt64(max(0, peer.lag))
                $0.isActive = peer.isActive
                $0.progress =
                    switch peer.state {
                    case .probe: "probe"
                    case .replicate: "replicate"
                    case .snapshot: "snapshot"
                    }
            } else if status.id == report.member.replica, status.role == .leader {
                $0.isKnown = true
                $0.matchIndex = status.lastIndex.rawValue
                $0.progress = "leader"
                $0.isActive = true
            }
        }
    }
}

extension LastVerification {
    /// Whether a replica was found to hold what the majority holds.
    fileprivate func isAgreement(of replica: ReplicaID) -> Bool {
        guard let verdict else { return true }
        guard verdict.digest != "" else { return false }
        return verdict.replicas.contains { $0.replica == replica && $0.finding == .agrees }
    }
}

extension Staffetta_Admin_V1_VerifyProgress {
    init(_ progress: VerificationProgress) {
        self = .with {
            $0.answered = UInt32(clamping: progress.answered)
            $0.replicas = UInt32(clamping: progress.replicas)
            $0.scrubbedBytes = progress.scrubbedBytes
            $0.isSearching = progress.isSearching
        }
    }
}

extension Staffetta_Admin_V1_Verification {
    init(_ verdict: GroupVerdict) {
        self = .with {
            $0.group = verdict.group.rawValue
            $0.index = verdict.index.rawValue
            $0.digest = verdict.digest
            $0.scrub = verdict.isScrub
            $0.milliseconds = verdict.ended.rawValue
            $0.result =
                switch verdict.result {
                case .equal: .equal
                case .incomplete: .incomplete
                case .different: .different
                case .disputed: .disputed
                }
            $0.replicas = verdict.replicas.map { .init($0) }
        }
    }
}

extension Staffetta_Admin_V1_VerifiedReplica {
    init(_ replica: GroupVerdict.Replica) {
        self = .with {
            $0.id = replica.replica.rawValue
            $0.node = replica.node.rawValue
            $0.isVoter = replica.isVoter
            $0.digest = replica.digest
            $0.standing =
                switch replica.finding {
                case .agrees: "agrees"
                case .givenUp: "given up"
                case .disputed: "disputed"
                case .silent: "silent"
                }
            $0.scrub =
                switch replica.scrub {
                case .none: ""
                case .intact: "intact"
                case .harmed: "harmed"
                case .unfinished: "unfinished"
                }
            guard let row = replica.row else { return }
            $0.table = row.table
            $0.row = row.description
            $0.key = Hexadecimal.digits(of: row.key)
        }
    }
}
