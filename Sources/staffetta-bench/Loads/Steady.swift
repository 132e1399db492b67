internal import ArgumentParser
internal import LoadModel

/// Measures whether a store stays as fast as it was when it was empty.
struct Steady: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deliver and expunge in rounds: does the store stay as fast as it was fresh?",
        discussion: """
            Each round delivers --messages messages by LMTP, and then expunges all that is in the INBOX of each \
            account by IMAP. CPU and written bytes of a round are those of both.

            Example: staffetta-bench steady --lmtp 127.0.0.1:14015 --imap 127.0.0.1:14013 --rounds 20 --cpu-of 4711
            """
    )
    @Option(help: ArgumentHelp("Where to deliver; sessions are spread over several.", valueName: "host:port,..."))
    var lmtp = EndpointList([.lmtp])

    @Option(help: ArgumentHelp("Where to log in.", valueName: "host:port"))
    var imap = Endpoint.imap

    @Option(help: "Rounds.")
    var rounds = 10

    @Option(help: "Messages per round.")
    var messages = 5_000

    @Option(help: "Connections that deliver at once.")
    var sessions = 16

    @OptionGroup var mail: MailOptions
    @OptionGroup var accounts: AccountOptions
    @OptionGroup var use: ServerUseOptions

    func validate() throws {
        guard rounds > 0, messages > 0, sessions > 0 else {
            throw ValidationError("--rounds, --messages and --sessions are positive")
        }
    }

    /// What one round came to.
    private struct Round {
        let number: Int
        let report: LoadReport
        let expungeSeconds: Double
        let usage: LoadReport.ServerUsage?
    }

    func run() throws {
        let server = ProcessTree(use.pids)
        // All rounds draw from one source: no message comes twice.
        let source = mail.source
        try expungeAll()
        var done: [Round] = []
        if use.format == .table { print(line(Self.head)) }
        for number in 1...rounds {
            let before = server.use
            let report = try deliver(source, from: (number - 1) * messages)
            let begun = Clock.now
            try expungeAll()
            let round = Round(
                number: number,
                report: report,
                expungeSeconds: Clock.now - begun,
                usage: server.usage(since: before)
            )
            done.append(round)
            if use.format == .table { print(line(cells(of: round))) }
        }
        if use.format == .json { print(JSONValue.object([("rounds", .array(done.map(json)))])) }
    }

    private func deliver(_ source: MessageSource, from first: Int) throws -> LoadReport {
        let plan = LoadRun.Plan(
            requests: "deliveries",
            servers: lmtp.all,
            sessions: sessions,
            pacer: Pacer(rate: nil, requests: messages, seconds: nil, warmUpSeconds: 0)
        )
        return try LoadRun.run(plan) { [accounts] _ in DeliverySession(source, to: accounts, from: first) }
    }

    private func expungeAll() throws {
        for number in 0..<accounts.accounts {
            let client = try IMAPClient(imap, timeoutSeconds: max(accounts.timeout, 600))
            try client.login(accounts.account(number), accounts.password)
            try client.perform("SELECT INBOX")
            if client.exists > 0 {
                try client.perform("STORE 1:* +FLAGS.SILENT (\\Deleted)")
                try client.perform("EXPUNGE")
            }
            try client.perform("LOGOUT")
        }
    }

    // MARK: Showing

    private static let head = [
        "round", "rate/s", "p50 ms", "p99 ms", "expunge s", "CPU s/1000", "written/byte", "errors",
    ]

    private func line(_ cells: [String]) -> String {
        cells.map { String(repeating: " ", count: max(0, 12 - $0.count)) + $0 }.joined(separator: " ")
    }

    private func cells(of round: Round) -> [String] {
        let latencies = round.report.latencies
        return [
            "\(round.number)", Decimals.short(round.report.rate),
            Decimals.short(latencies.milliseconds(atPercentile: 50)),
            Decimals.short(latencies.milliseconds(atPercentile: 99)),
            Decimals.text(round.expungeSeconds, digits: 2),
            cpuPer1000(round).map { Decimals.text($0, digits: 3) } ?? "-",
            writtenPerByte(round).map { Decimals.text($0, digits: 2) } ?? "-",
            "\(round.report.errors)",
        ]
    }

    private func cpuPer1000(_ round: Round) -> Double? {
        round.usage.map { $0.cpuSeconds / Double(round.report.count) * 1_000 }
    }

    private func writtenPerByte(_ round: Round) -> Double? {
        round.usage?.writtenBytes.map { Double($0) / Double(max(1, round.report.storedBytes)) }
    }

    private func json(_ round: Round) -> JSONValue {
        .object([
            ("round", .integer(round.number)), ("rate", .number(round.report.rate)),
            ("latency_ms", LoadReport.latencyJSON(round.report.latencies)),
            ("expunge_seconds", .number(round.expungeSeconds)),
            ("cpu_seconds_per_1000", cpuPer1000(round).map { .number($0) } ?? .null),
            ("written_per_byte", writtenPerByte(round).map { .number($0) } ?? .null),
            ("errors", .integer(round.report.errors)),
        ])
    }
}
