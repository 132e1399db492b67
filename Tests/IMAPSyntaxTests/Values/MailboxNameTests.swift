import Testing

@testable import IMAPSyntax

@Suite struct MailboxNameTests {
    @Test(arguments: [("inbox", "INBOX"), ("iNbOx/a", "INBOX/a"), ("inboxes", "inboxes"), ("a/inbox", "a/inbox")])
    func inboxIsInCapitals(_ sample: (given: String, normal: String)) {
        #expect(MailboxName(sample.given).text == sample.normal)
    }

    static let invalid: [(String, MailboxNameError)] = [
        ("", .empty),
        ("/a", .emptyLevel),
        ("a//b", .emptyLevel),
        ("a/", .emptyLevel),
        ("a/../b", .dotLevel),
        ("a\u{7F}", .controlCharacter),
        ("a\u{2028}", .controlCharacter),
        ("a*", .wildcard),
        (String(repeating: "é", count: 501), .tooLong(limitBytes: 1_000)),
        (Array(repeating: "a", count: 33).joined(separator: "/"), .tooDeep(limit: 32)),
    ]

    @Test(arguments: invalid)
    func refuses(_ sample: (name: String, error: MailboxNameError)) {
        #expect(throws: sample.error) { try MailboxName(sample.name).validate() }
        #expect(!sample.error.sentence.isEmpty)
    }

    @Test(arguments: ["a", "INBOX/été", String(repeating: "x", count: 1_000), "a.b/..c"])
    func accepts(_ name: String) throws {
        try MailboxName(name).validate()
    }

    static let patterns: [(String, String, Bool)] = [
        ("*", "a/b", true),
        ("%", "a/b", false),
        ("%", "a", true),
        ("%/%", "a/b", true),
        ("a*c", "a/b/c", true),
        ("a%c", "a/c", false),
        ("%%b", "ab", true),
        ("inbox", "INBOX", true),
        ("inb*", "INBOX/x", true),
        ("inb*", "INBOXES", false),
        ("", "a", false),
        ("", "", true),
        ("a", "A", false),
        ("*%", "abc/d", true),
        ("b%", "b/c", false),
        ("ab%", "abcd", true),
    ]

    @Test(arguments: patterns)
    func matches(_ sample: (pattern: String, name: String, isMatch: Bool)) {
        #expect(MailboxPattern(sample.pattern).matches(MailboxName(sample.name)) == sample.isMatch)
    }

    @Test func matchingIsNotExponential() {
        let pattern = MailboxPattern(String(repeating: "*a", count: 200) + "b")
        #expect(!pattern.matches(MailboxName(String(repeating: "a", count: 500))))
    }

    @Test(arguments: ["", "f", "fo", "foo", "\0\u{1}\u{2}"])
    func base64RoundTrips(_ text: String) {
        #expect(Base64.decode(Base64.encode(bytes(text))) == bytes(text))
    }

    @Test(arguments: ["Zg", "Zg=", "Z===", "Zh==", "Zg==Zg==", "Z g=", "Zm9=v", "===="])
    func base64Refuses(_ text: String) {
        #expect(Base64.decode(bytes(text)) == nil)
    }
}
