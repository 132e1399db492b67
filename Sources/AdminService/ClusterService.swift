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
        let groups = await node.groups()
        let nodes = await describeNodes(of: node, groups: groups, version: version)
        var problems = await node.membershipProblems()
        problems += await node.verificationProblems()
        problems += groups.compactMap { group in
            HousekeepingProblem.sentence(group.group.rawValue, backlogSeconds: group.housekeepingBacklogSeconds ?? 0)
        }
        for group in groups where group.leaderNode == nil {
            problems.append("group \(group.group.rawValue) has no leader that this node knows")
        }
        for group in groups where group.status.role == .leader {
            for replica in group.replicas {
                guard let peer = replica.peer, !peer.isActive else { continue }
                problems.append(
                    "group \(group.group.rawValue): the replica on node \(replica.member.node.rawValue) does not answer"
                )
            }
        }
        let unreadyReasons = await node.unreadyReasons()
        return .with {
            $0.cluster = node.settings.cluster
            $0.node = node.settings.node.rawValue
            $0.groups = UInt32(groups.count)
            $0.groupsWithLeader = UInt32(groups.count { $0.leaderNode != nil })
            $0.groupsLedHere = UInt32(groups.count { $0.status.role == .leader })
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
        let nodes = await describeNodes(of: node, groups: await node.groups(), version: version)
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
        let nodes = await describeNodes(of: node, groups: await node.groups(), version: version)
        guard let found = nodes.first(where: { $0.id == request.id }) else {
            throw RPCError(
                code: .notFound,
                message: "the directory knows no node \(request.id); `staffettactl node list` shows all"
            )
        }
        return found
    }
}

/// The directory's nodes, sorted, with what this node knows of the groups they lead.
private func describeNodes(of node: Node, groups: [GroupReport], version: String) async -> [Staffetta_Admin_V1_Node] {
    node.nodes().sorted { $0.id < $1.id }.map { description in
        .with {
            $0.id = description.id
            $0.peerAddress = description.peerAddress
            $0.labels = Dictionary(description.labels.map { ($0.key, $0.value) }) { first, _ in first }
            $0.isThisNode = description.id == node.settings.node.rawValue
            $0.groupsLed = UInt32(groups.count { $0.leaderNode?.rawValue == description.id })
            $0.replicas = UInt32(
                groups.count { group in group.replicas.contains { $0.member.node.rawValue == description.id } }
            )
            if description.id == node.settings.node.rawValue { $0.version = version }
        }
    }
}
