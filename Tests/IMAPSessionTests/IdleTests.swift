import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// IDLE (RFC 2177), and when changes of others are told (RFC 3501, sections 5.2 and 7.4.1).
@Suite struct IdleTests {
    /// Idling with a mailbox selected, of which all is known.
    static func idling() -> SessionUnderTest {
        var test = SessionUnderTest.at(.selected)
        let told = SessionUnderTest.lines(test.send("a IDLE") + test.give(Fixture.noChanges))
        precondition(told == ["+"], "\(told)")
        test.calls = []
        return test
    }

    @Test func `without a mailbox, IDLE waits for DONE and asks nobody`() {
        var test = SessionUnderTest.at(.loggedIn)
        #expect(test.exchange("a IDLE") == ["+"])
        #expect(test.session.isIdling)
        test.session.accountChanged()
        #expect(!test.session.wantsUpdate)
        #expect(test.exchange("DONE") == ["a OK"])
        #expect(!test.session.isIdling && test.calls.isEmpty)
    }

    @Test func `IDLE begins with what is new`() {
        var test = SessionUnderTest.at(.selected)
        #expect(test.send("a IDLE") == "+ Idling\r\n")
        #expect(test.storeCalls == [.query(.changes(MailboxID(1), since: ModSeq(50), newFrom: UID(31)))])
        let news = Fixture.changes(changed: [Fixture.state(3, [])], expunged: Fixture.set(21))
        #expect(SessionUnderTest.lines(test.give(.answer(news))) == ["* 5 EXPUNGE", "* 1 FETCH (UID 3 FLAGS ())"])
        #expect(test.exchange("DONE") == ["a OK"])
    }

    @Test func `changes are told as they come, each once`() {
        var test = Self.idling()
        test.session.continueIdle()
        #expect(test.run() == "" && test.calls.isEmpty, "nothing was reported")
        test.session.accountChanged()
        #expect(test.session.wantsUpdate)
        test.session.continueIdle()
        _ = test.run()
        let news = Fixture.changes(new: [Fixture.state(31, [])], expunged: Fixture.set(3))
        let told = test.give(.answer(news))
        #expect(SessionUnderTest.lines(told) == ["* 1 EXPUNGE", "* 5 EXISTS", "* 1 RECENT"])
        #expect(!test.session.wantsUpdate)
        #expect(test.exchange("DONE") == ["a OK"])
    }

    @Test func `what changes while the store answers is asked for again`() {
        var test = Self.idling()
        test.session.accountChanged()
        test.session.continueIdle()
        _ = test.run()
        test.session.accountChanged()
        #expect(!test.session.wantsUpdate, "one question at a time")
        _ = test.give(Fixture.noChanges)
        #expect(test.session.wantsUpdate)
    }

