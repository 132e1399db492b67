import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// STORE and UID STORE (RFC 3501, section 6.4.6; RFC 7162, section 3.1.3).
@Suite struct StoreTests {
    struct Form: Sendable, CustomTestStringConvertible {
        let line: String
        let operation: FlagOperation
        let flags: FlagNames
        var unchangedSince: UInt64?
        var testDescription: String { line }
        init(
            _ line: String,
            _ operation: FlagOperation,
            _ system: SystemFlags,
            _ keywords: [String] = [],
            since: UInt64? = nil
        ) {
            self.line = line
            self.operation = operation
            flags = FlagNames(system: system, keywords: keywords)
            unchangedSince = since
        }
    }

    static let forms: [Form] = [
        Form("FLAGS (\\Seen)", .replace, .seen), Form("+FLAGS (\\Seen)", .add, .seen),
        Form("-FLAGS (\\Seen)", .remove, .seen),
        Form("FLAGS.SILENT (\\Seen)", .replace, .seen), Form("+flags.silent (\\Seen)", .add, .seen),
        Form("-FLAGS.SILENT (\\Seen)", .remove, .seen), Form("FLAGS ()", .replace, []), Form("+FLAGS ()", .add, []),
        Form("FLAGS \\Seen", .replace, .seen), Form("+FLAGS \\Seen \\Draft", .add, [.seen, .draft]),
        Form(
            "FLAGS (\\ANSWERED \\flagged \\Deleted \\Seen \\Draft)",
            .replace,
            [.answered, .flagged, .deleted, .seen, .draft]
        ),
        Form("+FLAGS ($Work New $work)", .add, [], ["$Work", "New", "$work"]),
        Form("-FLAGS blue", .remove, [], ["blue"]),
        Form("(UNCHANGEDSINCE 40) +FLAGS (\\Seen)", .add, .seen, since: 40),
        Form("(unchangedsince 0) FLAGS ()", .replace, [], since: 0),
    ]

