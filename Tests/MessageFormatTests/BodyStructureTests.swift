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
        ("text/x; name=é", #""text" "x" ("name" {2}\#r\#né)"#),
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
        let within = summary("Content-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=b\n\nnothing\n")
        for path in [[1, 1]] {
            #expect(within.part(path)?.bodyRange == within.sizeBytes..<within.sizeBytes)
            #expect(within.part(path)?.mimeRange == within.sizeBytes..<within.sizeBytes)
        }
        #expect(within.part([1, 2]) == nil && within.part([1, 1, 1]) == nil)
    }

    @Test("A message that is encoded keeps its type and parameters", arguments: ["base64", "quoted-printable"])
    func encodedMessage(encoding: String) {
        let message = crlf(
            """
            Content-Type: multipart/mixed; boundary=b

            --b
            Content-Type: message/rfc822; name="a.eml"
            Content-Transfer-Encoding: \(encoding)
            Content-Disposition: attachment; filename="a.eml"

            YQ==

            Yg==
            --b

            x
            --b--

            """
        )
        let whole = summary(message)
        let text = #"("text" "plain" ("charset" "us-ascii") NIL NIL "\#(encoding)" 12 2 NIL NIL NIL NIL)"#
        let disposition = #"("attachment" ("filename" "a.eml"))"#
        let envelope = "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"
        let first = #"(("message" "rfc822" ("name" "a.eml") NIL NIL "\#(encoding)" 12 \#(envelope) \#(text) 2 NIL "#
        #expect(structure(whole, isExtended: true).hasPrefix(first + disposition + " NIL NIL)(\"text\" \"plain\""))
        for path in [[1], [1, 1]] {
            #expect(whole.part(path).map { slice(message, $0.bodyRange) } == "YQ==\r\n\r\nYg==")
        }
        #expect(whole.part([1])?.message?.headerRange.isEmpty == true)
    }

    static let encodedMessages: [(encoding: String, body: String)] = [
        ("base64", "U3ViamVjdDogb25lDQogdHdvDQpUbzog\nYUBiDQoNClN1YmplY3Q6IG5vdCB0aGlzDQo="),
        ("base64", "U3ViamVjdDogb25lDQogdHdvDQpUbzogYUBi"),
        ("quoted-printable", "Subject: one\n tw=\n=6F\nTo: a@b\n\nSubject: not this\nCc: x@y\n"),
        ("quoted-printable", "Subject: one two\nTo: a=40b"),
    ]

    @Test("The envelope of an encoded message is decoded", arguments: encodedMessages)
    func encodedEnvelope(encoding: String, body: String) {
        let part = "Content-Type: message/rfc822\nContent-Transfer-Encoding: \(encoding)\n\n\(body)"
        let expected = #"(NIL "one two" NIL NIL NIL ((NIL NIL "a" "b")) NIL NIL NIL NIL) ("text" "plain""#
        #expect(structure(summary(part)).contains(expected))
        let within = crlf("Content-Type: multipart/mixed; boundary=b\n\n--b\n\(part)\n--b\nSubject: x\n\ny\n--b--\n")
        for pieces in [[within.count], [1], [7, 2]] {
            let whole = summary(within, pieces: pieces)
            #expect(structure(whole).contains(expected))
            #expect(whole.part([2]).map { slice(within, $0.bodyRange) } == "y")
        }
    }

    @Test("What is no message within a message/rfc822 is not decoded without end")
    func encodedGarbage() {
        let line = String(repeating: "QUFB", count: 18) + "\n"
        let start = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        let whole = summary(start + String(repeating: line, count: 20_000))
        #expect(structure(whole).contains("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"))
        let long = summary(start + String(repeating: "QUFB", count: 20_000) + "\nVG86IGFAYg==\n")
        #expect(structure(long).contains("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"))
    }

    @Test("A message/global is a basic part in IMAP4rev1, and its parts have numbers")
    func global() {
        let message = crlf("Content-Type: message/global; x=y\n\nSubject: \u{e9}\n\nbody\n")
        let whole = summary(message)
        #expect(structure(whole) == #"("message" "global" ("x" "y") NIL NIL "7bit" 21)"#)
        #expect(whole.part([1, 1]).map { slice(message, $0.bodyRange) } == "body\r\n")
    }

    @Test("Lines that end with CR CR LF")
    func doubledCR() {
        let text = "Subject: a\n b\nTo: c@d\nContent-Type: multipart/mixed; boundary=b\n\n--b\nX-Y: z\n\none\n--b--\n"
        let message = Array(text.utf8).flatMap { $0 == 10 ? [13, 13, 10] : [$0] }
        for pieces in [[message.count], [1], [2, 3]] {
            let whole = summary(message, pieces: pieces)
            #expect(envelope(whole) == #"(NIL "a b" NIL NIL NIL ((NIL NIL "c" "d")) NIL NIL NIL NIL)"#)
            #expect(structure(whole) == #"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0) "mixed")"#)
            // The second CR may be the content's last byte.
            #expect(whole.part([1]).map { slice(message, $0.bodyRange) } == "one\r")
        }
        let header = ByteBuffer(bytes: message.prefix(Int(summary(message).headerBytes)))
        #expect(String(buffer: HeaderFields.filter(header, names: ["to"], not: false)) == "To: c@d\r\r\n\r\n")
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
