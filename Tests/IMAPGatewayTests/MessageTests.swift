import IMAPGateway
import IMAPSession
import IMAPSyntax
import MailModel
import MailTestSupport
import NIOCore
import Testing

@Suite struct MessageTests {
    @Test func internalDatesComeBackAsTheyWere() async throws {
        let dates = [
            "31-Dec-9999 23:59:59 +0000", "31-Dec-9999 23:59:59 -1200", "31-Dec-9999 23:59:59 +1400",
            " 1-Jan-0000 00:00:00 +0000", " 1-Jan-0000 00:00:00 -9959", " 1-Jan-0000 00:00:00 +9959",
            "29-Feb-2024 12:00:00 -0330",
        ]
        try await TestServer.with { server in
            let client = try await server.logIn()
            for date in dates { _ = try await client.append("a", "INBOX", "x", "\"\(date)\" ") }
            _ = try await client.command("b", "SELECT INBOX")
            let fetched = try await client.command("c", "FETCH 1:* INTERNALDATE")
            for (index, date) in dates.enumerated() {
                #expect(fetched.contains("* \(index + 1) FETCH (INTERNALDATE \"\(date)\")\r\n"))
            }
            #expect(try await client.command("d", "SEARCH ON 31-Dec-9999").hasPrefix("* SEARCH 1 2 3\r\n"))
            #expect(try await client.command("e", "SEARCH BEFORE 2-Jan-0000").hasPrefix("* SEARCH 4 5 6\r\n"))
        }
    }

    func filled(_ server: TestServer, _ count: Int) async throws -> TestClient {
        let client = try await server.logIn()
        for number in 1...count {
            _ = try await client.append("x\(number)", "INBOX", "Subject: \(number)\r\n\r\nbody \(number)\r\n")
        }
        _ = try await client.command("y", "SELECT INBOX")
        return client
    }

