import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// Literals and the limits of a command, through the session (RFC 3501, sections 4.3 and 7.5; RFC 7888).
@Suite struct LiteralTests {
    private static func session(_ change: (inout IMAPLimits) -> Void) -> SessionUnderTest {
        var limits = IMAPLimits()
        change(&limits)
        let fixed = limits
        var test = SessionUnderTest.at(.loggedIn) { $0.limits = fixed }
        test.framer.limits = fixed
        return test
    }

    @Test func `a synchronising literal is asked for, another one is not`() {
        var test = SessionUnderTest.at(.loggedIn)
        #expect(test.exchange("a SUBSCRIBE {4}") == ["+"])
        #expect(test.exchange("Work", [.outcome(.done)]) == ["a OK"])
        #expect(test.exchange("b SUBSCRIBE {4+}") == [])
        #expect(test.exchange("Work", [.outcome(.done)]) == ["b OK"])
        #expect(test.exchange("c RENAME {1}\r\na {1+}\r\nb", [.outcome(.done)]) == ["+", "c OK"])
        #expect(test.storeCalls.last == .submit(.renameMailbox(from: Fixture.mailbox("a"), to: Fixture.mailbox("b"))))
    }

    /// No literal of a refused command is taken for a command, or waited for.
    @Test(arguments: [
        ("SUBSCRIBE {11}", ["a BAD"]), ("SUBSCRIBE {11+}\r\nb LOGOUT  \r", ["a BAD"]), ("SUBSCRIBE {9999}", ["a BAD"]),
        ("SUBSCRIBE {6}\r\nsecond {6}", ["+", "a BAD"]),
    ])
    func `literals beyond the limit of a command`(_ line: String, _ told: [String]) {
        var test = Self.session { $0.commandLiteralBytes = 10 }
        #expect(test.exchange("a \(line)") == told)
        #expect(test.exchange("c NOOP") == ["c OK"])
        #expect(test.calls.isEmpty && !test.isClosed)
    }

    /// RFC 7888, section 5: LITERAL- has short ones without synchronisation only, and says so.
    @Test func `LITERAL- takes only short literals without synchronisation`() {
        var test = Self.session { $0.nonSynchronisingLiteralBytes = 4 }
        let capabilities = test.send("a CAPABILITY")
        #expect(capabilities.contains(" LITERAL- ") && !capabilities.contains("LITERAL+"))
        #expect(test.exchange("b SUBSCRIBE {4+}\r\nWork", [.outcome(.done)]) == ["b OK"])
        #expect(test.exchange("c SUBSCRIBE {5+}\r\nWorks") == ["c BAD"])
        #expect(test.exchange("d SUBSCRIBE {5}\r\nWorks", [.outcome(.done)]) == ["+", "d OK"])
        #expect(test.exchange("e APPEND INBOX {5+}\r\nhello") == ["e BAD"])
        #expect(test.exchange("f NOOP") == ["f OK"])
    }

    /// What would have to be skipped for too long ends the connection: there is no telling what follows.
    @Test func `a literal too large to be skipped ends the session`() {
        var test = Self.session { $0.skippedLiteralBytes = 100 }
        #expect(test.exchange("a SUBSCRIBE {70000+}") == ["* BYE"])
        #expect(test.isClosed)
    }

    @Test func `a line beyond the limit is refused, and the next one is read`() {
        var test = Self.session { $0.commandLineBytes = 50 }
        let long = String(repeating: "x", count: 60)
        #expect(test.exchange("a NOOP \(long)") == ["a BAD"])
        #expect(test.exchange("b NOOP") == ["b OK"])
        #expect(test.exchange("c SUBSCRIBE {4+}\r\nWork \(long)") == ["c BAD"])
        #expect(test.exchange("\(long)\(long)") == ["* BAD"])
        #expect(test.exchange("d NOOP") == ["d OK"])
        #expect(test.calls.isEmpty)
    }

    @Test(arguments: [
        ("SEARCH \(Array(repeating: "ALL", count: 2_100).joined(separator: " "))", "a NO [LIMIT]"),
        ("SEARCH \(String(repeating: "NOT ", count: 65))ALL", "a NO [LIMIT]"),
        ("SEARCH \(String(repeating: "(", count: 66))ALL\(String(repeating: ")", count: 66))", "a NO [LIMIT]"),
        ("FETCH 1 (\((1...257).map { "BODY.PEEK[\($0)]" }.joined(separator: " ")))", "a NO [LIMIT]"),
        ("FETCH \((1...16_385).map { _ in "1" }.joined(separator: ",")) UID", "a NO [LIMIT]"),
        ("ID (\((1...31).map { "\"k\($0)\" NIL" }.joined(separator: " ")))", "a NO [LIMIT]"),
        ("FETCH 1 BODY[\((1...65).map(String.init).joined(separator: "."))]", "a NO [LIMIT]"),
    ])
    func `a command beyond a limit is refused with LIMIT`(_ line: String, _ told: String) {
        var test = SessionUnderTest.at(.selected)
        #expect(test.exchange("a \(line)") == [told])
        #expect(test.calls.isEmpty && test.hasMailbox)
    }

    /// Ten in a row; a command that is refused for another reason was understood.
    @Test func `only commands that are none count towards the end`() {
        var test = SessionUnderTest.at(.selected)
        for _ in 1...9 { _ = test.exchange("a WHAT") }
        #expect(test.exchange("b COMPRESS DEFLATE") == ["b NO [CANNOT]"])
        for _ in 1...9 { #expect(test.exchange("c FETCH 9 FLAGS") == ["c BAD"]) }
        #expect(test.exchange("d CREATE &bad") == ["d NO [CANNOT]"])
        for _ in 1...9 { _ = test.exchange("e WHAT") }
        #expect(!test.isClosed)
        #expect(test.exchange("f STARTTLS") == ["f BAD", "* BYE"])
        #expect(test.isClosed)
    }
}
