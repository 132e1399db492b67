import IMAPSyntax
import MailModel
import NIOCore
import Testing

@testable import IMAPSession

@Suite struct StateTests {
    @Test(arguments: [
        ("SELECT INBOX", "BAD Please log in first"), ("FETCH 1 FLAGS", "BAD Please log in first"),
        ("APPEND INBOX {3}", "BAD Please log in first"), ("IDLE", "BAD Please log in first"),
        ("NOOP", "OK NOOP completed"), ("STARTTLS", "BAD TLS is not available"), ("LOGOUT", "OK Logged out"),
    ])
    func beforeTheLogin(_ command: String, _ expected: String) {
        var test = SessionUnderTest(isLoggedIn: false)
        #expect(test.send("a \(command)").hasSuffix("a \(expected)\r\n"))
    }

    @Test(arguments: [
        "LOGIN a b", "AUTHENTICATE PLAIN", "STARTTLS", "FETCH 1 FLAGS", "CLOSE", "EXPUNGE", "STORE 1 FLAGS ()",
    ])
    func notInThisState(_ command: String) {
        var test = SessionUnderTest()
        #expect(test.send("a \(command)").contains("a BAD"))
        #expect(test.calls.isEmpty)
    }

    @Test func aFailureOfTheStoreIsNoWrongPassword() {
        for failure in [ServiceFailure.unavailable, .busy, .stopping] {
            var test = SessionUnderTest(isLoggedIn: false)
            _ = test.send("a LOGIN x y")
            test.session.authenticated(.failure(failure))
            let text = test.run()
            #expect(text.hasPrefix("a NO ["))
            #expect(!text.contains("AUTHENTICATIONFAILED"))
            #expect(!test.session.isAuthenticated)
        }
    }

    @Test func wrongPasswordsEndTheSession() {
        var test = SessionUnderTest(isLoggedIn: false) { $0.maximumLoginFailures = 2 }
        for _ in 1...2 {
            _ = test.send("a LOGIN x y")
            test.session.authenticated(.success(.refused))
            #expect(test.run().hasPrefix("a NO [AUTHENTICATIONFAILED]"))
        }
        #expect(test.isClosed)
    }

    @Test func aGoodCommandForgivesBadOnes() {
        var test = SessionUnderTest()
        for _ in 1...5 {
            for _ in 1...9 { _ = test.send("a WHAT") }
            _ = test.send("a NOOP")
        }
        #expect(!test.isClosed)
        for _ in 1...10 { _ = test.send("a WHAT") }
        #expect(test.isClosed)
    }
}
