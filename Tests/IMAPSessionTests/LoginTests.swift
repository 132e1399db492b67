import IMAPSyntax
import MailModel
import NIOCore
import Testing

@testable import IMAPSession

/// Greeting, capabilities, STARTTLS, LOGIN and AUTHENTICATE (RFC 3501, sections 6.1 and 6.2; RFC 4616; RFC 4959).
@Suite struct LoginTests {
    private static func session(isSecure: Bool, _ change: (inout SessionSettings) -> Void) -> SessionUnderTest {
        var test = SessionUnderTest(isLoggedIn: false)
        var settings = SessionSettings()
        change(&settings)
        test.session = Session(settings: settings, tools: NoTools(), isSecure: isSecure)
        test.framer.limits = settings.limits
        return test
    }

    private static func capabilities(_ text: String) -> Set<Substring> {
        guard let line = text.split(separator: "\r\n").first(where: { $0.hasPrefix("* CAPABILITY ") }) else {
            return []
        }
        return Set(line.split(separator: " ").dropFirst(2))
    }

    struct Offer: Sendable {
        let isSecure: Bool
        let offersStartTLS: Bool
        let allowsPlaintext: Bool
        let has: Set<Substring>
        let hasNot: Set<Substring>
    }

    /// RFC 3501, sections 6.2.1 and 6.2.3: a mechanism is named only where it can be used, and LOGINDISABLED where
    /// LOGIN cannot.
    static let offers: [Offer] = [
        Offer(
            isSecure: false,
            offersStartTLS: true,
            allowsPlaintext: false,
            has: ["STARTTLS", "LOGINDISABLED"],
            hasNot: ["AUTH=PLAIN"]
        ),
        Offer(
            isSecure: false,
            offersStartTLS: true,
            allowsPlaintext: true,
            has: ["STARTTLS", "AUTH=PLAIN"],
            hasNot: ["LOGINDISABLED"]
        ),
        Offer(
            isSecure: false,
            offersStartTLS: false,
            allowsPlaintext: false,
            has: ["LOGINDISABLED"],
            hasNot: ["STARTTLS", "AUTH=PLAIN"]
        ),
        Offer(
            isSecure: true,
            offersStartTLS: true,
            allowsPlaintext: false,
            has: ["AUTH=PLAIN"],
            hasNot: ["STARTTLS", "LOGINDISABLED"]
        ),
    ]

    @Test(arguments: offers)
    func `what is offered can be used, and is told by the greeting as well`(_ offer: Offer) throws {
        var test = Self.session(isSecure: offer.isSecure) {
            $0.offersStartTLS = offer.offersStartTLS
            $0.allowsPlaintextLogin = offer.allowsPlaintext
        }
        test.session.greet()
        let greeting = test.run()
        let told = Self.capabilities(test.send("a CAPABILITY"))
        #expect(told.isSuperset(of: offer.has) && told.isDisjoint(with: offer.hasNot))
        #expect(told.isSuperset(of: ["IMAP4rev1", "SASL-IR", "ID", "ENABLE", "IDLE", "LITERAL+"]))
        let code = try #require(greeting.firstMatch(of: #/^\* OK \[CAPABILITY ([^\]]*)\] .+\r\n$/#))
        #expect(Set(code.output.1.split(separator: " ")) == told)
        let mayLogIn = offer.has.contains("AUTH=PLAIN")
        for line in ["b LOGIN a b", "b AUTHENTICATE PLAIN AGEAYg==", "b AUTHENTICATE PLAIN"] {
            var login = test
            let answer = login.exchangeUnchecked(line)
            #expect(answer == (mayLogIn ? (line.hasSuffix("PLAIN") ? ["+"] : []) : ["b NO [PRIVACYREQUIRED]"]))
            #expect(login.calls.isEmpty == (!mayLogIn || line.hasSuffix("PLAIN")))
        }
        #expect(test.exchangeUnchecked("c STARTTLS") == (offer.has.contains("STARTTLS") ? ["c OK"] : ["c BAD"]))
    }

