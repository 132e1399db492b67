import GatewaySupport
import IMAPSession
import Logging
import MailModel
import MailTestSupport
import NIOCore
import NIOPosix
import Testing

@testable import IMAPGateway

@Suite struct ClientLimitTests {
    /// Tries to log in, on new connections, until a session that has ended was counted out.
    static func logInAgain(_ server: TestServer) async throws -> TestClient {
        for _ in 0..<10_000 {
            let client = try await server.connect()
            if try await client.command("r", "LOGIN user@example.org pass").contains("r OK") { return client }
            client.close()
        }
        throw TestFailure(description: "the place of a session that ended was never free")
    }

    @Test func anAccountHasSoManySessions() async throws {
        let limits = ClientLimits(sessionsPerAccount: 2)
        try await TestServer.with({ $0.clients = limits }) { server in
            let one = try await server.logIn()
            let two = try await server.logIn()
            let three = try await server.connect()
            #expect(try await three.command("a", "LOGIN user@example.org pass").hasPrefix("a NO [LIMIT] This account"))
            #expect(
                try await three.command("b", "LOGIN user@example.org wrong").hasPrefix("b NO [AUTHENTICATIONFAILED]")
            )
            #expect(try await three.command("c", "SELECT INBOX").hasPrefix("c BAD"))
            let other = try server.service.addAccount("other@example.org", password: "pass", quotaBytes: 0)
            #expect(other != server.account)
            let fourth = try await server.connect()
            #expect(try await fourth.command("d", "LOGIN other@example.org pass").contains("d OK"))
            // However a session ends, its place is free again: by LOGOUT, by a client that hangs up, ...
            _ = try await one.command("e", "LOGOUT")
            #expect(try await three.command("f", "LOGIN user@example.org pass").contains("f OK"))
            two.close()
            let again = try await Self.logInAgain(server)
            // ... by the server, which has had enough of what is no command, ...
            for number in 0..<10 { try await again.send("x\(number) NONSENSE\r\n") }
            _ = try await again.readToEnd()
            let last = try await Self.logInAgain(server)
            // ... and by an account that is gone.
            try server.service.setAccountState(.suspended, of: server.account)
            #expect(limits.counted.accounts == 2)
            last.close()
            three.close()
            fourth.close()
        }
        #expect(limits.counted.accounts == 0)
        #expect(limits.counted.addresses == 0)
    }

    @Test func serversOfOneNodeCountTogether() async throws {
        let limits = ClientLimits(sessionsPerAccount: 1)
        try await TestServer.with({ $0.clients = limits }) { server in
            var settings = IMAPServerSettings()
            settings.session.allowsPlaintextLogin = true
            settings.clients = limits
            settings.stopSeconds = 1
            let second = try await IMAPServer.start(
                host: "127.0.0.1",
                port: 0,
                settings: settings,
                service: server.service,
                group: MultiThreadedEventLoopGroup.singleton,
                tls: nil,
                mode: .plain,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            _ = try await server.logIn()
            let client = try await TestClient.connect(second.port ?? 0)
            _ = try await client.readLine()
            #expect(try await client.command("a", "LOGIN user@example.org pass").hasPrefix("a NO [LIMIT]"))
            client.close()
            await second.stop()
        }
    }

    @Test func anAddressHasSoManyConnections() async throws {
        let limits = ClientLimits(addresses: AddressLimit(sessionsPerAddress: 2, unlimited: []))
        try await TestServer.with({ $0.clients = limits }) { server in
            let one = try await server.connect()
            let two = try await server.connect()
            let three = try await TestClient.connect(server.port)
            #expect(try await three.readToEnd().hasPrefix("* BYE Too many sessions from your address"))
            _ = try await one.command("a", "LOGOUT")
            _ = try await one.readToEnd()
            var greeting = ""
            for _ in 0..<10_000 where !greeting.hasPrefix("* OK") {
                greeting = try await TestClient.connect(server.port).readLine()
            }
            #expect(greeting.hasPrefix("* OK"))
            two.close()
        }
        #expect(limits.counted.addresses == 0)
    }

    @Test func addressesWithManyClientsAreNotCounted() async throws {
        let limits = ClientLimits(addresses: AddressLimit(sessionsPerAddress: 1))
        try await TestServer.with({ $0.clients = limits }) { server in
            for _ in 0..<5 { _ = try await server.connect() }
            #expect(limits.counted.addresses == 0)
        }
    }
}
