import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// SEARCH and UID SEARCH (RFC 3501, section 6.4.4; RFC 4731; RFC 5032; RFC 8514; RFC 8474).
@Suite struct SearchKeyTests {
    /// The flags: 1 `\Seen`; 2 `\Answered $Work`; 3 `\Deleted \Seen`; 4 `\Flagged \Draft`; 5 `blue`.
    static let flags: [(String, [Int])] = [
        ("ALL", [1, 2, 3, 4, 5]), ("SEEN", [1, 3]), ("UNSEEN", [2, 4, 5]), ("ANSWERED", [2]),
        ("UNANSWERED", [1, 3, 4, 5]),
        ("DELETED", [3]), ("UNDELETED", [1, 2, 4, 5]), ("FLAGGED", [4]), ("UNFLAGGED", [1, 2, 3, 5]), ("DRAFT", [4]),
        ("UNDRAFT", [1, 2, 3, 5]), ("RECENT", []), ("NEW", []), ("OLD", [1, 2, 3, 4, 5]), ("KEYWORD blue", [5]),
        ("KEYWORD BLUE", [5]), ("KEYWORD $Work", [2]), ("UNKEYWORD $work", [1, 3, 4, 5]), ("KEYWORD none", []),
        ("UNKEYWORD none", [1, 2, 3, 4, 5]), ("NOT SEEN", [2, 4, 5]), ("NOT NOT SEEN", [1, 3]), ("SEEN DELETED", [3]),
        ("SEEN UNDELETED", [1]), ("OR SEEN FLAGGED", [1, 3, 4]), ("OR (SEEN DELETED) KEYWORD blue", [3, 5]),
        ("OR OR 1 2 3", [1, 2, 3]), ("NOT (SEEN DELETED)", [1, 2, 4, 5]), ("(SEEN) (DELETED)", [3]),
        ("((1:3)) 2:5", [2, 3]),
        ("1:2 SEEN", [1]), ("UID 8:13", [3, 4]), ("NOT UID 3,21", [2, 3, 4]), ("2:4 UID 1:8 UNSEEN", [2]),
        ("unseen undraft", [2, 5]), ("ALL ALL", [1, 2, 3, 4, 5]), ("NOT ALL", []), ("OR NOT ALL 5", [5]),
        ("THREADID T1", []), ("SAVEDATESUPPORTED", [1, 2, 3, 4, 5]),
    ]

