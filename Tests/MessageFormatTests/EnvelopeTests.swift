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
        (
            "joe@example . org, m@ (x) example (y). (z) org",
            #"((NIL NIL "joe" "example.org")("z" NIL "m" "example.org"))"#
        ),
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
        (Array("".utf8), #""""#),
        (Array("one größer two".utf8), "{16}\r\none größer two"),
        // What is encoded already is not encoded again.
        (Array("=?utf-8?q?=C3=A9?= é".utf8), "{21}\r\n=?utf-8?q?=C3=A9?= é"),
    ]

    @Test("Strings of any bytes", arguments: strings)
    func string(value: [UInt8], expected: String) {
        let message = Array("Subject: ".utf8) + value + crlf("\n\n")
        #expect(envelope(summary(message)) == "(NIL \(expected) NIL NIL NIL NIL NIL NIL NIL NIL)")
    }

    @Test("Bytes that are no text come as they are, and 0x80 for NUL")
    func rawBytes() {
        var buffer = ByteBuffer()
        summary(Array("Subject: gr".utf8) + [0xfc, 0x6e, 0] + crlf("\n\n")).writeEnvelope(into: &buffer)
        let expected = Array("(NIL {5}\r\ngr".utf8) + [0xfc, 0x6e, 0x80]
        #expect(Array(buffer.readableBytesView.prefix(expected.count)) == expected)
    }

    @Test("Addresses and message IDs are never made encoded-words")
    func rawAddresses() {
        let found = envelope(summary("From: J\u{f6}rg <j\u{f6}rg@b\u{fc}ro.example>\nMessage-ID: <\u{e9}@x>\n\n"))
        let joerg = "(({5}\r\nJörg NIL {5}\r\njörg {13}\r\nbüro.example))"
        #expect(found == "(NIL NIL \(joerg) \(joerg) \(joerg) NIL NIL NIL NIL {6}\r\n<é@x>)")
    }

    @Test("A string that is too long is a literal")
    func literal() {
        let text = String(repeating: "x", count: 5_000)
        #expect(envelope(summary("Subject: \(text)\n\n")).contains("{5000}\r\nxxx"))
    }
}
