import IMAPGateway
import IMAPSession
import IMAPSyntax
import MailModel
import MailTestSupport
import NIOCore
import Testing

@Suite struct MailboxTests {
    @Test func lists() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            #expect(
                try await client.command("a", "LIST \"\" \"\"")
                    == "* LIST (\\Noselect) \"/\" \"\"\r\na OK That is all\r\n"
            )
            _ = try await client.command("b", "CREATE Work/Plans/2024")
            #expect(
                try await client.command("c", "LIST \"\" %") == """
                    * LIST (\\HasNoChildren) "/" INBOX\r
                    * LIST (\\HasNoChildren \\Archive) "/" Archive\r
                    * LIST (\\HasNoChildren \\Drafts) "/" Drafts\r
                    * LIST (\\HasNoChildren \\Junk) "/" Junk\r
                    * LIST (\\HasNoChildren \\Sent) "/" Sent\r
                    * LIST (\\HasNoChildren \\Trash) "/" Trash\r
                    * LIST (\\HasChildren) "/" Work\r
                    c OK That is all\r\n
                    """
            )
            _ = try await client.command("d", "DELETE Work/Plans")
            #expect(
                try await client.command("e", "LIST Work/ *") == """
                    * LIST (\\Noselect \\HasChildren) "/" Work/Plans\r
                    * LIST (\\HasNoChildren) "/" Work/Plans/2024\r
                    e OK That is all\r\n
                    """
            )
            #expect(try await client.command("f", "SELECT Work/Plans").contains("f NO [NONEXISTENT]"))
            _ = try await client.command("g", "DELETE Work/Plans/2024")
            #expect(
                try await client.command("h", "LIST \"\" Work*").hasPrefix(
                    "* LIST (\\HasNoChildren) \"/\" Work\r\nh OK"
                )
            )
            #expect(
                try await client.command("i", "LIST \"\" inbox").hasPrefix("* LIST (\\HasNoChildren) \"/\" INBOX\r\n")
            )
        }
    }

    @Test func extendedLists() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            _ = try await client.append("x", "Sent", "hello")
            #expect(
                try await client.command("a", "LIST (SPECIAL-USE) \"\" * RETURN (STATUS (MESSAGES SIZE))").contains(
                    "* LIST (\\HasNoChildren \\Sent) \"/\" Sent\r\n* STATUS Sent (MESSAGES 1 SIZE 5)\r\n"
                )
            )
            _ = try await client.command("b", "SUBSCRIBE Far/Away")
            let subscribed = try await client.command("c", "LIST (SUBSCRIBED) \"\" *")
            #expect(subscribed.contains("* LIST (\\NonExistent \\Subscribed \\HasNoChildren) \"/\" Far/Away\r\n"))
            let recursive = try await client.command("d", "LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %")
            #expect(recursive.contains("\"/\" Far (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"))
            #expect(try await client.command("e", "LIST \"\" *").contains("Far") == false)
            #expect(try await client.command("f", "LSUB \"\" %").contains("* LSUB (\\Noselect) \"/\" Far\r\n"))
            #expect(try await client.command("g", "LSUB \"\" *").contains("* LSUB (\\Noselect) \"/\" Far/Away\r\n"))
            _ = try await client.command("h", "UNSUBSCRIBE Far/Away")
            #expect(try await client.command("i", "LSUB \"\" *").contains("Far") == false)
            #expect(try await client.command("j", "LIST \"\" (Sent INBOX) RETURN (CHILDREN)").contains("INBOX"))
        }
    }

    @Test func namesWithWildcards() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            #expect(try await client.command("a", "CREATE \"100%\"").contains("a OK"))
            #expect(try await client.command("b", "CREATE \"100%/a*b\"").contains("b OK"))
            #expect(try await client.command("c", "CREATE 100x").contains("c OK"))
            #expect(try await client.append("d", "\"100%/a*b\"", "one").contains("d OK"))
            #expect(try await client.command("e", "RENAME \"100%\" \"*%*\"").contains("e OK"))
            let selected = try await client.command("f", "SELECT \"*%*/a*b\"")
            #expect(selected.contains("* 1 EXISTS"))
            let listed = try await client.command("g", "LIST \"\" \"*%*/a*b\"")
            #expect(listed == "* LIST (\\HasNoChildren) \"/\" \"*%*/a*b\"\r\ng OK That is all\r\n")
            #expect(try await client.command("h", "LIST \"\" \"100%\"").contains("\"/\" 100x\r\n"))
            #expect(try await client.command("i", "SUBSCRIBE \"*%*\"").contains("i OK"))
            #expect(try await client.command("j", "LSUB \"\" \"*%*\"").contains("\"/\" \"*%*\"\r\n"))
            #expect(try await client.command("k", "STATUS \"*%*/a*b\" (MESSAGES)").contains("\"*%*/a*b\" (MESSAGES 1)"))
            #expect(try await client.command("l", "DELETE \"*%*/a*b\"").contains("l OK"))
            #expect(try await client.command("m", "LIST \"\" \"&bad\"") == "m OK That is all\r\n")
        }
    }

    @Test func createDeleteRename() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            #expect(try await client.command("a", "CREATE Holiday/").contains("a OK [MAILBOXID"))
            #expect(try await client.command("b", "CREATE Holiday").contains("b NO [ALREADYEXISTS]"))
            #expect(try await client.command("c", "CREATE \"Photos\" (USE (\\Junk))").contains("c OK"))
            #expect(try await client.command("d", "CREATE \"All\" (USE (\\All))").contains("d NO [USEATTR]"))
            #expect(try await client.command("e", "CREATE a//b").contains("e NO [CANNOT]"))
            #expect(try await client.command("f", "DELETE INBOX").contains("f NO [CANNOT]"))
            #expect(try await client.command("g", "DELETE Nowhere").contains("g NO [NONEXISTENT]"))
            _ = try await client.command("h", "CREATE Holiday/Rome")
            #expect(try await client.command("i", "RENAME Holiday Trips").contains("i OK"))
            #expect(try await client.command("j", "LIST \"\" Trips*").contains("Trips/Rome"))
            #expect(try await client.command("k", "RENAME Trips Sent").contains("k NO [ALREADYEXISTS]"))
            #expect(try await client.command("l", "CREATE &AOk-t&AOk-").contains("l OK"))
            #expect(try await client.command("m", "LIST \"\" &AOk-*").contains("\"/\" &AOk-t&AOk-\r\n"))
        }
    }

    /// RFC 3501, sections 6.3.4 and 6.3.6: names are subscribed, not mailboxes; levels above mailboxes show.
    @Test func namesThatAreGone() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            for command in [
                "CREATE Trips/Rome", "CREATE Photos", "SUBSCRIBE Trips/Rome", "SUBSCRIBE Photos", "SUBSCRIBE Old",
                "DELETE Trips", "DELETE Photos",
            ] { #expect(try await client.command("a", command).contains("a OK")) }
            #expect(
                try await client.command("b", "LIST \"\" Trips*").contains(
                    "* LIST (\\Noselect \\HasChildren) \"/\" Trips\r\n"
                )
            )
            #expect(try await !client.command("c", "LIST \"\" *").contains("Photos"))
            #expect(try await client.command("d", "DELETE Trips").contains("d NO [NONEXISTENT]"))
            #expect(try await client.command("e", "RENAME Trips Old").contains("e OK"))
            let subscribed = try await client.command("f", "LSUB \"\" *")
            for name in ["Trips/Rome", "Photos", "Old"] { #expect(subscribed.contains("\"/\" \(name)\r\n")) }
            #expect(!subscribed.contains("Old/Rome"))
            #expect(try await client.command("g", "LIST \"\" *").contains("\"/\" Old/Rome\r\n"))
            #expect(try await client.command("h", "UNSUBSCRIBE Photos").contains("h OK"))
            #expect(try await !client.command("i", "LSUB \"\" *").contains("Photos"))
        }
    }

    /// Mail goes on without the keywords that find no room, and a STORE says that they found none.
    @Test func moreKeywordsThanAMailboxHas() async throws {
        try await TestServer.with { server in
            let client = try await server.select()
            _ = try await client.append("a", "INBOX", "one")
            for first in stride(from: 0, to: 600, by: 200) {
                let names = (first..<(first + 200)).map { "k\($0)" }.joined(separator: " ")
                let answer = try await client.command("b", "STORE 1 +FLAGS.SILENT (\\Seen \(names))")
                #expect(answer.contains(first < 400 ? "b OK Stored" : "b OK [LIMIT]"))
                #expect(answer.contains(" FETCH (") == (first == 400))
            }
            #expect(try await client.command("c", "FETCH 1 FLAGS").contains(" k511)"))
            let appended = try await client.append("d", "INBOX", "two", "(\\Flagged surplus k3) ")
            #expect(appended.contains("d OK [APPENDUID"))
            let fetched = try await client.command("e", "FETCH 2 FLAGS")
            #expect(fetched.contains("\\Flagged"))
            #expect(fetched.contains(" k3)"))
            #expect(!fetched.contains("surplus"))
            #expect(try await client.command("f", "COPY 1:2 Sent").contains("f OK"))
            #expect(try await client.command("g", "SELECT Sent").contains(" k511"))
            // The one message that had most of them gives them back.
            #expect(try await client.command("h", "STORE 1 FLAGS (k0)").contains("h OK Stored"))
            #expect(try await client.command("i", "STORE 1 +FLAGS (late)").contains("i OK Stored"))
            #expect(try await client.command("j", "FETCH 1 FLAGS").contains("late"))
        }
    }

    @Test func renamingInboxMovesItsMessages() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            _ = try await client.append("a", "INBOX", "one")
            _ = try await client.append("b", "INBOX", "two", "(\\Seen blue) ")
            let other = try await server.select()
            #expect(try await client.command("c", "RENAME INBOX Old/Mail").contains("c OK"))
            #expect(try await client.command("d", "STATUS INBOX (MESSAGES UIDNEXT)").contains("(MESSAGES 0 UIDNEXT 3)"))
            let selected = try await client.command("e", "SELECT Old/Mail")
            #expect(selected.contains("* 2 EXISTS"))
            #expect(selected.contains("blue"))
            let told = try await other.command("f", "NOOP")
            #expect(told.contains("* 2 EXPUNGE\r\n* 1 EXPUNGE\r\n"))
        }
    }

    @Test func status() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            _ = try await client.append("a", "INBOX", "12345", "(\\Deleted) ")
            let answer = try await client.command(
                "b",
                "STATUS inbox (MESSAGES RECENT UIDNEXT UNSEEN DELETED SIZE HIGHESTMODSEQ APPENDLIMIT)"
            )
            #expect(
                answer.contains(
                    "* STATUS INBOX (MESSAGES 1 RECENT 1 UIDNEXT 2 UNSEEN 1 DELETED 1 SIZE 5 "
                        + "HIGHESTMODSEQ 2 APPENDLIMIT 52428800)"
                )
            )
            #expect(try await client.command("c", "STATUS Nowhere (MESSAGES)").contains("c NO [NONEXISTENT]"))
        }
    }

    @Test func selectingAndLeaving() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            _ = try await client.append("a", "INBOX", "one", "(\\Deleted) ")
            let examined = try await client.command("b", "EXAMINE INBOX")
            #expect(examined.contains("b OK [READ-ONLY]"))
            #expect(examined.contains("[PERMANENTFLAGS ()]"))
            #expect(examined.contains("* 1 RECENT"))
            #expect(try await client.command("c", "STORE 1 +FLAGS (\\Seen)").contains("c NO"))
            #expect(try await client.command("d", "EXPUNGE").contains("d NO"))
            #expect(try await client.command("e", "CLOSE").contains("e OK"))
            #expect(try await client.command("f", "FETCH 1 FLAGS").contains("f BAD"))
            let selected = try await client.command("g", "SELECT INBOX (CONDSTORE)")
            #expect(selected.contains("* 1 RECENT"))
            #expect(selected.contains("[HIGHESTMODSEQ 2]"))
            #expect(try await client.command("h", "UNSELECT").contains("h OK"))
            let again = try await client.command("i", "SELECT INBOX")
            #expect(again.contains("* 1 EXISTS"))
            #expect(again.contains("* 0 RECENT"))
            let failed = try await client.command("j", "SELECT Nowhere")
            #expect(failed.contains("* OK [CLOSED]"))
            #expect(failed.contains("j NO [NONEXISTENT]"))
            #expect(try await client.command("k", "CLOSE").contains("k BAD"))
            _ = try await client.command("l", "SELECT INBOX")
            #expect(try await client.command("m", "CLOSE") == "m OK Closed\r\n")
            #expect(try await client.command("n", "STATUS INBOX (MESSAGES)").contains("MESSAGES 0"))
        }
    }

    @Test func aMailboxDeletedUnderASession() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            _ = try await client.command("a", "CREATE Gone")
            _ = try await client.append("b", "Gone", "one")
            _ = try await client.command("c", "SELECT Gone")
            let other = try await server.logIn()
            _ = try await other.command("d", "DELETE Gone")
            #expect(try await client.command("e", "NOOP").contains("* 1 EXPUNGE"))
            #expect(try await client.command("f", "FETCH 1:* FLAGS").contains("f OK"))
            #expect(try await client.command("g", "CLOSE").contains("g OK"))
        }
    }

    @Test func sessionCommands() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            #expect(try await client.command("a", "ID (\"name\" \"x\")").contains("* ID (\"name\" \"Staffetta\")"))
            #expect(try await client.command("b", "NAMESPACE").contains("* NAMESPACE ((\"\" \"/\")) NIL NIL"))
            #expect(try await client.command("c", "ENABLE CONDSTORE X").contains("* ENABLED CONDSTORE\r\n"))
            #expect(try await client.command("d", "ENABLE QRESYNC").contains("* ENABLED\r\n"))
            #expect(try await client.command("e", "COMPRESS DEFLATE").contains("e NO"))
            #expect(try await client.command("f", "CAPABILITY").contains("CONDSTORE"))
        }
    }
}
