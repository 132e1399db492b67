internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import SwiftProtobuf

private typealias SchedulerClient = Staffetta_Admin_V1_Scheduler.Client<HTTP2ClientTransport.Posix>

struct SchedulerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scheduler",
        abstract: "What is moved without being asked for, and how much at once.",
        subcommands: [Show.self, Pause.self, Resume.self, Limits.self]
    )

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the limits, and what there is to do.",
            discussion: "Example: staffettactl scheduler show"
        )
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await ask(connection) {
                try await $0.getScheduler(Staffetta_Admin_V1_GetSchedulerRequest(), options: .admin())
            }
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have nothing moved by itself for a time.",
            discussion: """
                What admins have begun goes on. The pause ends by itself.

                Example: staffettactl scheduler pause --ttl 2h
                """
        )
        @Option(help: ArgumentHelp("How long: 90s, 30m, 2h, 7d; at most 7d.", valueName: "time")) var ttl: String
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard NodeTokenCommand.Create.seconds(ttl) != nil else {
                throw ValidationError("--ttl \(ttl): expected a number with s, m, h or d, such as 2h")
            }
        }

        func run() async throws {
            let seconds = NodeTokenCommand.Create.seconds(ttl) ?? 0
            try await ask(connection) {
                try await $0.pauseScheduler(.with { $0.seconds = seconds }, options: .admin())
            }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a pause.",
            discussion: "Example: staffettactl scheduler resume"
        )
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await ask(connection) {
                try await $0.resumeScheduler(Staffetta_Admin_V1_ResumeSchedulerRequest(), options: .admin())
            }
        }
    }

    struct Limits: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change the limits; they are in force at once, on all nodes.",
            discussion: "Example: staffettactl scheduler limits --dead-after 5m --moves-per-node 4 --copy-mib 200"
        )
        @Option(
            help: ArgumentHelp(
                "When a node that is gone is dead: 30s, 10m; its replicas are replaced.",
                valueName: "time"
            )
        )
        var deadAfter: String?
        @Option(help: "How far from the average a node may be, in per cent.") var tolerance: UInt32?
        @Option(help: "How full a disk may get by replicas that come, in per cent.") var full: UInt32?
        @Option(help: "Copies to or from one node at once.") var movesPerNode: UInt32?
        @Option(help: "Moves of replicas at once.") var movesPerCluster: UInt32?
        @Option(help: "Leaderships that are handed over at once.") var transfers: UInt32?
        @Option(help: "MiB per second that each node sends of copies; 0: the setting of each node.")
        var copyMib: UInt32?
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            if let deadAfter, NodeTokenCommand.Create.seconds(deadAfter) == nil {
                throw ValidationError("--dead-after \(deadAfter): expected a number with s, m, h or d, such as 10m")
            }
            for value in [tolerance, full, movesPerNode, movesPerCluster, transfers] where value == 0 {
                throw ValidationError("a limit is at least 1")
            }
        }

        func run() async throws {
            let request = Staffetta_Admin_V1_SetLimitsRequest.with {
                $0.limits.deadAfterSeconds = deadAfter.flatMap(NodeTokenCommand.Create.seconds) ?? 0
                $0.limits.balanceTolerancePercent = tolerance ?? 0
                $0.limits.fullPercent = full ?? 0
                $0.limits.movesPerNode = movesPerNode ?? 0
                $0.limits.movesPerCluster = movesPerCluster ?? 0
                $0.limits.transfersPerCluster = transfers ?? 0
                $0.limits.copyMebibytesPerSecond = copyMib ?? 0
                $0.setsCopyPace = copyMib != nil
            }
            try await ask(connection) { try await $0.setLimits(request, options: .admin()) }
        }
    }
}

private func ask(
    _ connection: ConnectionOptions,
    _ call: @Sendable @escaping (SchedulerClient) async throws -> Staffetta_Admin_V1_GetSchedulerResponse
) async throws {
    let report = try await connection.call(.harmless) { try await call(SchedulerClient(wrapping: $0)) }
    let limits = report.limits
    try connection.show(report) {
        Table(
            header: ["SETTING", "VALUE"],
            rows: [
                ["runs on", report.node == 0 ? "no node: the directory has no leader" : "node \(report.node)"],
                [
                    "paused until",
                    report.pausedUntilMilliseconds == 0 ? "not paused" : time(report.pausedUntilMilliseconds),
                ],
                ["dead after", "\(limits.deadAfterSeconds) s"],
                ["tolerance", "\(limits.balanceTolerancePercent) %"],
                ["full at", "\(limits.fullPercent) %"],
                ["moves per node", "\(limits.movesPerNode)"],
                ["moves per cluster", "\(limits.movesPerCluster)"],
                ["transfers at once", "\(limits.transfersPerCluster)"],
                [
                    "copies",
                    limits.copyMebibytesPerSecond == 0
                        ? "as each node is set" : "\(limits.copyMebibytesPerSecond) MiB/s per node",
                ],
                ["moves under way", "\(report.movesUnderWay)"],
                ["groups that wait", "\(report.waiting)"],
            ]
        )
    }
    if connection.format == .table {
        for sentence in report.unrepaired { print("\n\(sentence)") }
    }
}

struct RebalanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebalance",
        abstract: "Share replicas and leaderships out as evenly as the rules allow.",
        discussion: "Example: staffettactl rebalance --dry-run"
    )
    @OptionGroup var change: ChangeOptions
    @OptionGroup var operation: OperationOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let request = Staffetta_Admin_V1_RebalanceRequest.with {
            $0.dryRun = change.dryRun
            $0.operationID = operation.number()
        }
        let response = try await connection.call(.harmless) {
            try await SchedulerClient(wrapping: $0).rebalance(request, options: .admin())
        }
        try await ChangeOutput(connection: connection, isDryRun: change.dryRun).show(
            response,
            preview: response.preview,
            response.hasOperation ? response.operation : nil,
            done: "",
            waits: operation.wait
        )
    }
}