    @Test func `DONE while the store is asked waits for its answer`() {
        var test = Self.idling()
        test.session.accountChanged()
        test.session.continueIdle()
        _ = test.run()
        #expect(test.send("DONE\r\nb FETCH 1 UID") == "")
        #expect(
            SessionUnderTest.lines(test.give(.answer(Fixture.changes(expunged: Fixture.set(3)))))
                == ["* 1 EXPUNGE", "a OK", "* 1 FETCH (UID 5)", "b OK"]
        )
    }

    @Test(arguments: [ServiceFailure.unavailable, .busy, .noSpace, .stopping])
    func `a store that does not answer ends no IDLE`(_ failure: ServiceFailure) {
        var test = SessionUnderTest.at(.selected)
        #expect(SessionUnderTest.lines(test.send("a IDLE") + test.give(.failure(failure))) == ["+"])
        #expect(test.session.isIdling && test.session.missedUpdate)
        #expect(test.exchange("DONE", [.answer(Fixture.changes(expunged: Fixture.set(3)))]) == ["* 1 EXPUNGE", "a OK"])
    }

    @Test(arguments: [
        ("DONE", "a OK"), ("done", "a OK"), ("Done", "a OK"), ("NOOP", "a BAD"), ("", "a BAD"), ("DONE x", "a BAD"),
        ("b NOOP", "a BAD"), (" DONE", "a BAD"),
    ])
    func `anything but DONE ends it as well, and is BAD`(_ line: String, _ told: String) {
        var test = Self.idling()
        #expect(test.exchange(line) == [told])
        #expect(!test.session.isIdling)
        #expect(test.exchange("b ID NIL").last == "b OK")
    }

    @Test func `commands right behind DONE are carried out`() {
        var test = Self.idling()
        #expect(
            test.exchange("DONE\r\nb SEARCH SEEN\r\nc IDLE", [Fixture.noChanges]) == [
                "a OK", "* SEARCH 1 3", "b OK", "+",
            ]
        )
        #expect(test.session.isIdling)
    }

    @Test func `a heartbeat shows only while the client idles and nothing is under way`() {
        var quiet = SessionUnderTest.at(.selected)
        quiet.session.heartbeat()
        #expect(quiet.run() == "")
        var test = Self.idling()
        test.session.heartbeat()
        #expect(SessionUnderTest.lines(test.run()) == ["* OK"])
        test.session.accountChanged()
        test.session.continueIdle()
        _ = test.run()
        test.session.heartbeat()
        #expect(test.run() == "")
    }

    @Test func `a mailbox that is deleted while the client idles is empty`() {
        var test = Self.idling()
        test.session.accountChanged()
        test.session.continueIdle()
        _ = test.run()
        #expect(SessionUnderTest.lines(test.give(.answer(.missing))) == (1...5).reversed().map { "* \($0) EXPUNGE" })
        // Whatever else changes in the account has nothing to do with it any more.
        test.session.accountChanged()
        test.session.continueIdle()
        #expect(!test.session.wantsUpdate)
        #expect(test.run() == "")
        #expect(test.exchange("DONE") == ["a OK"])
    }

    // MARK: Updates with commands

    /// Commands that are answered at once, in a mailbox that others changed, and whether an expunge may come with them.
    static let commands: [(String, Bool)] = [
        ("NOOP", true), ("CHECK", true), ("CAPABILITY", true), ("NAMESPACE", true), ("ID NIL", true),
        ("ENABLE X", true),
        ("LIST \"\" \"\"", true), ("UID FETCH 5 UID", true), ("UID SEARCH 2", true), ("FETCH 2 UID", false),
        ("FETCH 2 FLAGS", false), ("SEARCH 2", false), ("SEARCH RETURN (ALL) 2", false),
    ]

    @Test(arguments: commands)
    func `an answer comes behind what is new`(_ line: String, _ tellsExpunge: Bool) {
        var test = SessionUnderTest.at(.selected)
        test.session.accountChanged()
        let news = Fixture.changes(
            changed: [Fixture.state(13, .seen)],
            new: [Fixture.state(31, [])],
            expunged: Fixture.set(3)
        )
        let told = test.exchange("a \(line)", [.answer(news)])
        #expect(told.last == "a OK")
        #expect(told.contains("* 1 EXPUNGE") == tellsExpunge)
        #expect(told.contains(tellsExpunge ? "* 5 EXISTS" : "* 6 EXISTS"))
        #expect(told.contains(tellsExpunge ? "* 3 FETCH (UID 13 FLAGS (\\Seen))" : "* 4 FETCH (UID 13 FLAGS (\\Seen))"))
        // All of it is told once, and by the next command that may.
        #expect(test.exchange("b CHECK", [Fixture.noChanges]) == (tellsExpunge ? [] : ["* 1 EXPUNGE"]) + ["b OK"])
    }

    @Test(arguments: ["CLOSE", "UNSELECT", "LOGOUT"])
    func `leaving tells nothing of a mailbox that is left`(_ line: String) {
        var test = SessionUnderTest.at(.examined)
        test.session.accountChanged()
        #expect(test.exchange("a \(line)").last == "a OK")
        #expect(test.calls.isEmpty)
    }

    /// RFC 3501, section 7.2.6: a keyword is known before a message shows it.
    @Test func `new keywords are told before they are shown`() {
        var test = SessionUnderTest.at(.selected)
        let news = Fixture.changes(changed: [Fixture.state(3, .seen, keywords: [2])]) { $0.keywords.append("new") }
        #expect(
            test.exchange("a NOOP", [.answer(news)]) == [
                "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work blue new)",
                "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work blue new \\*)]",
                "* 1 FETCH (UID 3 FLAGS (\\Seen new))", "a OK",
            ]
        )
    }

    @Test func `EXAMINE takes no recent messages when new ones come`() {
        var test = SessionUnderTest.at(.examined)
        let news = Fixture.changes(new: [Fixture.state(31, [])])
        #expect(test.exchange("a NOOP", [.answer(news)]) == ["* 6 EXISTS", "a OK"])
    }
}
