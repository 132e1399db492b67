internal import ArgumentParser
internal import Glibc
internal import NIOConcurrencyHelpers

/// Measures how long deliveries to others wait while one user does with a large mailbox what costs most.
struct Neighbors: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "neighbors",
        abstract: "Measure what one user's large mailbox costs the deliveries to others.",
        discussion: """
            Fills the INBOX of the first account, then copies, marks, expunges, renames and deletes all of it by IMAP,
            while messages are delivered to the other accounts at a steady rate. Prints how long those deliveries took
            meanwhile, and in a quiet time before.

            Example: staffetta-bench neighbors --lmtp 127.0.0.1:14015 --imap 127.0.0.1:14013 --messages 200000
            """
    )

    @Option(help: ArgumentHelp("Where to deliver.", valueName: "host:port"))
    var lmtp = "127.0.0.1:14015"

    @Option(help: ArgumentHelp("Where the user logs in.", valueName: "host:port"))
    var imap = "127.0.0.1:14013"

    @Option(help: "Messages in the large mailbox.")
    var messages = 200_000

    @Option(help: "Deliveries to others per second.")
    var rate = 100

    @Option(help: "Accounts are user1@DOMAIN, user2@DOMAIN, ...; the first has the large mailbox.")
    var accounts = 10

    @Option(help: "The domain of the accounts.")
    var domain = "example.org"

    @Option(help: "The password of the accounts.")
    var password = "pass"

    private static let fillSessions = 32
    private static let messageBytes = 400

    func validate() throws {
        guard messages > 0, rate > 0, accounts > 1 else {
            throw ValidationError("messages and rate are positive, and there are at least two accounts")
        }
        _ = try place(lmtp)
        _ = try place(imap)
    }

    private func place(_ text: String) throws -> (host: String, port: UInt16) {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]) else {
            throw ValidationError("\"\(text)\" is no host:port")
        }
        return (String(parts[0]), port)
    }

    func run() throws {
        let server = try place(imap)
        let user = try Connection(host: server.host, port: server.port)
        try user.login("user1@\(domain)", password)
        let missing = messages - (try user.examine())
        if missing > 0 { try fill(missing) }
        let stream = try DeliveryStream(try place(lmtp), rate) { "user\(2 + $0 % (accounts - 1))@\(domain)" }
        defer { stream.stop() }
        print("measuring for 10 s with nothing else to do")
        usleep(10_000_000)
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
            let begun = seconds()
            for command in commands { try user.perform(command) }
            // Whatever goes on behind it counts as well.
            usleep(1_000_000)
            report(name, took: seconds() - begun - 1, latencies: stream.takeLatencies())
        }
        if let failure = stream.failure { throw BenchError(failure) }
    }

    private func fill(_ count: Int) throws {
        print("filling INBOX of user1@\(domain) with \(count) messages")
        let server = try place(lmtp)
        let done = NIOLockedValueBox((count: 0, failure: String?.none))
        let account = "user1@\(domain)"
        let threads = (0..<Self.fillSessions).map { session in
            WorkerThread {
                do {
                    let connection = try Connection(host: server.host, port: server.port)
                    try connection.lmtpGreeting()
                    for number in stride(from: session, to: count, by: Self.fillSessions) {
                        try connection.deliver(Message.make(number: number, size: Self.messageBytes), to: account)
                        let total = done.withLockedValue { done in
                            done.count += 1
                            return done.count
                        }
                        if total % 20_000 == 0 { print("  \(total)") }
                    }
                } catch {
                    done.withLockedValue { $0.failure = "\(error)" }
                }
            }
        }
        for thread in threads { thread.join() }
        if let failure = done.withLockedValue({ $0.failure }) { throw BenchError(failure) }
    }

    private func report(_ name: String, took: Double, latencies: [Double]) {
        let sorted = latencies.sorted()
        guard !sorted.isEmpty else { return print("\(column(name, 26)) no delivery ended") }
        func percentile(_ share: Double) -> String {
            column("\(Int((sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))] * 1_000).rounded()))", -8)
        }
        print(
            "\(column(name, 26))\(column("\(Int(took * 1_000))", -8))"
                + "\(percentile(0.5))\(percentile(0.99))\(percentile(1))"
        )
    }

    private func column(_ text: String, _ width: Int) -> String {
        let padding = String(repeating: " ", count: max(0, abs(width) - text.count))
        return width > 0 ? text + padding : padding + text
    }
}

private func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Deliveries at a steady rate, whether or not those before have been answered: a wait counts for all that come in it.
private final class DeliveryStream: Sendable {
    private struct State {
        var latencies: [Double] = []
        var failure: String?
        var isStopped = false
    }

    private static let sessions = 20
    private let state = NIOLockedValueBox(State())
    private let threads: [WorkerThread]

    init(_ server: (host: String, port: UInt16), _ rate: Int, _ account: @escaping @Sendable (Int) -> String) throws {
        let state = state
        let begun = seconds()
        threads = (0..<Self.sessions).map { session in
            WorkerThread {
                do {
                    let connection = try Connection(host: server.host, port: server.port)
                    try connection.lmtpGreeting()
                    var number = session
                    while !state.withLockedValue({ $0.isStopped }) {
                        let due = begun + Double(number) / Double(rate)
                        let wait = due - seconds()
                        if wait > 0 { usleep(UInt32(wait * 1_000_000)) }
                        try connection.deliver(Message.make(number: number, size: 2_000), to: account(number))
                        let latency = seconds() - due
                        state.withLockedValue { $0.latencies.append(latency) }
                        number += Self.sessions
                    }
                } catch {
                    state.withLockedValue { $0.failure = "\(error)" }
                }
            }
        }
    }

    var failure: String? { state.withLockedValue { $0.failure } }

    func takeLatencies() -> [Double] {
        state.withLockedValue { state in
            defer { state.latencies = [] }
            return state.latencies
        }
    }

    func stop() {
        state.withLockedValue { $0.isStopped = true }
        for thread in threads { thread.join() }
    }
}
