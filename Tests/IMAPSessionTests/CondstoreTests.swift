import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// CONDSTORE (RFC 7162, section 3.1).
@Suite struct CondstoreTests {
    private static let told = "* OK [HIGHESTMODSEQ 50]"

    struct Enabling: Sendable, CustomTestStringConvertible {
        let line: String
        var replies: [StoreReply] = []
        var needsMailbox = true
        var testDescription: String { line }
    }

    /// Section 3.1: each of these turns CONDSTORE on.
    static let enablings: [Enabling] = [
        Enabling(line: "ENABLE CONDSTORE", needsMailbox: false), Enabling(line: "FETCH 1 MODSEQ"),
        Enabling(line: "UID FETCH 99 (FLAGS MODSEQ)"),
        Enabling(line: "FETCH 1 FLAGS (CHANGEDSINCE 5)"), Enabling(line: "UID FETCH 3 UID (CHANGEDSINCE 999)"),
        Enabling(line: "SEARCH MODSEQ 1"), Enabling(line: "UID SEARCH NOT (OR MODSEQ 1 SEEN)"),
        Enabling(line: "SEARCH RETURN (COUNT) MODSEQ \"/flags/\\\\seen\" all 1"),
        Enabling(
            line: "STATUS INBOX (HIGHESTMODSEQ)",
            replies: [.answer(.mailbox(Fixture.record))],
            needsMailbox: false
        ),
        Enabling(
            line: "LIST \"\" % RETURN (STATUS (HIGHESTMODSEQ))",
            replies: [.answer(.mailboxes([Fixture.record]))],
            needsMailbox: false
        ),
        Enabling(
            line: "STORE 1 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen)",
            replies: [
                .outcome(.flagsStored(modSeq: ModSeq(50), changed: UIDSet(), modified: Fixture.set(3), surplus: 0)),
                Fixture.noChanges,
            ]
        ),
        Enabling(line: "UID STORE 99 (UNCHANGEDSINCE 5) FLAGS ()", replies: [Fixture.noChanges]),
    ]

    @Test(arguments: enablings)
    func `the first command that asks for it tells the highest MODSEQ, once`(_ enabling: Enabling) {
        var test = SessionUnderTest.at(.selected)
        let first = test.exchange("a \(enabling.line)", enabling.replies)
        #expect(first.count { $0 == Self.told } == 1 && first.first == Self.told)
        #expect(first.last?.hasPrefix("a OK") == true)
        #expect(!test.exchange("b \(enabling.line)", enabling.replies).contains(Self.told))
        // From then on, with all flags that are told.
        let after = Fixture.changes(changed: [Fixture.state(5, .seen)])
        #expect(test.exchange("c NOOP", [.answer(after)]) == ["* 2 FETCH (UID 5 FLAGS (\\Seen) MODSEQ (60))", "c OK"])
    }

    @Test(arguments: enablings.filter { !$0.needsMailbox })
    func `without a mailbox there is nothing to tell`(_ enabling: Enabling) {
        var test = SessionUnderTest.at(.loggedIn)
        let told = test.exchange("a \(enabling.line)", enabling.replies)
        #expect(!told.contains { $0.contains("[HIGHESTMODSEQ") })
        let selected = test.exchange("b SELECT INBOX", SelectTests.pages)
        #expect(selected.count { $0 == Self.told } == 1)
        #expect(test.exchange("c FETCH 1 FLAGS") == ["* 1 FETCH (FLAGS (\\Seen) MODSEQ (10))", "c OK"])
    }

    @Test(arguments: ["SELECT INBOX (CONDSTORE)", "EXAMINE INBOX (condstore)"])
    func `SELECT with its parameter turns it on`(_ line: String) {
        var test = SessionUnderTest.at(.loggedIn)
        let told = test.exchange("a \(line)", SelectTests.pages)
        #expect(told.count { $0.contains("HIGHESTMODSEQ") } == 1)
        #expect(test.exchange("b FETCH 1 FLAGS") == ["* 1 FETCH (FLAGS (\\Seen) MODSEQ (10))", "b OK"])
    }

