import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// EXPUNGE and UID EXPUNGE (RFC 3501, section 6.4.3; RFC 4315, section 2.1; RFC 7162, section 3.2.7).
@Suite struct ExpungeTests {
    private static func expunged(_ uids: UIDSet, _ modSeq: UInt64 = 60) -> StoreReply {
        .outcome(.expunged(uids, modSeq: ModSeq(modSeq)))
    }

    @Test func `all that is marked goes, whoever marked it`() {
        var test = SessionUnderTest.at(.selected)
        // Somebody else marked the last message, and took the mark from the third.
        let before = Fixture.changes(changed: [
            Fixture.state(8, .seen, 55), Fixture.state(13, [.flagged, .draft, .deleted], 55),
            Fixture.state(21, .deleted, 55),
        ])
        let told = test.exchange(
            "a EXPUNGE",
            [
                .answer(before), Self.expunged(Fixture.set(13, 21)),
                .answer(Fixture.changes(expunged: Fixture.set(13, 21))),
            ]
        )
        #expect(test.storeCalls[1] == .submit(.expunge(MailboxID(1), Fixture.set(13, 21))))
        #expect(told == ["* 5 EXPUNGE", "* 4 EXPUNGE", "* 3 FETCH (UID 8 FLAGS (\\Seen))", "a OK"])
    }

    @Test func `nothing marked, nothing asked for`() {
        var test = SessionUnderTest.at(.selected)
        let before = StoreReply.answer(Fixture.changes(changed: [Fixture.state(8, .seen)]))
        #expect(
            test.exchange("a EXPUNGE", [before, Fixture.noChanges]) == ["* 3 FETCH (UID 8 FLAGS (\\Seen))", "a OK"]
        )
        #expect(!test.storeCalls.contains { if case .submit = $0 { true } else { false } })
    }

    /// RFC 4315, section 2.1: of the set, those that are marked, as the store knows best.
    @Test func `UID EXPUNGE names a set`() {
        var test = SessionUnderTest.at(.selected)
        let told = test.exchange(
            "a UID EXPUNGE 4:13,99",
            [Self.expunged(Fixture.set(8)), .answer(Fixture.changes(expunged: Fixture.set(8)))]
        )
        #expect(test.storeCalls[0] == .submit(.expunge(MailboxID(1), Fixture.set(5, 8, 13))))
        #expect(told == ["* 3 EXPUNGE", "a OK"])
    }

    @Test(arguments: ["EXPUNGE", "UID EXPUNGE 8"])
    func `the new highest MODSEQ comes once CONDSTORE is on`(_ line: String) {
        var test = SessionUnderTest.at(.selected)
        _ = test.exchange("e ENABLE CONDSTORE")
        let replies: [StoreReply] = [
            Self.expunged(Fixture.set(8), 70), .answer(Fixture.changes(expunged: Fixture.set(8), modSeq: 70)),
        ]
        let told = test.exchange("a \(line)", (line == "EXPUNGE" ? [Fixture.noChanges] : []) + replies)
        #expect(told == ["* 3 EXPUNGE", "a OK [HIGHESTMODSEQ 70]"])
    }

    @Test(arguments: ["EXPUNGE", "UID EXPUNGE 8", "UID EXPUNGE 99"])
    func `nothing is expunged from a mailbox that is read-only`(_ line: String) {
        var test = SessionUnderTest.at(.examined)
        #expect(test.exchange("a \(line)") == ["a NO"])
        #expect(test.calls.isEmpty)
    }

    @Test func `EXPUNGE of a mailbox that is gone tells that all messages are`() {
        var test = SessionUnderTest.at(.selected)
        #expect(
            test.exchange("a EXPUNGE", [.answer(.missing)]) == (1...5).reversed().map { "* \($0) EXPUNGE" } + ["a OK"]
        )
    }

    /// The store finds a set too large by what is stored of its messages: it gets the halves.
    @Test func `a set that is too large is halved`() {
        var test = SessionUnderTest.at(.selected)
        let tooMany = StoreReply.outcome(.refused(.tooManyMessages))
        let told = test.exchange(
            "a UID EXPUNGE 1:*",
            [
                tooMany, Self.expunged(Fixture.set(3, 5)), Self.expunged(Fixture.set(8, 13)),
                Self.expunged(Fixture.set(21)),
                .answer(Fixture.changes(expunged: Fixture.set(3, 5, 8, 13, 21))),
            ]
        )
        let asked = test.storeCalls.compactMap { call -> UIDSet? in
            if case .submit(.expunge(_, let set)) = call { set } else { nil }
        }
        #expect(asked == [Fixture.set(3, 5, 8, 13, 21), Fixture.set(3, 5), Fixture.set(8, 13), Fixture.set(21)])
        #expect(told.last == "a OK" && told.count == 6)
        var one = SessionUnderTest.at(.selected)
        #expect(one.exchange("a UID EXPUNGE 8", [tooMany]) == ["a NO [LIMIT]"])
    }

    /// RFC 3501, section 7.4.1: each number is right at the moment it is told.
    @Test func `numbers follow each other`() {
        var test = SessionUnderTest.at(.selected)
        _ = test.exchange("a NOOP", [.answer(Fixture.changes(expunged: Fixture.set(3, 8, 21)))])
        #expect(test.exchange("b FETCH 1:* UID") == ["* 1 FETCH (UID 5)", "* 2 FETCH (UID 13)", "b OK"])
        #expect(
            test.exchange("c NOOP", [.answer(Fixture.changes(expunged: Fixture.set(5, 13)))]) == [
                "* 2 EXPUNGE", "* 1 EXPUNGE", "c OK",
            ]
        )
        #expect(test.exchange("d SEARCH 1:*") == ["* SEARCH", "d OK"])
    }
}
