import IMAPSyntax
import MailModel
import NIOCore
import Testing

@testable import IMAPSession

/// What a client is told where the store refuses a command, fails, or makes no sense (RFC 5530; RFC 3501, section 7.1;
/// RFC 9208, section 4.3).
@Suite struct RefusalTests {
    /// A command that changes something, up to the call that is refused.
    struct Change: Sendable, CustomTestStringConvertible {
        let line: String
        let stage: Stage
        /// The replies before.
        var before: [StoreReply] = []
        /// The replies behind a refusal.
        var after: [StoreReply] = []
        /// Whether a missing mailbox is the target, which the client may create (RFC 3501, section 7.1: TRYCREATE).
        var hasTarget = false
        /// What the store says when all goes well, and makes no sense for this command.
        var nonsense: MailOutcome? = .purged(1)
        var testDescription: String { line }
    }

    static let inbox = StoreReply.answer(.mailbox(Fixture.record))

    static let changes: [Change] = [
        Change(line: "CREATE Work", stage: .loggedIn), Change(line: "DELETE Work", stage: .loggedIn, nonsense: nil),
        Change(line: "RENAME Work Play", stage: .loggedIn, nonsense: nil),
        Change(line: "SUBSCRIBE Work", stage: .loggedIn, nonsense: nil),
        Change(line: "UNSUBSCRIBE Work", stage: .loggedIn, nonsense: nil),
        Change(line: "APPEND Work {3+}\r\nabc", stage: .loggedIn, before: [inbox], hasTarget: true),
        Change(line: "STORE 1:2 +FLAGS (\\Seen)", stage: .selected, after: [Fixture.noChanges]),
        Change(line: "UID STORE 3 FLAGS.SILENT ()", stage: .selected, after: [Fixture.noChanges]),
        Change(line: "EXPUNGE", stage: .selected, before: [Fixture.noChanges], nonsense: nil),
        Change(line: "UID EXPUNGE 8", stage: .selected, nonsense: nil),
        Change(line: "CLOSE", stage: .selected, before: [Fixture.noChanges], nonsense: nil),
        Change(line: "COPY 1 Work", stage: .selected, hasTarget: true),
        Change(line: "UID COPY 3 Work", stage: .examined, hasTarget: true),
        Change(line: "MOVE 1 Work", stage: .selected, hasTarget: true),
        Change(line: "UID MOVE 3 Work", stage: .selected, hasTarget: true),
    ]

    private static func code(_ refusal: Refusal, hasTarget: Bool) -> String {
        switch refusal {
        case .noSuchAccount, .accountSuspended: "CONTACTADMIN"
        case .accountExists: "SERVERBUG"
        case .noSuchMailbox: hasTarget ? "TRYCREATE" : "NONEXISTENT"
        case .mailboxExists: "ALREADYEXISTS"
        case .badMailboxName: "CANNOT"
        case .tooManyMailboxes, .tooManyMessages, .tooManyDescendants, .tooManySubscriptions, .uidsExhausted: "LIMIT"
        case .overQuota: "OVERQUOTA"
        case .uploadMissing, .notHere, .unsupportedVersion, .staleRegistration, .noSuchNode, .noSuchGroup,
            .tokenRefused, .notFromHere, .tooManyEntries, .changedMeanwhile, .nodeTakesNothing, .noSuchOperation:
            "UNAVAILABLE"
        }
    }

    @Test(arguments: changes, Refusal.allCases)
    func `a refusal is a NO with its code`(_ change: Change, _ refusal: Refusal) {
        var test = SessionUnderTest.at(change.stage)
        let told = test.exchange("a \(change.line)", change.before + [.outcome(.refused(refusal))] + change.after)
        #expect(told == ["a NO [\(Self.code(refusal, hasTarget: change.hasTarget))]"])
        #expect(test.hasMailbox == (change.stage >= .examined))
    }

