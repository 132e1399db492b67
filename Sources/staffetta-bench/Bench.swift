internal import ArgumentParser
internal import Glibc
internal import SystemPackage

@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "staffetta-bench",
        abstract: "Loads a mail store over its own protocols and prints what it did.",
        discussion: """
            The loads by LMTP and IMAP work against any server, so that stores can be compared.

            Example: staffetta-bench deliver --server 127.0.0.1:14015 --sessions 16 --messages 10000 --size 10240
            """,
        subcommands: [Deliver.self, Fetch.self, Append.self, Idle.self, Neighbors.self, Apply.self]
    )
}

/// What every load takes.
struct LoadOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where to connect; sessions are spread over several.", valueName: "host:port,..."))
    var server = "127.0.0.1:14015"

    @Option(help: "Connections at once.")
    var sessions = 16

    @Option(help: "Messages in all.")
    var messages = 10_000

    @Option(help: "Bytes of a message.")
    var size = 10_240

    @Option(help: ArgumentHelp("Accounts are PREFIX1@DOMAIN, PREFIX2@DOMAIN, ...", valueName: "n"))
    var accounts = 10

    @Option(help: "What account names start with.")
    var prefix = "user"

    @Option(help: "The domain of the accounts.")
    var domain = "example.org"

    @Option(help: "The password of the accounts.")
    var password = "pass"

    @Option(help: ArgumentHelp("Processes whose CPU time, with their descendants', is reported.", valueName: "pid,..."))
    var cpuOf = ""

    func validate() throws {
        guard sessions > 0, messages >= sessions, size >= 200, accounts > 0 else {
            throw ValidationError("sessions and accounts are positive, messages at least sessions, size at least 200")
        }
        _ = try servers()
    }

    func servers() throws -> [(host: String, port: UInt16)] {
        try server.split(separator: ",").map { text in
            let parts = text.split(separator: ":")
            guard parts.count == 2, let port = UInt16(parts[1]) else {
                throw ValidationError("\"\(text)\" is no host:port")
            }
            return (String(parts[0]), port)
        }
    }

    func account(_ number: Int) -> String { "\(prefix)\(1 + number % accounts)@\(domain)" }

    var pids: [Int] { cpuOf.split(separator: ",").compactMap { Int($0) } }
}

struct Deliver: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deliver messages by LMTP.",
        discussion: "Example: staffetta-bench deliver --server 127.0.0.1:14015 --messages 5000"
    )
    @OptionGroup var options: LoadOptions

    func run() throws {
        let load = Load(options)
        try load.run("deliveries") { session, connection in
            try connection.lmtpGreeting()
            return { number in
                let text = Message.make(number: session * 1_000_000 + number, size: options.size)
                try connection.deliver(text, to: options.account(session + number * options.sessions))
            }
        }
    }
}

struct Append: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Append messages to INBOX by IMAP.",
        discussion: "Example: staffetta-bench append --server 127.0.0.1:14013 --messages 5000"
    )
    @OptionGroup var options: LoadOptions

    func run() throws {
        let load = Load(options)
        try load.run("appends") { session, connection in
            try connection.login(options.account(session), options.password)
            return { number in
                let text = Message.make(number: session * 1_000_000 + number, size: options.size)
                try connection.append(text)
            }
        }
    }
}

struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fetch whole messages from INBOX by IMAP, one command for each.",
        discussion: "Example: staffetta-bench fetch --server 127.0.0.1:14033 --messages 5000"
    )
    @OptionGroup var options: LoadOptions

    func run() throws {
        let load = Load(options)
        try load.run("fetches") { session, connection in
            try connection.login(options.account(session), options.password)
            let count = try connection.examine()
            guard count > 0 else { throw BenchError("INBOX of \(options.account(session)) is empty: deliver first") }
            return { number in load.received(try connection.fetch(1 + number % count)) }
        }
    }
}

/// Why a load could not go on.
struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