    @Test(arguments: forms, [("STORE 1,3:4", Fixture.set(3, 8, 13)), ("UID STORE 3:8", Fixture.set(3, 5, 8))])
    func `what is stored is what was named`(_ form: Form, _ messages: (String, UIDSet)) {
        var test = SessionUnderTest.at(.selected)
        _ = test.send("a \(messages.0) \(form.line)")
        let since = form.unchangedSince.map { ModSeq($0) }
        #expect(
            test.storeCalls == [
                .submit(.storeFlags(MailboxID(1), messages.1, form.operation, form.flags, unchangedSince: since))
            ]
        )
    }

    @Test(arguments: [
        "STORE 1 FLAGS (\\Seen)", "UID STORE 3 +FLAGS ()", "STORE 1 (UNCHANGEDSINCE 1) FLAGS ()",
        "UID STORE 99 FLAGS ()",
    ])
    func `nothing is stored in a mailbox that is read-only`(_ line: String) {
        var test = SessionUnderTest.at(.examined)
        #expect(test.exchange("a \(line)") == ["a NO"])
        #expect(test.calls.isEmpty)
    }

    private static func stored(_ changed: UIDSet, modified: UIDSet = UIDSet()) -> StoreReply {
        .outcome(.flagsStored(modSeq: ModSeq(60), changed: changed, modified: modified, surplus: 0))
    }

    /// The new flags of all that was named are told, whether they changed or not; silent, nothing is.
    @Test(arguments: [
        (
            "STORE 1:2 +FLAGS (\\Seen)",
            ["* 1 FETCH (UID 3 FLAGS (\\Seen))", "* 2 FETCH (UID 5 FLAGS (\\Answered \\Seen $Work))", "a OK"]
        ),
        (
            "UID STORE 3:5 +FLAGS (\\Seen)",
            ["* 1 FETCH (UID 3 FLAGS (\\Seen))", "* 2 FETCH (UID 5 FLAGS (\\Answered \\Seen $Work))", "a OK"]
        ),
        ("STORE 1:2 +FLAGS.SILENT (\\Seen)", ["a OK"]), ("UID STORE 3:5 +FLAGS.SILENT (\\Seen)", ["a OK"]),
    ])
    func `what a STORE tells`(_ line: String, _ told: [String]) {
        var test = SessionUnderTest.at(.selected)
        let after = Fixture.changes(changed: [Fixture.state(5, [.answered, .seen], keywords: [0])])
        #expect(test.exchange("a \(line)", [Self.stored(Fixture.set(5)), .answer(after)]) == told)
        #expect(test.exchange("b SEARCH SEEN 2") == ["* SEARCH 2", "b OK"])
    }

    /// What others did meanwhile is told by every form: also to a silent client, for its message and others.
    @Test(arguments: [
        "STORE 2 +FLAGS.SILENT (\\Seen)", "UID STORE 5 +FLAGS.SILENT (\\Seen)", "STORE 2 +FLAGS (\\Seen)",
    ])
    func `what others changed is told`(_ line: String) {
        var test = SessionUnderTest.at(.selected)
        let after = Fixture.changes(
            changed: [
                Fixture.state(3, [.seen, .flagged], 59),
                Fixture.state(5, [.answered, .seen, .draft], 61, keywords: [0]),
            ],
            new: [Fixture.state(40, [], 62)]
        )
        let told = test.exchange(
            "a \(line)",
            [Self.stored(Fixture.set(5)), .answer(after)]
        )
        #expect(
            told == [
                "* 6 EXISTS", "* 1 RECENT", "* 1 FETCH (UID 3 FLAGS (\\Flagged \\Seen))",
                "* 2 FETCH (UID 5 FLAGS (\\Answered \\Seen \\Draft $Work))", "a OK",
            ]
        )
    }

    @Test(arguments: [("STORE", false), ("UID STORE", true)])
    func `an expunge of others is told by UID STORE only`(_ command: String, _ isTold: Bool) {
        var test = SessionUnderTest.at(.selected)
        let number = isTold ? "5" : "2"
        let after = Fixture.changes(changed: [Fixture.state(5, [], keywords: [])], expunged: Fixture.set(3))
        let told = test.exchange("a \(command) \(number) FLAGS ()", [Self.stored(Fixture.set(5)), .answer(after)])
        #expect(
            told == (isTold ? ["* 1 EXPUNGE", "* 1 FETCH (UID 5 FLAGS ())"] : ["* 2 FETCH (UID 5 FLAGS ())"]) + ["a OK"]
        )
    }

    /// What the store says it did not do must not be shown as done, nor what it did as undone.
    @Test(arguments: ["STORE 2 FLAGS (\\Draft)", "UID STORE 5 FLAGS (\\Draft)", "STORE 2 FLAGS.SILENT (\\Draft)"])
    func `flags of before are not told as those of now`(_ line: String) {
        var test = SessionUnderTest.at(.selected)
        _ = test.exchange("e ENABLE CONDSTORE")
        let told = test.exchange("a \(line)", [Self.stored(Fixture.set(5)), .failure(.unavailable)])
        #expect(!told.contains { $0.contains("\\Answered") || $0.contains("MODSEQ (20)") }, "\(told)")
        #expect(told.last == "a OK")
        let after = Fixture.changes(changed: [Fixture.state(5, .draft)])
        #expect(test.exchange("b NOOP", [.answer(after)]) == ["* 2 FETCH (UID 5 FLAGS (\\Draft) MODSEQ (60))", "b OK"])
    }

    // MARK: UNCHANGEDSINCE

    struct Conditional: Sendable, CustomTestStringConvertible {
        let line: String
        let changed: UIDSet
        let modified: UIDSet
        let after: MailAnswer
        let told: [String]
        var testDescription: String { line }
    }

    /// RFC 7162, section 3.1.3: MODIFIED names what was left alone, by what the command named messages by; the others'
    /// MODSEQ is told, even silently.
    static let conditionals: [Conditional] = [
        Conditional(
            line: "STORE 1:3 (UNCHANGEDSINCE 20) +FLAGS.SILENT (\\Flagged)",
            changed: Fixture.set(3, 5),
            modified: Fixture.set(8),
            after: Fixture.changes(changed: [
                Fixture.state(3, [.seen, .flagged]), Fixture.state(5, [.answered, .flagged], keywords: [0]),
            ]),
            told: ["* 1 FETCH (UID 3 MODSEQ (60))", "* 2 FETCH (UID 5 MODSEQ (60))", "a OK [MODIFIED 3]"]
        ),
        Conditional(
            line: "UID STORE 3:8 (UNCHANGEDSINCE 20) +FLAGS.SILENT (\\Flagged)",
            changed: Fixture.set(3, 5),
            modified: Fixture.set(8),
            after: Fixture.changes(changed: [
                Fixture.state(3, [.seen, .flagged]), Fixture.state(5, [.answered, .flagged], keywords: [0]),
            ]),
            told: ["* 1 FETCH (UID 3 MODSEQ (60))", "* 2 FETCH (UID 5 MODSEQ (60))", "a OK [MODIFIED 8]"]
        ),
        Conditional(
            line: "STORE 1 (UNCHANGEDSINCE 20) +FLAGS (\\Flagged)",
            changed: Fixture.set(3),
            modified: UIDSet(),
            after: Fixture.changes(changed: [Fixture.state(3, [.seen, .flagged])]),
            told: ["* 1 FETCH (UID 3 FLAGS (\\Flagged \\Seen) MODSEQ (60))", "a OK"]
        ),
        Conditional(
            line: "STORE 1:2 (UNCHANGEDSINCE 1) FLAGS.SILENT ()",
            changed: UIDSet(),
            modified: Fixture.set(3, 5),
            after: Fixture.changes(),
            told: ["a OK [MODIFIED 1:2]"]
        ),
        Conditional(
            line: "UID STORE 3,8,21 (UNCHANGEDSINCE 1) FLAGS.SILENT ()",
            changed: UIDSet(),
            modified: Fixture.set(3, 8, 21),
            after: Fixture.changes(),
            told: ["a OK [MODIFIED 3,8,21]"]
        ),
        // The one that was left alone was changed by somebody else: that is told at once.
        Conditional(
            line: "STORE 1 (UNCHANGEDSINCE 10) +FLAGS (\\Flagged)",
            changed: UIDSet(),
            modified: Fixture.set(3),
            after: Fixture.changes(changed: [Fixture.state(3, [], 55)]),
            told: ["* 1 FETCH (UID 3 FLAGS () MODSEQ (55))", "a OK [MODIFIED 1]"]
        ),
    ]

    @Test(arguments: conditionals)
    func `a conditional STORE says what it left alone`(_ conditional: Conditional) {
        var test = SessionUnderTest.at(.selected)
        _ = test.exchange("e ENABLE CONDSTORE")
        let stored = Self.stored(conditional.changed, modified: conditional.modified)
        #expect(test.exchange("a \(conditional.line)", [stored, .answer(conditional.after)]) == conditional.told)
    }

    @Test func `a set beyond the limit is stored in pieces, and answered once`() {
        let count = UInt32(MailLimits.messagesPerStore) * 2 + 1
        var record = Fixture.record
        record.uidNext = UID(count + 1)
        record.recentFrom = record.uidNext
        var test = SessionUnderTest.at(.loggedIn)
        _ = test.exchange(
            "S SELECT INBOX",
            [.answer(.mailbox(record)), .answer(.messages(record, (1...count).map { Fixture.state($0, [], 1) }))]
        )
        test.calls = []
        let step = UInt32(MailLimits.messagesPerStore)
        let pieces = [1...step, (step + 1)...(2 * step), count...count].map { UIDSet(ranges: [$0]) }
        let told = test.exchange(
            "a STORE 1:* (UNCHANGEDSINCE 1) +FLAGS.SILENT (\\Seen)",
            [
                Self.stored(pieces[0]), Self.stored(UIDSet(), modified: pieces[1]),
                Self.stored(UIDSet(), modified: pieces[2]),
                .answer(Fixture.changes(modSeq: 50) { $0.messages = count }),
            ]
        )
        #expect(told.last == "a OK [MODIFIED \(step + 1):\(count)]")
        let asked = test.storeCalls.compactMap { call -> UIDSet? in
            if case .submit(.storeFlags(_, let set, _, _, _)) = call { set } else { nil }
        }
        #expect(asked == pieces)
    }

    // MARK: Limits

    @Test func `a command names no more flags, and no longer keywords, than the limits`() {
        var test = SessionUnderTest.at(.selected)
        let limits = IMAPLimits()
        let many = (0...limits.flagsPerCommand).map { "k\($0)" }.joined(separator: " ")
        let long = String(repeating: "k", count: limits.keywordBytes + 1)
        for flags in ["(\(many))", many, long, "(\\Seen \(long))"] {
            #expect(test.exchange("a STORE 1 FLAGS \(flags)") == ["a NO [LIMIT]"])
        }
        #expect(test.calls.isEmpty)
        _ = test.send("b STORE 1 FLAGS \(long.dropLast())")
        #expect(test.storeCalls.count == 1)
    }
}
