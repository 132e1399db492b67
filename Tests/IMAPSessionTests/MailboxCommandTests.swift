import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS and NAMESPACE (RFC 3501, sections 6.3.3 to 6.3.10; RFC 6154;
/// RFC 8474; RFC 2342).
@Suite struct MailboxCommandTests {
    struct Change: Sendable, CustomTestStringConvertible {
        let line: String
        let command: MailCommand
        let outcome: MailOutcome
        let told: String
        init(_ line: String, _ command: MailCommand, _ outcome: MailOutcome = .done, told: String = "a OK") {
            self.line = line
            self.command = command
            self.outcome = outcome
            self.told = told
        }
        var testDescription: String { line }
    }

    private static func name(_ text: String) -> MailModel.MailboxName { Fixture.mailbox(text) }
    private static let created = MailOutcome.mailboxCreated(MailboxID(12), uidValidity: 3)

    static let changes: [Change] = [
        Change("CREATE Work", .createMailbox(name("Work"), specialUse: nil), created, told: "a OK [MAILBOXID (F12)]"),
        Change("CREATE Work/", .createMailbox(name("Work"), specialUse: nil), created, told: "a OK [MAILBOXID (F12)]"),
        Change("CREATE a/b/c", .createMailbox(name("a/b/c"), specialUse: nil), created, told: "a OK [MAILBOXID (F12)]"),
        Change("CREATE &AOk-", .createMailbox(name("é"), specialUse: nil), created, told: "a OK [MAILBOXID (F12)]"),
        Change(
            "CREATE iNboX/x",
            .createMailbox(name("INBOX/x"), specialUse: nil),
            created,
            told: "a OK [MAILBOXID (F12)]"
        ),
        Change(
            "CREATE \"a b%\"",
            .createMailbox(name("a b%"), specialUse: nil),
            created,
            told: "a OK [MAILBOXID (F12)]"
        ),
        Change(
            "CREATE {4+}\r\nWork",
            .createMailbox(name("Work"), specialUse: nil),
            created,
            told: "a OK [MAILBOXID (F12)]"
        ),
        Change(
            "CREATE Bin (USE (\\trash))",
            .createMailbox(name("Bin"), specialUse: .trash),
            created,
            told: "a OK [MAILBOXID (F12)]"
        ),
        Change(
            "CREATE Bin (USE ())",
            .createMailbox(name("Bin"), specialUse: nil),
            created,
            told: "a OK [MAILBOXID (F12)]"
        ),
        Change("DELETE Work", .deleteMailbox(name("Work"))), Change("DELETE inbox", .deleteMailbox(.inbox)),
        Change("RENAME Work Play", .renameMailbox(from: name("Work"), to: name("Play"))),
        Change("RENAME Work Play/", .renameMailbox(from: name("Work"), to: name("Play"))),
        Change("RENAME inBOX Old", .renameMailbox(from: .inbox, to: name("Old"))),
        Change("SUBSCRIBE Work", .setSubscribed(name("Work"), true)),
        Change("SUBSCRIBE inbox", .setSubscribed(.inbox, true)),
        Change("UNSUBSCRIBE Work", .setSubscribed(name("Work"), false)),
    ]

    @Test(arguments: changes)
    func `what is changed is what was named`(_ change: Change) {
        var test = SessionUnderTest.at(.loggedIn)
        #expect(test.exchange("a \(change.line)", [.outcome(change.outcome)]) == [change.told])
        #expect(test.storeCalls == [.submit(change.command)])
    }

    /// What no store has to be asked for.
    static let refused: [Exchange] = [
        Exchange("CREATE /", told: ["a NO [CANNOT]"]),
        Exchange("CREATE a//b", told: ["a NO [CANNOT]"]), Exchange("CREATE /a", told: ["a NO [CANNOT]"]),
        Exchange("CREATE a/../b", told: ["a NO [CANNOT]"]), Exchange("CREATE .", told: ["a NO [CANNOT]"]),
        Exchange("CREATE &bad", told: ["a NO [CANNOT]"]),
        Exchange("CREATE \(String(repeating: "x", count: 1_001))", told: ["a NO [CANNOT]"]),
        Exchange("CREATE \((1...33).map(String.init).joined(separator: "/"))", told: ["a NO [CANNOT]"]),
        // RFC 6154, section 3: what the use asks for cannot be had.
        Exchange("CREATE x (USE (\\All))", told: ["a NO [USEATTR]"]),
        Exchange("CREATE x (USE (\\Flagged))", told: ["a NO [USEATTR]"]),
        Exchange("CREATE x (USE (\\What))", told: ["a NO [USEATTR]"]),
        Exchange("CREATE x (USE (\\Sent \\Trash))", told: ["a NO [USEATTR]"]),
        Exchange("DELETE a//b", told: ["a NO [NONEXISTENT]"]), Exchange("RENAME a//b c", told: ["a NO [NONEXISTENT]"]),
        Exchange("RENAME a b//c", told: ["a NO [CANNOT]"]),
        Exchange("SUBSCRIBE a//b", told: ["a NO [CANNOT]"]),
        // What cannot be is not subscribed.
        Exchange("UNSUBSCRIBE a//b", told: ["a OK"]),
        Exchange("STATUS a//b (MESSAGES)", told: ["a NO [NONEXISTENT]"]),
        Exchange("COMPRESS DEFLATE", told: ["a NO [CANNOT]"]),
        Exchange("NAMESPACE", told: ["* NAMESPACE ((\"\" \"/\")) NIL NIL", "a OK"]),
    ]

    @Test(arguments: refused)
    func `what cannot be is answered without the store`(_ exchange: Exchange) {
        var test = SessionUnderTest.at(.loggedIn)
        exchange.run(&test)
        #expect(test.calls.isEmpty)
    }

    @Test(arguments: ["DELETE INBOX", "RENAME INBOX Old"])
    func `a selected mailbox that is gone is empty`(_ line: String) {
        var test = SessionUnderTest.at(.selected)
        let told = test.exchange("a \(line)", [.outcome(.done), .answer(.missing)])
        #expect(told == (1...5).reversed().map { "* \($0) EXPUNGE" } + ["a OK"])
        #expect(test.exchange("b SEARCH ALL") == ["* SEARCH", "b OK"])
        #expect(test.exchange("c FETCH 1:* FLAGS") == ["c OK"])
        #expect(test.exchange("d FETCH 1 FLAGS") == ["d BAD"])
    }

    @Test(arguments: ["DELETE Work", "RENAME Work Play", "CREATE Work", "SUBSCRIBE Work"])
    func `news of the selected mailbox go with the answer`(_ line: String) {
        var test = SessionUnderTest.at(.selected)
        test.session.accountChanged()
        let outcome = line.hasPrefix("CREATE") ? Self.created : .done
        let told = test.exchange(
            "a \(line)",
            [.outcome(outcome), .answer(Fixture.changes(expunged: Fixture.set(5)))]
        )
        #expect(told.dropLast() == ["* 2 EXPUNGE"])
        #expect(told.last?.hasPrefix("a OK") == true)
    }

    // MARK: STATUS

    private static var record: MailboxRecord {
        var record = Fixture.other(9, "Work")
        record.recentFrom = UID(7)
        record.unseen = 4
        record.deleted = 2
        record.sizeBytes = 5_000_000_000
        record.highestModSeq = ModSeq(99)
        return record
    }

    static let items: [(String, String)] = [
        ("MESSAGES", "MESSAGES 9"), ("RECENT", "RECENT 3"), ("UIDNEXT", "UIDNEXT 10"),
        ("UIDVALIDITY", "UIDVALIDITY 78"),
        ("UNSEEN", "UNSEEN 4"), ("DELETED", "DELETED 2"), ("SIZE", "SIZE 5000000000"),
        ("HIGHESTMODSEQ", "HIGHESTMODSEQ 99"), ("APPENDLIMIT", "APPENDLIMIT 52428800"), ("MAILBOXID", "MAILBOXID (F9)"),
        ("messages Unseen", "MESSAGES 9 UNSEEN 4"), ("UNSEEN MESSAGES UNSEEN", "UNSEEN 4 MESSAGES 9"),
    ]

    @Test(arguments: items)
    func `STATUS tells what it is asked for`(_ asked: String, _ told: String) {
        var test = SessionUnderTest.at(.loggedIn)
        #expect(
            test.exchange("a STATUS Work (\(asked))", [.answer(.mailbox(Self.record))])
                == ["* STATUS Work (\(told))", "a OK"]
        )
        #expect(test.storeCalls == [.query(.mailbox(Self.name("Work")))])
    }

    @Test func `STATUS of what is no mailbox`() {
        var subscription = Self.record
        subscription.selectable = false
        for reply in [MailAnswer.missing, .mailbox(subscription), .mailboxes([])] {
            var test = SessionUnderTest.at(.selected)
            #expect(test.exchange("a STATUS Work (MESSAGES)", [.answer(reply)]) == ["a NO [NONEXISTENT]"])
            #expect(test.hasMailbox)
        }
    }

    /// More messages cannot be recent than there are, whatever was expunged.
    @Test func `STATUS counts no more recent messages than there are`() {
        var record = Self.record
        record.messages = 2
        var test = SessionUnderTest.at(.loggedIn)
        #expect(
            test.exchange("a STATUS Work (RECENT)", [.answer(.mailbox(record))])
                == ["* STATUS Work (RECENT 2)", "a OK"]
        )
    }
}
