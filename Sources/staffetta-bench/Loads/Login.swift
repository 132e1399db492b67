internal import ArgumentParser

struct Login: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Log in and out by IMAP, over a new connection each time.",
        discussion: """
            A server may remember for a while who has logged in: --distinct says over how many users logins go.

            Example: staffetta-bench login --server 127.0.0.1:14013 --sessions 8 --messages 2000 --distinct 10
            """
    )
    @OptionGroup var loop: LoopOptions
    @OptionGroup var accounts: AccountOptions
    @OptionGroup var use: ServerUseOptions
    @OptionGroup var plot: PlotOptions

    @Option(help: ArgumentHelp("How many of the accounts log in; all of them without.", valueName: "n"))
    var distinct: Int?

    func validate() throws {
        guard (1...accounts.accounts).contains(distinct ?? 1) else {
            throw ValidationError("--distinct is from 1 to --accounts")
        }
    }

    func run() throws {
        let plan = LoadRun.Plan("logins", loop, defaultServer: .imap, pids: use.pids)
        let distinct = distinct ?? accounts.accounts
        let report = try LoadRun.run(plan) { [accounts] _ in LoginSession(accounts, distinct: distinct) }
        try Output.print(report, use, plot: plot)
    }
}
