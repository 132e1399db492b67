internal import ArgumentParser
internal import Glibc
internal import SystemPackage

@main
struct Staffetta: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "staffetta",
        abstract: "A replicated mail store: IMAP and LMTP over Raft groups.",
        discussion: """
            Examples:
              staffetta serve                              a node of its own, in ./staffetta-data
              staffetta serve --config /etc/staffetta.yaml
              staffetta dev --nodes 3 --data /tmp/mail     three nodes on this machine
            """,
        subcommands: [Serve.self, Dev.self]
    )

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            let code = exitCode(for: error)
            if code == .validationFailure { complain(fullMessage(for: error), 2) }
            if let code = error as? ExitCode { Glibc.exit(code.rawValue) }
            if code == .success { exit(withError: error) }
            complain("staffetta: \(error)", 1)
        }
    }

    private static func complain(_ text: String, _ status: Int32) -> Never {
        _ = try? FileDescriptor.standardError.writeAll((text + "\n").utf8)
        Glibc.exit(status)
    }
}
