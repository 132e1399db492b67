import MailModel
import MailTestSupport
import NIOCore
import Testing

@Suite struct FirstStepsTests {
    @Test func fromLoginToExpunge() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            let appended = try await client.append("a1", "INBOX", "Subject: one\r\n\r\nHello\r\n", "(\\Flagged) ")
            #expect(appended.contains("a1 OK [APPENDUID "))
            let selected = try await client.command("a2", "SELECT INBOX")
            #expect(selected.contains("* 1 EXISTS\r\n"))
            #expect(selected.contains("* 1 RECENT\r\n"))
            #expect(selected.contains("[UNSEEN 1]"))
            #expect(selected.contains("a2 OK [READ-WRITE]"))
            let fetched = try await client.command("a3", "FETCH 1 (FLAGS BODY[] RFC822.SIZE)")
            #expect(
                fetched.contains(
                    "* 1 FETCH (FLAGS (\\Flagged \\Seen \\Recent) BODY[] {23}\r\n"
                        + "Subject: one\r\n\r\nHello\r\n RFC822.SIZE 23)\r\n"
                )
            )
            let stored = try await client.command("a4", "STORE 1 +FLAGS (\\Deleted work)")
            #expect(stored.contains("FLAGS (\\Flagged \\Deleted \\Seen \\Recent work)"))
            let expunged = try await client.command("a5", "EXPUNGE")
            #expect(expunged.contains("* 1 EXPUNGE\r\n"))
            #expect(try await client.command("a6", "NOOP").hasPrefix("a6 OK"))
            #expect(try await client.command("a7", "LOGOUT").hasPrefix("* BYE"))
        }
    }
}
