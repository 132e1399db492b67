internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import SwiftProtobuf

struct OperationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operation",
        abstract: "What takes its time: drains, decommissions, moves.",
        subcommands: [List.self, Show.self, Watch.self, Cancel.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the operations that run.",
            discussion: "Example: staffettactl operation list --all"
        )
        @Flag(help: "Also those that have ended, as far as they are remembered.") var all = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let all = all
            let list = try await connection.call(.harmless) { client in
                try await Staffetta_Admin_V1_Operations.Client(wrapping: client)
                    .listOperations(.with { $0.all = all }, options: .admin())
            }
            try connection.show(list) {
                Table(
                    header: ["OPERATION", "KIND", "ABOUT", "STATE", "BEGAN", "DONE", "LEFT"],
                    rows: list.operations.map { operation in
                        let about =
                            operation.node != 0
                            ? "node \(operation.node)"
                            : operation.kind == "move-replicas" ? "group \(operation.group)" : ""
                        let done = operation.replicas - min(operation.replicas, operation.replicasLeft)
                        return [
                            operation.id, operation.kind, about, operation.state, time(operation.beganMilliseconds),
                            "\(done) of \(operation.replicas)",
                            operation.secondsLeft > 0 ? "about \(operation.secondsLeft) s" : "",
                        ]
                    }
                )
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one operation: how far it is, and why it waits.",
            discussion: "Example: staffettactl operation show 4f0c6a1be2937d58"
        )
        @Argument(help: "The operation's number.") var id: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let id = id
            let operation = try await connection.call(.harmless) { client in
                try await Staffetta_Admin_V1_Operations.Client(wrapping: client)
                    .getOperation(.with { $0.id = id }, options: .admin())
            }
            try describe(operation, connection)
        }
    }

    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follow one operation until it has ended.",
            discussion: """
                The exit status is 0 when it has succeeded.

                Example: staffettactl operation watch 4f0c6a1be2937d58
                """
        )
        @Argument(help: "The operation's number.") var id: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let operation = try await OperationWatch(id: id, connection: connection).end()
            try describe(operation, connection)
            if operation.state != "succeeded" { throw ExitCode(1) }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End an operation; what it has not done yet is undone.",
            discussion: "Example: staffettactl operation cancel 4f0c6a1be2937d58"
        )
        @Argument(help: "The operation's number.") var id: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let id = id
            let operation = try await connection.call(.harmless) { client in
                try await Staffetta_Admin_V1_Operations.Client(wrapping: client)
                    .cancelOperation(.with { $0.id = id }, options: .admin())
            }
            try describe(operation, connection)
        }
    }
}

private func describe(_ operation: Staffetta_Admin_V1_Operation, _ connection: ConnectionOptions) throws {
    if connection.format == .json { return print(try operation.jsonString()) }
    print("operation \(operation.id) (\(operation.kind)) \(operation.state): \(operation.summary)")
    print("began \(time(operation.beganMilliseconds))", terminator: "")
    print(operation.endedMilliseconds > 0 ? ", ended \(time(operation.endedMilliseconds))" : "")
    if operation.state == "running" { print(OperationWatch.line(operation)) }
    for wait in operation.waits { print("waits: \(wait)") }
}
