import IMAPGateway
import IMAPSession
import IMAPSyntax
import MailModel
import MailTestSupport
import NIOCore
import Testing

@Suite struct LoginTests {
    @Test func plainInAllForms() async throws {
        // NUL user@example.org NUL pass
        let response = "AHVzZXJAZXhhbXBsZS5vcmcAcGFzcw=="
        try await TestServer.with { server in
            let one = try await server.connect()
            #expect(try await one.command("a", "AUTHENTICATE PLAIN \(response)").contains("a OK [CAPABILITY"))
            let two = try await server.connect()
            try await two.send("a AUTHENTICATE PLAIN\r\n")
            #expect(try await two.readLine() == "+ \r\n")
            try await two.send("\(response)\r\n")
            #expect(try await two.read(through: "a ").contains("a OK"))
            let three = try await server.connect()
            try await three.send("a AUTHENTICATE PLAIN\r\n")
            #expect(try await three.readLine() == "+ \r\n")
            try await three.send("*\r\n")
            #expect(try await three.readLine().hasPrefix("a BAD"))
            try await three.send("b AUTHENTICATE PLAIN\r\n")
            #expect(try await three.readLine() == "+ \r\n")
            try await three.send("!!\r\nc NOOP\r\n")
            #expect(try await three.readLine().hasPrefix("b BAD"))
            #expect(try await three.readLine().hasPrefix("c OK"))
            #expect(try await three.command("d", "AUTHENTICATE CRAM-MD5").contains("d NO"))
        }
    }

    /// NUL user NUL pass, and the same for somebody who says whom to act for in the other form.
    @Test(arguments: [
        "LOGIN user pass", "LOGIN user@example.org pass", "LOGIN USER pass", "AUTHENTICATE PLAIN AHVzZXIAcGFzcw==",
        "AUTHENTICATE PLAIN dXNlckBleGFtcGxlLm9yZwB1c2VyAHBhc3M=",
    ])
    func namesWithoutADomainGetTheDefaultOne(_ command: String) async throws {
        try await TestServer.with({ $0.session.defaultDomain = "example.org" }) { server in
            let client = try await server.connect()
            #expect(try await client.command("a", command).contains("a OK [CAPABILITY"))
        }
        guard !command.contains("@") else { return }
        try await TestServer.with { server in
            let client = try await server.connect()
            #expect(try await client.command("a", command).contains("a NO"))
        }
    }

    @Test func refusals() async throws {
        try await TestServer.with { server in
            let client = try await server.connect()
            let wrong = try await client.command("a", "LOGIN user@example.org wrong")
            #expect(wrong.contains("a NO [AUTHENTICATIONFAILED]"))
            server.service.setFailure(.unavailable)
            let unavailable = try await client.command("b", "LOGIN user@example.org pass")
            #expect(unavailable.contains("b NO [UNAVAILABLE]"))
            server.service.setFailure(nil)
            try server.service.setAccountState(.suspended, of: server.account)
            let suspended = try await client.command("c", "LOGIN user@example.org pass")
            #expect(suspended.contains("c NO [CONTACTADMIN]"))
            #expect(try await client.command("d", "SELECT INBOX").contains("d BAD"))
            #expect(try await client.command("e", "STARTTLS").contains("e BAD"))
        }
    }

    @Test func noPasswordsWithoutTLS() async throws {
        try await TestServer.with({ $0.session.allowsPlaintextLogin = false }) { server in
            let client = try await server.connect()
            #expect(try await client.command("a", "CAPABILITY").contains(" LOGINDISABLED "))
            #expect(try await client.command("b", "LOGIN user@example.org pass").contains("b NO [PRIVACYREQUIRED]"))
            #expect(try await client.command("c", "AUTHENTICATE PLAIN AHUAcA==").contains("c NO [PRIVACYREQUIRED]"))
        }
    }

    @Test func storeFailuresAreNotTheClientsFault() async throws {
        try await TestServer.with { server in
            let client = try await server.select()
            server.service.setFailure(.unavailable)
            for (tag, command) in [
                ("a", "LIST \"\" *"), ("b", "STATUS INBOX (MESSAGES)"), ("c", "CREATE x"), ("d", "SELECT Sent"),
            ] {
                #expect(try await client.command(tag, command).contains("\(tag) NO [UNAVAILABLE]"))
            }
            server.service.setFailure(.busy)
            #expect(try await client.command("e", "CREATE x").contains("e NO [INUSE]"))
            #expect(try await client.command("f", "APPEND INBOX {3}").contains("f NO [INUSE]"))
            server.service.setFailure(nil)
            #expect(try await client.command("g", "SELECT INBOX").contains("g OK"))
        }
    }

    @Test func aQuotaIsKept() async throws {
        try await TestServer.with(quotaBytes: 10) { server in
            let client = try await server.logIn()
            #expect(try await client.append("a", "INBOX", "12345678901").contains("a NO [OVERQUOTA]"))
            #expect(try await client.append("b", "INBOX", "1234567890").contains("b OK"))
        }
    }
}
