import IMAPSyntax
import MailModel
import NIOCore
import Testing

@testable import IMAPSession

/// A session with its framer, fed by hand: text in, text and calls out. Answers of the store are given by the test.
struct SessionUnderTest {
    var session: Session
    var framer = CommandFramer()
    var calls: [SessionEffect] = []
    var isClosed = false
    /// How often the session gave way to others.
    var turns = 0
    var largestWrite = 0
    /// Up to which UID other sessions were given messages as `\Recent`.
    var leftFrom: [MailboxID: UID] = [:]
    /// What the answers to queries must show that need not be linearizable.
    var known: [KnownMailbox] = []
    /// What sessions have kept.
    var kept: [MailboxID: MailboxRows] = [:]
    /// What this session has taken as `\Recent`, or was left of it.
    var taken: [Range<UID>] = []

    init(
        isLoggedIn: Bool = true,
        tools: any MessageTools = NoTools(),
        _ change: (inout SessionSettings) -> Void = { _ in }
    ) {
        var settings = SessionSettings()
        settings.allowsPlaintextLogin = true
        change(&settings)
        session = Session(settings: settings, tools: tools, isSecure: false)
        session.greet()
        _ = run()
        guard isLoggedIn else { return }
        _ = send("L LOGIN a b")
        session.authenticated(.success(.authenticated(Self.account, Self.address)))
        _ = run()
        calls = []
    }

    static let account = AccountReference(id: AccountID(7), slot: Slot(rawValue: 1))
    static let address: AccountAddress = {
        guard let address = AccountAddress("user@example.org") else { preconditionFailure("an address") }
        return address
    }()

    static var inbox: MailboxRecord {
        var record = MailboxRecord(id: MailboxID(1), name: .inbox, specialUse: nil, uidValidity: 9)
        record.uidNext = UID(21)
        record.recentFrom = UID(21)
        record.messages = 2
        record.highestModSeq = ModSeq(5)
        return record
    }

    static func state(_ uid: UInt32, _ flags: SystemFlags = [], _ modSeq: UInt64 = 2) -> MessageState {
        MessageState(uid: UID(uid), flags: MessageFlags(system: flags), modSeq: ModSeq(modSeq))
    }

    /// With INBOX selected, which holds the UIDs 10 and 20.
    static func selected(_ command: String = "SELECT INBOX") -> SessionUnderTest {
        var test = SessionUnderTest()
        _ = test.send("S \(command)")
        _ = test.answer(.mailbox(inbox))
        let text = test.answer(.messages(inbox, [state(10, .seen), state(20)]))
        precondition(text.contains("S OK"), text)
        test.calls = []
        return test
    }

    /// What the session writes when it gets a line.
    mutating func send(_ line: String) -> String {
        framer.append(ByteBuffer(string: line + "\r\n"))
        return run()
    }

    mutating func answer(_ answer: MailAnswer) -> String {
        session.answered(.success(answer))
        return run()
    }

    mutating func fail(_ failure: ServiceFailure) -> String {
        session.answered(.failure(failure))
        return run()
    }

    mutating func finish(_ outcome: MailOutcome) -> String {
        session.finished(.success(outcome))
        return run()
    }

    mutating func run() -> String {
        var text = ""
        while true {
            let effects = session.takeEffects()
            for effect in effects {
                switch effect {
                case .write(let bytes):
                    largestWrite = max(largestWrite, bytes.readableBytes)
                    text += String(buffer: bytes)
                case .query, .submit, .authenticate, .watch, .startTLS: calls.append(effect)
                case .queryNearby(let query, let account, let known):
                    calls.append(.query(query, account))
                    self.known.append(known)
                case .takeRecent(let mailbox, Self.account, let from, let upTo):
                    let first = max(from, leftFrom[mailbox] ?? from)
                    leftFrom[mailbox] = upTo
                    taken.append(first..<max(first, upTo))
                    session.recentTaken(from: first)
                case .findRows(let mailbox, Self.account): session.rowsFound(kept[mailbox])
                case .keepRows(let rows, Self.account): kept[rows.id] = rows
                case .takeRecent, .findRows, .keepRows: Issue.record("another account's mailbox")
                case .resumeWhenWritable:
                    turns += 1
                    session.resume()
                case .acceptMessage: framer.acceptMessage()
                case .refuseAppend: framer.refuseAppend()
                case .expectDone: framer.expectDone()
                case .expectAuthenticationLine: framer.expectAuthenticationLine()
                case .close: isClosed = true
                }
            }
            guard effects.isEmpty else { continue }
            guard session.isReady, let event = framer.next() else { return text }
            session.receive(event, freshBodyID: BodyID(high: 1, low: 1))
        }
    }
}

/// Leaves nothing out.
struct WholeHeader: HeaderFiltering {
    func filter(_ header: ByteBuffer) -> ByteBuffer { header }
}

/// Knows nothing of messages.
struct NoTools: MessageTools {
    struct Parser: MessageParsing {
        mutating func append(_ bytes: ByteBuffer) {}
        mutating func finish() -> ByteBuffer { ByteBuffer(string: "summary") }
    }
    final class Searcher: MessageSearching {
        func start(summary: ByteBuffer, sizeBytes: UInt64) -> Int { 0 }
        func nextRange() -> Range<UInt64>? { nil }
        func feed(_ bytes: ByteBuffer) {}
        func isFound(_ term: Int) -> Bool? { false }
    }
    func makeParser() -> any MessageParsing { Parser() }
    func summary(_ encoded: ByteBuffer, needsStructure: Bool) -> (any MessageOutline)? { nil }
    func makeReader() -> any OutlineReading { fatalError("not used") }
    func makeFilter(names: [String], not: Bool) -> any HeaderFiltering { WholeHeader() }
    func makeSearcher(_ terms: [SearchTerm]) -> any MessageSearching { Searcher() }
    func utf8(_ text: [UInt8], charset: String) -> [UInt8]? { nil }
}
