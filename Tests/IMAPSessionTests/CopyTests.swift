import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// COPY and MOVE, with and without UIDs (RFC 3501, section 6.4.7; RFC 6851; RFC 4315, section 3).
@Suite struct CopyTests {
    private static let work = Fixture.mailbox("Work")

    private static func copied(_ source: UIDSet, _ destination: UIDSet) -> StoreReply {
        .outcome(.copied(MailboxID(2), uidValidity: 90, source: source, destination: destination))
    }

    @Test(arguments: [
        ("COPY 1,3", Stage.selected), ("COPY 1,3", .examined), ("UID COPY 3,8", .selected),
        ("UID COPY 3,8,9", .examined),
    ])
    func `COPY tells the new UIDs with its answer`(_ line: String, _ stage: Stage) {
        var test = SessionUnderTest.at(stage)
        let told = test.exchange("a \(line) Work", [Self.copied(Fixture.set(3, 8), Fixture.set(50, 51))])
        #expect(told == ["a OK [COPYUID 90 3,8 50:51]"])
        #expect(test.storeCalls == [.submit(.copy(MailboxID(1), Fixture.set(3, 8), to: Self.work))])
    }

    /// RFC 6851, section 4.3: COPYUID comes before the expunges, so that a client knows what became of the messages.
    @Test(arguments: ["MOVE 1,3", "UID MOVE 3,8"])
    func `MOVE tells the new UIDs, then the expunges`(_ line: String) {
        var test = SessionUnderTest.at(.selected)
        let told = test.exchange(
            "a \(line) Work",
            [
                Self.copied(Fixture.set(3, 8), Fixture.set(50, 51)),
                .answer(Fixture.changes(expunged: Fixture.set(3, 8))),
            ]
        )
        #expect(told == ["* OK [COPYUID 90 3,8 50:51]", "* 3 EXPUNGE", "* 1 EXPUNGE", "a OK"])
        #expect(test.storeCalls.first == .submit(.move(MailboxID(1), Fixture.set(3, 8), to: Self.work)))
    }

    @Test(arguments: ["MOVE 1 Work", "UID MOVE 3 Work", "UID MOVE 99 Work"])
    func `nothing is moved from a mailbox that is read-only`(_ line: String) {
        var test = SessionUnderTest.at(.examined)
        #expect(test.exchange("a \(line)") == ["a NO"])
        #expect(test.calls.isEmpty)
    }

    /// RFC 4315, section 3: no COPYUID where nothing was copied. A target that is missing is told all the same.
    @Test(arguments: ["UID COPY 99", "UID MOVE 4,6:7"])
    func `a set of nothing`(_ line: String) {
        for (reply, told) in [
            (MailAnswer.mailbox(Fixture.other(2, "Work")), "a OK"), (.missing, "a NO [TRYCREATE]"),
        ] {
            var test = SessionUnderTest.at(.selected)
            let replies: [StoreReply] = [.answer(reply)]
            let after = told == "a OK" && line.contains("MOVE") ? [Fixture.noChanges] : []
            #expect(test.exchange("a \(line) Work", replies + after) == [told])
            #expect(test.storeCalls.first == .query(.mailbox(Self.work)))
        }
    }

    @Test(arguments: ["COPY 1 a//b", "UID MOVE 3 /"])
    func `a target that cannot be is no mailbox`(_ line: String) {
        var test = SessionUnderTest.at(.selected)
        let told = test.exchange("a \(line)")
        #expect(told.count == 1 && told[0].hasPrefix("a NO ["))
        #expect(test.calls.isEmpty)
    }

    /// RFC 3501, section 6.4.7: the target is as it was before a COPY that fails.
    @Test(arguments: [
        (StoreReply.outcome(.refused(.overQuota)), "a NO [OVERQUOTA]"), (.failure(.unavailable), "a NO [UNAVAILABLE]"),
        (.outcome(.refused(.noSuchMailbox)), "a NO [TRYCREATE]"), (.outcome(.done), "a NO [SERVERBUG]"),
    ])
    func `a COPY that fails half-way is taken back`(_ reply: StoreReply, _ answer: String) {
        var test = SessionUnderTest.at(.selected)
        let tooMany = StoreReply.outcome(.refused(.tooManyMessages))
        let told = test.exchange(
            "a COPY 1:4 Work",
            [
                tooMany, Self.copied(Fixture.set(3, 5), Fixture.set(50, 51)), reply,
                .outcome(.expunged(Fixture.set(50, 51), modSeq: ModSeq(9))),
            ]
        )
        #expect(told == [answer])
        #expect(test.storeCalls.last == .submit(.remove(MailboxID(2), Fixture.set(50, 51))))
    }

    @Test func `what cannot be taken back is not retried for ever`() {
        var test = SessionUnderTest.at(.selected)
        let tooMany = StoreReply.outcome(.refused(.tooManyMessages))
        let told = test.exchange(
            "a COPY 1:4 Work",
            [tooMany, Self.copied(Fixture.set(3, 5), Fixture.set(50, 51)), .failure(.noSpace), .failure(.unavailable)]
        )
        #expect(told == ["a NO [UNAVAILABLE]"])
        #expect(test.session.isReady)
    }

    /// What was moved cannot be taken back: the client hears what became of it, and of the rest by the NO.
    @Test func `a MOVE that fails half-way tells what was moved`() {
        var test = SessionUnderTest.at(.selected)
        let tooMany = StoreReply.outcome(.refused(.tooManyMessages))
        let told = test.exchange(
            "a MOVE 1:4 Work",
            [tooMany, Self.copied(Fixture.set(3, 5), Fixture.set(50, 51)), .outcome(.refused(.overQuota))]
        )
        #expect(told == ["* OK [COPYUID 90 3,5 50:51]", "a NO [OVERQUOTA]"])
        let after = StoreReply.answer(Fixture.changes(expunged: Fixture.set(3, 5)))
        #expect(test.exchange("b NAMESPACE", [after]).dropFirst() == ["* 2 EXPUNGE", "* 1 EXPUNGE", "b OK"])
    }

    @Test func `what was copied in pieces is told as one`() {
        var test = SessionUnderTest.at(.selected)
        let tooMany = StoreReply.outcome(.refused(.tooManyMessages))
        let told = test.exchange(
            "a COPY 1:4 Work",
            [
                tooMany, Self.copied(Fixture.set(3, 5), Fixture.set(50, 51)),
                Self.copied(Fixture.set(8, 13), Fixture.set(52, 60)),
            ]
        )
        #expect(told == ["a OK [COPYUID 90 3,5,8,13 50:52,60]"])
    }

    /// Messages that another session expunged are not copied: the answer names those that were.
    @Test func `COPYUID names what was copied, not what was asked for`() {
        var test = SessionUnderTest.at(.selected)
        #expect(
            test.exchange("a COPY 1:3 Work", [Self.copied(Fixture.set(5), Fixture.set(50))]) == [
                "a OK [COPYUID 90 5 50]"
            ]
        )
        #expect(test.exchange("b COPY 1 Work", [Self.copied(UIDSet(), UIDSet())]) == ["b OK"])
    }
}
