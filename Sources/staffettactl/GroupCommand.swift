internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import SwiftProtobuf

struct GroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group",
        abstract: "Raft groups.",
        subcommands: [
            List.self, Describe.self, AddReplica.self, RemoveReplica.self, MoveReplica.self, TransferLeader.self,
            GroupVerifyCommand.self, Add.self, Remove.self,
        ]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the groups.",
            discussion: "Example: staffettactl group list --format json"
        )
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let groups = try await connection.call(.harmless) { client in
                let api = Staffetta_Admin_V1_Groups.Client(wrapping: client)
                return try await allPages { token in
                    let page = try await api.listGroups(.with { $0.pageToken = token }, options: .admin())
                    return (page.groups, page.nextPageToken)
                }
            }
            try connection.show(Staffetta_Admin_V1_ListGroupsResponse.with { $0.groups = groups }) {
                Table(
                    header: [
                        "GROUP", "POOL", "LEADER", "NODES", "TERM", "COMMIT", "APPLIED", "LAST", "BACKLOG", "DIGEST",
                    ],
                    rows: groups.map { group in
                        func hosted(_ text: String) -> String { group.isHosted ? text : "" }
                        return [
                            "\(group.id)", group.kind == "directory" ? "directory" : group.pool,
                            group.leaderNode == 0 ? "none" : "\(group.leaderNode)",
                            group.replicas.filter { $0.role == "voter" }.map { "\($0.node)" }.joined(separator: ","),
                            hosted("\(group.term)"), hosted("\(group.commitIndex)"), hosted("\(group.appliedIndex)"),
                            hosted("\(group.lastIndex)"),
                            group.housekeepingBacklogSeconds > 0 ? "\(group.housekeepingBacklogSeconds) s" : "",
                            hosted("\(group.digest)@\(group.digestIndex)"),
                        ]
                    }
                )
            }
        }
    }

    struct Describe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one group: indexes, and the lag of each replica where its leader is asked.",
            discussion: "Example: staffettactl group describe 3"
        )
        @Argument(help: "The group's number.") var id: UInt32
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let id = id
            let group = try await connection.call(.harmless) { client in
                try await Staffetta_Admin_V1_Groups.Client(wrapping: client)
                    .describeGroup(.with { $0.id = id }, options: .admin())
            }
            try show(group, connection)
        }
    }

    struct TransferLeader: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hand the leadership of a group to another node.",
            discussion: "Example: staffettactl group transfer-leader 3 --to 2"
        )
        @Argument(help: "The group's number.") var id: UInt32
        @Option(help: "The node that is to lead; by default the follower that has most of the log.") var to: UInt64 = 0
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let (id, to) = (id, to)
            let group = try await connection.call(
                .unwanted(thenAsk: "staffettactl group describe \(id)")
            ) { client in
                try await Staffetta_Admin_V1_Groups.Client(wrapping: client).transferLeader(
                    .with {
                        $0.group = id
                        $0.toNode = to
                    },
                    options: .admin()
                )
            }
            try show(group, connection)
        }
    }
}

private func show(_ group: Staffetta_Admin_V1_Group, _ connection: ConnectionOptions) throws {
    if connection.format == .table {
        let leader = group.leaderNode == 0 ? "none" : "node \(group.leaderNode)"
        let term = group.isHosted ? ", term \(group.term)" : ""
        print("group \(group.id) (\(group.kind), pool \(group.pool)): leader \(leader)\(term)")
        print("voters are to be on nodes \(group.wantedNodes.map { "\($0)" }.joined(separator: ", "))")
    }
    if connection.format == .table, !group.isHosted {
        print("the asked node has no replica of it\n")
    } else if connection.format == .table {
        print(
            "log \(group.firstIndex) to \(group.lastIndex), "
                + "committed \(group.commitIndex), applied \(group.appliedIndex)"
        )
        print("digest \(group.digest) at \(group.digestIndex)")
        if group.housekeepingBacklogSeconds > 0 {
            print("housekeeping is \(group.housekeepingBacklogSeconds) s behind")
        }
        print(verification(group) + "\n")
    }
    try connection.show(group) {
        Table(
            header: ["REPLICA", "NODE", "ROLE", "LEADER", "MATCH", "LAG", "PROGRESS", "ACTIVE"],
            rows: group.replicas.map { replica in
                func known(_ text: String) -> String { replica.isKnown ? text : "?" }
                return [
                    "\(replica.id)", "\(replica.node)", replica.role, replica.isLeader ? "yes" : "",
                    known("\(replica.matchIndex)"), known("\(replica.lagEntries)"), known(replica.progress),
                    known(replica.isActive ? "yes" : "no"),
                ]
            }
        )
    }
}

/// What is known of the last verification, in a line.
private func verification(_ group: Staffetta_Admin_V1_Group) -> String {
    if group.isInDoubt { return "this replica DIFFERS from others, and no majority says who is right" }
    guard group.verifiedIndex > 0 else { return "not verified since the node started" }
    return "verified at \(group.verifiedIndex), \(time(group.verifiedMilliseconds))"
}
