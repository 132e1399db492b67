import IMAPGateway
import MailModel
import MailTestSupport
import NIOCore
import Testing

/// `\Recent` (RFC 3501, section 2.3.2): best effort, and never a write of its own.
@Suite struct RecentTests {
    private func deliver(to server: TestServer) throws {
        let message = NewMessage(
            bodyID: server.service.makeBodyID(),
            internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
            sizeBytes: 3,
            summary: ByteBuffer(),
            body: .inline(ByteBuffer(string: "new"))
        )
        guard case .appended = try server.service.perform(.deliver(message, id: nil), for: server.account) else {
            throw TestFailure(description: "not delivered")
        }
    }

    @Test func `one of two sessions is given what is recent`() async throws {
        try await TestServer.with { server in
            try deliver(to: server)
            let first = try await server.logIn()
            #expect(try await first.command("a", "SELECT INBOX").contains("* 1 RECENT\r\n"))
            let second = try await server.logIn()
            #expect(try await second.command("a", "SELECT INBOX").contains("* 0 RECENT\r\n"))
            try deliver(to: server)
            #expect(try await second.command("b", "NOOP") == "* 2 EXISTS\r\n* 1 RECENT\r\nb OK NOOP completed\r\n")
            #expect(try await first.command("b", "NOOP") == "* 2 EXISTS\r\nb OK NOOP completed\r\n")
            let told = try await first.command("c", "FETCH 1:2 FLAGS")
            #expect(told.hasPrefix("* 1 FETCH (FLAGS (\\Recent))\r\n* 2 FETCH (FLAGS ())\r\n"))
            let toldSecond = try await second.command("c", "FETCH 1:2 FLAGS")
            #expect(toldSecond.hasPrefix("* 1 FETCH (FLAGS ())\r\n* 2 FETCH (FLAGS (\\Recent))\r\n"))
        }
    }

    @Test func `EXAMINE and STATUS take nothing, and agree with SELECT`() async throws {
        try await TestServer.with { server in
            for _ in 0..<3 { try deliver(to: server) }
            let client = try await server.logIn()
            #expect(try await client.command("a", "EXAMINE INBOX").contains("* 3 RECENT\r\n"))
            #expect(try await client.command("b", "STATUS INBOX (RECENT)").contains("(RECENT 3)"))
            #expect(try await client.command("c", "SELECT INBOX").contains("* 3 RECENT\r\n"))
            let other = try await server.logIn()
            #expect(try await other.command("a", "STATUS INBOX (RECENT)").contains("(RECENT 0)"))
            #expect(try await other.command("b", "EXAMINE INBOX").contains("* 0 RECENT\r\n"))
            #expect(try await other.command("c", "SELECT INBOX").contains("* 0 RECENT\r\n"))
        }
    }

    /// What wakes every session must not have every session write: each write would wake them all again.
    @Test func `new mail for many sessions that wait is one entry of the log`() async throws {
        try await TestServer.with { server in
            var clients: [TestClient] = []
            for _ in 0..<5 {
                let client = try await server.select()
                try await client.send("i IDLE\r\n")
                #expect(try await client.readLine().hasPrefix("+ "))
                clients.append(client)
            }
            let before = server.service.appliedIndex
            try deliver(to: server)
            for client in clients { #expect(try await client.readLine() == "* 1 EXISTS\r\n") }
            // Whatever the sessions have set off is done when each has answered another command.
            for client in clients {
                try await client.send("DONE\r\n")
                try await client.read(through: "i ")
                try await client.command("n", "NOOP")
            }
            #expect(server.service.appliedIndex == before + 1)
        }
    }
}
