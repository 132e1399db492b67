internal import ArgumentParser

struct Flags: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set and clear a flag by IMAP, one message per command.",
        discussion: "Example: staffetta-bench flags --server 127.0.0.1:14013 --sessions 64 --seconds 20"
    )
    @OptionGroup var loop: LoopOptions
    @OptionGroup var accounts: AccountOptions
    @OptionGroup var use: ServerUseOptions
    @OptionGroup var plot: PlotOptions

    func run() throws {
        let plan = LoadRun.Plan("flag changes", loop, defaultServer: .imap, pids: use.pids)
        let report = try LoadRun.run(plan) { [accounts] session in FlagSession(accounts, session: session) }
        try Output.print(report, use, plot: plot)
    }
}
