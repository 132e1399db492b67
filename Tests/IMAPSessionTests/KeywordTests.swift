import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// Keywords by number, whose names change while sessions look on.
@Suite struct KeywordTests {
    private static func record(_ modSeq: UInt64, _ keywords: [String]) -> MailboxRecord {
        var record = SessionUnderTest.inbox
        record.highestModSeq = ModSeq(modSeq)
        record.keywords = keywords
        return record
    }

    private static func state(_ uid: UInt32, _ modSeq: UInt64, _ keywords: [Int]) -> MessageState {
        MessageState(
            uid: UID(uid),
            flags: MessageFlags(system: .seen, keywords: KeywordSet(keywords)),
            modSeq: ModSeq(modSeq)
        )
    }

    private static func selected(_ keywords: [String], _ states: [MessageState]) -> SessionUnderTest {
        var test = SessionUnderTest()
        _ = test.send("S SELECT INBOX")
        _ = test.answer(.mailbox(record(5, keywords)))
        #expect(test.answer(.messages(record(5, keywords), states)).contains("S OK"))
        test.calls = []
        return test
    }

    private static func changes(
        _ modSeq: UInt64,
        _ keywords: [String],
        changed: [MessageState] = [],
        expunged: UIDSet = UIDSet()
    ) -> MailAnswer {
        .changes(
            MailboxChanges(mailbox: record(modSeq, keywords), changed: changed, new: [], expunged: expunged)
        )
    }

    @Test func `keywords with high numbers are shown, searched and forgotten`() {
        let names = (0..<200).map { "k\($0)" }
        var test = Self.selected(names, [Self.state(10, 2, [0, 63, 64, 199]), Self.state(20, 2, [])])
        #expect(test.send("a FETCH 1:2 FLAGS").contains("* 1 FETCH (FLAGS (\\Seen k0 k63 k64 k199))"))
        #expect(test.send("b SEARCH KEYWORD K199").contains("* SEARCH 1\r\n"))
        #expect(test.send("c SEARCH UNKEYWORD k64").contains("* SEARCH 2\r\n"))
        #expect(test.send("d SEARCH KEYWORD k200").contains("* SEARCH\r\n"))
        _ = test.send("e NOOP")
        #expect(test.answer(Self.changes(6, [], changed: [Self.state(10, 6, [])])).contains("FLAGS (\\Seen))"))
        #expect(test.send("f FETCH 1:2 FLAGS").contains("* 1 FETCH (FLAGS (\\Seen))"))
    }

    /// The client has not been told that the message is gone, and must not see the new name in the old one's place.
    @Test func `a number with a new name is not shown for what had the old one`() {
        var names = (0..<80).map { "k\($0)" }
        var test = Self.selected(names, [Self.state(10, 2, [0, 70]), Self.state(20, 2, [])])
        names[0] = "new"
        names[70] = "newer"
        names[3] = ""
        _ = test.send("a STORE 2 +FLAGS (new)")
        _ = test.finish(
            .flagsStored(modSeq: ModSeq(8), changed: UIDSet([UID(20)]), modified: UIDSet(), surplus: 0)
        )
        let told = test.answer(
            Self.changes(8, names, changed: [Self.state(20, 8, [0])], expunged: UIDSet([UID(10)]))
        )
        #expect(told.contains("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft new k1 k2 k4"))
        #expect(told.contains("* 2 FETCH (UID 20 FLAGS (\\Seen new))"))
        #expect(!told.contains("EXPUNGE\r\n"))
        let fetched = test.send("b FETCH 1:2 FLAGS")
        #expect(!fetched.contains("* 1 FETCH (FLAGS (\\Seen new"))
        #expect(!fetched.contains("newer"))
    }

    @Test func `a list that only got shorter is not told`() {
        var test = Self.selected(["a", "b"], [Self.state(10, 2, [0, 1]), Self.state(20, 2, [])])
        _ = test.send("a NOOP")
        #expect(
            test.answer(Self.changes(6, ["a"], changed: [Self.state(10, 6, [0])]))
                == "* 1 FETCH (UID 10 FLAGS (\\Seen a))\r\na OK NOOP completed\r\n"
        )
    }

    /// Also a silent STORE tells what the message has: the client believes to have set more.
    @Test(arguments: ["FLAGS", "+FLAGS", "+FLAGS.SILENT"])
    func `a STORE of too many keywords says so`(_ action: String) {
        var test = Self.selected(["a"], [Self.state(10, 2, []), Self.state(20, 2, [])])
        _ = test.send("a STORE 1 \(action) (\\Seen a surplus)")
        _ = test.finish(
            .flagsStored(modSeq: ModSeq(8), changed: UIDSet([UID(10)]), modified: UIDSet(), surplus: 1)
        )
        let told = test.answer(Self.changes(8, ["a"], changed: [Self.state(10, 8, [0])]))
        #expect(told.contains("* 1 FETCH (UID 10 FLAGS (\\Seen a))"))
        #expect(told.contains("a OK [LIMIT] Stored, but for keywords beyond 512"))
    }

    @Test func `another code has the tagged answer, and the limit is told before`() {
        var test = Self.selected(["a"], [Self.state(10, 2, []), Self.state(20, 2, [])])
        _ = test.send("a STORE 1:2 (UNCHANGEDSINCE 3) +FLAGS (a surplus)")
        let one = UIDSet([UID(10)])
        _ = test.finish(.flagsStored(modSeq: ModSeq(8), changed: one, modified: UIDSet([UID(20)]), surplus: 1))
        let told = test.answer(Self.changes(8, ["a"], changed: [Self.state(10, 8, [0])]))
        #expect(told.contains("* OK [LIMIT] Stored, but for keywords"))
        #expect(told.contains("a OK [MODIFIED 2]"))
    }
}
