import IMAPSyntax
import MailModel
import NIOCore
import Testing

@testable import IMAPSession

/// What the store says to one call.
enum StoreReply: Sendable {
    case answer(MailAnswer)
    case outcome(MailOutcome)
    case failure(ServiceFailure)
}

/// What a session asked the store for, without the account.
enum StoreCall: Hashable, Sendable {
    case query(MailQuery)
    case submit(MailCommand)
}

/// One command, what the store says to each of its calls in turn, and what the client is told.
///
/// Of status responses only condition and code are compared: the text behind them is for people.
struct Exchange: Sendable, CustomTestStringConvertible {
    let line: String
    let replies: [StoreReply]
    let told: [String]

    init(_ line: String, _ replies: [StoreReply] = [], told: [String]) {
        self.line = line
        self.replies = replies
        self.told = told
    }

    var testDescription: String { line }
}

/// How far a session is when a command comes.
enum Stage: Int, CaseIterable, Sendable, Comparable {
    case connected, loggedIn, examined, selected

    static func < (a: Stage, b: Stage) -> Bool { a.rawValue < b.rawValue }
}

extension SessionUnderTest {
    /// With ``Fixture`` as the mailbox, where one is selected.
    static func at(
        _ stage: Stage,
        _ change: (inout SessionSettings) -> Void = { _ in }
    ) -> SessionUnderTest {
        switch stage {
        case .connected: SessionUnderTest(isLoggedIn: false, tools: FakeTools(), change)
        case .loggedIn: SessionUnderTest(tools: FakeTools(), change)
        case .examined: opened("EXAMINE INBOX", keepsRows: false, change)
        case .selected: opened("SELECT INBOX", keepsRows: false, change)
        }
    }

    /// - Parameter keepsRows: whether the rows of the mailbox are kept for the next SELECT.
    static func opened(
        _ command: String,
        tools: FakeTools = FakeTools(),
        keepsRows: Bool = false,
        _ change: (inout SessionSettings) -> Void = { _ in }
    ) -> SessionUnderTest {
        var test = SessionUnderTest(tools: tools, change)
        let told = test.exchange(
            "S \(command)",
            [.answer(.mailbox(Fixture.record)), .answer(.messages(Fixture.record, Fixture.states))]
        )
        precondition(told.last?.hasPrefix("S OK") == true, "\(told)")
        test.calls = []
        if !keepsRows { test.kept = [:] }
        return test
    }

    /// The lines that a command is answered with.
    mutating func exchange(_ line: String, _ replies: [StoreReply] = []) -> [String] {
        var text = send(line)
        for reply in replies { text += give(reply) }
        #expect(session.isReady || isClosed, "the session waits for a further reply of the store")
        return Self.lines(text)
    }

    /// As `exchange`, with what the store of ``Fixture`` says.
    mutating func exchangeWithStore(_ line: String) -> String {
        var text = send(line)
        while case .answer = session.awaited, case .query(let query, _)? = calls.last {
            text += give(.answer(Fixture.answer(query)))
        }
        #expect(session.isReady || isClosed, "the session waits for a further reply of the store")
        return text
    }

    mutating func give(_ reply: StoreReply) -> String {
        switch (reply, session.awaited) {
        case (.answer(let answer), .answer): session.answered(.success(answer))
        case (.outcome(let outcome), .outcome): session.finished(.success(outcome))
        case (.failure(let failure), .answer): session.answered(.failure(failure))
        case (.failure(let failure), .outcome): session.finished(.failure(failure))
        case (.answer, _), (.outcome, _), (.failure, _): Issue.record("the session does not wait for \(reply)")
        }
        return run()
    }

    /// What the store was asked for since the session was made ready.
    var storeCalls: [StoreCall] {
        calls.compactMap { effect in
            switch effect {
            case .query(let query, Self.account): .query(query)
            case .submit(let command, Self.account): .submit(command)
            default: nil
            }
        }
    }

    /// Whether a command that needs a selected mailbox is let through.
    var hasMailbox: Bool {
        var probe = self
        return !probe.send("probe SEARCH ALL").contains("probe BAD")
    }

    static func lines(_ text: String) -> [String] {
        text.split(separator: "\r\n", omittingEmptySubsequences: true).map(essence)
    }

    /// A line without the text for people.
    private static func essence(_ line: Substring) -> String {
        if line.hasPrefix("+") { return "+" }
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count == 3, ["OK", "NO", "BAD", "BYE"].contains(words[1]) else { return String(line) }
        let status = "\(words[0]) \(words[1])"
        guard words[2].hasPrefix("["), let end = words[2].firstIndex(of: "]") else { return status }
        // Behind a code there is a text (RFC 3501, section 9: resp-text).
        guard words[2][end...].hasPrefix("] ") else { return String(line) }
        return "\(status) \(words[2][...end])"
    }
}

extension Exchange {
    /// Carries the case out, and compares what is told.
    func run(_ test: inout SessionUnderTest, sourceLocation: SourceLocation = #_sourceLocation) {
        let told = test.exchange("a \(line)", replies)
        #expect(told == self.told, sourceLocation: sourceLocation)
    }
}
