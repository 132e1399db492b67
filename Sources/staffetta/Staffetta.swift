internal import ArgumentParser
internal import Glibc
internal import NodeRuntime
internal import SystemPackage

@main
struct Staffetta: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "staffetta",
        abstract: "A replicated mail store: IMAP and LMTP over Raft groups.",
        discussion: """
            The exit status is 2 for bad usage, 77 when the data directory may not be written (the sentence says who \
            must own it; another start does not help), 70 when a node's storage failed while it ran, 1 for anything \
            else that keeps a node from starting.

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
            if let error = error as? StartupError { complain("staffetta: \(error)", error.exitStatus) }
            if code == .success { exit(withError: error) }
            complain("staffetta: \(error)", 1)
        }
    }

    private static func complain(_ text: String, _ status: Int32) -> Never {
        _ = try? FileDescriptor.standardError.writeAll((text + "\n").utf8)
        Glibc.exit(status)
    }
}
