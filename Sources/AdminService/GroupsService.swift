internal import AdminAPI
internal import Consensus
internal import GRPCCore
internal import NodeRuntime
internal import SwiftProtobuf

struct GroupsService: Staffetta_Admin_V1_Groups.SimpleServiceProtocol {
    let node: Node

    func listGroups(
        request: Staffetta_Admin_V1_ListGroupsRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ListGroupsResponse {
        let page = try Paging.page(await node.groups(), request.pageToken, request.pageSize) {
            UInt64($0.group.rawValue) + 1
        }
        return .with {
            $0.groups = page.items.map { .init($0) }
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
            try await node.transferLeadership(
                of: GroupID(request.group),
                to: request.toNode == 0 ? nil : NodeID(request.toNode)
            )
        }
        return try await describe(request.group)
    }

    private func describe(_ id: UInt32) async throws -> Staffetta_Admin_V1_Group {
        guard let group = await node.groups().first(where: { $0.group.rawValue == id }) else {
            throw RPCError(
                code: .notFound,
                message: "this node has no replica of group \(id); `staffettactl group list` shows all"
            )
        }
        return .init(group)
    }
}

extension Staffetta_Admin_V1_Group {
    init(_ report: GroupReport) {
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
        }
    }
}

extension Staffetta_Admin_V1_Replica {
    init(_ report: GroupReport.ReplicaReport, _ status: RaftStatus) {
        self = .with {
            $0.id = report.member.replica.rawValue
            $0.node = report.member.node.rawValue
            $0.role =
                report.isLearner
                ? "learner" : status.configuration.voters.contains(report.member.replica) ? "voter" : "leaving"
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
