internal import ArgumentParser
internal import LoadModel

/// Measures what single commands on a large mailbox take.
struct Mailbox: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure single commands on a large mailbox.",
        discussion: """
            Fills a mailbox of the first account by APPEND, where it has fewer messages, and then gives one command \
            after the other, in several rounds with a new session each.

            Example: staffetta-bench mailbox --imap 127.0.0.1:14013 --messages 100000 --rounds 5
            """
    )
    @Option(help: ArgumentHelp("Where to log in.", valueName: "host:port"))
    var imap = Endpoint.imap

    @Option(help: "Messages that the mailbox has at least.")
    var messages = 100_000

    @Option(help: ArgumentHelp("Bytes of each message that is added.", valueName: "bytes"))
    var size = 600

    @Option(help: "The mailbox; it is created where it is not there.")
    var mailbox = "bench-large"

    @Option(help: "What to search for.")
    var word = "meeting"

    @Option(help: "How often to measure; the median is what counts.")
    var rounds = 5

    @OptionGroup var accounts: AccountOptions
    @OptionGroup var use: ServerUseOptions

    func validate() throws {
        guard messages > 0, rounds > 0, (SizeDistribution.minimumBytes...65_536).contains(size),
            (mailbox + word).allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) })
        else {
            throw ValidationError(
                "--messages and --rounds are positive, --size is from 200 to 65536, --mailbox and --word are letters"
            )
        }
    }

    /// What was measured of one command.
    private struct Figure {
        let name: String
        var milliseconds: [Double] = []
        var answer = IMAPClient.Answer()

        var median: Double { milliseconds.sorted()[milliseconds.count / 2] }
    }

    func run() throws {
        let user = try session()
        let count = try fill(user)
        let server = ProcessTree(use.pids)
        let before = server.use
        var figures: [Figure] = []
        for round in 0..<rounds {
            for (place, one) in try measureRound(round).enumerated() {
                if figures.count <= place { figures.append(Figure(name: one.name)) }
                figures[place].milliseconds += one.milliseconds
                figures[place].answer = one.answer
            }
        }
        show(figures, count: count, server.usage(since: before))
    }

    private func session() throws -> IMAPClient {
        let client = try IMAPClient(imap, timeoutSeconds: max(accounts.timeout, 600))
        try client.login(accounts.account(0), accounts.password)
        return client
    }

    /// - Returns: how many messages the mailbox has.
    private func fill(_ user: IMAPClient) throws -> Int {
        do {
            try user.perform("SELECT \(mailbox)")
        } catch RequestError.refused {
            try user.perform("CREATE \(mailbox)")
            try user.perform("SELECT \(mailbox)")
        }
        guard user.exists < messages else { return user.exists }
        let filling = MailboxFilling(
            endpoint: imap,
            accounts: accounts,
            account: accounts.account(0),
            mailbox: mailbox,
            source: .ofThisRun(seed: UInt64(user.exists) + 1, sizes: .fixed(size))
        )
        try filling.run(messages - user.exists)
        try user.perform("SELECT \(mailbox)")
        return user.exists
    }

    private func measureRound(_ round: Int) throws -> [Figure] {
        let first = try session()
        let second = try session()
        try second.perform("SELECT \(mailbox)")
        var figures: [Figure] = []
        func measure(_ name: String, _ client: IMAPClient, _ command: String? = nil) throws {
            let begun = Clock.now
            let answer = try client.perform(command ?? name)
            figures.append(Figure(name: name, milliseconds: [(Clock.now - begun) * 1_000], answer: answer))
        }
        try measure("SELECT", first, "SELECT \(mailbox)")
        try measure("FETCH 1:* FLAGS", first)
        try measure(
            "FETCH 1:* headers",
            first,
            "FETCH 1:* BODY.PEEK[HEADER.FIELDS (From Subject Date)]"
        )
        try measure("SEARCH SUBJECT", first, "SEARCH SUBJECT \(word)")
        try measure("SEARCH TEXT", first, "SEARCH TEXT \(word)")
        let sign = round % 2 == 0 ? "+" : "-"
        try measure("STORE one flag", first, "STORE \(first.exists / 2 + 1) \(sign)FLAGS (\\Flagged)")
        try measure("NOOP of a second session then", second, "NOOP")
        try measure("NOOP", first)
        try measure("EXPUNGE of nothing", first, "EXPUNGE")
        try measure("CLOSE", first)
        return figures
    }

    private func show(_ figures: [Figure], count: Int, _ usage: LoadReport.ServerUsage?) {
        switch use.format {
        case .table:
            print("\(count) messages, \(rounds) rounds")
            var table = TextTable(head: ["command", "median ms", "lowest", "highest", "lines", "found"])
            for figure in figures {
                table.add([
                    figure.name, Decimals.short(figure.median), Decimals.short(figure.milliseconds.min() ?? 0),
                    Decimals.short(figure.milliseconds.max() ?? 0), "\(figure.answer.untaggedLines)",
                    "\(figure.answer.found)",
                ])
            }
            print(table.text)
            if let usage { print("server CPU: \(Decimals.text(usage.cpuSeconds, digits: 2)) s") }
        case .json:
            let commands = figures.map { figure in
                JSONValue.object([
                    ("name", .string(figure.name)), ("median_ms", .number(figure.median)),
                    ("ms", .array(figure.milliseconds.map { .number($0) })),
                    ("found", .integer(figure.answer.found)),
                ])
            }
            print(
                JSONValue.object([
                    ("messages", .integer(count)), ("commands", .array(commands)),
                    ("cpu_seconds", usage.map { .number($0.cpuSeconds) } ?? .null),
                ])
            )
        }
    }
}
