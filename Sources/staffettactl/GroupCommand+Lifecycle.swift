internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import SwiftProtobuf

/// Groups come and go.
extension GroupCommand {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a group, which serves no slot yet.",
            discussion: """
                Without nodes, the voters go where the pool's rule has them best.

                Example: staffettactl group add --pool paid --node 1 --node 2 --node 4
                """
        )
        @Option(help: "The pool whose rules hold for the group.") var pool = "default"
        @Option(name: .customLong("node"), help: "A node that is to hold a voter; once for each.")
        var nodes: [UInt64] = []
        @Option(help: "The node that is rather to lead; by default the best one by the pool's rule.")
        var preferredLeader: UInt64 = 0
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let (pool, nodes, leader) = (pool, nodes, preferredLeader)
            let unwanted = Repetition.unwanted(thenAsk: "staffettactl group list")
            let added = try await connection.call(unwanted) { client in
                try await Staffetta_Admin_V1_Groups.Client(wrapping: client).addGroup(
                    .with {
                        $0.pool = pool
                        $0.nodes = nodes
                        $0.preferredLeader = leader
                    },
                    options: .admin()
                )
            }
            try connection.show(added) {
                Table(
                    header: ["GROUP", "POOL", "VOTERS", "PREFERRED LEADER"],
                    rows: [
                        [
                            "\(added.group)", added.pool, added.nodes.map { "\($0)" }.joined(separator: ","),
                            added.preferredLeader == 0 ? "any" : "\(added.preferredLeader)",
                        ]
                    ]
                )
            }
            if connection.format == .table {
                print("\n`staffettactl group describe \(added.group)` shows how far it is")
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a group that serves no slot. Its nodes drop their replicas.",
            discussion: "Example: staffettactl group remove 12"
        )
        @Argument(help: "The group's number, which is not used again.") var id: UInt32
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let id = id
            let unwanted = Repetition.unwanted(thenAsk: "staffettactl group list")
            _ = try await connection.call(unwanted) { client in
                try await Staffetta_Admin_V1_Groups.Client(wrapping: client)
                    .removeGroup(.with { $0.group = id }, options: .admin())
            }
            if connection.format == .table { print("group \(id) is removed") } else { print("{}") }
        }
    }
}
