internal import ArgumentParser
internal import LoadModel

struct Mixed: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Do by IMAP what mail clients do.",
        discussion: """
            Each session has INBOX of its account selected, which gets 20 messages when it has fewer. Of 100 requests:

            \(MixedStep.allCases.map { "  \($0.weight) \($0.rawValue)" }.joined(separator: "\n"))

            "FETCH headers" asks for four headers, flags and sizes of the last 20 messages; "STORE flag" sets or \
            clears \\Seen of one message; "APPEND, EXPUNGE" adds a message, and removes it again.

            Example: staffetta-bench mixed --server 127.0.0.1:14013 --sessions 50 --rate 500 --seconds 60 --warm-up 5
            """
    )
    @OptionGroup var loop: LoopOptions
    @OptionGroup var mail: MailOptions
    @OptionGroup var accounts: AccountOptions
    @OptionGroup var use: ServerUseOptions
    @OptionGroup var plot: PlotOptions

    func run() throws {
        let plan = LoadRun.Plan("commands", loop, defaultServer: .imap, pids: use.pids)
        let source = mail.source
        let report = try LoadRun.run(plan) { [seed = mail.seed, accounts] session in
            MixedSession(seed: seed, source, accounts, session: session)
        }
        try Output.print(report, use, plot: plot)
    }
}
