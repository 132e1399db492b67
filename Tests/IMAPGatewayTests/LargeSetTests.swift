import MailModel
import MailTestSupport
import NIOCore
import Testing

/// Commands over more messages than the store takes at once.
@Suite struct LargeSetTests {
    /// INBOX with so many messages of ten bytes, put there without a gateway.
    private func filled(
        _ server: TestServer,
        _ count: Int,
        summaryBytes: Int = 0
    ) async throws -> TestClient {
        for number in 0..<count {
            let message = NewMessage(
                bodyID: BodyID(milliseconds: 1, random: 7, UInt64(number)),
                internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
                sizeBytes: 10,
                summary: ByteBuffer(repeating: 0, count: summaryBytes),
                body: .inline(ByteBuffer(repeating: 0x61, count: 10))
            )
            try server.service.perform(.append(message, to: .inbox), for: server.account)
        }
        return try await server.select()
    }

    private func messages(_ client: TestClient, _ mailbox: String) async throws -> String {
        try await client.command("m", "STATUS \(mailbox) (MESSAGES DELETED)")
    }

    @Test func allOfThemByOneCommand() async throws {
        let count = MailLimits.messagesPerStore + 50
        try await TestServer.with { server in
            let client = try await filled(server, count)
            let copied = try await client.command("a", "COPY 1:* Archive")
            #expect(copied.contains(" 1:\(count) 1:\(count)] Copied"))
            #expect(try await messages(client, "Archive").contains("(MESSAGES \(count) DELETED 0)"))
            #expect(try await client.command("b", "STORE 1:* +FLAGS.SILENT (\\Deleted)") == "b OK Stored\r\n")
            #expect(try await messages(client, "INBOX").contains("(MESSAGES \(count) DELETED \(count))"))
            _ = try await client.command("c", "CLOSE")
            #expect(try await messages(client, "INBOX").contains("(MESSAGES 0 DELETED 0)"))
            _ = try await client.command("d", "SELECT Archive")
            let moved = try await client.command("e", "MOVE 1:* Trash")
            #expect(moved.contains(" 1:\(count) 1:\(count)] Moved"))
            #expect(try await messages(client, "Archive").contains("(MESSAGES 0"))
            #expect(try await messages(client, "Trash").contains("(MESSAGES \(count)"))
        }
    }

    /// What another session marked counts as well.
    @Test func expungeFindsWhatOthersMarked() async throws {
        try await TestServer.with { server in
            let client = try await filled(server, 3)
            let other = try await server.select()
            _ = try await other.command("o", "STORE 2 +FLAGS.SILENT (\\Deleted)")
            #expect(try await client.command("a", "EXPUNGE").contains("* 2 EXPUNGE\r\n"))
        }
    }

    /// A COPY that does not fit in the end leaves the target as it was (RFC 3501, section 6.4.7).
    @Test func aCopyThatFailsIsTakenBack() async throws {
        let count = MailLimits.messagesPerCopy + 50
        try await TestServer.with(quotaBytes: UInt64(10 * (count + MailLimits.messagesPerCopy + 10))) { server in
            let client = try await filled(server, count)
            #expect(try await client.command("a", "COPY 1:* Archive").contains("a NO [OVERQUOTA]"))
            #expect(try await messages(client, "Archive").contains("(MESSAGES 0 DELETED 0)"))
            #expect(try await client.command("b", "COPY 1:10 Archive").contains("b OK [COPYUID"))
            #expect(try await messages(client, "Archive").contains("(MESSAGES 10 DELETED 0)"))
        }
    }

    /// The store refuses sets of which it has stored much: they go in halves.
    @Test func messagesWithLargeSummaries() async throws {
        let (count, size) = (20, MailLimits.summaryBytes)
        try await TestServer.with { server in
            let client = try await filled(server, count, summaryBytes: size)
            let copied = try await client.command("a", "COPY 1:* Archive")
            #expect(copied.contains(" 1:\(count) 1:\(count)] Copied"))
            let moved = try await client.command("b", "MOVE 1:7 Archive")
            #expect(moved.contains(" 1:7 21:27] Moved"))
            _ = try await client.command("c", "STORE 1:* +FLAGS.SILENT (\\Deleted)")
            #expect(try await client.command("d", "UID EXPUNGE 8:16").contains("d OK"))
            #expect(try await messages(client, "INBOX").contains("(MESSAGES 4 DELETED 4)"))
            _ = try await client.command("e", "CLOSE")
            #expect(try await messages(client, "INBOX").contains("(MESSAGES 0 DELETED 0)"))
            #expect(try await messages(client, "Archive").contains("(MESSAGES 27 DELETED 0)"))
        }
        // Taken back in halves as well.
        try await TestServer.with(quotaBytes: UInt64(10 * (count + 15))) { server in
            let client = try await filled(server, count, summaryBytes: size)
            #expect(try await client.command("a", "COPY 1:* Archive").contains("a NO [OVERQUOTA]"))
            #expect(try await messages(client, "Archive").contains("(MESSAGES 0 DELETED 0)"))
        }
    }

    /// The store names its limit, and nothing is changed.
    @Test func aTreeThatIsTooLarge() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            for number in 0...MailLimits.mailboxesPerRename {
                let name = try MailboxName("tree/\(number)")
                try server.service.perform(.createMailbox(name, specialUse: nil), for: server.account)
            }
            #expect(try await client.command("a", "RENAME tree wood").contains("a NO [LIMIT] More than"))
            #expect(try await client.command("b", "STATUS tree/7 (MESSAGES)").contains("b OK"))
        }
    }
}
