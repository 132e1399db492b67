internal import ArgumentParser
internal import GRPCCore
internal import Glibc
internal import SystemPackage

@main
struct Staffettactl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "staffettactl",
        abstract: "Administers a Staffetta cluster.",
        discussion: """
            The exit status is 0 when it is done, 1 when it was refused or failed, 2 for bad usage. `cluster status` \
            and `node ready` also end with 1 when they have found problems. --endpoint and --format, which every verb \
            has, may stand before the verb too.

            Examples:
              staffettactl cluster status
              staffettactl account create anna@example.org --password-stdin < secret
              staffettactl group list --format json
            """,
        subcommands: [
            ClusterCommand.self, AccountCommand.self, NodeCommand.self, GroupCommand.self, RuleCommand.self,
            SchedulerCommand.self, RebalanceCommand.self, SurviveCommand.self, EventsCommand.self,
            OperationCommand.self,
        ]
    )

    static func main() async {
        do {
            var command = try parseAsRoot(CommonOptions.movedBehindVerb(Array(CommandLine.arguments.dropFirst())))
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let status as ExitCode {
            // What there is to say has been said.
            Glibc.exit(status.rawValue)
        } catch let error as RPCError {
            complain("staffettactl: \(error.message) (\(error.code))", 1)
        } catch {
            let code = exitCode(for: error)
            if code == .validationFailure { complain(fullMessage(for: error), 2) }
            if code == .success { exit(withError: error) }
            complain("staffettactl: \(error)", 1)
        }
    }

    private static func complain(_ text: String, _ status: Int32) -> Never {
        _ = try? FileDescriptor.standardError.writeAll((text + "\n").utf8)
        Glibc.exit(status)
    }
}
