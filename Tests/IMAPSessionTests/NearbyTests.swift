import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// Which questions about the selected mailbox this node may answer by itself, and what its answers must show.
@Suite struct NearbyTests {
    private static func known(_ modSeq: UInt64, _ uidNext: UInt32 = 31) -> KnownMailbox {
        var known = KnownMailbox()
        known.noteModSeq(ModSeq(modSeq))
        known.noteUID(UID(uidNext - 1))
        return known
    }

    private static func stored(_ modSeq: UInt64) -> StoreReply {
        .outcome(.flagsStored(modSeq: ModSeq(modSeq), changed: Fixture.set(3), modified: UIDSet(), surplus: 0))
    }

    private static let copied = StoreReply.outcome(
        .copied(MailboxID(1), uidValidity: 77, source: Fixture.set(3), destination: Fixture.set(31))
    )

    @Test(arguments: ["NOOP", "CHECK", "IDLE"])
    func `who asks for news hears all that is new anywhere`(_ line: String) {
        var test = SessionUnderTest.at(.selected)
        _ = test.exchange("a \(line)", [Fixture.noChanges])
        #expect(test.known.isEmpty && test.storeCalls.count == 1)
    }

    @Test func `whoever goes on idling is told what this node has`() {
        var test = SessionUnderTest.at(.selected)
        _ = test.exchange("a IDLE", [Fixture.noChanges])
        test.session.accountChanged()
        test.session.continueIdle()
        _ = test.run()
        #expect(test.known == [Self.known(50)])
        let news = Fixture.changes(new: [Fixture.state(31, [])], modSeq: 51)
        #expect(SessionUnderTest.lines(test.give(.answer(news))) == ["* 6 EXISTS", "* 1 RECENT"])
        // From now on nothing older will do.
        test.session.accountChanged()
        test.session.continueIdle()
        _ = test.run()
        #expect(test.known.last == Self.known(51, 32))
    }

    @Test func `what a session has stored and expunged it sees`() {
        var test = SessionUnderTest.at(.selected)
        _ = test.exchange("a STORE 1 +FLAGS (\\Flagged)", [Self.stored(60), .answer(Fixture.changes(modSeq: 60))])
        #expect(test.known == [Self.known(60)])
        let expunged = StoreReply.outcome(.expunged(Fixture.set(8), modSeq: ModSeq(62)))
        let after = Fixture.changes(expunged: Fixture.set(8), modSeq: 62)
        _ = test.exchange("b EXPUNGE", [.answer(Fixture.changes(modSeq: 60)), expunged, .answer(after)])
        #expect(test.known.dropFirst() == [Self.known(60), Self.known(62)])
    }

    @Test func `what a session has added it sees`() {
        var test = SessionUnderTest.at(.selected)
        let copied = Fixture.changes(new: [Fixture.state(31, .seen)], modSeq: 51)
        test.session.accountChanged()
        _ = test.exchange("a COPY 1 INBOX", [Self.copied, .answer(copied)])
        #expect(test.known == [Self.known(50, 32)])
        let appended = StoreReply.outcome(.appended(MailboxID(1), uidValidity: 77, uid: UID(40)))
        _ = test.exchange(
            "b APPEND INBOX {3+}\r\none",
            [
                .answer(.mailbox(Fixture.record)), appended,
                .answer(Fixture.changes(new: [Fixture.state(40, .seen)], modSeq: 52) { $0.messages = 7 }),
            ]
        )
        #expect(test.known.last == Self.known(51, 41))
    }

    /// A MOVE does not tell with which MODSEQ the messages have left, and what was not answered may have been done.
    @Test func `where it is not known what must be seen, all is`() {
        var test = SessionUnderTest.at(.selected)
        _ = test.exchange("a MOVE 1 INBOX", [Self.copied, Fixture.noChanges])
        #expect(test.known.isEmpty && test.storeCalls.count == 2)
        test.session.accountChanged()
        _ = test.exchange("b FETCH 2 UID", [Fixture.noChanges])
        #expect(test.known.count == 1, "known again")
        _ = test.exchange("c STORE 2 +FLAGS (\\Seen)", [.failure(.unavailable)])
        _ = test.exchange("d FETCH 2 UID", [.failure(.unavailable)])
        _ = test.exchange("e FETCH 2 UID", [Fixture.noChanges])
        #expect(test.known.count == 1)
        test.session.accountChanged()
        _ = test.exchange("f FETCH 2 UID", [Fixture.noChanges])
        #expect(test.known.count == 2)
    }

    /// STATUS is linearizable: what it told of the selected mailbox must not be taken back.
    @Test func `what STATUS and LIST have told is seen`() {
        var test = SessionUnderTest.at(.selected)
        var record = Fixture.record
        record.highestModSeq = ModSeq(70)
        _ = test.exchange("a STATUS INBOX (MESSAGES)", [.answer(.mailbox(record))])
        test.session.accountChanged()
        _ = test.exchange("b FETCH 1 UID", [.answer(Fixture.changes(modSeq: 70))])
        #expect(test.known == [Self.known(70)])
        record.uidNext = UID(50)
        let listed = MailAnswer.mailboxes([Fixture.other(4, "X"), record])
        _ = test.exchange("c LIST \"\" * RETURN (STATUS (UIDNEXT))", [.answer(listed)])
        test.session.accountChanged()
        _ = test.exchange("d FETCH 1 UID", [.answer(Fixture.changes(modSeq: 70))])
        #expect(test.known.last == Self.known(70, 50))
    }

    /// What happens in other mailboxes says nothing of the selected one.
    @Test func `other mailboxes count for nothing`() {
        var test = SessionUnderTest.at(.selected)
        var other = Fixture.other(4, "Work")
        other.highestModSeq = ModSeq(900)
        _ = test.exchange("a STATUS Work (MESSAGES)", [.answer(.mailbox(other))])
        let copied = StoreReply.outcome(
            .copied(MailboxID(4), uidValidity: 78, source: Fixture.set(3), destination: Fixture.set(900))
        )
        test.session.accountChanged()
        _ = test.exchange("b COPY 1 Work", [copied, Fixture.noChanges])
        #expect(test.known == [Self.known(50)])
    }

    /// The record that SELECT has read is as new as the SELECT.
    @Test func `what changed since rows were kept is as new as the record`() {
        var test = SessionUnderTest.opened("SELECT INBOX", keepsRows: true)
        var record = Fixture.record
        record.highestModSeq = ModSeq(55)
        let same = Fixture.changes(modSeq: 55)
        let told = test.exchange("a SELECT INBOX", [.answer(.mailbox(record)), .answer(same)])
        #expect(told.last == "a OK [READ-WRITE]")
        #expect(test.known == [Self.known(55)])
    }

    @Test func `what shows what is known`() {
        let known = Self.known(50)
        var older = Fixture.record
        older.highestModSeq = ModSeq(49)
        var emptier = Fixture.record
        emptier.uidNext = UID(30)
        var gone = Fixture.record
        gone.selectable = false
        #expect(known.isShown(by: .mailbox(Fixture.record)) && known.isShown(by: Fixture.changes(modSeq: 50)))
        #expect(known.isShown(by: .messages(Fixture.record, [])))
        for record in [older, emptier, gone] { #expect(!known.isShown(by: .mailbox(record))) }
        #expect(!known.isShown(by: Fixture.changes(modSeq: 49)) && !known.isShown(by: .missing))
    }
}
