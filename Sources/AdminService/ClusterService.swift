internal import AdminAPI
internal import Consensus
internal import GRPCCore
internal import MailModel
internal import NodeRuntime
internal import SwiftProtobuf

struct ClusterService: Staffetta_Admin_V1_Cluster.SimpleServiceProtocol {
    let node: Node
    let version: String

    func getStatus(
        request: Staffetta_Admin_V1_GetStatusRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_GetStatusResponse {
        let groups = await node.summary()
        let nodes = describeNodes(of: node, groups, version: version)
        var problems = await node.membershipProblems()
        problems += await node.verificationProblems()
        problems += groups.behind.compactMap { group, seconds in
            HousekeepingProblem.sentence(group.rawValue, backlogSeconds: seconds)
        }
        problems += groups.leaderless.map { "group \($0.rawValue) has no leader that this node knows" }
        problems += groups.silent.map { group, node in
            "group \(group.rawValue): the replica on node \(node.rawValue) does not answer"
        }
        let unreadyReasons = await node.unreadyReasons()
        return .with {
            $0.cluster = node.settings.cluster
            $0.node = node.settings.node.rawValue
            $0.groups = UInt32(groups.groups)
            $0.groupsWithLeader = UInt32(groups.withLeader)
            $0.groupsLedHere = UInt32(groups.led[node.settings.node] ?? 0)
            $0.nodes = nodes
            $0.problems = problems
            $0.unreadyReasons = unreadyReasons
        }
    }
}

/// From when on a group whose housekeeping is behind is told of.
enum HousekeepingProblem {
    /// Housekeeping looks every minute, and catches up with a day of much mail within minutes.
    private static let toleratedSeconds: Int64 = 3_600

    /// Nil where the group is not behind, or not for long.
    static func sentence(_ group: UInt32, backlogSeconds: Int64) -> String? {
        guard backlogSeconds > toleratedSeconds else { return nil }
        let (hours, minutes) = (backlogSeconds / 3_600, backlogSeconds / 60 % 60)
        return "group \(group): housekeeping is \(hours) h \(minutes) min behind"
    }
}

struct NodesService: Staffetta_Admin_V1_Nodes.SimpleServiceProtocol {
    let node: Node
    let version: String

    func listNodes(
        request: Staffetta_Admin_V1_ListNodesRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ListNodesResponse {
        let nodes = describeNodes(of: node, await node.summary(), version: version)
        let page = try Paging.page(nodes, after: request.pageToken, size: request.pageSize) { $0.id }
        return .with {
            $0.nodes = page.items
            $0.nextPageToken = page.next
        }
    }

    func describeNode(
        request: Staffetta_Admin_V1_DescribeNodeRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_Node {
        let nodes = describeNodes(of: node, await node.summary(), version: version)
        guard let found = nodes.first(where: { $0.id == request.id }) else {
            throw RPCError(
                code: .notFound,
                message: "the directory knows no node \(request.id); `staffettactl node list` shows all"
            )
        }
        return found
    }

    func createJoinToken(
        request: Staffetta_Admin_V1_CreateJoinTokenRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_CreateJoinTokenResponse {
        let made = try await answering { () async throws(AdministrationError) in
            try await node.directoryAdministration.createJoinToken(
                seconds: Int(request.ttlSeconds),
                uses: Int(request.uses)
            )
        }
        return .with {
            $0.token = .init(made.token)
            $0.secret = made.secret
        }
    }

    func listJoinTokens(
        request: Staffetta_Admin_V1_ListJoinTokensRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ListJoinTokensResponse {
        let tokens = try await answering { () async throws(AdministrationError) in
            try await node.directoryAdministration.joinTokens()
        }
        return .with { $0.tokens = tokens.map { .init($0) } }
    }

    func revokeJoinToken(
        request: Staffetta_Admin_V1_RevokeJoinTokenRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_RevokeJoinTokenResponse {
        try await answering { () async throws(AdministrationError) in
            try await node.directoryAdministration.revokeJoinToken(request.id)
        }
        return Staffetta_Admin_V1_RevokeJoinTokenResponse()
    }
}

extension Staffetta_Admin_V1_JoinToken {
    fileprivate init(_ token: JoinTokenReport) {
        self = .with {
            $0.id = token.id
            $0.expiresMilliseconds = token.expiresMilliseconds
            $0.usesLeft = UInt32(token.usesLeft)
        }
    }
}

/// The directory's nodes, sorted, with what this node knows of the groups they lead.
private func describeNodes(of node: Node, _ groups: GroupSummary, version: String) -> [Staffetta_Admin_V1_Node] {
    node.nodes().sorted { $0.description.id < $1.description.id }.map { known in
        .with {
            let description = known.description
            $0.state = known.state.name
            $0.id = description.id
            $0.peerAddress = description.peerAddress
            $0.labels = Dictionary(description.labels.map { ($0.key, $0.value) }) { first, _ in first }
            $0.isThisNode = description.id == node.settings.node.rawValue
            $0.groupsLed = UInt32(groups.led[NodeID(description.id)] ?? 0)
            $0.replicas = UInt32(groups.replicas[NodeID(description.id)] ?? 0)
            if description.id == node.settings.node.rawValue { $0.version = version }
        }
    }
}