    @Test(arguments: flags)
    func `keys that the flags and numbers answer`(_ key: String, _ found: [Int]) {
        var test = SessionUnderTest.at(.selected)
        let uids = [3, 5, 8, 13, 21]
        #expect(test.exchange("a SEARCH \(key)") == ["* SEARCH\(found.map { " \($0)" }.joined())", "a OK"])
        #expect(
            test.exchange("b UID SEARCH \(key)") == ["* SEARCH\(found.map { " \(uids[$0 - 1])" }.joined())", "b OK"]
        )
        #expect(test.calls.isEmpty)
    }

    @Test func `what is recent, new and old`() {
        var record = Fixture.record
        record.recentFrom = UID(8)
        var test = SessionUnderTest.at(.loggedIn)
        _ = test.exchange(
            "S SELECT INBOX",
            [.answer(.mailbox(record)), .answer(.messages(record, Fixture.states))]
        )
        #expect(test.exchange("a SEARCH RECENT") == ["* SEARCH 3 4 5", "a OK"])
        #expect(test.exchange("b SEARCH NEW") == ["* SEARCH 4 5", "b OK"])
        #expect(test.exchange("c SEARCH OLD") == ["* SEARCH 1 2", "c OK"])
    }

    // MARK: Rows

    /// Received on 1 February 2024, the same day in a zone where it is the second in UTC, 10 March in one where it is
    /// the ninth in UTC, 31 December 2023, 11 March. RFC 3501: the day counts, without time and zone.
    static let rows: [(String, [Int])] = [
        ("ON 1-Feb-2024", [1, 2]), ("ON 2-Feb-2024", []), ("ON 10-Mar-2024", [3]), ("ON 9-Mar-2024", []),
        ("BEFORE 1-Feb-2024", [4]), ("BEFORE 2-Feb-2024", [1, 2, 4]), ("BEFORE 1-Jan-2024", [4]),
        ("BEFORE 31-Dec-2023", []),
        ("SINCE 1-Feb-2024", [1, 2, 3, 5]), ("SINCE 2-Feb-2024", [3, 5]), ("SINCE 10-Mar-2024", [3, 5]),
        ("SINCE 11-Mar-2024", [5]), ("SINCE \"12-Mar-2024\"", []), ("since 11-mar-2024", [5]),
        // By the Date field, and by the day of arrival where there is none.
        ("SENTON 1-Feb-2024", [1]), ("SENTON 2-Feb-2024", [2]), ("SENTBEFORE 1-Feb-2024", [4]),
        ("SENTSINCE 2-Feb-2024", [2, 3, 5]),
        ("SENTON 10-Mar-2024", [3]),
        // By the day, in UTC, on which the message came into this mailbox (RFC 8514).
        ("SAVEDON 1-Feb-2024", [1]), ("SAVEDON 2-Feb-2024", [2]), ("SAVEDBEFORE 2-Feb-2024", [1]),
        ("SAVEDSINCE 10-Mar-2024", [4, 5]),
        // Sizes are 100, 200, ... 500.
        ("LARGER 200", [3, 4, 5]), ("LARGER 199", [2, 3, 4, 5]), ("LARGER 500", []), ("SMALLER 200", [1]),
        ("SMALLER 201", [1, 2]),
        ("SMALLER 100", []), ("SMALLER 0", []), ("LARGER 100 SMALLER 300", [2]), ("NOT LARGER 300", [1, 2, 3]),
        // RFC 5032, against a clock of 11 March 2024, 10:01 UTC.
        ("YOUNGER 60", [5]), ("YOUNGER 59", []), ("OLDER 60", [1, 2, 3, 4, 5]), ("OLDER 61", [1, 2, 3, 4]),
        ("YOUNGER 126060", [3, 5]), ("YOUNGER 126059", [5]), ("OLDER 126060", [1, 2, 3, 4]),
        ("YOUNGER 4294967295", [1, 2, 3, 4, 5]),
        ("EMAILID M00000000000000ab0000000000000008", [3]), ("EMAILID M1", []),
        ("EMAILID m00000000000000ab0000000000000008", []),
        ("OR LARGER 400 SEEN", [1, 3, 5]), ("UNSEEN LARGER 200", [4, 5]),
    ]

    @Test(arguments: rows)
    func `keys that the rows answer`(_ key: String, _ found: [Int]) {
        var test = SessionUnderTest.at(.selected)
        test.session.now = Timestamp(milliseconds: 1_710_151_260_000)
        #expect(
            SessionUnderTest.lines(test.exchangeWithStore("a SEARCH \(key)"))
                == ["* SEARCH\(found.map { " \($0)" }.joined())", "a OK"]
        )
        let asked = test.storeCalls.allSatisfy { if case .query(.details) = $0 { true } else { false } }
        #expect(asked && !test.calls.isEmpty)
    }

    @Test func `only messages that the rest leaves open are read`() {
        var test = SessionUnderTest.at(.selected)
        _ = test.exchangeWithStore("a SEARCH UNSEEN LARGER 1 2:4")
        #expect(test.storeCalls == [.query(.details(MailboxID(1), Fixture.set(5, 13)))])
        test.calls = []
        _ = test.exchangeWithStore("b SEARCH OR UNSEEN LARGER 1")
        #expect(test.storeCalls == [.query(.details(MailboxID(1), Fixture.set(3, 8)))])
    }

    // MARK: Texts

    static let texts: [(String, [Int])] = [
        ("SUBJECT rome", [1, 2, 5]), ("SUBJECT \"rome again\"", [5]), ("FROM anna", [1, 2, 3, 4, 5]),
        ("FROM nobody", []),
        ("TO USER@example", [1, 2, 3, 4, 5]), ("CC anna", []), ("BCC \"\"", []), ("HEADER Subject Bill", [3]),
        ("HEADER subject \"\"", [1, 2, 3, 4, 5]), ("HEADER X-None \"\"", []), ("BODY there", [1]), ("BODY rome", []),
        ("TEXT rome", [1, 2, 5]), ("TEXT due", [3]), ("BODY \"\"", [1, 2, 3, 4, 5]), ("TEXT \"\"", [1, 2, 3, 4, 5]),
        ("NOT SUBJECT rome", [3, 4]), ("OR BODY yes SUBJECT bill", [2, 3]), ("SUBJECT rome BODY no", [5]),
        ("SUBJECT {4+}\r\nBill", [3]), ("UNSEEN SUBJECT rome", [2, 5]), ("SUBJECT rome LARGER 100 SEEN", []),
        ("CHARSET UTF-8 SUBJECT rome", [1, 2, 5]), ("CHARSET us-ascii SUBJECT rome", [1, 2, 5]),
        ("CHARSET X-TEST SUBJECT q", []), ("CHARSET X-TEST SUBJECT rome", [1, 2, 5]),
    ]

    @Test(arguments: texts)
    func `keys that the bytes answer`(_ key: String, _ found: [Int]) {
        var test = SessionUnderTest.at(.selected)
        #expect(
            SessionUnderTest.lines(test.exchangeWithStore("a SEARCH \(key)"))
                == ["* SEARCH\(found.map { " \($0)" }.joined())", "a OK"]
        )
    }

    @Test func `keys that stored envelopes answer cost no bytes`() {
        var test = SessionUnderTest.opened("SELECT INBOX", tools: FakeTools(knowsEnvelopes: true))
        // The stored summaries of the messages 2 and 5 have these numbers in them.
        #expect(
            SessionUnderTest.lines(test.exchangeWithStore("a SEARCH OR SUBJECT 200 FROM 500")) == [
                "* SEARCH 2 5", "a OK",
            ]
        )
        let all = StoreCall.query(.details(MailboxID(1), Fixture.set(3, 5, 8, 13, 21)))
        #expect(test.storeCalls == [all])
        test.calls = []
        // Where the envelope leaves the rest open, that is read.
        #expect(
            SessionUnderTest.lines(test.exchangeWithStore("b SEARCH TO 200 BODY yes")) == ["* SEARCH 2", "b OK"]
        )
        let bodies = test.storeCalls.filter { if case .query(.body) = $0 { true } else { false } }
        #expect(bodies.count == 1)
    }

    /// RFC 3501, section 6.4.4: NO, with the charsets that are known.
    @Test(arguments: ["X-NONE", "ISO-8859-99", "\"\""])
    func `a charset that is not known`(_ charset: String) {
        var test = SessionUnderTest.at(.selected)
        for command in ["SEARCH", "UID SEARCH", "SEARCH RETURN (ALL)"] {
            #expect(
                test.exchange("a \(command) CHARSET \(charset) SUBJECT x") == ["a NO [BADCHARSET (US-ASCII UTF-8)]"]
            )
        }
        #expect(test.calls.isEmpty)
    }

    // MARK: RETURN

    /// RFC 4731, section 3.1.
    static let returns: [(String, String)] = [
        ("SEARCH RETURN () UNSEEN", "ALL 2,4:5"), ("SEARCH RETURN (ALL) UNSEEN", "ALL 2,4:5"),
        ("SEARCH RETURN (MIN) UNSEEN", "MIN 2"),
        ("SEARCH RETURN (MAX) UNSEEN", "MAX 5"), ("SEARCH RETURN (COUNT) UNSEEN", "COUNT 3"),
        ("SEARCH RETURN (MIN MAX COUNT ALL) UNSEEN", "MIN 2 MAX 5 COUNT 3 ALL 2,4:5"),
        ("SEARCH RETURN (count max) UNSEEN", "MAX 5 COUNT 3"), ("UID SEARCH RETURN (ALL) UNSEEN", "UID ALL 5,13,21"),
        ("UID SEARCH RETURN (MIN MAX) UNSEEN", "UID MIN 5 MAX 21"), ("SEARCH RETURN (MIN MAX ALL) RECENT", ""),
        ("SEARCH RETURN (COUNT) RECENT", "COUNT 0"), ("UID SEARCH RETURN (MIN MAX ALL COUNT) RECENT", "UID COUNT 0"),
        ("SEARCH RETURN (ALL) CHARSET UTF-8 1:3", "ALL 1:3"),
    ]

    @Test(arguments: returns)
    func `a search tells what it is asked to return`(_ line: String, _ told: String) {
        var test = SessionUnderTest.at(.selected)
        #expect(test.exchange("x.1 \(line)") == ["* ESEARCH (TAG \"x.1\")\(told.isEmpty ? "" : " \(told)")", "x.1 OK"])
    }

    // MARK: On the way

    @Test func `a message that is gone meanwhile is not found`() {
        var rows = SessionUnderTest.at(.selected)
        let details = Fixture.messages.filter { $0.uid != 8 }.map(\.details)
        #expect(rows.exchange("a SEARCH LARGER 1", [.answer(.details(details))]) == ["* SEARCH 1 2 4 5", "a OK"])
        var bytes = SessionUnderTest.at(.selected)
        #expect(
            bytes.exchange(
                "a SEARCH 1 TEXT rome",
                [.answer(.details([Fixture.messages[0].details])), .answer(.missing)]
            )
                == ["* SEARCH", "a OK"]
        )
        var other = SessionUnderTest.at(.selected)
        #expect(other.exchange("a SEARCH LARGER 1", [.answer(.missing)]) == ["a NO [SERVERBUG]"])
    }

    /// RFC 3501, section 7.4.1: also when the store has to be asked in between.
    @Test func `no expunge while numbers are searched for`() {
        for (command, told) in [
            ("SEARCH", ["* SEARCH 1", "a OK"]), ("UID SEARCH", ["* SEARCH 3", "* 2 EXPUNGE", "a OK"]),
            ("SEARCH RETURN (COUNT)", ["* ESEARCH (TAG \"a\") COUNT 1", "a OK"]),
        ] {
            var test = SessionUnderTest.at(.selected)
            test.session.accountChanged()
            let rows = StoreReply.answer(.details(Fixture.messages.map(\.details)))
            let after = StoreReply.answer(Fixture.changes(expunged: Fixture.set(5)))
            #expect(test.exchange("a \(command) SMALLER 200", [rows, after]) == told)
        }
    }
}
