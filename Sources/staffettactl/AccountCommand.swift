internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import Glibc
internal import SwiftProtobuf
internal import SystemPackage

private typealias API = Staffetta_Admin_V1_Accounts.Client<HTTP2ClientTransport.Posix>

struct AccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account",
        abstract: "Accounts.",
        subcommands: [
            Create.self, List.self, Show.self, Suspend.self, Resume.self, Delete.self, SetPassword.self, SetQuota.self,
        ]
    )

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create an account.",
            discussion: "Example: staffettactl account create anna@example.org --password-stdin < secret"
        )
        @Argument(help: "local@domain") var address: String
        @Flag(help: "Read the password from the first line of standard input.") var passwordStdin = false
        @Option(help: ArgumentHelp("Quota in bytes; 0: without limit.", valueName: "bytes")) var quota: UInt64 = 0
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let password = passwordStdin ? try readPassword() : ""
            let (address, quota) = (address, quota)
            try await one(connection, .unwanted(thenAsk: "staffettactl account show \(address)")) { api in
                try await api.createAccount(
                    .with {
                        $0.address = address
                        $0.password = password
                        $0.quotaBytes = quota
                    },
                    options: .admin()
                )
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List all accounts, group by group.",
            discussion: "Example: staffettactl account list"
        )
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let accounts = try await connection.call(.harmless) { client in
                let api = API(wrapping: client)
                return try await allPages { token in
                    let page = try await api.listAccounts(.with { $0.pageToken = token }, options: .admin())
                    return (page.accounts, page.nextPageToken)
                }
            }
            try connection.show(Staffetta_Admin_V1_ListAccountsResponse.with { $0.accounts = accounts }) {
                table(accounts)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one account.",
            discussion: "Example: staffettactl account show anna@example.org"
        )
        @Argument(help: "local@domain") var address: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let address = address
            try await one(connection) { try await $0.getAccount(.with { $0.address = address }, options: .admin()) }
        }
    }

    struct Suspend: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let nobody log in; mail is still taken in.",
            discussion: "Example: staffettactl account suspend anna@example.org"
        )
        @Argument(help: "local@domain") var address: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let address = address
            try await one(connection) { try await $0.suspendAccount(.with { $0.address = address }, options: .admin()) }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a suspension back.",
            discussion: "Example: staffettactl account resume anna@example.org"
        )
        @Argument(help: "local@domain") var address: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let address = address
            try await one(connection) { try await $0.resumeAccount(.with { $0.address = address }, options: .admin()) }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete an account with all its mail, for good.",
            discussion: "Example: staffettactl account delete anna@example.org --yes"
        )
        @Argument(help: "local@domain") var address: String
        @Flag(help: "Confirms that all mail of the account is to go.") var yes = false
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard yes else { throw ValidationError("this deletes all mail of \(address) for good: add --yes") }
        }

        func run() async throws {
            let address = address
            _ = try await connection.call(.unwanted(thenAsk: "staffettactl account show \(address)")) { client in
                try await API(wrapping: client).deleteAccount(.with { $0.address = address }, options: .admin())
            }
            if connection.format == .json { print("{}") } else { print("deleted \(address)") }
        }
    }

    struct SetPassword: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set the password, read from the first line of standard input.",
            discussion: "Example: staffettactl account set-password anna@example.org < secret"
        )
        @Argument(help: "local@domain") var address: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let password = try readPassword()
            let address = address
            try await one(connection) { api in
                try await api.setPassword(
                    .with {
                        $0.address = address
                        $0.password = password
                    },
                    options: .admin()
                )
            }
        }
    }

    struct SetQuota: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set the quota in bytes; 0: without limit.",
            discussion: "Example: staffettactl account set-quota anna@example.org 1000000000"
        )
        @Argument(help: "local@domain") var address: String
        @Argument(help: "Bytes.") var quota: UInt64
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let (address, quota) = (address, quota)
            try await one(connection) { api in
                try await api.setQuota(
                    .with {
                        $0.address = address
                        $0.quotaBytes = quota
                    },
                    options: .admin()
                )
            }
        }
    }
}

/// Makes a call that answers with an account, and shows it.
///
/// What sets a state (a password, a quota, whether the account is suspended) may be made again.
private func one(
    _ connection: ConnectionOptions,
    _ repetition: Repetition = .harmless,
    _ body: @Sendable @escaping (API) async throws -> Staffetta_Admin_V1_Account
) async throws {
    let account = try await connection.call(repetition) { client in try await body(API(wrapping: client)) }
    try connection.show(account) { table([account]) }
}

private func table(_ accounts: [Staffetta_Admin_V1_Account]) -> Table {
    Table(
        header: ["ADDRESS", "STATE", "MESSAGES", "USED", "QUOTA", "MAILBOXES", "PASSWORD", "GROUP"],
        rows: accounts.map { account in
            [
                account.address, account.state == .suspended ? "suspended" : "active", "\(account.usedMessages)",
                bytes(account.usedBytes), account.quotaBytes == 0 ? "none" : bytes(account.quotaBytes),
                "\(account.mailboxes)", account.hasPassword_p ? "set" : "none", "\(account.group)",
            ]
        }
    )
}

private func readPassword() throws -> String {
    if isatty(0) == 1 { _ = try? FileDescriptor.standardError.writeAll("password: ".utf8) }
    guard let line = readLine(strippingNewline: true), !line.isEmpty else {
        throw ValidationError("expected the password on the first line of standard input")
    }
    return line
}
