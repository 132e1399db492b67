internal import ArgumentParser

/// Runs whole clusters in one thread, from seeds.
@main
struct StaffettaSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "staffetta-sim",
        abstract: "Simulates a cluster under faults, from a seed, and checks every promise.",
        subcommands: [RunCommand.self, MutantsCommand.self],
        defaultSubcommand: RunCommand.self
    )
}
