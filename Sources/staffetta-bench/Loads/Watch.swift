internal import ArgumentParser
internal import LoadModel
internal import NIOConcurrencyHelpers

/// Measures sessions in IDLE.
struct Watch: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how soon sessions in IDLE hear of new messages, and what they take of memory.",
        discussion: """
            Opens --sessions sessions, spread over the accounts, in IDLE (RFC 2177), and delivers messages to one \
            account after the other at --rate. Measures from the beginning of the delivery, and from the server's \
            answer to it (0 where EXISTS came first), to the untagged EXISTS of each session. With --cpu-of, also the \
            memory of the server before the sessions came and with all of them in IDLE.

            Example: staffetta-bench watch --imap 127.0.0.1:14013 --lmtp 127.0.0.1:14015 --sessions 200 --cpu-of 4711
            """
    )
    @Option(help: ArgumentHelp("Where sessions log in.", valueName: "host:port"))
    var imap = Endpoint.imap

    @Option(help: ArgumentHelp("Where messages are delivered.", valueName: "host:port"))
    var lmtp = Endpoint.lmtp

    @Option(help: "Sessions in IDLE.")
    var sessions = 100

    @Option(help: "Messages to deliver.")
    var messages = 200

    @Option(help: "Messages per second.")
    var rate = 20.0

    @OptionGroup var mail: MailOptions
    @OptionGroup var accounts: AccountOptions
    @OptionGroup var use: ServerUseOptions

    /// How long a session waits for its EXISTS.
    private static let patienceSeconds = 15.0
    /// After so many messages that some sessions did not hear of in time, no more are delivered.
    private static let maximumMissed = 3

    func validate() throws {
        guard sessions > 0, messages > 0, rate > 0 else {
            throw ValidationError("--sessions, --messages and --rate are positive")
        }
    }

    /// What has come in, by account.
    private struct Heard {
        /// When the last EXISTS came to each session of an account.
        var times: [[Double]]
        var failures: [String] = []
    }

    /// What was measured.
    private struct Figures {
        let memoryBefore: ProcessTree.Memory
        let memory: ProcessTree.Memory
        var fromSent = LatencyHistogram()
        var fromAnswer = LatencyHistogram()
        var delivered = 0
        /// How often a session did not hear of a message in time.
        var missing = 0
    }

    func run() throws {
        let server = ProcessTree(use.pids)
        let memoryBefore = server.memory
        let watched = min(accounts.accounts, sessions)
        let heard = NIOLockedValueBox(Heard(times: Array(repeating: [], count: watched)))
        try openSessions(watched, heard)
        let memory = server.memory
        let before = server.use
        let delivery = try LMTPClient(lmtp, timeoutSeconds: accounts.timeout)
        let source = mail.source
        var figures = Figures(memoryBefore: memoryBefore, memory: memory)
        var missed = 0
        let begun = Clock.now
        for number in 0..<messages {
            let account = number % watched
            let listeners = (sessions - account + watched - 1) / watched
            heard.withLockedValue { $0.times[account] = [] }
            Clock.sleep(until: begun + Double(number) / rate)
            let message = source.message(number)
            let sent = Clock.now
            try delivery.deliver(message, to: [accounts.account(account)])
            let answered = Clock.now
            let times = try waitFor(listeners, of: account, heard)
            if times.isEmpty {
                throw BenchError("no session heard of message \(number + 1) within \(Int(Self.patienceSeconds)) s")
            }
            figures.delivered += 1
            figures.missing += listeners - times.count
            for time in times {
                figures.fromSent.record(seconds: time - sent)
                figures.fromAnswer.record(seconds: time - answered)
            }
            if times.count < listeners {
                missed += 1
                if missed == Self.maximumMissed { break }
            }
        }
        show(figures, server.usage(since: before))
    }

    private func openSessions(_ watched: Int, _ heard: NIOLockedValueBox<Heard>) throws {
        try WorkerThread.runAll(min(sessions, Self.opening)) { [self] opener in
            for session in stride(from: opener, to: sessions, by: Self.opening) {
                let account = session % watched
                let client = try IMAPClient(imap, timeoutSeconds: Self.idleTimeoutSeconds)
                try client.login(accounts.account(account), accounts.password)
                try client.perform("SELECT INBOX")
                try client.beginIdle()
                listen(Handover(client), account: account, heard)
            }
        }
    }

    private static let opening = 8
    private static let idleTimeoutSeconds = 86_400

    /// Hands a client to the thread that listens.
    ///
    /// `@unchecked Sendable`: after that, no other thread uses it.
    private struct Handover: @unchecked Sendable {
        let client: IMAPClient
        init(_ client: IMAPClient) { self.client = client }
    }

    /// The thread ends with the process.
    private func listen(_ handover: Handover, account: Int, _ heard: NIOLockedValueBox<Heard>) {
        _ = WorkerThread {
            do {
                while true {
                    try handover.client.awaitExists()
                    let now = Clock.now
                    heard.withLockedValue { $0.times[account].append(now) }
                }
            } catch {
                heard.withLockedValue { $0.failures.append("\(error)") }
            }
        }
    }

    /// - Returns: when each session heard of the message; fewer than `count` where some did not in time.
    private func waitFor(_ count: Int, of account: Int, _ heard: NIOLockedValueBox<Heard>) throws -> [Double] {
        let end = Clock.now + Self.patienceSeconds
        while true {
            let (times, failure) = heard.withLockedValue { ($0.times[account], $0.failures.first) }
            if let failure { throw BenchError("a session in IDLE ended: \(failure)") }
            if times.count >= count || Clock.now > end { return times }
            Clock.pause(seconds: 0.001)
        }
    }

    private func show(_ figures: Figures, _ usage: LoadReport.ServerUsage?) {
        switch use.format {
        case .table:
            let missing = "\(figures.missing) times one was not heard of in time"
            print("\(sessions) sessions in IDLE, \(figures.delivered) messages, \(missing)")
            var table = TextTable(head: ["latency, ms", "p50", "p90", "p99", "max"])
            for (name, histogram) in [
                ("EXISTS after sending", figures.fromSent), ("EXISTS after the answer", figures.fromAnswer),
            ] {
                let percentiles = [50.0, 90, 99].map { histogram.milliseconds(atPercentile: $0) }
                table.add([name] + (percentiles + [histogram.maximumMilliseconds]).map(Decimals.short))
            }
            print(table.text)
            guard let usage else { return }
            print("server CPU for these messages: \(Decimals.text(usage.cpuSeconds, digits: 2)) s")
            let resident = Decimals.text(Double(residentPerSession(figures)) / 1_024, digits: 1)
            print("server memory per session in IDLE: \(resident) KiB resident", terminator: "")
            let proportional = proportionalPerSession(figures).map { Decimals.text(Double($0) / 1_024, digits: 1) }
            print(proportional.map { ", \($0) KiB with shared pages divided" } ?? "")
        case .json:
            print(
                JSONValue.object([
                    ("sessions", .integer(sessions)), ("messages", .integer(figures.delivered)),
                    ("missing", .integer(figures.missing)),
                    ("after_sending_ms", LoadReport.latencyJSON(figures.fromSent)),
                    ("after_answer_ms", LoadReport.latencyJSON(figures.fromAnswer)),
                    ("cpu_seconds", usage.map { .number($0.cpuSeconds) } ?? .null),
                    ("resident_bytes_per_session", usage == nil ? .null : .integer(residentPerSession(figures))),
                    ("proportional_bytes_per_session", proportionalPerSession(figures).map { .integer($0) } ?? .null),
                ])
            )
        }
    }

    private func residentPerSession(_ figures: Figures) -> Int {
        (figures.memory.residentBytes - figures.memoryBefore.residentBytes) / sessions
    }

    /// Nil where no processes are looked at, or theirs cannot be read.
    private func proportionalPerSession(_ figures: Figures) -> Int? {
        guard !use.pids.isEmpty, let before = figures.memoryBefore.proportionalBytes else { return nil }
        return figures.memory.proportionalBytes.map { ($0 - before) / sessions }
    }
}
