internal import ArgumentParser
internal import LoadModel

/// Who logs in or gets mail.
struct AccountOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Accounts are PREFIX1@DOMAIN, PREFIX2@DOMAIN, ...", valueName: "n"))
    var accounts = 10

    @Option(help: "What account names start with.")
    var prefix = "user"

    @Option(help: "The domain of the accounts; empty: names are without one.")
    var domain = "example.org"

    @Option(help: "The password of the accounts.")
    var password = "pass"

    @Option(help: ArgumentHelp("How long to wait for an answer before the connection counts as lost.", valueName: "s"))
    var timeout = 30

    func validate() throws {
        guard accounts > 0, timeout > 0 else { throw ValidationError("--accounts and --timeout are positive") }
    }

    func account(_ number: Int) -> String {
        "\(prefix)\(1 + number % accounts)" + (domain.isEmpty ? "" : "@\(domain)")
    }
}

/// How requests follow each other.
struct LoopOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where to connect; sessions are spread over several.", valueName: "host:port,..."))
    var server: EndpointList?

    @Option(help: "Connections at once.")
    var sessions = 16

    @Option(help: ArgumentHelp("Requests in all (default: 10000 without --seconds).", valueName: "n"))
    var messages: Int?

    @Option(help: ArgumentHelp("How long to go on, behind the warm-up.", valueName: "s"))
    var seconds: Double?

    @Option(
        help: ArgumentHelp(
            """
            Requests per second over all sessions (open loop): latencies count from when a request was due. Without, \
            each session waits for its answer (closed loop), and latencies are as measured: a pause of the server \
            counts once for each session, not for all that would have come meanwhile.
            """,
            valueName: "n"
        )
    )
    var rate: Double?

    @Option(help: ArgumentHelp("Seconds at the beginning that do not count.", valueName: "s"))
    var warmUp = 0.0

    func validate() throws {
        guard sessions > 0, messages ?? 1 > 0, seconds ?? 1 > 0, rate ?? 1 > 0, warmUp >= 0 else {
            throw ValidationError("--sessions, --messages, --seconds and --rate are positive")
        }
    }

    var pacer: Pacer {
        Pacer(
            rate: rate,
            requests: messages ?? (seconds == nil ? 10_000 : nil),
            seconds: seconds,
            warmUpSeconds: warmUp
        )
    }
}

/// What messages are like.
struct MailOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Bytes of a message, or \"mail\": median 20 KB, one in a hundred above 1 MB, at most 25 MB.",
            valueName: "bytes|mail"
        )
    )
    var size = SizeDistribution.fixed(10_240)

    @Option(
        help: ArgumentHelp(
            "Where sizes, texts and choices begin; the same seed gives the same but for Message-IDs.",
            valueName: "n"
        )
    )
    var seed: UInt64 = 1

    var source: MessageSource { .ofThisRun(seed: seed, sizes: size) }
}

/// How results are shown.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case table, json
}

/// What is measured of the server.
struct ServerUseOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Processes whose CPU time and written bytes, with their descendants', are reported. Written bytes are \
            write_bytes of /proc/PID/io.
            """,
            valueName: "pid,..."
        )
    )
    var cpuOf = ""

    @Option(help: ArgumentHelp("How to print the results.", valueName: "table|json"))
    var format = OutputFormat.table

    func validate() throws {
        guard pids.count == cpuOf.split(separator: ",").count else {
            throw ValidationError("--cpu-of takes numbers of processes, with commas between")
        }
    }

    var pids: [Int] { cpuOf.split(separator: ",").compactMap { Int($0) } }
}

/// Where the plot goes.
struct PlotOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write a plot of latencies, rate and errors over time to this file.",
            valueName: "file.svg"
        )
    )
    var plot: String?
}

extension MessageSource {
    /// Messages that no other run of this program sends.
    static func ofThisRun(seed: UInt64, sizes: SizeDistribution) -> MessageSource {
        MessageSource(seed: seed, run: UInt64.random(in: .min ... .max), sizes: sizes)
    }
}
