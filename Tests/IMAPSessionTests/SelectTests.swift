import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// SELECT, EXAMINE, CLOSE and UNSELECT (RFC 3501, sections 6.3.1, 6.3.2 and 6.4.2; RFC 3691; RFC 7162, section 3.1.2).
@Suite struct SelectTests {
    private static let keywords = "$Work blue"
    private static let system = "\\Answered \\Flagged \\Deleted \\Seen \\Draft"

    static let pages: [StoreReply] = [
        .answer(.mailbox(Fixture.record)), .answer(.messages(Fixture.record, Fixture.states)),
    ]

    @Test func `what SELECT tells`() {
        var test = SessionUnderTest.at(.loggedIn)
        #expect(
            test.exchange("a SELECT inbox", Self.pages) == [
                "* FLAGS (\(Self.system) \(Self.keywords))",
                "* OK [PERMANENTFLAGS (\(Self.system) \(Self.keywords) \\*)]",
                "* 5 EXISTS", "* 0 RECENT", "* OK [UNSEEN 2]", "* OK [UIDVALIDITY 77]", "* OK [UIDNEXT 31]",
                "* OK [HIGHESTMODSEQ 50]", "* OK [MAILBOXID (F1)]", "a OK [READ-WRITE]",
            ]
        )
        #expect(
            test.storeCalls == [
                .query(.mailbox(.inbox)),
                .query(.messages(MailboxID(1), fromUID: UID(1), limit: SessionLimits.messagesPerPage)),
            ]
        )
    }

    @Test func `EXAMINE says that nothing can be changed`() {
        var test = SessionUnderTest.at(.loggedIn)
        #expect(
            test.exchange("a EXAMINE INBOX", Self.pages) == [
                "* FLAGS (\(Self.system) \(Self.keywords))", "* OK [PERMANENTFLAGS ()]", "* 5 EXISTS", "* 0 RECENT",
                "* OK [UNSEEN 2]", "* OK [UIDVALIDITY 77]", "* OK [UIDNEXT 31]", "* OK [HIGHESTMODSEQ 50]",
                "* OK [MAILBOXID (F1)]", "a OK [READ-ONLY]",
            ]
        )
    }

    @Test func `an empty mailbox has no first unseen message`() {
        var record = Fixture.other(4, "Empty")
        record.messages = 0
        record.recentFrom = record.uidNext
        var test = SessionUnderTest.at(.loggedIn)
        let told = test.exchange("a SELECT Empty", [.answer(.mailbox(record)), .answer(.messages(record, []))])
        #expect(told.contains("* 0 EXISTS") && !told.contains { $0.contains("UNSEEN") })
        #expect(told.last == "a OK [READ-WRITE]")
    }

    @Test func `where all messages are seen, none is the first unseen`() {
        var test = SessionUnderTest.at(.loggedIn)
        let states = [Fixture.state(3, .seen), Fixture.state(5, [.seen, .deleted])]
        let told = test.exchange("a SELECT INBOX", [Self.pages[0], .answer(.messages(Fixture.record, states))])
        #expect(told.contains("* 2 EXISTS") && !told.contains { $0.contains("UNSEEN") })
    }

    /// RFC 3501, section 7.1: without `\*`, a client cannot make keywords.
    @Test(arguments: [(MailLimits.keywordsPerMailbox - 1, true), (MailLimits.keywordsPerMailbox, false)])
    func `a mailbox with all its keywords takes no new ones`(_ count: Int, _ takesMore: Bool) throws {
        var record = Fixture.record
        record.keywords = (0..<count).map { "k\($0)" }
        var test = SessionUnderTest.at(.loggedIn)
        let told = test.exchange("a SELECT INBOX", [.answer(.mailbox(record)), .answer(.messages(record, []))])
        let permanent = try #require(told.first { $0.hasPrefix("* OK [PERMANENTFLAGS (") })
        #expect(permanent.hasSuffix(" \\*)]") == takesMore)
        #expect(permanent.contains(" k\(count - 1)"))
    }

    // MARK: \Recent

    private static var withRecent: MailboxRecord {
        var record = Fixture.record
        record.recentFrom = UID(13)
        return record
    }

    @Test(arguments: ["SELECT", "EXAMINE"])
    func `only SELECT takes what is recent from others`(_ command: String) {
        var test = SessionUnderTest.at(.loggedIn)
        let told = test.exchange(
            "a \(command) INBOX",
            [.answer(.mailbox(Self.withRecent)), .answer(.messages(Self.withRecent, Fixture.states))]
        )
        #expect(told.contains("* 2 RECENT"))
        #expect(test.taken == (command == "SELECT" ? [UID(13)..<UID(31)] : []))
        #expect(test.exchange("b SEARCH RECENT") == ["* SEARCH 4 5", "b OK"])
        #expect(test.exchange("c FETCH 5 FLAGS") == ["* 5 FETCH (FLAGS (\\Recent blue))", "c OK"])
    }

    @Test func `what another session was given is not recent`() {
        var test = SessionUnderTest.at(.loggedIn)
        test.leftFrom[MailboxID(1)] = UID(21)
        let pages: [StoreReply] = [
            .answer(.mailbox(Self.withRecent)), .answer(.messages(Self.withRecent, Fixture.states)),
        ]
        #expect(test.exchange("a SELECT INBOX", pages).contains("* 1 RECENT"))
        #expect(test.exchange("b SEARCH RECENT") == ["* SEARCH 5", "b OK"])
    }

    /// What the node has forgotten of its sessions must not make old messages recent in a session that goes on.
    @Test func `only what is new becomes recent`() {
        var test = SessionUnderTest.at(.selected)
        let news = Fixture.changes(new: [Fixture.state(31, [])]) { $0.recentFrom = UID(1) }
        #expect(test.exchange("a NOOP", [.answer(news)]) == ["* 6 EXISTS", "* 1 RECENT", "a OK"])
        #expect(test.taken == [UID(31)..<UID(32)])
        let same = Fixture.changes { ($0.uidNext, $0.recentFrom, $0.messages) = (UID(32), UID(1), 6) }
        #expect(test.exchange("b NOOP", [.answer(same)]) == ["b OK"])
        #expect(test.taken.count == 1)
    }

    // MARK: Rows that sessions share

    private static func changed(_ modSeq: UInt64, _ change: (inout MailboxRecord) -> Void = { _ in }) -> MailboxRecord {
        var record = Fixture.record
        record.highestModSeq = ModSeq(modSeq)
        change(&record)
        return record
    }

    /// What a second session is told of a mailbox that the first has read: without a look at any of its messages.
    @Test(arguments: ["SELECT", "EXAMINE"])
    func `a mailbox that nobody changed is not read again`(_ command: String) {
        var test = SessionUnderTest.at(.loggedIn)
        let first = test.exchange("a \(command) INBOX", Self.pages)
        test.calls = []
        #expect(test.exchange("a \(command) INBOX", [Self.pages[0]]) == ["* OK [CLOSED]"] + first)
        #expect(test.storeCalls == [.query(.mailbox(.inbox))])
        #expect(
            test.exchange("b FETCH 1:* (FLAGS MODSEQ)").dropFirst().prefix(2) == [
                "* 1 FETCH (FLAGS (\\Seen) MODSEQ (10))", "* 2 FETCH (FLAGS (\\Answered $Work) MODSEQ (20))",
            ]
        )
    }

    @Test func `of a mailbox that was changed, only what changed is read`() {
        var test = SessionUnderTest.opened("SELECT INBOX", keepsRows: true)
        let record = Self.changed(62) { $0.uidNext = UID(32) }
        let news = Fixture.changes(
            changed: [Fixture.state(5, .seen, 61)],
            new: [Fixture.state(31, .seen)],
            expunged: Fixture.set(8),
            modSeq: 62
        ) {
            $0.messages = 5
            $0.unseen = 2
            $0.deleted = 0
        }
        let told = test.exchange("a SELECT INBOX", [.answer(.mailbox(record)), .answer(news)])
        #expect(told.contains("* 5 EXISTS") && told.contains("* OK [UNSEEN 3]"))
        #expect(told.contains("* OK [HIGHESTMODSEQ 62]") && told.contains("* OK [UIDNEXT 32]"))
        let changes = MailQuery.changes(MailboxID(1), since: ModSeq(50), newFrom: UID(31))
        #expect(test.storeCalls == [.query(.mailbox(.inbox)), .query(changes)])
        // The next one takes over what this one has made of it.
        test.calls = []
        let same = Self.changed(62) {
            $0.uidNext = UID(32)
            ($0.messages, $0.unseen, $0.deleted) = (5, 2, 0)
        }
        #expect(test.exchange("b SELECT INBOX", [.answer(.mailbox(same))]).contains("* OK [UNSEEN 3]"))
        #expect(test.storeCalls.count == 1)
        #expect(test.exchange("c UID SEARCH ALL") == ["* SEARCH 3 5 13 21 31", "c OK"])
    }

    /// What the store has forgotten shows by the numbers: those of the mailbox are read page by page then.
    @Test func `expunges that the store has forgotten`() {
        var test = SessionUnderTest.opened("SELECT INBOX", keepsRows: true)
        let record = Self.changed(60) { ($0.messages, $0.unseen, $0.deleted) = (4, 2, 1) }
        let states = Fixture.states.filter { $0.uid != UID(5) }
        let changes = Fixture.changes { $0 = record }
        let told = test.exchange(
            "a SELECT INBOX",
            [.answer(.mailbox(record)), .answer(changes), .answer(.messages(record, states))]
        )
        #expect(told.contains("* 4 EXISTS") && told.last == "a OK [READ-WRITE]")
        #expect(test.exchange("b UID SEARCH ALL") == ["* SEARCH 3 8 13 21", "b OK"])
        #expect(test.kept[MailboxID(1)]?.count == 4)
    }

    /// Rows that do not lead to the mailbox: of another place, of a later state, or too far behind.
    @Test(arguments: [
        changed(60) { $0.contents = ContentsID(9) }, changed(49), changed(60) { $0.uidValidity = 78 },
        changed(60) { $0.uidNext = UID(60_000) }, changed(60_000),
    ])
    func `rows that are of no use`(_ record: MailboxRecord) {
        var test = SessionUnderTest.opened("SELECT INBOX", keepsRows: true)
        let pages: [StoreReply] = [.answer(.mailbox(record)), .answer(.messages(record, Fixture.states))]
        let told = test.exchange("a SELECT INBOX", pages)
        #expect(told.contains("* 5 EXISTS") && told.last == "a OK [READ-WRITE]")
    }

    /// A view that changes must not change what others have.
    @Test func `what one session sees later is its own`() {
        var test = SessionUnderTest.opened("SELECT INBOX", keepsRows: true)
        let before = test.kept
        let news = Fixture.changes(changed: [Fixture.state(3, .flagged)], expunged: Fixture.set(5))
        _ = test.exchange("a NOOP", [.answer(news)])
        #expect(test.kept == before && before[MailboxID(1)]?.count == 5)
    }

    @Test func `rows that are not whole are not kept`() {
        var test = SessionUnderTest.at(.loggedIn)
        let page = MailAnswer.messages(Fixture.record, [Fixture.state(3, .seen)])
        _ = test.exchange("a SELECT INBOX", [Self.pages[0], .answer(page)])
        #expect(test.kept.isEmpty)
    }

    // MARK: What goes wrong

    private static var unselectable: MailboxRecord {
        var record = Fixture.record
        record.selectable = false
        return record
    }

    /// At each step: the tagged answer, and no mailbox is selected behind it.
    static let failures: [Exchange] = [
        Exchange("SELECT x//y", told: ["a NO [NONEXISTENT]"]),
        Exchange("EXAMINE /", told: ["a NO [NONEXISTENT]"]),
        Exchange("SELECT Work", [.answer(.missing)], told: ["a NO [NONEXISTENT]"]),
        Exchange("EXAMINE Work", [.answer(.missing)], told: ["a NO [NONEXISTENT]"]),
        Exchange("SELECT Work", [.answer(.mailbox(unselectable))], told: ["a NO [NONEXISTENT]"]),
        Exchange("SELECT Work", [.answer(.mailboxes([]))], told: ["a NO [NONEXISTENT]"]),
        Exchange("SELECT Work", [.failure(.unavailable)], told: ["a NO [UNAVAILABLE]"]),
        Exchange("SELECT Work", [.failure(.busy)], told: ["a NO [INUSE]"]),
        Exchange("SELECT Work", [.failure(.stopping)], told: ["a NO [UNAVAILABLE]"]),
        Exchange("SELECT Work", [pages[0], .answer(.missing)], told: ["a NO [NONEXISTENT]"]),
        Exchange("SELECT Work", [pages[0], .failure(.unavailable)], told: ["a NO [UNAVAILABLE]"]),
        Exchange("EXAMINE Work", [pages[0], .failure(.stopping)], told: ["a NO [UNAVAILABLE]"]),
        Exchange("SELECT Work", [pages[0], .answer(.messages(unselectable, []))], told: ["a NO [NONEXISTENT]"]),
        Exchange("SELECT Work", [pages[0], .answer(.mailboxes([]))], told: ["a NO [SERVERBUG]"]),
    ]

    @Test(arguments: failures)
    func `a mailbox that cannot be had`(_ exchange: Exchange) {
        var test = SessionUnderTest.at(.loggedIn)
        exchange.run(&test)
        #expect(!test.hasMailbox)
        var selected = SessionUnderTest.at(.selected)
        #expect(selected.exchange("a \(exchange.line)", exchange.replies) == ["* OK [CLOSED]"] + exchange.told)
        #expect(!selected.hasMailbox)
        #expect(selected.exchange("b NAMESPACE").last == "b OK")
    }

    /// The last step of a mailbox that is read in several pages.
    @Test(arguments: [
        (StoreReply.failure(.unavailable), "a NO [UNAVAILABLE]"), (.failure(.busy), "a NO [INUSE]"),
        (.answer(.missing), "a NO [NONEXISTENT]"),
        (.answer(Fixture.changes { $0.selectable = false }), "a NO [NONEXISTENT]"),
    ])
    func `a large mailbox whose changes cannot be had is not selected`(_ reply: StoreReply, _ told: String) {
        let count = UInt32(SessionLimits.messagesPerPage)
        var record = Fixture.record
        record.uidNext = UID(count + 2)
        var test = SessionUnderTest.at(.loggedIn)
        let first = (1...count).map { Fixture.state($0, [], 1) }
        let answer = test.exchange(
            "a SELECT INBOX",
            [
                .answer(.mailbox(record)), .answer(.messages(record, first)),
                .answer(.messages(record, [Fixture.state(count + 1, [], 1)])), reply,
            ]
        )
        #expect(answer == [told])
        #expect(!test.hasMailbox)
        #expect(test.exchange("b CLOSE") == ["b BAD"])
    }

    // MARK: Leaving

    @Test func `CLOSE expunges what is marked, and tells nothing of it`() {
        var test = SessionUnderTest.at(.selected)
        let others = Fixture.changes(changed: [Fixture.state(3, [.seen, .deleted])], expunged: Fixture.set(13))
        let told = test.exchange(
            "a CLOSE",
            [.answer(others), .outcome(.expunged(Fixture.set(3, 8), modSeq: ModSeq(61)))]
        )
        #expect(told == ["a OK"])
        #expect(test.storeCalls.last == .submit(.expunge(MailboxID(1), Fixture.set(3, 8))))
        #expect(!test.hasMailbox)
    }

    @Test func `CLOSE with nothing marked changes nothing`() {
        var test = SessionUnderTest.at(.selected)
        let others = Fixture.changes(changed: [Fixture.state(8, .seen)])
        #expect(test.exchange("a CLOSE", [.answer(others)]) == ["a OK"])
        #expect(!test.hasMailbox)
        #expect(test.storeCalls.count == 1)
    }

    @Test(arguments: [(Stage.examined, "CLOSE"), (.examined, "UNSELECT"), (.selected, "UNSELECT")])
    func `the other ways to leave expunge nothing`(_ stage: Stage, _ command: String) {
        var test = SessionUnderTest.at(stage)
        #expect(test.exchange("a \(command)") == ["a OK"])
        #expect(test.storeCalls.isEmpty)
        #expect(!test.hasMailbox)
        #expect(test.exchange("b \(command)") == ["b BAD"])
    }

    @Test func `SELECT of another mailbox closes the first without an expunge`() {
        var test = SessionUnderTest.at(.selected)
        var other = Fixture.other(4, "Work")
        other.recentFrom = other.uidNext
        let told = test.exchange("a SELECT Work", [.answer(.mailbox(other)), .answer(.messages(other, []))])
            .filter { !$0.contains("FLAGS") }
        #expect(told.first == "* OK [CLOSED]")
        #expect(told.contains("* 0 EXISTS") && told.contains("* OK [UIDVALIDITY 78]"))
        #expect(told.last == "a OK [READ-WRITE]")
        #expect(!test.storeCalls.contains { if case .submit(.expunge) = $0 { true } else { false } })
    }

    /// RFC 3501, section 6.4.2: what cannot be expunged is not closed over.
    @Test(arguments: [
        ([StoreReply.failure(.unavailable)], "a NO [UNAVAILABLE]"),
        ([Fixture.noChanges, .failure(.unavailable)], "a NO [UNAVAILABLE]"),
        ([Fixture.noChanges, .failure(.busy)], "a NO [INUSE]"),
        ([Fixture.noChanges, .outcome(.refused(.noSuchMailbox))], "a NO [NONEXISTENT]"),
    ])
    func `a CLOSE that fails leaves the mailbox selected`(_ replies: [StoreReply], _ told: String) {
        var test = SessionUnderTest.at(.selected)
        #expect(test.exchange("a CLOSE", replies) == [told])
        #expect(test.hasMailbox)
        #expect(test.exchange("b UNSELECT") == ["b OK"])
    }

    /// A mailbox that is gone can be left, and has nothing to expunge.
    @Test(arguments: ["CLOSE", "UNSELECT"])
    func `a mailbox that was deleted can be left`(_ command: String) {
        var test = SessionUnderTest.at(.selected)
        #expect(test.exchange("a NOOP", [.answer(.missing)]).last == "a OK")
        #expect(test.exchange("b \(command)") == ["b OK"])
        #expect(!test.hasMailbox)
    }
}
