import IMAPSyntax
import MailModel
import NIOCore
import Testing

@testable import IMAPSession

/// APPEND (RFC 3501, section 6.3.11; RFC 4315, section 3; RFC 7888; RFC 7889; RFC 4469 for TOOBIG).
@Suite struct AppendTests {
    private static let inbox = StoreReply.answer(.mailbox(Fixture.record))
    private static let bodyID = BodyID(high: 1, low: 1)

    private static func appended(_ mailbox: UInt32 = 1) -> StoreReply {
        .outcome(.appended(MailboxID(mailbox), uidValidity: 77, uid: UID(31)))
    }

    private static func message(
        _ text: String,
        flags: FlagNames = FlagNames(),
        date: InternalDate = InternalDate(seconds: 1_000, zoneMinutes: 0)
    ) -> NewMessage {
        NewMessage(
            bodyID: bodyID,
            internalDate: date,
            flags: flags,
            sizeBytes: UInt64(text.utf8.count),
            summary: ByteBuffer(string: "summary of \(text.utf8.count) bytes"),
            body: .inline(ByteBuffer(string: text))
        )
    }

    struct Form: Sendable, CustomTestStringConvertible {
        let line: String
        let flags: FlagNames
        let date: InternalDate
        var testDescription: String { line }
    }

    private static let now = InternalDate(seconds: 1_000, zoneMinutes: 0)

    static let forms: [Form] = [
        Form(line: "APPEND INBOX", flags: FlagNames(), date: now),
        Form(line: "append inbox", flags: FlagNames(), date: now),
        Form(line: "APPEND INBOX ()", flags: FlagNames(), date: now),
        Form(line: "APPEND INBOX (\\Seen \\Draft)", flags: FlagNames(system: [.seen, .draft]), date: now),
        Form(
            line: "APPEND INBOX (\\seen $Work x)",
            flags: FlagNames(system: .seen, keywords: ["$Work", "x"]),
            date: now
        ),
        Form(
            line: "APPEND INBOX \" 1-Feb-2024 23:30:00 -0500\"",
            flags: FlagNames(),
            date: InternalDate(seconds: 1_706_848_200, zoneMinutes: -300)
        ),
        Form(
            line: "APPEND \"INBOX\" (\\Flagged) \"01-Jan-1970 01:00:00 +0100\"",
            flags: FlagNames(system: .flagged),
            date: InternalDate(seconds: 0, zoneMinutes: 60)
        ),
        Form(line: "APPEND {5+}\r\nINBOX (\\Seen)", flags: FlagNames(system: .seen), date: now),
    ]

