internal import ArgumentParser
internal import LoadModel

/// Measures whether a store stays as fast as it was when it was empty.
struct Steady: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deliver and expunge in rounds: does the store stay as fast as it was fresh?",
        discussion: """
            Each round delivers --messages messages by LMTP, and then expunges all that is in the INBOX of each \
            account by IMAP, or --expunged-percent of what has come in the round. CPU and written bytes of a round are \
            those of both. With --data, the last column is what the directories take on disk, per byte of the mail \
            that is left.

            Example: staffetta-bench steady --lmtp 127.0.0.1:14015 --imap 127.0.0.1:14013 --rounds 20 --cpu-of 4711
                     staffetta-bench steady --rounds 60 --messages 18000 --rate 300 --expunged-percent 20 \
            --cpu-of 4711 --data staffetta-data/state
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

    @Option(help: ArgumentHelp("Deliveries per second (default: as many as sessions can).", valueName: "n"))
    var rate: Double?

    @Option(help: ArgumentHelp("How many of a round's messages are expunged after it.", valueName: "%"))
    var expungedPercent = 100

    @Option(help: ArgumentHelp("Directories whose files are measured after each round.", valueName: "dir,..."))
    var data: String?

    @OptionGroup var mail: MailOptions
    @OptionGroup var accounts: AccountOptions
    @OptionGroup var use: ServerUseOptions

    func validate() throws {
        guard rounds > 0, messages > 0, sessions > 0, rate ?? 1 > 0 else {
            throw ValidationError("--rounds, --messages, --sessions and --rate are positive")
        }
        guard 0...100 ~= expungedPercent else { throw ValidationError("--expunged-percent is between 0 and 100") }
    }

    /// What one round came to.
    private struct Round {
        let number: Int
        let report: LoadReport
        let expungeSeconds: Double
        let usage: LoadReport.ServerUsage?
        /// What the directories of the store take on disk, per byte of mail that is left.
        let space: Double?
    }

    func run() throws {
        let server = ProcessTree(use.pids)
        // All rounds draw from one source: no message comes twice.
        let source = mail.source
        var kept: [Int: Int] = [:]
        try expunge(percent: 100, &kept)
        kept = [:]
        var leftBytes = 0
        var done: [Round] = []
        if use.format == .table { print(line(Self.head)) }
        for number in 1...rounds {
            let before = server.use
            let report = try deliver(source, from: (number - 1) * messages)
            let begun = Clock.now
            try expunge(percent: expungedPercent, &kept)
            leftBytes += report.storedBytes / 100 * (100 - expungedPercent)
            let round = Round(
                number: number,
                report: report,
                expungeSeconds: Clock.now - begun,
                usage: server.usage(since: before),
                space: space(leftBytes)
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
            pacer: Pacer(rate: rate, requests: messages, seconds: nil, warmUpSeconds: 0)
        )
        return try LoadRun.run(plan) { [accounts] _ in DeliverySession(source, to: accounts, from: first) }
    }

    /// Expunges a share of each account's messages that are not among those that were kept before, evenly among them.
    ///
    /// - Parameter kept: how many messages each account has kept, the first of its INBOX.
    private func expunge(percent: Int, _ kept: inout [Int: Int]) throws {
        for number in 0..<accounts.accounts where percent > 0 {
            let client = try IMAPClient(imap, timeoutSeconds: max(accounts.timeout, 600))
            try client.login(accounts.account(number), accounts.password)
            try client.perform("SELECT INBOX")
            let old = kept[number, default: 0]
            let sets = Self.sets(percent: percent, from: old + 1, through: client.exists)
            for set in sets { try client.perform("STORE \(set) +FLAGS.SILENT (\\Deleted)") }
            if !sets.isEmpty { try client.perform("EXPUNGE") }
            kept[number] = client.exists
            try client.perform("LOGOUT")
        }
    }

    /// Sets of sequence numbers, of no more than some kilobytes each.
    private static func sets(percent: Int, from first: Int, through last: Int) -> [String] {
        guard first <= last else { return [] }
        guard percent < 100 else { return ["\(first):\(last)"] }
        let chosen = (first...last).filter { $0 * percent / 100 > ($0 - 1) * percent / 100 }
        return stride(from: 0, to: chosen.count, by: numbersPerSet).map { start in
            chosen[start..<min(chosen.count, start + numbersPerSet)].map(String.init).joined(separator: ",")
        }
    }

    private static let numbersPerSet = 1_000

    /// What the directories of the store take on disk, per byte of mail that is left.
    private func space(_ leftBytes: Int) -> Double? {
        guard let data, leftBytes > 0 else { return nil }
        let directories = data.split(separator: ",").map(String.init)
        return Double(directories.reduce(0) { $0 + DiskUse.bytes(under: $1) }) / Double(leftBytes)
    }

    // MARK: Showing

    private static let head = [
        "round", "rate/s", "p50 ms", "p99 ms", "expunge s", "CPU s/1000", "written/byte", "errors", "disk/left",
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
            "\(round.report.errors)", round.space.map { Decimals.text($0, digits: 2) } ?? "-",
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
            ("errors", .integer(round.report.errors)), ("disk_per_byte_left", round.space.map { .number($0) } ?? .null),
        ])
    }
}
