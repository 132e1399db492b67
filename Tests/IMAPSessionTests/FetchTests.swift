import IMAPSyntax
import MailModel
import NIOCore
import Testing

@testable import IMAPSession

/// FETCH and UID FETCH (RFC 3501, sections 6.4.5, 6.4.8 and 7.4.2; RFC 8474; RFC 8514).
@Suite struct FetchTests {
    /// What each item tells of the second message.
    static let items: [(String, String)] = [
        ("FLAGS", "FLAGS (\\Answered $Work)"), ("UID", "UID 5"), ("MODSEQ", "MODSEQ (20)"),
        ("INTERNALDATE", "INTERNALDATE \" 1-Feb-2024 23:30:00 -0500\""), ("RFC822.SIZE", "RFC822.SIZE 200"),
        ("ENVELOPE", "ENVELOPE (\"envelope\")"), ("BODY", "BODY (\"body\")"),
        ("BODYSTRUCTURE", "BODYSTRUCTURE (\"structure\")"), ("EMAILID", "EMAILID (M00000000000000ab0000000000000005)"),
        ("THREADID", "THREADID NIL"), ("SAVEDATE", "SAVEDATE \" 2-Feb-2024 12:00:00 +0000\""),
        ("(UID FLAGS)", "UID 5 FLAGS (\\Answered $Work)"), ("(FLAGS UID FLAGS)", "FLAGS (\\Answered $Work) UID 5"),
        (
            "FAST", "FLAGS (\\Answered $Work) INTERNALDATE \" 1-Feb-2024 23:30:00 -0500\" RFC822.SIZE 200"
        ),
        (
            "ALL",
            "FLAGS (\\Answered $Work) INTERNALDATE \" 1-Feb-2024 23:30:00 -0500\" RFC822.SIZE 200 "
                + "ENVELOPE (\"envelope\")"
        ),
        (
            "FULL",
            "FLAGS (\\Answered $Work) INTERNALDATE \" 1-Feb-2024 23:30:00 -0500\" RFC822.SIZE 200 "
                + "ENVELOPE (\"envelope\") BODY (\"body\")"
        ),
        ("(rfc822.size uid)", "RFC822.SIZE 200 UID 5"),
    ]

