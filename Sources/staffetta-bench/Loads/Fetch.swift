internal import ArgumentParser

struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fetch whole messages from INBOX by IMAP, one command for each.",
        discussion: "Example: staffetta-bench fetch --server 127.0.0.1:14033 --messages 5000"
    )
    @OptionGroup var loop: LoopOptions
    @OptionGroup var accounts: AccountOptions
    @OptionGroup var use: ServerUseOptions
    @OptionGroup var plot: PlotOptions

    func run() throws {
        let plan = LoadRun.Plan("fetches", loop, defaultServer: .imap, pids: use.pids)
        let report = try LoadRun.run(plan) { [accounts] session in FetchSession(accounts, session: session) }
        try Output.print(report, use, plot: plot)
    }
}
