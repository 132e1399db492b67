internal import ArgumentParser
internal import Glibc
internal import Logging
internal import NodeRuntime
internal import ServerProcess
internal import UnixSignals

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run one node.",
        usage: "staffetta serve [--config <file>] [--<setting> <value>]...",
        discussion: """
            Settings come from the command line, then the environment, then the file. In the file they are YAML:
            lmtp: {listen: "127.0.0.1:14005"}; in the environment STAFFETTA_LMTP_LISTEN; here --lmtp-listen.

            Example: staffetta serve --data-directory /srv/mail --imap-listen 0.0.0.0:143

            SETTINGS
            """ + SettingSpec.all.map { "\n  \($0.flag) (\($0.defaultValue))\n      \($0.help)" }.joined()
    )

    @Argument(parsing: .captureForPassthrough, help: .hidden)
    var arguments: [String] = []

    func run() async throws {
        ProcessMemory.giveLargeBlocksBack()
        let (file, flags) = try parse()
        let reader = try await SettingsReader.open(flags: flags, environment: environmentVariables(), file: file)
        let level =
            Logger.Level(rawValue: try reader.choice("log.level", Logger.Level.allCases.map(\.rawValue))) ?? .info
        LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
        var logger = Logger(label: "staffetta")
        logger.logLevel = level
        signal(SIGPIPE, SIG_IGN)
        let server = try await Server.start(reader, logger: logger) { [logger] reason in
            logger.critical("ending: \(reason)")
            // Nothing more may be acknowledged, and nothing may be flushed: the log has what was.
            Glibc._exit(70)
        }
        let places = server.listening.map { "\($0.name) \($0.address)" }.joined(separator: ", ")
        // From the moment it says that it is ready, a node stops in order.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        logger.notice("ready: \(places)")
        var isStopping = false
        for await signal in signals {
            if isStopping { Glibc._exit(130) }
            isStopping = true
            logger.notice("\(signal): stopping; once more to end at once")
            Task { [logger] in
                await server.stop()
                logger.notice("stopped")
                Glibc.exit(0)
            }
        }
    }

    /// `--setting value` and `--setting=value`, every setting of the table.
    private func parse() throws -> (file: String?, flags: [String: String]) {
        var file = environmentVariables()["STAFFETTA_CONFIG"]
        var flags: [String: String] = [:]
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--help" || argument == "-h" { throw CleanExit.helpRequest(self) }
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            let name = parts.first ?? ""
            let spec = SettingSpec.all.first { $0.flag == name }
            guard spec != nil || name == "--config" else {
                throw ValidationError("there is no setting \(name); `staffetta serve --help` lists them")
            }
            guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
                throw ValidationError("\(name) needs a value")
            }
            if let spec { flags[spec.key] = value } else { file = value }
        }
        return (file, flags)
    }

    private func environmentVariables() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return variables
    }
}
