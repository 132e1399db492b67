internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import SwiftProtobuf

struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "The cluster as a whole.",
        subcommands: [Status.self]
    )

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show nodes, groups and what is wrong.",
            discussion: """
                The exit status is 0 when there is no problem, 1 when there is one, or when no node answers.

                Example: staffettactl cluster status
                """
        )
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let status = try await connection.call(.harmless) { client in
                try await Staffetta_Admin_V1_Cluster.Client(wrapping: client)
                    .getStatus(Staffetta_Admin_V1_GetStatusRequest(), options: .admin())
            }
            if connection.format == .table {
                print("cluster \(status.cluster), asked node \(status.node)")
                print(
                    "\(status.groupsWithLeader) of \(status.groups) groups have a leader, "
                        + "\(status.groupsLedHere) of them here"
                )
                print("")
            }
            try connection.show(status) { nodeTable(status.nodes) }
            if connection.format == .table {
                print(status.problems.isEmpty ? "\nno problems" : "\nproblems:")
                for problem in status.problems { print("  \(problem)") }
                if !status.brokenPromises.isEmpty {
                    print("\nNOT SURVIVED, if it happened now (`staffettactl survive`):")
                    for promise in status.brokenPromises { print("  \(promise)") }
                }
            }
            if !status.problems.isEmpty { throw ExitCode(1) }
        }
    }
}

struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Nodes.",
        subcommands: [
            List.self, Describe.self, Label.self, Cordon.self, Uncordon.self, Drain.self, Undrain.self,
            Decommission.self, Recommission.self, Forget.self, Live.self, Ready.self, NodeTokenCommand.self,
        ]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the nodes that the directory knows.",
            discussion: "Example: staffettactl node list"
        )
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let nodes = try await connection.call(.harmless) { client in
                let api = Staffetta_Admin_V1_Nodes.Client(wrapping: client)
                return try await allPages { token in
                    let page = try await api.listNodes(.with { $0.pageToken = token }, options: .admin())
                    return (page.nodes, page.nextPageToken)
                }
            }
            try connection.show(Staffetta_Admin_V1_ListNodesResponse.with { $0.nodes = nodes }) { nodeTable(nodes) }
        }
    }

    struct Describe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one node.",
            discussion: "Example: staffettactl node describe 2"
        )
        @Argument(help: "The node's number.") var id: UInt64
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let id = id
            let node = try await connection.call(.harmless) { client in
                try await Staffetta_Admin_V1_Nodes.Client(wrapping: client)
                    .describeNode(.with { $0.id = id }, options: .admin())
            }
            try connection.show(node) { nodeTable([node]) }
        }
    }
}

/// What a health check asks of one node: of the first endpoint, and of no other.
extension NodeCommand {
    struct Live: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Whether the node runs and answers.",
            discussion: """
                For a liveness check: a node that is alive without a quorum waits for the others, and a restart does \
                not help it. The exit status is 0 when the node at the first endpoint answers, else 1.

                Example: staffettactl node live
                """
        )
        @OptionGroup var connection: ConnectionOptions

        func run() async throws { _ = try await status(connection) }
    }

    struct Ready: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Whether the node can serve every account.",
            discussion: """
                For a readiness check. The exit status is 0 when the cluster has begun and the node at the first \
                endpoint knows a leader of every group, else 1, with the reasons.

                Example: staffettactl node ready
                """
        )
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let status = try await status(connection)
            if connection.format == .json {
                print(try status.jsonString())
            } else if status.unreadyReasons.isEmpty {
                print("node \(status.node) is ready")
            } else {
                print("node \(status.node) is not ready:")
                for reason in status.unreadyReasons { print("  \(reason)") }
            }
            if !status.unreadyReasons.isEmpty { throw ExitCode(1) }
        }
    }
}

private func status(_ connection: ConnectionOptions) async throws -> Staffetta_Admin_V1_GetStatusResponse {
    try await connection.callFirst { client in
        try await Staffetta_Admin_V1_Cluster.Client(wrapping: client)
            .getStatus(Staffetta_Admin_V1_GetStatusRequest(), options: .admin())
    }
}

private func nodeTable(_ nodes: [Staffetta_Admin_V1_Node]) -> Table {
    Table(
        header: ["NODE", "STATE", "ALIVE", "PEER ADDRESS", "LEADS", "REPLICAS", "FREE", "LABELS", "ANSWERED"],
        rows: nodes.map { node in
            [
                "\(node.id)", node.state, node.isAlive ? "yes" : "NO", node.peerAddress, "\(node.groupsLed)",
                "\(node.replicas)", node.capacityBytes == 0 ? "?" : bytes(node.freeBytes),
                node.labels.keys.sorted().map { "\($0)=\(node.labels[$0] ?? "")" }.joined(separator: " "),
                node.isThisNode ? "yes (\(node.version))" : "",
            ]
        }
    )
}

/// Gathers all pages of a list.
func allPages<Item: Sendable>(
    _ page: @Sendable (String) async throws -> (items: [Item], next: String)
) async throws -> [Item] {
    var items: [Item] = []
    var token = ""
    repeat {
        let (more, next) = try await page(token)
        items += more
        token = next
    } while !token.isEmpty
    return items
}