    @Test func storeInAllForms() async throws {
        try await TestServer.with { server in
            let client = try await filled(server, 3)
            #expect(
                try await client.command("a", "STORE 1:2 FLAGS (\\Seen)").contains(
                    "* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))"
                )
            )
            #expect(try await client.command("b", "STORE 1 +FLAGS.SILENT (\\Flagged $Work)").contains("FETCH") == false)
            #expect(
                try await client.command("c", "FETCH 1 FLAGS").contains("(FLAGS (\\Flagged \\Seen \\Recent $Work))")
            )
            #expect(try await client.command("d", "STORE 1 -FLAGS \\Flagged $work").contains("FLAGS (\\Seen \\Recent)"))
            #expect(
                try await client.command("e", "UID STORE 3 +FLAGS ()").contains("* 3 FETCH (UID 3 FLAGS (\\Recent))")
            )
            #expect(try await client.command("f", "UID STORE 77 +FLAGS (\\Seen)") == "f OK Stored\r\n")
            #expect(try await client.command("g", "STORE 4 +FLAGS (\\Seen)").contains("g BAD"))
            #expect(try await client.command("h", "STORE * +FLAGS (\\Draft)").contains("* 3 FETCH"))
        }
    }

    @Test func conditionalStore() async throws {
        try await TestServer.with { server in
            let client = try await filled(server, 3)
            let other = try await server.select()
            _ = try await other.command("o", "STORE 2 +FLAGS.SILENT (\\Flagged)")
            let stored = try await client.command("a", "STORE 1:3 (UNCHANGEDSINCE 4) +FLAGS.SILENT (\\Seen)")
            #expect(stored.contains("a OK [MODIFIED 2]"))
            #expect(stored.contains("* 1 FETCH (UID 1 MODSEQ (6))"))
            #expect(stored.contains("* 2 FETCH (UID 2 FLAGS (\\Flagged \\Recent) MODSEQ (5))"))
            let fetched = try await client.command("b", "FETCH 1:* (FLAGS) (CHANGEDSINCE 5)")
            #expect(fetched.contains("* 1 FETCH (FLAGS (\\Seen \\Recent) MODSEQ (6))"))
            #expect(fetched.contains("* 2 FETCH") == false)
            #expect(try await client.command("c", "SEARCH MODSEQ 6").contains("* SEARCH 1 3 (MODSEQ 6)\r\n"))
            #expect(
                try await client.command("d", "UID SEARCH RETURN (MIN COUNT) MODSEQ 5").contains(
                    "UID MIN 1 COUNT 3 MODSEQ 6"
                )
            )
        }
    }

    @Test func copyAndMove() async throws {
        try await TestServer.with { server in
            let client = try await filled(server, 4)
            _ = try await client.command("a", "STORE 2 +FLAGS (blue)")
            let copied = try await client.command("b", "COPY 1:2 Archive")
            #expect(copied.firstMatch(of: /b OK \[COPYUID \d+ 1:2 1:2\]/) != nil)
            let moved = try await client.command("c", "UID MOVE 2,4 Archive")
            #expect(
                moved.firstMatch(of: /^\* OK \[COPYUID \d+ 2,4 3:4\] Moved\r\n\* 4 EXPUNGE\r\n\* 2 EXPUNGE\r\nc OK/)
                    != nil
            )
            #expect(try await client.command("d", "COPY 1 Nowhere").contains("d NO [TRYCREATE]"))
            #expect(try await client.command("e", "UID COPY 99 Archive") == "e OK Copied\r\n")
            #expect(try await client.command("f", "UID MOVE 99 Nowhere").contains("f NO [TRYCREATE]"))
            let selected = try await client.command("g", "SELECT Archive")
            #expect(selected.contains("* 4 EXISTS"))
            #expect(try await client.command("h", "FETCH 2:3 FLAGS").contains("* 3 FETCH (FLAGS (\\Recent blue))"))
        }
    }

    @Test func uidExpunge() async throws {
        try await TestServer.with { server in
            let client = try await filled(server, 3)
            _ = try await client.command("a", "STORE 1:3 +FLAGS.SILENT (\\Deleted)")
            #expect(try await client.command("b", "UID EXPUNGE 2:2") == "* 2 EXPUNGE\r\nb OK Expunged\r\n")
            #expect(try await client.command("c", "EXPUNGE") == "* 2 EXPUNGE\r\n* 1 EXPUNGE\r\nc OK Expunged\r\n")
        }
    }

    @Test func numbersStayWhileOthersExpunge() async throws {
        try await TestServer.with { server in
            let client = try await filled(server, 3)
            let other = try await server.select()
            _ = try await other.command("o", "STORE 1 +FLAGS.SILENT (\\Deleted)")
            _ = try await other.command("p", "EXPUNGE")
            let body = try await client.command("a", "FETCH 1:3 BODY.PEEK[TEXT]")
            #expect(body.contains("EXPUNGE\r\n") == false)
            #expect(body.contains("* 1 FETCH") == false)
            #expect(body.contains("* 2 FETCH (BODY[TEXT] {8}\r\nbody 2\r\n)\r\n"))
            #expect(body.contains("a OK [EXPUNGEISSUED]"))
            let search = try await client.command("b", "SEARCH ALL")
            #expect(search.contains("EXPUNGE") == false)
            let uidSearch = try await client.command("c", "UID SEARCH ALL")
            #expect(uidSearch.contains("* SEARCH 2 3\r\n* 1 EXPUNGE\r\nc OK"))
        }
    }

    @Test func idleAcrossConnections() async throws {
        try await TestServer.with { server in
            let client = try await filled(server, 1)
            try await client.send("i IDLE\r\n")
            #expect(try await client.readLine().hasPrefix("+ "))
            let other = try await server.logIn()
            _ = try await other.append("a", "INBOX", "two")
            #expect(try await client.readLine() == "* 2 EXISTS\r\n")
            #expect(try await client.readLine() == "* 2 RECENT\r\n")
            _ = try await other.command("s", "SELECT INBOX")
            _ = try await other.command("b", "STORE 1 +FLAGS (\\Answered)")
            #expect(try await client.readLine() == "* 1 FETCH (UID 1 FLAGS (\\Answered \\Recent))\r\n")
            _ = try await other.command("c", "STORE 1 +FLAGS.SILENT (\\Deleted)")
            #expect(try await client.readLine().contains("\\Deleted"))
            _ = try await other.command("d", "EXPUNGE")
            #expect(try await client.readLine() == "* 1 EXPUNGE\r\n")
            try await client.send("DONE\r\n")
            #expect(try await client.read(through: "i ").contains("i OK"))
            try await client.send("j IDLE\r\nwhat\r\n")
            #expect(try await client.read(through: "j ").contains("j BAD"))
        }
    }

    /// Nothing is asked again and again: that would take the event loop from all its other clients.
    @Test func `a mailbox deleted while a client idles keeps nobody waiting`() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            _ = try await client.command("c", "CREATE gone")
            _ = try await client.append("a", "gone", "one")
            _ = try await client.command("s", "SELECT gone")
            try await client.send("i IDLE\r\n")
            #expect(try await client.readLine().hasPrefix("+ "))
            let other = try await server.logIn()
            _ = try await other.command("d", "DELETE gone")
            #expect(try await client.readLine() == "* 1 EXPUNGE\r\n")
            _ = try await other.append("a", "INBOX", "two")
            #expect(try await other.command("n", "NOOP").contains("n OK"))
            try await client.send("DONE\r\n")
            #expect(try await client.read(through: "i ").contains("i OK"))
        }
    }

    @Test func heartbeat() async throws {
        try await TestServer.with({ $0.heartbeatSeconds = 1 }) { server in
            let client = try await server.select()
            try await client.send("i IDLE\r\n")
            #expect(try await client.readLine().hasPrefix("+ "))
            #expect(try await client.readLine() == "* OK Still here\r\n")
        }
    }

    @Test func flagsOnlyFetchesNeedNoStore() async throws {
        try await TestServer.with { server in
            let client = try await filled(server, 5)
            _ = try await client.command("n", "NOOP")
            let before = server.service.calls
            _ = try await client.command("a", "FETCH 1:* (UID FLAGS MODSEQ)")
            _ = try await client.command("b", "UID FETCH 1:* FLAGS")
            _ = try await client.command("c", "SEARCH UNSEEN")
            #expect(server.service.calls == before)
            _ = try await client.command("d", "FETCH 1:* (RFC822.SIZE)")
            #expect(server.service.calls.queries == before.queries + 1)
        }
    }
}
