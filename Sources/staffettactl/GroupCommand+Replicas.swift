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
        @OptionGroup var options: ReplicaOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws { try await change(id, adding: [node], removing: [], by: options, connection) }
    }

    struct RemoveReplica: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a node hold no replica of a group.",
            discussion: "Example: staffettactl group remove-replica 3 --node 1"
        )
        @Argument(help: "The group's number.") var id: UInt32
        @Option(help: "The node that holds it.") var node: UInt64
        @OptionGroup var options: ReplicaOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws { try await change(id, adding: [], removing: [node], by: options, connection) }
    }

    struct MoveReplica: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a node hold a voter of a group in place of another node.",
            discussion: "Example: staffettactl group move-replica 3 --from 1 --to 4"
        )
        @Argument(help: "The group's number.") var id: UInt32
        @Option(help: "The node that holds it.") var from: UInt64
        @Option(help: "The node that is to hold it.") var to: UInt64
        @OptionGroup var options: ReplicaOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws { try await change(id, adding: [to], removing: [from], by: options, connection) }
    }
}

struct ReplicaOptions: ParsableArguments {
    @Flag(help: "Also where one value of a label then holds a majority of the voters. Leaves an event.")
    var allowMajority = false
    @OptionGroup var change: ChangeOptions
    @OptionGroup var operation: OperationOptions
}

private func change(
    _ id: UInt32,
    adding added: [UInt64],
    removing removed: [UInt64],
    by options: ReplicaOptions,
    _ connection: ConnectionOptions
) async throws {
    let request = Staffetta_Admin_V1_ChangeReplicasRequest.with {
        $0.group = id
        $0.addNodes = added
        $0.removeNodes = removed
        $0.allowMajority = options.allowMajority
        $0.dryRun = options.change.dryRun
        $0.operationID = options.operation.number()
    }
    let changed = try await connection.call(.harmless) { client in
        try await Staffetta_Admin_V1_Groups.Client(wrapping: client).changeReplicas(request, options: .admin())
    }
    try await ChangeOutput(connection: connection, isDryRun: options.change.dryRun).show(
        changed,
        preview: changed.preview,
        changed.hasOperation ? changed.operation : nil,
        done: "",
        waits: options.operation.wait
    )
}