    @Test func `behind the login the extensions are told, and no way to log in`() {
        var test = SessionUnderTest(isLoggedIn: false) { $0.offersStartTLS = true }
        _ = test.send("a LOGIN a b")
        test.session.authenticated(.success(.authenticated(SessionUnderTest.account, SessionUnderTest.address)))
        let answer = test.run()
        let told = Self.capabilities(test.send("b CAPABILITY"))
        #expect(answer.hasPrefix("a OK [CAPABILITY IMAP4rev1 "))
        #expect(told.isDisjoint(with: ["STARTTLS", "LOGINDISABLED", "AUTH=PLAIN"]))
        #expect(
            told.isSuperset(of: [
                "NAMESPACE", "UIDPLUS", "MOVE", "UNSELECT", "CHILDREN", "SPECIAL-USE", "CREATE-SPECIAL-USE",
                "LIST-EXTENDED", "LIST-STATUS", "CONDSTORE", "ESEARCH", "WITHIN", "SAVEDATE", "OBJECTID", "STATUS=SIZE",
            ])
        )
        // Only what works is told.
        #expect(told.isDisjoint(with: ["QRESYNC", "COMPRESS=DEFLATE", "BINARY", "MULTIAPPEND", "UTF8=ACCEPT", "SORT"]))
    }

    @Test func `STARTTLS begins behind its answer, and the session is a new one`() {
        var test = Self.session(isSecure: false) { $0.offersStartTLS = true }
        #expect(test.exchangeUnchecked("a STARTTLS") == ["a OK"])
        #expect(test.calls == [.startTLS])
        #expect(!test.session.isReady)
        test.session.secured()
        let told = Self.capabilities(test.send("b CAPABILITY"))
        #expect(told.contains("AUTH=PLAIN") && !told.contains("STARTTLS"))
        #expect(test.exchange("c STARTTLS") == ["c BAD"])
    }

    // MARK: Results

    struct Result: Sendable {
        let result: Swift.Result<AuthenticationResult, ServiceFailure>
        var hasRoom = true
        let told: String
    }

    /// RFC 5530, section 3. Nothing but a wrong name or password is AUTHENTICATIONFAILED: clients ask for another one.
    static let results: [Result] = [
        Result(result: .success(.refused), told: "a NO [AUTHENTICATIONFAILED]"),
        Result(result: .success(.suspended), told: "a NO [CONTACTADMIN]"),
        Result(result: .success(.busy), told: "a NO [UNAVAILABLE]"),
        Result(
            result: .success(.authenticated(SessionUnderTest.account, SessionUnderTest.address)),
            hasRoom: false,
            told: "a NO [LIMIT]"
        ),
        Result(result: .failure(.unavailable), told: "a NO [UNAVAILABLE]"),
        Result(result: .failure(.stopping), told: "a NO [UNAVAILABLE]"),
        Result(result: .failure(.noSpace), told: "a NO [UNAVAILABLE]"),
        Result(result: .failure(.busy), told: "a NO [INUSE]"),
    ]

    @Test(arguments: results, ["LOGIN a b", "AUTHENTICATE PLAIN AGEAYg=="])
    func `a login that does not succeed leaves the session where it was`(_ result: Result, _ line: String) {
        var test = SessionUnderTest(isLoggedIn: false)
        #expect(test.send("a \(line)") == "")
        #expect(test.calls == [.authenticate(name: ByteBuffer(string: "a"), password: ByteBuffer(string: "b"))])
        test.session.authenticated(result.result, hasRoom: result.hasRoom)
        #expect(SessionUnderTest.lines(test.run()) == [result.told])
        #expect(!test.session.isAuthenticated && !test.isClosed)
        #expect(test.calls.count == 1, "nothing is watched for nobody")
        #expect(test.exchange("b SELECT INBOX") == ["b BAD"])
        #expect(test.exchangeUnchecked("c LOGIN a b") == [])
    }

    @Test(arguments: [
        ("LOGIN user pass", "user", "pass"), ("LOGIN \"us er\" \"pa\\\"ss\"", "us er", "pa\"ss"),
        ("LOGIN user@example.org {4+}\r\np ss", "user@example.org", "p ss"), ("LOGIN user \"\"", "user", ""),
        ("LOGIN {4+}\r\nuser {0+}\r\n", "user", ""),
    ])
    func `names and passwords are checked as they were sent`(_ line: String, _ name: String, _ password: String) {
        var test = SessionUnderTest(isLoggedIn: false)
        #expect(test.send("a \(line)") == "")
        #expect(test.calls == [.authenticate(name: ByteBuffer(string: name), password: ByteBuffer(string: password))])
    }

    @Test(arguments: [
        ("LOGIN user x", "user@example.org"), ("LOGIN user@other.org x", "user@other.org"), ("LOGIN \"\" x", ""),
        ("AUTHENTICATE PLAIN AHVzZXIAeA==", "user@example.org"),
        ("AUTHENTICATE PLAIN dXNlckBleGFtcGxlLm9yZwB1c2VyAHg=", "user@example.org"),
    ])
    func `a name without a domain gets the default one`(_ line: String, _ name: String) {
        var test = SessionUnderTest(isLoggedIn: false) { $0.defaultDomain = "example.org" }
        #expect(test.send("a \(line)") == "")
        #expect(test.calls == [.authenticate(name: ByteBuffer(string: name), password: ByteBuffer(string: "x"))])
    }

    // MARK: AUTHENTICATE

    struct Message: Sendable {
        let base64: String
        /// Nil where the message goes to be checked, as user `a` with password `b`.
        let told: String?
    }

    static let messages: [Message] = [
        Message(base64: "AGEAYg==", told: nil),
        // Acting for oneself is no acting for others.
        Message(base64: "YQBhAGI=", told: nil),
        Message(base64: "YwBhAGI=", told: "a NO [AUTHORIZATIONFAILED]"),
        // No NUL, one, three; no name.
        Message(base64: "YWI=", told: "a BAD"), Message(base64: "YQBi", told: "a BAD"),
        Message(base64: "AGEAYgBj", told: "a BAD"), Message(base64: "AABi", told: "a BAD"),
        Message(base64: "not base64!", told: "a BAD"), Message(base64: "AGEAYg", told: "a BAD"),
    ]

    @Test(arguments: messages, [true, false])
    func `the message of PLAIN`(_ message: Message, _ isInitial: Bool) {
        var test = SessionUnderTest(isLoggedIn: false)
        var text = ""
        if isInitial {
            text = test.send("a AUTHENTICATE PLAIN \(message.base64)")
        } else {
            #expect(test.send("a AUTHENTICATE PLAIN") == "+ \r\n")
            text = test.send(message.base64)
        }
        #expect(SessionUnderTest.lines(text) == (message.told.map { [$0] } ?? []))
        let check = SessionEffect.authenticate(name: ByteBuffer(string: "a"), password: ByteBuffer(string: "b"))
        #expect(test.calls == (message.told == nil ? [check] : []))
        if message.told != nil { #expect(test.exchange("b NOOP") == ["b OK"]) }
    }

    @Test(arguments: [
        ("AUTHENTICATE PLAIN\r\n*", ["+", "a BAD"]), ("AUTHENTICATE PLAIN =", ["a BAD"]),
        ("AUTHENTICATE PLAIN\r\n", ["+", "a BAD"]), ("AUTHENTICATE CRAM-MD5", ["a NO [CANNOT]"]),
        ("AUTHENTICATE SCRAM-SHA-256 AGEAYg==", ["a NO [CANNOT]"]), ("AUTHENTICATE", ["a BAD"]),
    ])
    func `what ends an AUTHENTICATE`(_ lines: String, _ told: [String]) {
        var test = SessionUnderTest(isLoggedIn: false)
        #expect(test.exchange("a \(lines)") == told)
        #expect(test.calls.isEmpty)
        #expect(test.exchange("b NOOP") == ["b OK"])
    }

    @Test func `commands sent together are answered one after the other`() {
        var test = SessionUnderTest(isLoggedIn: false)
        #expect(test.send("a LOGIN a b\r\nb NAMESPACE\r\nc LOGOUT") == "")
        test.session.authenticated(.success(.authenticated(SessionUnderTest.account, SessionUnderTest.address)))
        let told = SessionUnderTest.lines(test.run())
        #expect(told.first?.hasPrefix("a OK [CAPABILITY ") == true)
        #expect(told.dropFirst() == ["* NAMESPACE ((\"\" \"/\")) NIL NIL", "b OK", "* BYE", "c OK"])
    }

    // MARK: The session itself

    @Test(arguments: [
        (nil, "* ID (\"name\" \"Shop\")"), ("1.2", "* ID (\"name\" \"Shop\" \"version\" \"1.2\")"),
    ])
    func `ID tells the name, and the version where it is set`(_ version: String?, _ told: String) {
        var test = SessionUnderTest(isLoggedIn: false) {
            $0.serverName = "Shop"
            $0.serverVersion = version
        }
        for line in ["ID NIL", "ID ()", "ID (\"name\" \"client\" \"os\" NIL)"] {
            #expect(test.exchange("a \(line)") == [told, "a OK"])
        }
    }

    /// RFC 5161, section 3.1: unknown names are left out, ENABLED comes all the same, and says what is new.
    @Test(arguments: [
        ("ENABLE CONDSTORE", "* ENABLED CONDSTORE"), ("ENABLE WHAT", "* ENABLED"), ("ENABLE QRESYNC", "* ENABLED"),
        ("ENABLE what condstore UTF8=ACCEPT", "* ENABLED CONDSTORE"),
    ])
    func `ENABLE answers with what it enabled`(_ line: String, _ told: String) {
        var test = SessionUnderTest.at(.loggedIn)
        #expect(test.exchange("a \(line)") == [told, "a OK"])
        #expect(test.exchange("b \(line)") == ["* ENABLED", "b OK"])
    }

    @Test(arguments: [
        (SessionEnd.idleTooLong, "Autologout"), (.loginTooSlow, "No login"), (.stopping, "The server is stopping"),
        (.tooManySessions, "Too many sessions on this server"), (.tooManyFromAddress, "Too many sessions from your"),
    ])
    func `who ends a session says why`(_ end: SessionEnd, _ text: String) {
        var test = SessionUnderTest.at(.selected)
        test.session.end(end)
        #expect(test.run().hasPrefix("* BYE \(text)"))
        #expect(test.isClosed)
        test.session.end(.stopping)
        #expect(test.run() == "")
    }

    @Test func `an answer that comes behind the end is dropped`() {
        var test = SessionUnderTest.at(.selected)
        _ = test.send("a STATUS INBOX (MESSAGES)")
        test.session.end(.stopping)
        _ = test.run()
        #expect(test.give(.answer(.mailbox(Fixture.record))) == "")
    }
}

extension SessionUnderTest {
    /// For commands that are not over with what was sent.
    fileprivate mutating func exchangeUnchecked(_ line: String) -> [String] { Self.lines(send(line)) }
}