    /// Neither an OK nor the end of the session.
    @Test(arguments: changes.filter { $0.nonsense != nil })
    func `an outcome of another kind is the server's bug`(_ change: Change) throws {
        var test = SessionUnderTest.at(change.stage)
        let told = test.exchange("a \(change.line)", change.before + [.outcome(try #require(change.nonsense))])
        #expect(told.last == "a NO [SERVERBUG]")
        #expect(test.session.isReady)
    }

    // MARK: Failures

    /// A command that needs the store, with the replies before each call of it that can fail.
    struct Need: Sendable, CustomTestStringConvertible {
        let line: String
        let stage: Stage
        var before: [StoreReply] = []
        /// What is told in front of the tagged answer.
        var told: [String] = []
        var endsMailbox = false
        var testDescription: String { "\(line), call \(before.count + 1)" }
    }

    static let needs: [Need] = [
        Need(line: "SELECT INBOX", stage: .loggedIn), Need(line: "EXAMINE INBOX", stage: .loggedIn),
        Need(line: "SELECT INBOX", stage: .loggedIn, before: [inbox]),
        Need(line: "SELECT INBOX", stage: .selected, before: [inbox], told: ["* OK [CLOSED]"], endsMailbox: true),
        Need(line: "LIST \"\" *", stage: .loggedIn),
        Need(line: "LIST \"\" % RETURN (STATUS (MESSAGES))", stage: .loggedIn),
        Need(line: "LSUB \"\" *", stage: .loggedIn), Need(line: "STATUS Work (UNSEEN)", stage: .loggedIn),
        Need(line: "STATUS INBOX (UNSEEN)", stage: .selected), Need(line: "CREATE Work", stage: .loggedIn),
        Need(line: "DELETE Work", stage: .loggedIn), Need(line: "RENAME Work Play", stage: .loggedIn),
        Need(line: "SUBSCRIBE Work", stage: .loggedIn), Need(line: "UNSUBSCRIBE Work", stage: .selected),
        Need(line: "APPEND Work {3+}\r\nabc", stage: .loggedIn),
        Need(line: "APPEND Work {3+}\r\nabc", stage: .selected, before: [inbox]),
        Need(line: "STORE 1 +FLAGS (\\Seen)", stage: .selected),
        Need(line: "UID STORE 3 -FLAGS.SILENT (\\Seen)", stage: .selected),
        Need(line: "UID EXPUNGE 3:8", stage: .selected),
        Need(line: "EXPUNGE", stage: .selected, before: [Fixture.noChanges]),
        Need(line: "CLOSE", stage: .selected, before: [Fixture.noChanges]),
        Need(line: "COPY 1 Work", stage: .selected), Need(line: "UID COPY 3 Work", stage: .examined),
        Need(line: "UID COPY 99 Work", stage: .selected), Need(line: "MOVE 1 Work", stage: .selected),
        Need(line: "UID MOVE 99 Work", stage: .selected), Need(line: "FETCH 1 RFC822.SIZE", stage: .selected),
        Need(line: "UID FETCH 3 ENVELOPE", stage: .examined), Need(line: "SEARCH LARGER 5", stage: .selected),
        Need(line: "UID SEARCH RETURN (COUNT) SINCE 1-Jan-2000", stage: .selected),
        Need(
            line: "SEARCH TEXT x",
            stage: .selected,
            before: [.answer(.details(Fixture.messages.prefix(1).map(\.details)))]
        ),
    ]

    /// No failure of the store is a wrong password, a missing mailbox or a fault of the client's.
    @Test(arguments: needs, [ServiceFailure.unavailable, .busy, .noSpace, .stopping])
    func `a failure is a NO that says so, and the session goes on`(_ need: Need, _ failure: ServiceFailure) {
        var test = SessionUnderTest.at(need.stage)
        let told = test.exchange("a \(need.line)", need.before + [.failure(failure)])
        #expect(told == need.told + ["a NO [\(failure == .busy ? "INUSE" : "UNAVAILABLE")]"])
        #expect(!test.isClosed && test.session.isReady)
        test.calls = []
        let next = test.exchangeWithStore("b STATUS INBOX (MESSAGES)")
        #expect(next.hasSuffix("b OK That is all\r\n"))
        if need.stage >= .examined {
            #expect(test.exchangeWithStore("c SEARCH ALL").contains("c \(need.endsMailbox ? "BAD" : "OK")"))
        }
    }

    /// What may have been done without an answer shows with the next command: the store is asked what there is.
    @Test(arguments: [
        "STORE 1 +FLAGS (\\Flagged)", "UID STORE 3 +FLAGS.SILENT (\\Flagged)", "UID EXPUNGE 8", "MOVE 3 Work",
        "UID MOVE 8 Work",
    ])
    func `what became of a change whose outcome is unknown is told next`(_ line: String) {
        var test = SessionUnderTest.at(.selected)
        #expect(test.exchange("a \(line)", [.failure(.unavailable)]) == ["a NO [UNAVAILABLE]"])
        let happened = Fixture.changes(
            changed: [Fixture.state(3, [.seen, .flagged])],
            expunged: line.contains("STORE") ? UIDSet() : Fixture.set(8)
        )
        let told = test.exchange("b UID SEARCH ALL", [.answer(happened)])
        #expect(told.first == "* SEARCH 3 5 8 13 21")
        #expect(told.contains("* 3 EXPUNGE") == !line.contains("STORE"))
        #expect(told.contains("* 1 FETCH (UID 3 FLAGS (\\Flagged \\Seen))"))
        #expect(told.last == "b OK")
    }

    @Test(arguments: [ServiceFailure.unavailable, .busy, .noSpace, .stopping], ["NOOP", "CHECK"])
    func `NOOP and CHECK succeed without news`(_ failure: ServiceFailure, _ command: String) {
        var test = SessionUnderTest.at(.selected)
        #expect(test.exchange("a \(command)", [.failure(failure)]) == ["a OK"])
        #expect(test.session.missedUpdate)
        let told = test.exchange("b FETCH 1 UID", [.answer(Fixture.changes(changed: [Fixture.state(5, .seen)]))])
        #expect(told == ["* 1 FETCH (UID 3)", "* 2 FETCH (UID 5 FLAGS (\\Seen))", "b OK"])
        #expect(!test.session.missedUpdate)
    }

    /// A deleted account must not look like one without mailboxes: clients would drop their copies.
    @Test(arguments: ["LIST \"\" *", "LSUB \"\" *", "LIST (SUBSCRIBED) \"\" % RETURN (CHILDREN)"])
    func `an account that is gone has no empty list of mailboxes`(_ line: String) {
        var test = SessionUnderTest.at(.loggedIn)
        #expect(test.exchange("a \(line)", [.answer(.missing)]) == ["a NO [CONTACTADMIN]", "* BYE"])
        #expect(test.isClosed)
    }
}