    @Test func `what is refused turns nothing on`() {
        var test = SessionUnderTest.at(.selected)
        for line in [
            "FETCH 9 MODSEQ", "FETCH 1 (MODSEQ BINARY[1])", "STORE 9 (UNCHANGEDSINCE 1) FLAGS ()", "SEARCH $ MODSEQ 1",
            "SEARCH CHARSET X-NONE MODSEQ 1", "UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)", "ENABLE QRESYNC",
        ] { #expect(!test.exchange("a \(line)").contains(Self.told), "\(line)") }
        #expect(test.exchange("b FETCH 1 FLAGS") == ["* 1 FETCH (FLAGS (\\Seen))", "b OK"])
    }

    // MARK: CHANGEDSINCE

    /// The MODSEQs of the messages are 10, 20, ... 50. Section 3.1.4.1: those that are greater; MODSEQ comes with them.
    static let changedSince: [(String, [String])] = [
        ("FETCH 1:* UID (CHANGEDSINCE 40)", ["* 5 FETCH (UID 21 MODSEQ (50))"]),
        ("FETCH 1:* UID (CHANGEDSINCE 39)", ["* 4 FETCH (UID 13 MODSEQ (40))", "* 5 FETCH (UID 21 MODSEQ (50))"]),
        ("FETCH 1:* FLAGS (CHANGEDSINCE 50)", []), ("FETCH 1:* FLAGS (CHANGEDSINCE 9223372036854775807)", []),
        ("FETCH 1:2 FLAGS (CHANGEDSINCE 10)", ["* 2 FETCH (FLAGS (\\Answered $Work) MODSEQ (20))"]),
        ("FETCH 1 (FLAGS MODSEQ) (CHANGEDSINCE 0)", ["* 1 FETCH (FLAGS (\\Seen) MODSEQ (10))"]),
        ("UID FETCH 1:* FLAGS (CHANGEDSINCE 40)", ["* 5 FETCH (UID 21 FLAGS (blue) MODSEQ (50))"]),
        ("UID FETCH 8,13 UID (CHANGEDSINCE 30)", ["* 4 FETCH (UID 13 MODSEQ (40))"]),
    ]

    @Test(arguments: changedSince)
    func `FETCH tells what changed since`(_ line: String, _ told: [String]) {
        var test = SessionUnderTest.at(.selected)
        #expect(test.exchange("a \(line)") == [Self.told] + told + ["a OK"])
        #expect(test.calls.isEmpty)
    }

    @Test func `FETCH of bodies changed since reads and marks only those`() {
        var test = SessionUnderTest.at(.selected)
        _ = test.send("a FETCH 1:* BODY[] (CHANGEDSINCE 40)")
        #expect(
            test.storeCalls
                == [
                    .submit(
                        .storeFlags(MailboxID(1), Fixture.set(21), .add, FlagNames(system: .seen), unchangedSince: nil)
                    )
                ]
        )
    }

    // MARK: SEARCH

    /// Sections 3.1.5 and 3.1.10: the highest MODSEQ of what was found; of the ends, where only these are told.
    static let searches: [(String, String)] = [
        ("SEARCH MODSEQ 30", "* SEARCH 3 4 5 (MODSEQ 50)"), ("SEARCH MODSEQ 51", "* SEARCH"),
        ("SEARCH MODSEQ 0 1:2", "* SEARCH 1 2 (MODSEQ 20)"), ("UID SEARCH MODSEQ 40 NOT 5", "* SEARCH 13 (MODSEQ 40)"),
        ("SEARCH NOT MODSEQ 30", "* SEARCH 1 2 (MODSEQ 20)"),
        ("SEARCH OR MODSEQ 50 SEEN", "* SEARCH 1 3 5 (MODSEQ 50)"),
        ("SEARCH MODSEQ \"/flags/\\\\draft\" priv 40", "* SEARCH 4 5 (MODSEQ 50)"), ("SEARCH SEEN", "* SEARCH 1 3"),
        ("SEARCH RETURN (ALL) MODSEQ 20 1:4", "* ESEARCH (TAG \"a\") ALL 2:4 MODSEQ 40"),
        ("SEARCH RETURN (COUNT) MODSEQ 20 1:4", "* ESEARCH (TAG \"a\") COUNT 3 MODSEQ 40"),
        ("SEARCH RETURN (MIN) MODSEQ 20", "* ESEARCH (TAG \"a\") MIN 2 MODSEQ 20"),
        ("SEARCH RETURN (MAX) MODSEQ 20", "* ESEARCH (TAG \"a\") MAX 5 MODSEQ 50"),
        ("SEARCH RETURN (MIN MAX) MODSEQ 20 1:4", "* ESEARCH (TAG \"a\") MIN 2 MAX 4 MODSEQ 40"),
        ("SEARCH RETURN (MIN COUNT) MODSEQ 20", "* ESEARCH (TAG \"a\") MIN 2 COUNT 4 MODSEQ 50"),
        ("SEARCH RETURN (MIN ALL) MODSEQ 20", "* ESEARCH (TAG \"a\") MIN 2 ALL 2:5 MODSEQ 50"),
        ("UID SEARCH RETURN () MODSEQ 40", "* ESEARCH (TAG \"a\") UID ALL 13,21 MODSEQ 50"),
        ("SEARCH RETURN (COUNT) MODSEQ 51", "* ESEARCH (TAG \"a\") COUNT 0"),
        ("SEARCH RETURN (MIN) MODSEQ 51", "* ESEARCH (TAG \"a\")"),
    ]

    @Test(arguments: searches)
    func `SEARCH by MODSEQ tells the highest one`(_ line: String, _ told: String) {
        var test = SessionUnderTest.at(.selected)
        #expect(test.exchange("a \(line)").filter { $0 != Self.told } == [told, "a OK"])
    }
}
