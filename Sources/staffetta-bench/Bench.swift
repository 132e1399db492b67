internal import ArgumentParser

@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "staffetta-bench",
        abstract: "Loads a mail store over its own protocols and prints what it did.",
        discussion: """
            The loads by LMTP and IMAP work against any server, so that stores can be compared: deliver, append, \
            fetch, flags, mixed, login, mailbox, watch, steady and neighbors. puts loads etcd; idle and apply measure \
            parts of Staffetta.

            Example: staffetta-bench deliver --server 127.0.0.1:14015 --size mail --rate 200 --seconds 60 --plot a.svg
            """,
        subcommands: [
            Deliver.self, Append.self, Fetch.self, Mixed.self, Login.self, Mailbox.self, Watch.self, Steady.self,
            Flags.self,
            Puts.self, Neighbors.self, Idle.self, Apply.self,
        ]
    )
}
