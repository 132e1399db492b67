internal import ArgumentParser
internal import LoadModel

struct Deliver: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deliver messages by LMTP.",
        discussion: """
            With several recipients per message, a request is one transaction; its bytes count for each of them.

            Example: staffetta-bench deliver --server 127.0.0.1:14015 --messages 5000 --size mail --recipients 3
            """
    )
    @OptionGroup var loop: LoopOptions
    @OptionGroup var mail: MailOptions
    @OptionGroup var accounts: AccountOptions
    @OptionGroup var use: ServerUseOptions
    @OptionGroup var plot: PlotOptions

    @Option(help: "Recipients of each message.")
    var recipients = 1

    func validate() throws {
        guard (1...100).contains(recipients) else { throw ValidationError("--recipients is from 1 to 100") }
    }

    func run() throws {
        let what = recipients == 1 ? "deliveries" : "transactions"
        let plan = LoadRun.Plan(what, loop, defaultServer: .lmtp, pids: use.pids)
        let source = mail.source
        let report = try LoadRun.run(plan) { [accounts, recipients] _ in
            DeliverySession(source, to: accounts, recipients: recipients)
        }
        try Output.print(report, use, plot: plot)
    }
}
