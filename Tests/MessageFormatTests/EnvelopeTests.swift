import MessageFormat
import NIOCore
import Testing

@Suite("ENVELOPE") struct EnvelopeTests {
    @Test("The whole list")
    func whole() {
        let joe = #"(("Joe Doe" NIL "joe" "example.org"))"#
        let expected = #"("Mon, 2 Jan 2006 15:04:05 -0700" "Hello" \#(joe) \#(joe) \#(joe) "#
        #expect(
            envelope(summary(Samples.plain)) == expected
                + #"((NIL NIL "mary" "example.net")) NIL NIL NIL "<1@example.org>")"#
        )
    }

    static let addresses: [(field: String, list: String)] = [
        ("joe@example.org", #"((NIL NIL "joe" "example.org"))"#),
        ("<joe@example.org>", #"((NIL NIL "joe" "example.org"))"#),
        ("Joe <joe@example.org>", #"(("Joe" NIL "joe" "example.org"))"#),
        ("Joe Q. Public <joe@example.org>", #"(("Joe Q. Public" NIL "joe" "example.org"))"#),
        (#""Doe, Joe" <joe@example.org>"#, #"(("Doe, Joe" NIL "joe" "example.org"))"#),
        (#""Joe \"D\" Doe" <joe@example.org>"#, #"(("Joe \"D\" Doe" NIL "joe" "example.org"))"#),
        (#""a b"@example.org"#, #"((NIL NIL "a b" "example.org"))"#),
        ("joe@example.org (Joe Doe)", #"(("Joe Doe" NIL "joe" "example.org"))"#),
        ("Joe (the one) <joe@example.org>", #"(("Joe" NIL "joe" "example.org"))"#),
        ("a@b, c@d", #"((NIL NIL "a" "b")(NIL NIL "c" "d"))"#),
        ("a@b,, ,c@d,", #"((NIL NIL "a" "b")(NIL NIL "c" "d"))"#),
        ("Friends: a@b, C <c@d>;", #"((NIL NIL "Friends" NIL)(NIL NIL "a" "b")("C" NIL "c" "d")(NIL NIL NIL NIL))"#),
        ("undisclosed-recipients:;", #"((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))"#),
        ("G: a@b", #"((NIL NIL "G" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL))"#),
        ("Joe <@a.org,@b.org:joe@example.org>", #"(("Joe" "@a.org,@b.org" "joe" "example.org"))"#),
        ("Joe <@a.org <b@c>", #"(("Joe" NIL "" "a.org"))"#),
        ("joe", #"((NIL NIL "joe" ""))"#),
        ("Joe Doe", #"((NIL NIL "Joe Doe" ""))"#),
        ("<>", #"((NIL NIL "" ""))"#),
        ("Joe <joe@example.org", #"(("Joe" NIL "joe" "example.org"))"#),
        ("joe@x.org <joe@example.org>", #"(("joe@x.org" NIL "joe" "example.org"))"#),
        ("joe@[192.0.2.1]", #"((NIL NIL "joe" "[192.0.2.1]"))"#),
        (#""unclosed <joe@example.org>"#, #"((NIL NIL "unclosed <joe@example.org>" ""))"#),
        ("=?utf-8?q?J=C3=B6rg?= <j@x>", #"(("=?utf-8?q?J=C3=B6rg?=" NIL "j" "x"))"#),
        ("", "NIL"),
        (" , ;", "NIL"),
    ]

    @Test("Addresses", arguments: addresses)
    func address(field: String, list: String) {
        #expect(envelope(summary("To: \(field)\n\n")) == "(NIL NIL NIL NIL NIL \(list) NIL NIL NIL NIL)")
    }

    @Test("Several fields make one list")
    func severalFields() {
        let found = envelope(summary("To: a@b\nTo: c@d\nSubject: x\nSubject: y\n\n"))
        #expect(found == #"(NIL "x" NIL NIL NIL ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL)"#)
    }

    @Test("Sender and Reply-To are From's unless they say something")
    func defaults() {
        let found = envelope(summary("From: a@b\nSender:\nReply-To: c@d\n\n"))
        let from = #"((NIL NIL "a" "b"))"#
        #expect(found == #"(NIL NIL \#(from) \#(from) ((NIL NIL "c" "d")) NIL NIL NIL NIL NIL)"#)
    }

    static let strings: [(value: [UInt8], expected: String)] = [
        (Array("plain".utf8), #""plain""#),
        (Array(#"a "b" \c"#.utf8), #""a \"b\" \\c""#),
        (Array("a\r\n\tb\r\n c".utf8), #""a b c""#),
        (Array("a\u{7}b".utf8), "{3}\r\na\u{7}b"),
        (Array("a\0b".utf8), #""ab""#),
        (Array("".utf8), #""""#),
        (Array("one größer two".utf8), #""one =?UTF-8?Q?gr=C3=B6=C3=9Fer?= two""#),
        (Array("é é".utf8), #""=?UTF-8?Q?=C3=A9_=C3=A9?=""#),
        ([0x67, 0x72, 0xfc, 0x6e], #""=?UTF-8?Q?gr=C3=BCn?=""#),
        (
            Array(String(repeating: "é", count: 12).utf8),
            #""=?UTF-8?Q?\#(String(repeating: "=C3=A9", count: 10))?= =?UTF-8?Q?=C3=A9=C3=A9?=""#
        ),
    ]

    @Test("Strings of any bytes", arguments: strings)
    func string(value: [UInt8], expected: String) {
        let message = Array("Subject: ".utf8) + value + crlf("\n\n")
        #expect(envelope(summary(message)) == "(NIL \(expected) NIL NIL NIL NIL NIL NIL NIL NIL)")
    }

    @Test("A string that is too long is a literal")
    func literal() {
        let text = String(repeating: "x", count: 5_000)
        #expect(envelope(summary("Subject: \(text)\n\n")).contains("{5000}\r\nxxx"))
    }
}
