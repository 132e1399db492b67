internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import SwiftProtobuf
internal import SystemPackage

struct SurviveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "survive",
        abstract: "What would be left if a vendor, a data center or a node vanished now.",
        discussion: """
            For every value of the labels that the rules spread over, and for every node: the groups and accounts that \
            would lose their quorum, their last replica, or redundancy. The exit status is 1 when a promise of a rule \
            does not hold, or, with --lose, when the loss is not survived.

            Examples:
              staffettactl survive
              staffettactl survive --pairs
              staffettactl survive --lose vendor=alfa --lose node=4
            """
    )
    @Flag(help: "Also what the loss of each two values would do.") var pairs = false
    @Option(help: ArgumentHelp("What is lost: a label, or node=ID; several together.", valueName: "key=value"))
    var lose: [String] = []
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        for text in lose {
            let label = try RuleText.label(text)
            if label.key == "node", UInt64(label.value) == nil {
                throw ValidationError("--lose \(text): expected the number of a node, such as node=4")
            }
        }
    }

    func run() async throws {
        let labels = try lose.map(RuleText.label)
        let request = Staffetta_Admin_V1_SurviveRequest.with {
            $0.pairs = pairs
            $0.loseLabels = labels.filter { $0.key != "node" }
            $0.loseNodes = labels.filter { $0.key == "node" }.compactMap { UInt64($0.value) }
        }
        let response = try await connection.call(.harmless) { client in
            try await Staffetta_Admin_V1_Cluster.Client(wrapping: client).survive(request, options: .admin())
        }
        try connection.show(response) { table(response) }
        if connection.format == .table { explain(response) }
        let isKept = lose.isEmpty ? response.brokenPromises.isEmpty : response.losses.allSatisfy(\.isSurvived)
        if !isKept { throw ExitCode(1) }
    }

    private func table(_ response: Staffetta_Admin_V1_SurviveResponse) -> Table {
        func cell(_ groups: [UInt32], _ accounts: UInt64) -> String {
            groups.isEmpty ? "" : "\(groups.count) (\(accounts))"
        }
        return Table(
            header: ["WITHOUT", "SURVIVED", "NO QUORUM", "NO REPLICA", "LESS REDUNDANT"],
            rows: response.losses.map { loss in
                [
                    loss.what, loss.isSurvived ? "yes" : "NO",
                    cell(loss.groupsWithoutQuorum, loss.accountsWithoutQuorum),
                    cell(loss.groupsWithoutReplica, loss.accountsWithoutReplica),
                    cell(loss.groupsLessRedundant, loss.accountsLessRedundant),
                ]
            }
        )
    }

    private func explain(_ response: Staffetta_Admin_V1_SurviveResponse) {
        print("\ngroups (accounts) of \(response.groups) (\(response.accounts)) that would be hit")
        if !response.goneNodes.isEmpty {
            let nodes = response.goneNodes.map { "\($0)" }.joined(separator: ", ")
            print("already gone: nodes \(nodes)")
        }
        if response.brokenPromises.isEmpty {
            print("every promise of the rules holds")
        } else {
            print("promises that do not hold:")
            for sentence in response.brokenPromises { print("  \(sentence)") }
        }
    }
}

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "What happened to the cluster.",
        discussion: """
            Examples:
              staffettactl events
              staffettactl events --follow --format json
            """
    )
    @Flag(help: "Go on with each new event, until interrupted.") var follow = false
    @Option(help: "Only events behind this one.") var after: UInt64 = 0
    @Option(help: "How many at most, without --follow.") var limit: UInt32 = 100
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        var last = try await show(after: after, limit: limit)
        while follow {
            try await Task.sleep(for: .milliseconds(500))
            last = try await show(after: last, limit: 1_000)
        }
    }

    /// - Returns: the last event that was shown, by now.
    private func show(after: UInt64, limit: UInt32) async throws -> UInt64 {
        let list = try await connection.call(.harmless) { client in
            try await Staffetta_Admin_V1_Cluster.Client(wrapping: client).listEvents(
                .with {
                    $0.after = after
                    $0.limit = limit
                },
                options: .admin()
            )
        }
        if connection.format == .json, !follow { print(try list.jsonString()) }
        for event in list.events {
            if connection.format == .table {
                print("\(event.sequence)  \(time(event.milliseconds))  \(event.text)")
            } else if follow {
                print(try event.jsonString())
            }
        }
        // Whoever reads along must see each line at once.
        flushOutput()
        return list.events.last?.sequence ?? after
    }
}
