import Consensus
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
        (String(repeating: "é", count: 501), .tooLong(limitBytes: 1_000)),
        (Array(repeating: "a", count: 33).joined(separator: "/"), .tooDeep(limit: 32)),
    ]

    @Test(arguments: invalid)
    func refuses(_ sample: (name: String, error: MailboxNameError)) {
        #expect(throws: sample.error) { try MailboxName(sample.name).validate() }
        #expect(!sample.error.sentence.isEmpty)
    }

    @Test(arguments: ["a", "INBOX/été", String(repeating: "x", count: 1_000), "a.b/..c", "100%", "a*/%"])
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
        ("100%", "100%", true),
        ("100%/*", "100%/*", true),
        ("*%*", "a/b", true),
        ("%**%x", "a/b/x", true),
        ("a%/%%b", "a/b", true),
        ("iNbOx/A", "INBOX/A", true),
        ("inbox/a", "INBOX/A", false),
    ]

    @Test(arguments: patterns)
    func matches(_ sample: (pattern: String, name: String, isMatch: Bool)) {
        #expect(MailboxPattern(sample.pattern).matches(MailboxName(sample.name)) == sample.isMatch)
    }

    @Test func matchingIsNotExponential() {
        let pattern = MailboxPattern(String(repeating: "*a", count: 200) + "b")
        #expect(!pattern.matches(MailboxName(String(repeating: "a", count: 500))))
    }

    /// The definition, in the simplest form: exponential, so for short texts only.
    static func isMatch(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        let rest = pattern.dropFirst()
        switch first {
        case UInt8(ascii: "*"), UInt8(ascii: "%"):
            if isMatch(rest, name) { return true }
            guard let byte = name.first, first == UInt8(ascii: "*") || byte != UInt8(ascii: "/") else { return false }
            return isMatch(pattern, name.dropFirst())
        default: return name.first == first && isMatch(rest, name.dropFirst())
        }
    }

    @Test func matchesAsDefined() {
        var random = SplitMix64(seed: 7)
        func text(_ letters: [Character], _ count: Int) -> String {
            String((0..<count).map { _ in letters.randomElement(using: &random) ?? "a" })
        }
        for _ in 0..<20_000 {
            let pattern = text(["a", "b", "/", "*", "%"], Int.random(in: 0...7, using: &random))
            let name = text(["a", "b", "/", "%"], Int.random(in: 0...8, using: &random))
            let expected = Self.isMatch(bytes(pattern)[...], bytes(name)[...])
            #expect(MailboxPattern(pattern).matches(MailboxName(name)) == expected, "\(pattern) \(name)")
        }
    }

    /// Several patterns are one automaton, whose words they share.
    @Test func severalPatternsAtOnce() {
        let patterns = (0..<40).map { MailboxPattern("\($0)%/x*\($0)") } + [.nothing, MailboxPattern("5%/x*5")]
        let matcher = MailboxMatcher(patterns, maximumNameBytes: 100)
        func isMatch(_ name: String) -> Bool {
            var position = matcher.start
            matcher.advance(&position, over: bytes(name)[...], isInInbox: false)
            return matcher.isMatch(position)
        }
        for number in 0..<40 {
            #expect(isMatch("\(number)abc/xyz/\(number)"))
            #expect(!isMatch("\(number)abc/xyz/\(number)!"))
            #expect(!isMatch("\(number)/abc/xyz/\(number)"))
        }
    }

    @Test func patternsLongerThanANameCostNothing() {
        let long = MailboxMatcher([MailboxPattern(String(repeating: "a*", count: 30_000))], maximumNameBytes: 1_000)
        #expect(long.parts == 0)
        #expect(!long.start.isAlive)
        let stars = MailboxMatcher([MailboxPattern(String(repeating: "*%", count: 30_000))], maximumNameBytes: 1_000)
        #expect(stars.parts == 1)
        #expect(stars.start.isAlive)
        #expect(!MailboxMatcher([.nothing], maximumNameBytes: 1_000).start.isAlive)
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
