internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import Glibc
internal import SwiftProtobuf

struct NodeTokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Tokens by which nodes join the cluster.",
        subcommands: [Create.self, List.self, Revoke.self]
    )

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token, and print what a node needs to join.",
            discussion: """
                The secret is shown this once: only a hash of it is kept.

                Example: staffettactl node token create --ttl 1h --uses 3
                """
        )
        @Option(help: ArgumentHelp("How long it lets nodes in: 90s, 30m, 1h, 7d; at most 30d.", valueName: "time"))
        var ttl = "1h"
        @Option(help: "How many nodes it lets in.") var uses: UInt32 = 1
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard Self.seconds(ttl) != nil else {
                throw ValidationError("--ttl \(ttl): expected a number with s, m, h or d, such as 1h")
            }
        }

        func run() async throws {
            let (seconds, uses) = (Self.seconds(ttl) ?? 0, uses)
            let unwanted = Repetition.unwanted(thenAsk: "staffettactl node token list")
            let made = try await connection.call(unwanted) { client in
                try await Staffetta_Admin_V1_Nodes.Client(wrapping: client).createJoinToken(
                    .with {
                        $0.ttlSeconds = seconds
                        $0.uses = uses
                    },
                    options: .admin()
                )
            }
            try connection.show(made) { tokenTable([made.token]) }
            guard connection.format == .table else { return }
            print("\nthe secret, which is not shown again:\n\n  \(made.secret)\n")
            print("on the node that is to join, with the peer address of any node of the cluster:\n")
            print("  staffetta serve --join HOST:14000 --join-token \(made.secret)")
        }

        /// Nil for what is no time.
        static func seconds(_ text: String) -> UInt32? {
            let units: [Character: UInt32] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
            guard let unit = text.last.flatMap({ units[$0] }), let number = UInt32(text.dropLast()), number > 0 else {
                return nil
            }
            let (seconds, overflow) = number.multipliedReportingOverflow(by: unit)
            return overflow ? nil : seconds
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the tokens.",
            discussion: "Example: staffettactl node token list"
        )
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let list = try await connection.call(.harmless) { client in
                try await Staffetta_Admin_V1_Nodes.Client(wrapping: client)
                    .listJoinTokens(Staffetta_Admin_V1_ListJoinTokensRequest(), options: .admin())
            }
            try connection.show(list) { tokenTable(list.tokens) }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a token: nobody joins by it any more.",
            discussion: "Example: staffettactl node token revoke 4f0c6a1be2937d58"
        )
        @Argument(help: "The token's ID, which the list shows.") var id: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let id = id
            let unwanted = Repetition.unwanted(thenAsk: "staffettactl node token list")
            _ = try await connection.call(unwanted) { client in
                try await Staffetta_Admin_V1_Nodes.Client(wrapping: client)
                    .revokeJoinToken(.with { $0.id = id }, options: .admin())
            }
            if connection.format == .table { print("token \(id) has ended") } else { print("{}") }
        }
    }
}

private func tokenTable(_ tokens: [Staffetta_Admin_V1_JoinToken]) -> Table {
    Table(
        header: ["TOKEN", "ENDS", "USES LEFT"],
        rows: tokens.map { ["\($0.id)", time($0.expiresMilliseconds), "\($0.usesLeft)"] }
    )
}
