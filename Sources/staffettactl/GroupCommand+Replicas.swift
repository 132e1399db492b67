internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import SwiftProtobuf

/// Where the replicas of one group are to be. The group's leader brings it about: a learner, which catches up, one
/// joint change, and the one that leaves is removed.
extension GroupCommand {
    struct AddReplica: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a node hold a voter of a group.",
            discussion: "Example: staffettactl group add-replica 3 --node 4"
        )
        @Argument(help: "The group's number.") var id: UInt32
        @Option(help: "The node that is to hold it.") var node: UInt64
        @OptionGroup var connection: ConnectionOptions

        func run() async throws { try await change(id, adding: [node], removing: [], connection) }
    }

    struct RemoveReplica: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a node hold no replica of a group.",
            discussion: "Example: staffettactl group remove-replica 3 --node 1"
        )
        @Argument(help: "The group's number.") var id: UInt32
        @Option(help: "The node that holds it.") var node: UInt64
        @OptionGroup var connection: ConnectionOptions

        func run() async throws { try await change(id, adding: [], removing: [node], connection) }
    }

    struct MoveReplica: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a node hold a voter of a group in place of another node.",
            discussion: "Example: staffettactl group move-replica 3 --from 1 --to 4"
        )
        @Argument(help: "The group's number.") var id: UInt32
        @Option(help: "The node that holds it.") var from: UInt64
        @Option(help: "The node that is to hold it.") var to: UInt64
        @OptionGroup var connection: ConnectionOptions

        func run() async throws { try await change(id, adding: [to], removing: [from], connection) }
    }
}

private func change(
    _ id: UInt32,
    adding added: [UInt64],
    removing removed: [UInt64],
    _ connection: ConnectionOptions
) async throws {
    let unwanted = Repetition.unwanted(thenAsk: "staffettactl group describe \(id)")
    let changed = try await connection.call(unwanted) { client in
        try await Staffetta_Admin_V1_Groups.Client(wrapping: client).changeReplicas(
            .with {
                $0.group = id
                $0.addNodes = added
                $0.removeNodes = removed
            },
            options: .admin()
        )
    }
    try connection.show(changed) {
        Table(
            header: ["GROUP", "VOTERS ARE TO BE ON"],
            rows: [["\(id)", changed.nodes.map { "\($0)" }.joined(separator: ",")]]
        )
    }
    if connection.format == .table {
        print("\n`staffettactl group describe \(id)` shows how far it is")
    }
}
