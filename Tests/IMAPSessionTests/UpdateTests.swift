import IMAPSyntax
import MailModel
import NIOCore
import Testing

@testable import IMAPSession

@Suite struct UpdateTests {
    static func changes(
        changed: [MessageState] = [],
        new: [MessageState] = [],
        expunged: [UInt32] = [],
        _ change: (inout MailboxRecord) -> Void = { _ in }
    ) -> MailAnswer {
        var record = SessionUnderTest.inbox
        record.highestModSeq = ModSeq(9)
        record.uidNext = UID(max(21, (new.last?.uid.rawValue ?? 0) + 1))
        record.messages += UInt32(new.count)
        change(&record)
        let uids = UIDSet(expunged.map { UID($0) })
        return .changes(MailboxChanges(mailbox: record, changed: changed, new: new, expunged: uids))
    }

    @Test func everythingAtNoop() {
        var test = SessionUnderTest.selected()
        #expect(test.send("a NOOP") == "")
        let query = MailQuery.changes(MailboxID(1), since: ModSeq(5), newFrom: UID(21))
        #expect(test.calls == [.query(query, SessionUnderTest.account)])
        let text = test.answer(
            Self.changes(
                changed: [SessionUnderTest.state(20, .flagged, 8)],
                new: [SessionUnderTest.state(21, [], 9)],
                expunged: [10]
            )
        )
        #expect(
            text
                == "* 1 EXPUNGE\r\n* 2 EXISTS\r\n* 1 RECENT\r\n"
                + "* 1 FETCH (UID 20 FLAGS (\\Flagged))\r\na OK NOOP completed\r\n"
        )
    }

    /// The store does not know any more which messages were expunged, but it knows how many there are.
    @Test func expungesThatTheStoreHasForgotten() {
        var test = SessionUnderTest.selected()
        _ = test.send("a NOOP")
        test.calls = []
        #expect(test.answer(Self.changes { $0.messages = 1 }) == "")
        let query = MailQuery.messages(MailboxID(1), fromUID: UID(1), limit: SessionLimits.messagesPerPage)
        #expect(test.calls == [.query(query, SessionUnderTest.account)])
        var record = SessionUnderTest.inbox
        record.messages = 1
        let told = test.answer(.messages(record, [SessionUnderTest.state(20)]))
        #expect(told == "* 1 EXPUNGE\r\na OK NOOP completed\r\n")
        #expect(test.send("b FETCH 1 UID") == "* 1 FETCH (UID 20)\r\nb OK Fetched\r\n")
    }

    /// What is not known stays unknown until the store answers.
    @Test func expungesThatTheStoreHasForgottenAreLookedForAgain() {
        var test = SessionUnderTest.selected()
        _ = test.send("a NOOP")
        _ = test.answer(Self.changes { $0.messages = 0 })
        #expect(test.fail(.unavailable) == "a OK NOOP completed\r\n")
        _ = test.send("b NOOP")
        _ = test.answer(Self.changes { $0.messages = 0 })
        var record = SessionUnderTest.inbox
        record.messages = 0
        #expect(test.answer(.messages(record, [])) == "* 2 EXPUNGE\r\n* 1 EXPUNGE\r\nb OK NOOP completed\r\n")
    }

    @Test func noExpungeWithNumbersInProgress() {
        var test = SessionUnderTest.selected()
        test.session.accountChanged()
        #expect(test.send("a FETCH 1:2 UID") == "* 1 FETCH (UID 10)\r\n* 2 FETCH (UID 20)\r\n")
        #expect(test.answer(Self.changes(expunged: [10])) == "a OK Fetched\r\n")
        #expect(test.send("b SEARCH ALL") == "* SEARCH 2\r\nb OK Searched\r\n")
        #expect(test.send("c UID SEARCH ALL") == "* SEARCH 20\r\n* 1 EXPUNGE\r\nc OK Searched\r\n")
        #expect(test.send("d FETCH 1 UID") == "* 1 FETCH (UID 20)\r\nd OK Fetched\r\n")
    }

    @Test func aMessageThatCameAndWentIsNotMentioned() {
        var test = SessionUnderTest.selected()
        _ = test.send("a NOOP")
        let told = test.answer(Self.changes(new: [SessionUnderTest.state(21)], expunged: [21]))
        #expect(!told.contains("EXPUNGE"))
        #expect(!told.contains("EXISTS"))
    }

    @Test func aStoreThatDoesNotAnswerIsAskedAgain() {
        var test = SessionUnderTest.selected()
        _ = test.send("a NOOP")
        #expect(test.fail(.unavailable) == "a OK NOOP completed\r\n")
        test.calls = []
        _ = test.send("b FETCH 1 UID")
        #expect(test.calls.count == 1)
    }

    @Test func aDeletedMailboxIsEmpty() {
        var test = SessionUnderTest.selected()
        _ = test.send("a NOOP")
        #expect(test.answer(.missing) == "* 2 EXPUNGE\r\n* 1 EXPUNGE\r\na OK NOOP completed\r\n")
        #expect(test.send("b FETCH 1:* FLAGS") == "b OK Fetched\r\n")
        #expect(test.send("c CLOSE") == "c OK Closed\r\n")
    }

    @Test func silentStoresTellOnlyWhatOthersDid() {
        var test = SessionUnderTest.selected()
        _ = test.send("a STORE 1:2 +FLAGS.SILENT (\\Flagged)")
        let both = UIDSet([UID(10), UID(20)])
        _ = test.finish(.flagsStored(modSeq: ModSeq(9), changed: both, modified: UIDSet(), surplus: 0))
        let text = test.answer(
            Self.changes(changed: [
                SessionUnderTest.state(10, [.seen, .flagged], 9), SessionUnderTest.state(20, [.flagged, .draft], 9),
            ])
        )
        #expect(text == "* 2 FETCH (UID 20 FLAGS (\\Flagged \\Draft))\r\na OK Stored\r\n")
    }

    /// RFC 7162, section 3.1: each of these turns CONDSTORE on, and tells from where on.
    @Test(arguments: [
        "FETCH 1 (MODSEQ)", "UID FETCH 10 FLAGS (CHANGEDSINCE 1)", "SEARCH MODSEQ 1", "ENABLE CONDSTORE",
    ])
    func theFirstCondstoreCommandTellsTheHighestModSeq(_ command: String) {
        var test = SessionUnderTest.selected()
        let told = "* OK [HIGHESTMODSEQ 5] The highest MODSEQ\r\n"
        #expect(test.send("a \(command)").hasPrefix(told))
        #expect(!test.send("b \(command)").contains("HIGHESTMODSEQ"))
        #expect(!test.send("c FETCH 1 MODSEQ").contains("HIGHESTMODSEQ"))
    }

    @Test func storeAndStatusTellTheHighestModSeqAsWell() {
        let told = "* OK [HIGHESTMODSEQ 5] The highest MODSEQ\r\n"
        var store = SessionUnderTest.selected()
        #expect(store.send("a STORE 1 (UNCHANGEDSINCE 3) FLAGS (\\Seen)") == told)
        var status = SessionUnderTest.selected()
        #expect(status.send("a STATUS Sent (HIGHESTMODSEQ)") == told)
        var list = SessionUnderTest.selected()
        #expect(list.send("a LIST \"\" * RETURN (STATUS (HIGHESTMODSEQ))") == told)
        // SELECT tells it anyway, and a command that is refused turns nothing on.
        var select = SessionUnderTest.selected("SELECT INBOX (CONDSTORE)")
        #expect(!select.send("a FETCH 1 MODSEQ").contains("HIGHESTMODSEQ"))
        var refused = SessionUnderTest.selected()
        #expect(refused.send("a FETCH 9 MODSEQ").hasPrefix("a BAD"))
        #expect(refused.send("b FETCH 1 MODSEQ").hasPrefix(told))
    }

    @Test(arguments: [
        ("5", ""), ("1,5", " 1"), ("2:9", " 2"), ("9:*", " 2"), ("5:7", ""), ("NOT 5", " 1 2"), ("OR 5 1", " 1"),
        ("NOT (NOT 3)", ""), ("4294967295", ""),
    ])
    func searchingForNumbersThatNoMessageHas(_ key: String, _ found: String) {
        var test = SessionUnderTest.selected()
        #expect(test.send("a SEARCH \(key)") == "* SEARCH\(found)\r\na OK Searched\r\n")
        #expect(test.send("b FETCH 5 FLAGS").hasPrefix("b BAD"))
        #expect(test.send("c STORE 1,5 FLAGS ()").hasPrefix("c BAD"))
        #expect(test.send("d COPY 2:5 x").hasPrefix("d BAD"))
    }

    @Test(arguments: ["*", "1", "1:*", "*:4", "UID *"])
    func searchingAnEmptyMailbox(_ key: String) {
        var test = SessionUnderTest()
        _ = test.send("S SELECT INBOX")
        _ = test.answer(.mailbox(SessionUnderTest.inbox))
        _ = test.answer(.messages(SessionUnderTest.inbox, []))
        #expect(test.send("a SEARCH \(key)") == "* SEARCH\r\na OK Searched\r\n")
    }

    @Test func largeSetsAreSplit() {
        var record = SessionUnderTest.inbox
        record.uidNext = UID(25_001)
        record.recentFrom = UID(25_001)
        var test = SessionUnderTest()
        _ = test.send("S SELECT INBOX")
        _ = test.answer(.mailbox(record))
        _ = test.answer(.messages(record, (1...20_000).map { SessionUnderTest.state($0) }))
        _ = test.answer(.messages(record, (20_001...25_000).map { SessionUnderTest.state($0) }))
        let text = test.answer(.changes(MailboxChanges(mailbox: record, changed: [], new: [], expunged: UIDSet())))
        #expect(text.contains("* 25000 EXISTS"))
        test.calls = []
        _ = test.send("a COPY 1:* Archive")
        for first in stride(from: 1, through: 25_000, by: MailLimits.messagesPerCopy) {
            let piece = UInt32(first)...UInt32(min(first + MailLimits.messagesPerCopy - 1, 25_000))
            let set = UIDSet(ranges: [piece])
            guard case .submit(.copy(_, let uids, _), _)? = test.calls.last else {
                Issue.record("no COPY")
                return
            }
            #expect(uids == set)
            let answer = test.finish(.copied(MailboxID(2), uidValidity: 3, source: set, destination: set))
            if piece.upperBound == 25_000 { #expect(answer == "a OK [COPYUID 3 1:25000 1:25000] Copied\r\n") }
        }
    }
}
