internal import ArgumentParser

struct Append: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Append messages to INBOX by IMAP.",
        discussion: """
            The server needs LITERAL+. With several APPENDs in flight, the latency of each counts from when it was sent.

            Example: staffetta-bench append --server 127.0.0.1:14013 --messages 5000 --sessions 4 --pipelined 8
            """
    )
    @OptionGroup var loop: LoopOptions
    @OptionGroup var mail: MailOptions
    @OptionGroup var accounts: AccountOptions
    @OptionGroup var use: ServerUseOptions
    @OptionGroup var plot: PlotOptions

    @Option(help: ArgumentHelp("APPENDs in flight per session.", valueName: "n"))
    var pipelined = 1

    func validate() throws {
        guard (1...1_000).contains(pipelined) else { throw ValidationError("--pipelined is from 1 to 1000") }
    }

    func run() throws {
        let plan = LoadRun.Plan("appends", loop, defaultServer: .imap, pids: use.pids)
        let source = mail.source
        let report = try LoadRun.run(plan) { [accounts, pipelined] session in
            AppendSession(source, accounts, session: session, window: pipelined)
        }
        try Output.print(report, use, plot: plot)
    }
}