    @Test(arguments: items)
    func `an item tells its value`(_ item: String, _ told: String) {
        var test = SessionUnderTest.at(.selected)
        let condstore = item == "MODSEQ" ? ["* OK [HIGHESTMODSEQ 50]"] : []
        #expect(
            SessionUnderTest.lines(test.exchangeWithStore("a FETCH 2 \(item)"))
                == condstore + ["* 2 FETCH (\(told))", "a OK"]
        )
    }

    /// RFC 3501, section 6.4.8: each response of a UID command has the UID.
    @Test(arguments: items)
    func `with UIDs, the UID comes as well`(_ item: String, _ told: String) throws {
        var test = SessionUnderTest.at(.selected)
        let lines = SessionUnderTest.lines(test.exchangeWithStore("a UID FETCH 5 \(item)"))
        let response = try #require(lines.first { $0.hasPrefix("* 2 FETCH (") })
        let expected = told.contains("UID 5") ? told : "UID 5 \(told)"
        #expect(response == "* 2 FETCH (\(expected))")
        #expect(lines.last == "a OK")
    }

    // MARK: Bodies

    private static let text = Fixture.messages[0].text
    private static let header = String(decoding: text.utf8.prefix(Fixture.messages[0].headerBytes), as: UTF8.self)
    private static let body = String(decoding: text.utf8.dropFirst(Fixture.messages[0].headerBytes), as: UTF8.self)

    /// Parts of the first message, which is seen already: as literals, under the name that was asked for.
    static let sections: [(String, String, String)] = [
        ("BODY[]", "BODY[]", text), ("BODY.PEEK[]", "BODY[]", text), ("RFC822", "RFC822", text),
        ("BODY[HEADER]", "BODY[HEADER]", header), ("RFC822.HEADER", "RFC822.HEADER", header),
        ("BODY[TEXT]", "BODY[TEXT]", body), ("RFC822.TEXT", "RFC822.TEXT", body), ("BODY[1]", "BODY[1]", body),
        ("BODY[1.MIME]", "BODY[1.MIME]", header),
        (
            "BODY[HEADER.FIELDS (Subject)]", "BODY[HEADER.FIELDS (Subject)]", "Subject: Rome\r\n\r\n"
        ),
        ("BODY.PEEK[HEADER.FIELDS (X)]", "BODY[HEADER.FIELDS (X)]", "\r\n"),
        (
            "BODY[HEADER.FIELDS.NOT (FROM TO)]", "BODY[HEADER.FIELDS.NOT (FROM TO)]", "Subject: Rome\r\n\r\n"
        ),
        // RFC 3501, section 6.4.5: octets from an offset on, as far as there are any; the answer has the offset.
        ("BODY[]<0.4>", "BODY[]<0>", "From"), ("BODY[]<2.4>", "BODY[]<2>", "om: "),
        ("BODY[]<98.50>", "BODY[]<98>", "\r\n"),
        ("BODY[]<100.5>", "BODY[]<100>", ""), ("BODY[]<5000.5>", "BODY[]<5000>", ""),
        ("BODY[TEXT]<4.3>", "BODY[TEXT]<4>", "you"),
        ("BODY[HEADER.FIELDS (Subject)]<9.4>", "BODY[HEADER.FIELDS (Subject)]<9>", "Rome"),
    ]

    @Test(arguments: sections)
    func `a section is a literal of its bytes`(_ asked: String, _ name: String, _ value: String) {
        var test = SessionUnderTest.at(.selected)
        #expect(
            test.exchangeWithStore("a FETCH 1 \(asked)")
                == "* 1 FETCH (\(name) {\(value.utf8.count)}\r\n\(value))\r\na OK Fetched\r\n"
        )
    }

    @Test(arguments: ["BODY[2]", "BODY[1.1]", "BODY[1.HEADER]", "BODY[2.MIME]", "BODY[1.TEXT]"])
    func `a part that is not there is NIL`(_ section: String) {
        var test = SessionUnderTest.at(.selected)
        #expect(
            SessionUnderTest.lines(test.exchangeWithStore("a FETCH 1 \(section)")) == [
                "* 1 FETCH (\(section) NIL)", "a OK",
            ]
        )
    }

    // MARK: \Seen

    private static let reading = [
        "BODY[]", "BODY[TEXT]", "BODY[HEADER]", "BODY[1]", "RFC822", "RFC822.TEXT", "BODY[]<0.1>",
    ]
    private static let peeking = [
        "BODY.PEEK[]", "BODY.PEEK[TEXT]", "RFC822.HEADER", "FLAGS", "ENVELOPE", "BODY", "FULL",
    ]

    private static let seen = StoreReply.outcome(
        .flagsStored(modSeq: ModSeq(60), changed: Fixture.set(5), modified: UIDSet(), surplus: 0)
    )

    /// RFC 3501, section 6.4.5: the flag is set implicitly, and flags that changed are told with the message.
    @Test(arguments: reading)
    func `what is read becomes seen, and the same response says so`(_ item: String) {
        var test = SessionUnderTest.at(.selected)
        var told = test.send("a FETCH 1:2 \(item)")
        #expect(
            test.storeCalls
                == [
                    .submit(
                        .storeFlags(MailboxID(1), Fixture.set(5), .add, FlagNames(system: .seen), unchangedSince: nil)
                    )
                ]
        )
        told += test.give(Self.seen)
        while case .answer = test.session.awaited, case .query(let query, _)? = test.calls.last {
            told += test.give(.answer(Fixture.answer(query)))
        }
        #expect(told.contains(" FLAGS (\\Answered \\Seen $Work))\r\na OK Fetched\r\n"))
        #expect(
            told.firstRange(of: "FLAGS (")?.lowerBound == told.firstRange(of: "FLAGS (\\Answered")?.lowerBound,
            "the first one was seen before"
        )
        // What was told is not told again.
        let after = Fixture.changes(changed: [Fixture.state(5, [.answered, .seen], keywords: [0])])
        #expect(test.exchange("b NOOP", [.answer(after)]) == ["b OK"])
    }

    @Test(arguments: reading + peeking, [Stage.examined, .selected])
    func `nothing becomes seen by peeking, or where the mailbox is read-only`(_ item: String, _ stage: Stage) {
        guard stage == .examined || Self.peeking.contains(item) else { return }
        var test = SessionUnderTest.at(stage)
        #expect(test.exchangeWithStore("a FETCH 2 \(item)").hasSuffix("a OK Fetched\r\n"))
        #expect(!test.storeCalls.contains { if case .submit = $0 { true } else { false } })
        #expect(test.exchange("b SEARCH SEEN") == ["* SEARCH 1 3", "b OK"])
    }

    @Test(arguments: [StoreReply.failure(.unavailable), .failure(.noSpace), .outcome(.refused(.overQuota))])
    func `mail can be read where the store cannot write`(_ reply: StoreReply) {
        var test = SessionUnderTest.at(.selected)
        var told = test.send("a FETCH 2 BODY[TEXT]<0.3>") + test.give(reply)
        while case .answer = test.session.awaited, case .query(let query, _)? = test.calls.last {
            told += test.give(.answer(Fixture.answer(query)))
        }
        #expect(told == "* 2 FETCH (BODY[TEXT]<0> {3}\r\nYes)\r\na OK Fetched\r\n")
    }

    // MARK: What goes wrong on the way

    @Test func `a message that is gone is left out, and the client hears why`() {
        var test = SessionUnderTest.at(.selected)
        let rows = MailAnswer.details([Fixture.messages[0].details, Fixture.messages[2].details])
        #expect(
            test.exchange("a FETCH 1:3 RFC822.SIZE", [.answer(rows)]) == [
                "* 1 FETCH (RFC822.SIZE 100)", "* 3 FETCH (RFC822.SIZE 300)", "a OK [EXPUNGEISSUED]",
            ]
        )
    }

    /// Nothing but a literal's bytes may come behind its announcement: a response that cannot be ended ends the
    /// connection. Before, it ends with what it has.
    @Test func `a body that cannot be read to its end`() {
        let row = StoreReply.answer(.details([Fixture.messages[0].details]))
        var first = SessionUnderTest.at(.selected)
        #expect(
            first.exchange("a FETCH 1 (FLAGS BODY[])", [row, .failure(.unavailable)])
                == ["* 1 FETCH (FLAGS (\\Seen))", "a NO [UNAVAILABLE]"]
        )
        var only = SessionUnderTest.at(.selected)
        #expect(
            only.exchange("a FETCH 1 BODY[]", [row, .failure(.busy)]) == ["* 1 FETCH (UID 3)", "a NO [INUSE]"]
        )
        var none = SessionUnderTest.at(.selected)
        #expect(
            none.exchange("a FETCH 1 BODY[]", [row, .answer(.body(ByteBuffer()))])
                == ["* 1 FETCH (UID 3)", "a NO [UNAVAILABLE]"]
        )
        var later = SessionUnderTest.at(.selected)
        let half = StoreReply.answer(.body(ByteBuffer(string: "From: ")))
        #expect(
            later.send("a FETCH 1 BODY[]") + later.give(row) + later.give(half) == "* 1 FETCH (BODY[] {100}\r\nFrom: "
        )
        #expect(later.give(.failure(.unavailable)) == "")
        #expect(later.isClosed)
    }

    @Test func `a store that answers something else is the server's bug`() {
        var test = SessionUnderTest.at(.selected)
        #expect(test.exchange("a FETCH 1 RFC822.SIZE", [.answer(.missing)]) == ["a NO [SERVERBUG]"])
        #expect(test.hasMailbox)
    }

    @Test func `flags are told with MODSEQ once CONDSTORE is on`() {
        var test = SessionUnderTest.at(.selected)
        _ = test.exchange("e ENABLE CONDSTORE")
        #expect(test.exchange("a FETCH 2 FLAGS") == ["* 2 FETCH (FLAGS (\\Answered $Work) MODSEQ (20))", "a OK"])
        #expect(
            test.exchange("b FETCH 2 (MODSEQ FLAGS)") == ["* 2 FETCH (MODSEQ (20) FLAGS (\\Answered $Work))", "b OK"]
        )
        #expect(test.exchange("c FETCH 2 UID") == ["* 2 FETCH (UID 5)", "c OK"])
    }
}
