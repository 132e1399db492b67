internal import ArgumentParser
internal import LoadModel
internal import NIOConcurrencyHelpers

/// Measures how long deliveries to others wait while one user does with a large mailbox what costs most.
struct Neighbors: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "neighbors",
        abstract: "Measure what one user's large mailbox costs the deliveries to others.",
        discussion: """
            Fills the INBOX of the first account, then copies, marks, expunges, renames and deletes all of it by IMAP, \
            while messages are delivered to the other accounts at a steady rate. Prints how long those deliveries took \
            meanwhile, and in a quiet time before.

            Example: staffetta-bench neighbors --lmtp 127.0.0.1:14015 --imap 127.0.0.1:14013 --messages 200000
            """
    )

    @Option(help: ArgumentHelp("Where to deliver.", valueName: "host:port"))
    var lmtp = Endpoint.lmtp

    @Option(help: ArgumentHelp("Where the user logs in.", valueName: "host:port"))
    var imap = Endpoint.imap

    @Option(help: "Messages in the large mailbox.")
    var messages = 200_000

    @Option(help: "Deliveries to others per second.")
    var rate = 100

    @OptionGroup var accounts: AccountOptions

    private static let messageBytes = 400
    /// Commands on all of a large mailbox take their time.
    private static let timeoutSeconds = 600

    func validate() throws {
        guard messages > 0, rate > 0, accounts.accounts > 1 else {
            throw ValidationError("messages and rate are positive, and there are at least two accounts")
        }
    }

    func run() throws {
        let user = try IMAPClient(imap, timeoutSeconds: Self.timeoutSeconds)
        try user.login(accounts.account(0), accounts.password)
        try user.perform("EXAMINE INBOX")
        let missing = messages - user.exists
        if missing > 0 {
            let filling = MailboxFilling(
                endpoint: imap,
                accounts: accounts,
                account: accounts.account(0),
                mailbox: "INBOX",
                source: .ofThisRun(seed: 1, sizes: .fixed(Self.messageBytes))
            )
            try filling.run(missing)
        }
        let stream = DeliveryStream(lmtp, rate: rate, timeoutSeconds: Self.timeoutSeconds) { [accounts] number in
            accounts.account(1 + number % (accounts.accounts - 1))
        }
        defer { stream.stop() }
        print("measuring for 10 s with nothing else to do")
        Clock.pause(seconds: 10)
        let quiet = stream.takeLatencies()
        print("\(messages) messages, \(rate) deliveries to others a second, times in milliseconds")
        print("                              took     p50     p99     max")
        report("nothing else", took: 10, latencies: quiet)
        let steps: [(String, [String])] = [
            ("select", ["SELECT INBOX"]),
            ("copy all", ["CREATE big-copy", "COPY 1:* big-copy"]),
            ("mark all deleted", ["STORE 1:* +FLAGS.SILENT (\\Deleted)"]),
            ("expunge all", ["EXPUNGE"]),
            ("move all back", ["SELECT big-copy", "MOVE 1:* INBOX"]),
            ("rename INBOX", ["UNSELECT", "RENAME INBOX big-renamed"]),
            ("delete that", ["DELETE big-renamed", "DELETE big-copy"]),
        ]
        for (name, commands) in steps {
            let begun = Clock.now
            for command in commands { try user.perform(command) }
            // Whatever goes on behind it counts as well.
            Clock.pause(seconds: 1)
            report(name, took: Clock.now - begun - 1, latencies: stream.takeLatencies())
        }
        if let failure = stream.failure { throw BenchError(failure) }
    }

    private func report(_ name: String, took: Double, latencies: LatencyHistogram) {
        guard latencies.count > 0 else { return print("\(column(name, 26)) no delivery ended") }
        func percentile(_ percent: Double) -> String {
            column(Decimals.text(latencies.milliseconds(atPercentile: percent), digits: 0), -8)
        }
        print(
            "\(column(name, 26))\(column("\(Int(took * 1_000))", -8))"
                + "\(percentile(50))\(percentile(99))\(percentile(100))"
        )
    }

    private func column(_ text: String, _ width: Int) -> String {
        let padding = String(repeating: " ", count: max(0, abs(width) - text.count))
        return width > 0 ? text + padding : padding + text
    }
}

/// Deliveries at a steady rate, whether or not those before have been answered: a wait counts for all that come in it.
private final class DeliveryStream: Sendable {
    private struct State {
        var latencies = LatencyHistogram()
        var failure: String?
        var isStopped = false
    }

    private static let sessions = 20
    private static let messageBytes = 2_000
    private let state = NIOLockedValueBox(State())
    private let threads: [WorkerThread]

    init(
        _ server: Endpoint,
        rate: Int,
        timeoutSeconds: Int,
        _ account: @escaping @Sendable (_ number: Int) -> String
    ) {
        let state = state
        let source = MessageSource.ofThisRun(seed: 2, sizes: .fixed(Self.messageBytes))
        let begun = Clock.now
        threads = (0..<Self.sessions).map { session in
            WorkerThread {
                do {
                    let client = try LMTPClient(server, timeoutSeconds: timeoutSeconds)
                    var number = session
                    while !state.withLockedValue({ $0.isStopped }) {
                        let due = begun + Double(number) / Double(rate)
                        Clock.sleep(until: due)
                        try client.deliver(source.message(number), to: [account(number)])
                        let latency = Clock.now - due
                        state.withLockedValue { $0.latencies.record(seconds: latency) }
                        number += Self.sessions
                    }
                } catch {
                    state.withLockedValue { $0.failure = "\(error)" }
                }
            }
        }
    }

    var failure: String? { state.withLockedValue { $0.failure } }

    func takeLatencies() -> LatencyHistogram {
        state.withLockedValue { state in
            defer { state.latencies.reset() }
            return state.latencies
        }
    }

    func stop() {
        state.withLockedValue { $0.isStopped = true }
        for thread in threads { thread.join() }
    }
}
