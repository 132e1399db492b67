import IMAPSyntax
import MailModel
import NIOCore
import Testing

@testable import IMAPSession

/// Commands whose work or answer is large let others have their turns, and wait for the client.
@Suite struct TurnTests {
    static let count = 19_000

    /// With a mailbox selected whose messages have the UIDs 1 to 19,000.
    static func large(_ count: Int = count) -> SessionUnderTest {
        var record = SessionUnderTest.inbox
        record.uidNext = UID(UInt32(count + 1))
        record.recentFrom = record.uidNext
        var test = SessionUnderTest()
        _ = test.send("S SELECT INBOX")
        _ = test.answer(.mailbox(record))
        let text = test.answer(.messages(record, (1...UInt32(count)).map { SessionUnderTest.state($0) }))
        precondition(text.contains("S OK"), text)
        test.turns = 0
        test.largestWrite = 0
        return test
    }

    static func changes(changed: [MessageState] = [], expunged: UIDSet = UIDSet()) -> MailAnswer {
        var record = SessionUnderTest.inbox
        record.uidNext = UID(UInt32(count + 1))
        record.recentFrom = record.uidNext
        record.highestModSeq = ModSeq(9)
        record.messages = UInt32(count) - UInt32(expunged.count)
        return .changes(MailboxChanges(mailbox: record, changed: changed, new: [], expunged: expunged))
    }

    static func isInTurns(_ test: SessionUnderTest) -> Bool {
        test.turns > 3 && test.largestWrite < SessionLimits.writeBytes + 1_024
    }

    @Test func expungesOfOthers() {
        var test = Self.large()
        _ = test.send("a NOOP")
        let answer = test.answer(Self.changes(expunged: UIDSet(ranges: [1...UInt32(Self.count)])))
        let expected = (1...Self.count).reversed().map { "* \($0) EXPUNGE\r\n" }.joined()
        #expect(answer == expected + "a OK NOOP completed\r\n")
        #expect(Self.isInTurns(test))
    }

    @Test func changesOfOthersWhileTheClientIdles() {
        var test = Self.large()
        _ = test.send("a IDLE")
        _ = test.answer(Self.changes())
        test.session.accountChanged()
        test.session.continueIdle()
        _ = test.run()
        let states = (1...UInt32(Self.count)).map { SessionUnderTest.state($0, .flagged, 9) }
        let told = test.answer(Self.changes(changed: states))
        #expect(told.split(separator: "\r\n").count == Self.count)
        #expect(told.hasSuffix("* 19000 FETCH (UID 19000 FLAGS (\\Flagged))\r\n"))
        #expect(Self.isInTurns(test))
        #expect(test.send("DONE") == "a OK Idle no more\r\n")
    }

    @Test(arguments: ["FLAGS", "FLAGS.SILENT"])
    func storesOfEverything(_ item: String) {
        var test = Self.large()
        _ = test.send("e ENABLE CONDSTORE")
        _ = test.send("a STORE 1:* +\(item) (\\Flagged)")
        let step = UInt32(MailLimits.messagesPerStore)
        for first in stride(from: 1, through: UInt32(Self.count), by: MailLimits.messagesPerStore) {
            let set = UIDSet(ranges: [first...min(first + step - 1, UInt32(Self.count))])
            _ = test.finish(.flagsStored(modSeq: ModSeq(9), changed: set, modified: UIDSet(), surplus: 0))
        }
        let states = (1...UInt32(Self.count)).map { SessionUnderTest.state($0, .flagged, 9) }
        let told = test.answer(Self.changes(changed: states))
        #expect(told.split(separator: "\r\n").count == Self.count + 1)
        #expect(told.contains("* 7 FETCH (UID 7 \(item == "FLAGS" ? "FLAGS (\\Flagged) " : "")MODSEQ (9))\r\n"))
        #expect(told.hasSuffix("a OK Stored\r\n"))
        #expect(Self.isInTurns(test))
    }

    /// What one turn costs does not grow with the number of keys.
    @Test func searchesWithManyKeys() {
        var test = Self.large(2_000)
        #expect(test.send("a SEARCH NOT 1:1999") == "* SEARCH 2000\r\na OK Searched\r\n")
        #expect(test.turns == 0)
        let keys = (1...300).map { "OR \($0) UNSEEN" }.joined(separator: " ")
        #expect(test.send("b SEARCH \(keys) 5:7") == "* SEARCH 5 6 7\r\nb OK Searched\r\n")
        #expect(test.turns > 50)
    }

    @Test func longResults() {
        var test = Self.large()
        let all = test.send("a UID SEARCH ALL")
        #expect(all == "* SEARCH \((1...Self.count).map(String.init).joined(separator: " "))\r\na OK Searched\r\n")
        #expect(test.turns > 5)
        test.turns = 0
        _ = test.send("x NOOP")
        let odd = stride(from: 1, to: UInt32(Self.count), by: 2)
        _ = test.answer(Self.changes(changed: odd.map { SessionUnderTest.state($0, .flagged, 9) }))
        test.turns = 0
        let numbers = odd.map { String($0) }.joined(separator: ",")
        let extended = test.send("b SEARCH RETURN (COUNT ALL MIN) FLAGGED MODSEQ 1")
        #expect(
            extended.hasSuffix(
                "* ESEARCH (TAG \"b\") MIN 1 COUNT 9500 ALL \(numbers) MODSEQ 9\r\nb OK Searched\r\n"
            )
        )
        #expect(test.turns > 4)
        let none = test.send("c SEARCH RETURN (COUNT ALL) DELETED")
        #expect(none == "* ESEARCH (TAG \"c\") COUNT 0\r\nc OK Searched\r\n")
    }

    /// A session that is open for long takes new mail again and again, others in between.
    @Test func whatIsRecentIsBounded() {
        var record = SessionUnderTest.inbox
        record.keywords = []
        var rows = MailboxRows(record)
        for uid in 1...UInt32(50_000) { rows.append(SessionUnderTest.state(uid)) }
        var view = MailboxView(rows, isReadOnly: false)
        for uid in UInt32(1)...20_000 { view.addRecent(from: UID(uid), upTo: UID(uid + 1)) }
        #expect(view.recent == [1..<20_001])
        #expect(view.recentCount == 20_000)
        view.addRecent(from: UID(5), upTo: UID(10))
        #expect(view.recent.count == 1)
        for uid in stride(from: UInt32(20_002), to: 40_000, by: 2) {
            view.addRecent(from: UID(uid), upTo: UID(uid + 1))
        }
        #expect(view.recent.count <= SessionLimits.recentRanges)
        #expect(view.isRecent(39_998))
        #expect(!view.isRecent(39_999))
        #expect(!view.isRecent(40_001))
    }
}
