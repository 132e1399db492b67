internal import AdminAPI
internal import Consensus
internal import GRPCCore
internal import MailModel
internal import NodeRuntime
internal import SwiftProtobuf

struct NodesService: Staffetta_Admin_V1_Nodes.SimpleServiceProtocol {
    let node: Node
    let version: String

    func listNodes(
        request: Staffetta_Admin_V1_ListNodesRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ListNodesResponse {
        let nodes = describeNodes(of: node, await node.knownView(), version: version)
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
        try await describe(request.id)
    }

    private func describe(_ id: UInt64) async throws -> Staffetta_Admin_V1_Node {
        let nodes = describeNodes(of: node, await node.knownView(), version: version)
        guard let found = nodes.first(where: { $0.id == id }) else {
            let known = nodes.map { "\($0.id)" }.joined(separator: ", ")
            throw RPCError(
                code: .notFound,
                message: "there is no node \(id); there are \(known). `staffettactl node list` shows all"
            )
        }
        return found
    }

    // MARK: States

    func labelNode(
        request: Staffetta_Admin_V1_LabelNodeRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ChangeResponse {
        let labels = request.set.sorted { $0.key < $1.key }.map { Label(key: $0.key, value: $0.value) }
        let change = try await answering { () async throws(AdministrationError) in
            try await node.nodeAdministration.label(
                NodeID(request.id),
                with: labels,
                removing: request.remove,
                resetting: request.reset,
                dryRun: request.dryRun
            )
        }
        return try await response(change, about: request.id)
    }

    func cordonNode(
        request: Staffetta_Admin_V1_ChangeNodeRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ChangeResponse { try await change(request, to: .cordoned) }

    func uncordonNode(
        request: Staffetta_Admin_V1_ChangeNodeRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ChangeResponse {
        try await change(request, to: .active, from: [.cordoned, .active])
    }

    func undrainNode(
        request: Staffetta_Admin_V1_ChangeNodeRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ChangeResponse {
        try await change(request, to: .active, from: [.draining, .drained, .active])
    }

    func recommissionNode(
        request: Staffetta_Admin_V1_ChangeNodeRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ChangeResponse {
        try await change(request, to: .active, from: [.decommissioning, .decommissioned, .active])
    }

    func forgetNode(
        request: Staffetta_Admin_V1_ChangeNodeRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ChangeResponse { try await change(request, to: .forgotten) }

    func drainNode(
        request: Staffetta_Admin_V1_ChangeNodeRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ChangeResponse {
        let id = OperationNumber.id(request.operationID, dryRun: request.dryRun)
        let change = try await answering { () async throws(AdministrationError) in
            try await node.operationAdministration.drain(NodeID(request.id), as: id)
        }
        return try await response(change, about: request.id)
    }

    func decommissionNode(
        request: Staffetta_Admin_V1_ChangeNodeRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ChangeResponse {
        let id = OperationNumber.id(request.operationID, dryRun: request.dryRun)
        let change = try await answering { () async throws(AdministrationError) in
            try await node.operationAdministration.decommission(NodeID(request.id), as: id)
        }
        return try await response(change, about: request.id)
    }

    /// - Parameter former: the states that the verb is for; empty for all.
    private func change(
        _ request: Staffetta_Admin_V1_ChangeNodeRequest,
        to state: NodeState,
        from former: [NodeState] = []
    ) async throws -> Staffetta_Admin_V1_ChangeResponse {
        let change = try await answering { () async throws(AdministrationError) in
            try await node.nodeAdministration.change(
                NodeID(request.id),
                to: state,
                from: former,
                dryRun: request.dryRun
            )
        }
        return try await response(change, about: request.id)
    }

    private func response(
        _ change: AdminChange,
        about id: UInt64
    ) async throws -> Staffetta_Admin_V1_ChangeResponse {
        var response = Staffetta_Admin_V1_ChangeResponse(change)
        let view = try await answering { () async throws(AdministrationError) in KnownView(try await node.look()) }
        let nodes = describeNodes(of: node, view, version: version)
        if let node = nodes.first(where: { $0.id == id }) { response.node = node }
        return response
    }

    // MARK: Tokens

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

/// The listed nodes, sorted, as the cluster is known here.
func describeNodes(of node: Node, _ view: KnownView, version: String) -> [Staffetta_Admin_V1_Node] {
    view.nodes.map { known in
        .with {
            let id = known.record.id
            $0.state = known.record.state.name
            $0.id = id.rawValue
            $0.peerAddress = known.record.description.peerAddress
            $0.labels = Dictionary(uniqueKeysWithValues: known.record.labels.sorted.map { ($0.key, $0.value) })
            $0.isThisNode = id == node.settings.node
            $0.groupsLed = UInt32(known.led)
            $0.replicas = UInt32(known.replicas)
            $0.isAlive = known.isAlive
            $0.capacityBytes = known.capacityBytes
            $0.freeBytes = known.freeBytes
            if id == node.settings.node { $0.version = version }
        }
    }
}