    @Test(arguments: forms, [true, false])
    func `a message is stored with its flags and date`(_ form: Form, _ isSynchronising: Bool) {
        var test = SessionUnderTest.at(.loggedIn)
        test.session.now = Timestamp(milliseconds: 1_000_999)
        var told = ""
        if isSynchronising {
            told = test.send("a \(form.line) {5}")
            #expect(told == "")
            // RFC 3501, section 7.5: the client may send the literal only now.
            #expect(SessionUnderTest.lines(test.give(Self.inbox)) == ["+"])
            told = test.send("hello")
        } else {
            told = test.send("a \(form.line) {5+}\r\nhello") + test.give(Self.inbox)
        }
        #expect(told == "")
        #expect(
            test.storeCalls == [
                .query(.mailbox(.inbox)),
                .submit(.append(Self.message("hello", flags: form.flags, date: form.date), to: .inbox)),
            ]
        )
        #expect(SessionUnderTest.lines(test.give(Self.appended())) == ["a OK [APPENDUID 77 31]"])
        #expect(test.exchange("b NOOP") == ["b OK"])
    }

    /// Before a byte of the message is taken: no continuation, and a LITERAL+ literal is skipped.
    static let refused: [Exchange] = [
        Exchange("APPEND Work", [.answer(.missing)], told: ["a NO [TRYCREATE]"]),
        Exchange("APPEND Work", [.answer(.mailboxes([]))], told: ["a NO [TRYCREATE]"]),
        Exchange("APPEND Work", [.failure(.unavailable)], told: ["a NO [UNAVAILABLE]"]),
        Exchange("APPEND Work", [.failure(.busy)], told: ["a NO [INUSE]"]),
        Exchange("APPEND Work", [.failure(.noSpace)], told: ["a NO [UNAVAILABLE]"]),
        // What can be no mailbox cannot be created either.
        Exchange("APPEND a//b", told: ["a NO [NONEXISTENT]"]), Exchange("APPEND Work (\\Recent)", told: ["a BAD"]),
        Exchange("APPEND Work (\\What)", told: ["a BAD"]), Exchange("APPEND Work \"yesterday\"", told: ["a BAD"]),
        Exchange("APPEND Work \"31-Feb-2024 00:00:00 +0000\"", told: ["a BAD"]),
        Exchange("APPEND &bad", told: ["a NO [CANNOT]"]), Exchange("APPEND Work x", told: ["a BAD"]),
    ]

    @Test(arguments: refused, ["{5}", "{5+}\r\nb NO\r\n"])
    func `what is refused is not received`(_ exchange: Exchange, _ literal: String) {
        var test = SessionUnderTest.at(.loggedIn)
        #expect(test.exchange("a \(exchange.line) \(literal)", exchange.replies) == exchange.told)
        #expect(test.exchange("c NOOP") == ["c OK"])
        #expect(!test.storeCalls.contains { if case .submit = $0 { true } else { false } })
    }

    @Test(arguments: [
        ("APPEND INBOX {0}", "a NO [CANNOT]"), ("APPEND INBOX {0+}\r\n", "a NO [CANNOT]"),
        ("APPEND INBOX {101}", "a NO [TOOBIG]"),
        ("APPEND INBOX {101+}\r\n\(String(repeating: "x", count: 101))", "a NO [TOOBIG]"),
        ("APPEND INBOX UTF8 (~{5}", "a BAD"),
    ])
    func `messages that cannot be stored`(_ line: String, _ told: String) {
        var test = SessionUnderTest.at(.loggedIn)
        test.framer.limits.appendLiteralBytes = 100
        #expect(test.exchange("a \(line)") == [told])
        #expect(test.exchange("b NOOP") == ["b OK"])
        #expect(test.calls.isEmpty)
    }

    @Test func `a subscription is no mailbox`() {
        var record = Fixture.record
        record.selectable = false
        var test = SessionUnderTest.at(.loggedIn)
        #expect(test.exchange("a APPEND Work {3}", [.answer(.mailbox(record))]) == ["a NO [TRYCREATE]"])
    }

    /// Nothing of the first message is stored: an APPEND is one (RFC 3502 is not offered).
    @Test func `a second message voids the first`() {
        var test = SessionUnderTest.at(.loggedIn)
        #expect(test.exchange("a APPEND INBOX {3+}\r\none {3+}\r\ntwo", [Self.inbox]) == ["a BAD"])
        #expect(test.storeCalls == [.query(.mailbox(.inbox))])
        #expect(test.exchange("b APPEND INBOX {3+}\r\none what", [Self.inbox]) == ["b BAD"])
        #expect(test.exchange("c NOOP") == ["c OK"])
    }

    @Test func `a message in the selected mailbox shows at once`() {
        var test = SessionUnderTest.at(.selected)
        let after = Fixture.changes(new: [Fixture.state(31, .seen)])
        let told = test.exchange(
            "a APPEND INBOX (\\Seen) {3+}\r\none",
            [Self.inbox, Self.appended(), .answer(after)]
        )
        #expect(told == ["* 6 EXISTS", "* 1 RECENT", "a OK [APPENDUID 77 31]"])
        #expect(
            test.exchange("b APPEND Work {3+}\r\none", [Self.inbox, Self.appended(2)]) == ["b OK [APPENDUID 77 31]"]
        )
    }

    // MARK: Large messages

    private static let chunk = MailLimits.bodyChunkBytes

    /// What is larger than a chunk goes ahead, chunk by chunk, while it arrives.
    @Test func `a large message goes in chunks`() {
        let text = String(repeating: "x", count: Self.chunk) + String(repeating: "y", count: Self.chunk) + "zz"
        var test = SessionUnderTest.at(.loggedIn)
        test.session.now = Timestamp(milliseconds: 1_000_000)
        _ = test.send("a APPEND INBOX {\(text.utf8.count)+}\r\n\(text)")
        _ = test.give(Self.inbox)
        var replies: [String] = []
        for _ in 0..<3 { replies.append(test.give(.outcome(.done))) }
        #expect(replies == ["", "", ""])
        #expect(SessionUnderTest.lines(test.give(Self.appended())) == ["a OK [APPENDUID 77 31]"])
        var message = Self.message(text)
        message.body = .uploaded(chunks: 3)
        let chunks = ["x", "y"].map { String(repeating: $0, count: Self.chunk) } + ["zz"]
        #expect(
            test.storeCalls.dropFirst()
                == chunks.enumerated().map {
                    .submit(.uploadChunk(Self.bodyID, index: UInt32($0.offset), bytes: ByteBuffer(string: $0.element)))
                } + [.submit(.append(message, to: .inbox))]
        )
    }

    @Test func `what is as large as a chunk travels with the command`() {
        let text = String(repeating: "x", count: Self.chunk)
        var test = SessionUnderTest.at(.loggedIn)
        #expect(
            test.exchange("a APPEND INBOX {\(text.utf8.count)+}\r\n\(text)", [Self.inbox, Self.appended()]).last
                == "a OK [APPENDUID 77 31]"
        )
        #expect(test.storeCalls.count == 2)
    }

    /// The rest of the message is skipped, whichever chunk failed, and whether it has come or not.
    @Test(
        arguments: [1, 2, 3],
        [
            (StoreReply.failure(.unavailable), "a NO [UNAVAILABLE]"), (.failure(.noSpace), "a NO [UNAVAILABLE]"),
            (.failure(.busy), "a NO [INUSE]"), (.outcome(.refused(.overQuota)), "a NO [OVERQUOTA]"),
            (.outcome(.refused(.noSuchAccount)), "a NO [CONTACTADMIN]"),
        ]
    )
    func `a chunk that is not taken ends the APPEND`(_ failing: Int, _ reply: (StoreReply, String)) {
        let text = String(repeating: "x", count: Self.chunk * 2 + 5)
        var test = SessionUnderTest.at(.loggedIn)
        var replies = [Self.inbox] + [StoreReply](repeating: .outcome(.done), count: failing - 1) + [reply.0]
        #expect(test.exchange("a APPEND INBOX {\(text.utf8.count)+}\r\n\(text)", replies) == [reply.1])
        #expect(test.exchange("b NOOP") == ["b OK"])
        #expect(test.session.isAtRest)
        // The client is still sending when it is refused.
        guard failing < 3 else { return }
        var slow = SessionUnderTest.at(.loggedIn)
        slow.framer.append(ByteBuffer(string: "a APPEND INBOX {\(text.utf8.count)+}\r\n\(text.dropLast(4))"))
        _ = slow.run()
        var told = ""
        while !replies.isEmpty { told += slow.give(replies.removeFirst()) }
        #expect(SessionUnderTest.lines(told) == [reply.1])
        #expect(slow.exchange("xxxx\r\nb NOOP") == ["b OK"])
    }

    @Test func `an APPEND that is under way is no rest`() {
        var test = SessionUnderTest.at(.loggedIn)
        _ = test.send("a APPEND INBOX {5}")
        _ = test.give(Self.inbox)
        #expect(test.session.isReady && !test.session.isAtRest)
        _ = test.send("hello")
        _ = test.give(Self.appended())
        #expect(test.session.isAtRest)
    }
}
