import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// Which messages a set names (RFC 3501, sections 6.4.8 and 9; RFC 2180 for messages that others expunged).
@Suite struct MessageSetTests {
    /// The mailbox has five messages, with the UIDs 3, 5, 8, 13, 21.
    static let sets: [(String, [UInt32])] = [
        ("1", [1]), ("5", [5]), ("*", [5]), ("1:5", [1, 2, 3, 4, 5]), ("1:*", [1, 2, 3, 4, 5]),
        ("*:1", [1, 2, 3, 4, 5]),
        ("5:1", [1, 2, 3, 4, 5]), ("4:2", [2, 3, 4]), ("2,4", [2, 4]), ("4,2", [2, 4]), ("2,2,2", [2]),
        ("1:3,2:4", [1, 2, 3, 4]), ("*,1", [1, 5]), ("*:*", [5]), ("3:*,1", [1, 3, 4, 5]), ("5:*", [5]),
    ]

    @Test(arguments: sets)
    func `sequence numbers`(_ set: String, _ numbers: [UInt32]) {
        var test = SessionUnderTest.at(.selected)
        let uids: [UInt32] = [3, 5, 8, 13, 21]
        #expect(
            test.exchange("a FETCH \(set) UID")
                == numbers.map { "* \($0) FETCH (UID \(uids[Int($0) - 1]))" } + ["a OK"]
        )
        let found = numbers.map { " \($0)" }.joined()
        #expect(test.exchange("b SEARCH \(set)") == ["* SEARCH\(found)", "b OK"])
        _ = test.send("c COPY \(set) Work")
        let named = UIDSet(numbers.map { UID(uids[Int($0) - 1]) })
        #expect(test.storeCalls == [.submit(.copy(MailboxID(1), named, to: Fixture.mailbox("Work")))])
    }

    static let uidSets: [(String, [UInt32])] = [
        ("3", [1]), ("21", [5]), ("*", [5]), ("1:*", [1, 2, 3, 4, 5]), ("*:1", [1, 2, 3, 4, 5]), ("4:13", [2, 3, 4]),
        ("13:4", [2, 3, 4]), ("5,21", [2, 5]), ("4", []), ("4,6,7", []), ("22:30", []), ("22", []), ("4294967295", []),
        // RFC 3501, section 6.4.8: a range up to `*` always has the last message.
        ("22:*", [5]), ("4294967295:*", [5]), ("*:30", [5]), ("1:2", []), ("1:3,5:8", [1, 2, 3]),
    ]

    @Test(arguments: uidSets)
    func `UIDs`(_ set: String, _ numbers: [UInt32]) {
        var test = SessionUnderTest.at(.selected)
        let uids: [UInt32] = [3, 5, 8, 13, 21]
        let told = test.exchange("a UID FETCH \(set) MODSEQ").filter { $0 != "* OK [HIGHESTMODSEQ 50]" }
        #expect(
            told == numbers.map { "* \($0) FETCH (UID \(uids[Int($0) - 1]) MODSEQ (\($0)0))" } + ["a OK"]
        )
        let found = numbers.map { " \(uids[Int($0) - 1])" }.joined()
        #expect(test.exchange("b UID SEARCH UID \(set)") == ["* SEARCH\(found)", "b OK"])
        #expect(test.storeCalls.isEmpty)
        let named = UIDSet(numbers.map { UID(uids[Int($0) - 1]) })
        _ = test.send("c UID MOVE \(set) Work")
        let work = Fixture.mailbox("Work")
        let call: StoreCall =
            numbers.isEmpty ? .query(.mailbox(work)) : .submit(.move(MailboxID(1), named, to: work))
        #expect(test.storeCalls == [call])
    }

    /// RFC 3501, section 9: numbers are from 1 to 4,294,967,295. One that no message has is an error of the client.
    @Test(arguments: [
        "0", "1:0", "0:*", "", ",", "1,", ",1", "1,,2", ":", "1:", ":1", "1:2:3", "a", "1-3", "**", "4294967296",
        "99999999999999999999", "6", "1,6", "1:6", "6:7", "6:1", "$",
    ])
    func `sets that are none`(_ set: String) {
        var test = SessionUnderTest.at(.selected)
        for command in ["FETCH \(set) FLAGS", "STORE \(set) FLAGS ()", "COPY \(set) Work", "MOVE \(set) Work"] {
            #expect(test.exchange("a \(command)") == ["a BAD"], "\(command)")
        }
        #expect(test.calls.isEmpty)
    }

    @Test(arguments: ["0", "", "1:", "a", "4294967296", "$"])
    func `sets of UIDs that are none`(_ set: String) {
        var test = SessionUnderTest.at(.selected)
        for command in [
            "FETCH \(set) FLAGS", "STORE \(set) FLAGS ()", "COPY \(set) Work", "MOVE \(set) Work", "EXPUNGE \(set)",
        ] {
            #expect(test.exchange("a UID \(command)") == ["a BAD"], "\(command)")
        }
        #expect(test.calls.isEmpty)
    }

    /// UIDs that do not exist are no fault (RFC 3501, section 6.4.8).
    @Test(arguments: ["FETCH 4 FLAGS", "STORE 4 +FLAGS (\\Seen)", "EXPUNGE 4", "STORE 99 FLAGS.SILENT ()"])
    func `UIDs of nothing succeed`(_ line: String) {
        var test = SessionUnderTest.at(.selected)
        var told = SessionUnderTest.lines(test.send("a UID \(line)"))
        if !test.session.isReady { told += SessionUnderTest.lines(test.give(Fixture.noChanges)) }
        #expect(told == ["a OK"])
        #expect(!test.storeCalls.contains { if case .submit = $0 { true } else { false } })
    }

    // MARK: Messages that others expunged

    /// The messages 2 and 4 are gone, and the client was not told.
    static func withGone(_ stage: Stage = .selected) -> SessionUnderTest {
        var test = SessionUnderTest.at(stage)
        test.session.accountChanged()
        let told = test.exchange("g FETCH 1 UID", [.answer(Fixture.changes(expunged: Fixture.set(5, 13)))])
        precondition(told == ["* 1 FETCH (UID 3)", "g OK"], "\(told)")
        test.calls = []
        return test
    }

    static let withoutExpunge: [Exchange] = [
        Exchange("FETCH 1 UID", told: ["* 1 FETCH (UID 3)", "a OK"]),
        Exchange("FETCH 3 UID", told: ["* 3 FETCH (UID 8)", "a OK"]),
        Exchange("FETCH 5 UID", told: ["* 5 FETCH (UID 21)", "a OK"]),
        Exchange("FETCH * UID", told: ["* 5 FETCH (UID 21)", "a OK"]),
        Exchange("FETCH 6 UID", told: ["a BAD"]), Exchange("SEARCH ALL", told: ["* SEARCH 1 3 5", "a OK"]),
        Exchange("SEARCH 2:4", told: ["* SEARCH 3", "a OK"]), Exchange("SEARCH UID 13", told: ["* SEARCH", "a OK"]),
        Exchange("SEARCH RETURN (MIN MAX COUNT) ALL", told: ["* ESEARCH (TAG \"a\") MIN 1 MAX 5 COUNT 3", "a OK"]),
        Exchange(
            "STORE 5 +FLAGS (\\Seen)",
            [
                .outcome(.flagsStored(modSeq: ModSeq(61), changed: Fixture.set(21), modified: UIDSet(), surplus: 0)),
                .answer(Fixture.changes(changed: [Fixture.state(21, .seen, 61, keywords: [1])], modSeq: 61)),
            ],
            told: ["* 5 FETCH (UID 21 FLAGS (\\Seen blue))", "a OK"]
        ),
    ]

    @Test(arguments: withoutExpunge)
    func `numbers keep their meaning until the client is told`(_ exchange: Exchange) {
        var test = Self.withGone()
        exchange.run(&test)
        #expect(test.exchange("b NOOP", [Fixture.noChanges]) == ["* 4 EXPUNGE", "* 2 EXPUNGE", "b OK"])
        #expect(
            test.exchange("c FETCH 1:* UID").dropLast() == (1...3).map { "* \($0) FETCH (UID \([3, 8, 21][$0 - 1]))" }
        )
    }

    /// Every other command tells what is gone, from the highest number on so that each is right when it comes.
    @Test(arguments: [
        "CAPABILITY", "ID NIL", "NAMESPACE", "UID SEARCH ALL", "UID FETCH 3 UID", "UID FETCH 99 UID", "LIST \"\" \"\"",
        "ENABLE X",
    ])
    func `the others tell what is gone`(_ line: String) {
        var test = Self.withGone()
        let told = test.exchange("a \(line)")
        #expect(told.filter { $0.contains("EXPUNGE") } == ["* 4 EXPUNGE", "* 2 EXPUNGE"])
        #expect(told.last == "a OK")
        #expect(test.exchange("b SEARCH ALL") == ["* SEARCH 1 2 3", "b OK"])
    }

    /// RFC 2180, section 4.1 and 4.2: what is gone is left out, and the client hears why.
    @Test func `what is gone is neither stored, copied, moved nor read`() {
        var test = Self.withGone()
        let outcome = MailOutcome.flagsStored(
            modSeq: ModSeq(61),
            changed: Fixture.set(3, 8, 21),
            modified: UIDSet(),
            surplus: 0
        )
        let after = Fixture.changes(
            changed: [Fixture.state(3, .draft), Fixture.state(8, .draft), Fixture.state(21, .draft)]
        )
        #expect(
            test.exchange("a STORE 1:5 FLAGS (\\Draft)", [.outcome(outcome), .answer(after)]) == [
                "* 1 FETCH (UID 3 FLAGS (\\Draft))", "* 3 FETCH (UID 8 FLAGS (\\Draft))",
                "* 5 FETCH (UID 21 FLAGS (\\Draft))", "a OK [EXPUNGEISSUED]",
            ]
        )
        #expect(
            test.storeCalls.first
                == .submit(
                    .storeFlags(
                        MailboxID(1),
                        Fixture.set(3, 8, 21),
                        .replace,
                        FlagNames(system: .draft),
                        unchangedSince: nil
                    )
                )
        )
        let details = Fixture.messages.filter { [3, 8, 21].contains($0.uid) }.map(\.details)
        #expect(
            test.exchange("b FETCH 1:5 RFC822.SIZE", [.answer(.details(details))]) == [
                "* 1 FETCH (RFC822.SIZE 100)", "* 3 FETCH (RFC822.SIZE 300)", "* 5 FETCH (RFC822.SIZE 500)",
                "b OK [EXPUNGEISSUED]",
            ]
        )
        test.calls = []
        _ = test.send("c COPY 2:4 Work")
        #expect(test.storeCalls == [.submit(.copy(MailboxID(1), Fixture.set(8), to: Fixture.mailbox("Work")))])
    }

    @Test func `a copy of nothing but gone messages copies nothing`() {
        var test = Self.withGone()
        let work = StoreReply.answer(.mailbox(Fixture.other(4, "Work")))
        #expect(test.exchange("a COPY 2,4 Work", [work]) == ["* 4 EXPUNGE", "* 2 EXPUNGE", "a OK"])
        #expect(!test.storeCalls.contains { if case .submit = $0 { true } else { false } })
    }
}
