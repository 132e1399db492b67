import MessageFormat
import NIOCore
import Testing

@Suite("BODYSTRUCTURE") struct BodyStructureTests {
    @Test("A text")
    func plain() {
        let basic = #"("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 23 2"#
        #expect(structure(summary(Samples.plain)) == basic + ")")
        #expect(structure(summary(Samples.plain), isExtended: true) == basic + " NIL NIL NIL NIL)")
    }

    @Test("Two texts")
    func alternative() {
        let expected = """
            (("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 9 0)\
            ("text" "html" NIL NIL NIL "7bit" 20 1) "alternative")
            """
        #expect(structure(summary(Samples.alternative)) == expected)
    }

    @Test("Messages within, and everything that can be said of a part")
    func mixed() {
        let inner = #"((NIL NIL "inner" "example.org"))"#
        let expected = """
            (("text" "plain" NIL NIL NIL "7bit" 9 0 NIL NIL NIL NIL)\
            ("message" "rfc822" NIL NIL "the one I meant" "7bit" 386 \
            (NIL "within" \(inner) \(inner) \(inner) NIL NIL NIL NIL NIL) \
            (("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL)\
            ("application" "pdf" ("name" "a.pdf") "<a@b>" NIL "base64" 4 \
            "Q2hlY2s=" ("attachment" ("filename" "a.pdf" "size" "3")) ("en" "de") "http://example.org/a.pdf") \
            "mixed" ("boundary" "inner") NIL NIL NIL) 17 NIL NIL NIL NIL)\
            ("message" "rfc822" NIL NIL NIL "7bit" 23 (NIL "simple" NIL NIL NIL NIL NIL NIL NIL NIL) \
            ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL) \
            "mixed" ("boundary" "outer") NIL NIL NIL)
            """
        #expect(structure(summary(Samples.mixed), isExtended: true) == expected)
    }

    @Test("A digest holds messages unless it says otherwise")
    func digest() {
        let found = structure(summary(Samples.digest))
        #expect(found.hasPrefix(#"(("message" "rfc822" NIL NIL NIL "7bit" 38 (NIL "one" "#))
        #expect(found.hasSuffix(#"("text" "plain" NIL NIL NIL "7bit" 13 0) "digest")"#))
    }

    static let types: [(field: String, expected: String)] = [
        ("text/plain", #""text" "plain" NIL"#),
        ("TEXT/HTML; Charset=\"UTF-8\"", #""text" "html" ("Charset" "UTF-8")"#),
        ("text/plain (a comment); (another) charset = utf-8 (one more)", #""text" "plain" ("charset" "utf-8")"#),
        ("text / plain;charset=utf-8;", #""text" "plain" ("charset" "utf-8")"#),
        ("text/plain; charset=utf-8; format=flowed", #""text" "plain" ("charset" "utf-8" "format" "flowed")"#),
        ("text/x; name=\"a \\\"b\\\" c\"", #""text" "x" ("name" "a \"b\" c")"#),
        ("text/x; name=a b; x=y", #""text" "x" ("name" "a" "x" "y")"#),
        ("text/x; name=\"a;b\" ; ; x", #""text" "x" ("name" "a;b")"#),
        ("text/x; name*0*=utf-8''%C3%A9; name*1=b", #""text" "x" ("name*0*" "utf-8''%C3%A9" "name*1" "b")"#),
        ("text/x; name=é", #""text" "x" ("name" "=?UTF-8?Q?=C3=A9?=")"#),
        ("text/x; name=", #""text" "x" ("name" "")"#),
        ("text", #""text" "plain" ("charset" "us-ascii")"#),
        ("/plain", #""text" "plain" ("charset" "us-ascii")"#),
        ("te\"xt/plain", #""text" "plain" ("charset" "us-ascii")"#),
        ("multipart/mixed", #""text" "plain" ("charset" "us-ascii")"#),
        ("", #""text" "plain" ("charset" "us-ascii")"#),
    ]

    @Test("Content-Type", arguments: types)
    func type(field: String, expected: String) {
        #expect(structure(summary("Content-Type: \(field)\n\nx\n")) == "(\(expected) NIL NIL \"7bit\" 3 1)")
    }

    @Test("A multipart without parts shows an empty one")
    func noParts() {
        let found = structure(summary("Content-Type: multipart/mixed; boundary=b\n\nnothing\n"))
        #expect(found == #"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")"#)
    }

    @Test("A message that is encoded is not looked into")
    func encodedMessage() {
        let found = structure(summary("Content-Type: message/rfc822\nContent-Transfer-Encoding: BASE64\n\nYQ==\n"))
        #expect(found == #"("application" "octet-stream" NIL NIL NIL "base64" 6)"#)
    }

    static let encodings: [(field: String, name: String, encoding: TransferEncoding)] = [
        ("7bit", "7bit", .sevenBit), ("8BIT", "8bit", .eightBit), ("binary", "binary", .binary),
        (" Base64 ", "base64", .base64), ("quoted-printable", "quoted-printable", .quotedPrintable),
        ("\"base64\"", "base64", .base64), ("base64 (so)", "base64", .base64), ("x-uue", "x-uue", .other),
        ("", "7bit", .sevenBit),
    ]

    @Test("Content-Transfer-Encoding", arguments: encodings)
    func encoding(field: String, name: String, encoding: TransferEncoding) {
        let whole = summary("Content-Type: a/b\nContent-Transfer-Encoding: \(field)\n\nx\n")
        #expect(structure(whole) == "(\"a\" \"b\" NIL NIL NIL \"\(name)\" 3)")
        #expect(whole.part([1])?.transferEncoding == encoding)
    }
}
