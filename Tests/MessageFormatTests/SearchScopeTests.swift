import Consensus
import MessageFormat
import NIOCore
import Testing

/// Where a search looks, and what it makes of what it finds there.
@Suite("Where a search looks") struct SearchScopeTests {
    /// The charset's name, base64 of the text in it, and the text.
    static let charsets: [(label: String, base64: String, text: String)] = [
        ("iso-2022-jp", "GyRCRnxLXBsoQg==", "日本"), ("shift_jis", "k/qWew==", "日本"), ("euc-jp", "xvzL3A==", "日本"),
        ("euc-kr", "x9Gx2w==", "한글"), ("ks_c_5601-1987", "x9Gx2w==", "한글"), ("gb2312", "1tDOxA==", "中文"),
        ("gbk", "1tDOxA==", "中文"), ("gb18030", "1tDOxA==", "中文"), ("big5", "pKSk5Q==", "中文"),
        ("windows-1255", "+ezl7Q==", "שלום"), ("windows-1256", "0+HH4w==", "سلام"), ("iso-8859-6", "0+TH5Q==", "سلام"),
        ("iso-8859-8", "+ezl7Q==", "שלום"), ("windows-1258", "0A==", "Đ"), ("windows-874", "5LfC", "ไทย"),
        ("tis-620", "5LfC", "ไทย"), ("utf-7", "K0ppWQ==", "♦"), ("utf-16", "MEI=", "あ"), ("macintosh", "jo4=", "éé"),
        ("cp850", "goI=", "éé"), ("no-such-charset", "w6nDqQ==", "éé"), ("utf-8", "w6nDqQ==", "éé"),
    ]

    @Test("Text in every charset, in bodies, headers and file names", arguments: charsets)
    func charset(label: String, base64: String, text wanted: String) {
        guard label != "utf-7" else { return }
        let message = crlf(
            """
            Subject: a =?\(label)?b?\(base64)?= b
            Content-Type: multipart/mixed; boundary=b

            --b
            Content-Type: text/plain; charset="\(label.uppercased())"
            Content-Transfer-Encoding: base64

            \(base64)
            --b
            Content-Type: application/pdf; name="=?\(label)?b?\(base64)?="

            x
            --b--

            """
        )
        for piece in [1, 2, 3, 1_000] {
            let terms = [
                header("subject", "a \(wanted) b"), body(wanted), text(wanted), text("name=\(wanted)"), body("nothing"),
            ]
            #expect(search(message, terms, piece: piece) == [true, true, true, true, false], "pieces of \(piece)")
        }
    }

    @Test("UTF-7, whose text is ASCII")
    func utf7() {
        let message = crlf("Content-Type: text/plain; charset=utf-7\n\nHi Mom -+Jjo--! 1 +- 1\n")
        for piece in [1, 5, 1_000] {
            #expect(
                search(message, [body("mom -☺-!"), body("1 + 1"), body("Jjo")], piece: piece) == [true, true, false]
            )
        }
    }

    @Test("A parameter told by RFC 2231, in pieces and with a charset")
    func extendedParameters() {
        let message = crlf(
            """
            Content-Type: multipart/mixed; boundary=b

            --b
            Content-Type: image/png; name*0*=euc-kr''%C7; name*1*=%D1%B1%DB; name*2=.png
            Content-Disposition: attachment; filename*=utf-8'en'%c3%a9t%C3%A9.txt

            x
            --b--

            """
        )
        let terms = [text("한글.png"), text("été.txt"), text("filename=été"), body("été"), text("image/png")]
        for piece in [1, 7, 1_000] {
            #expect(search(message, terms, piece: piece) == [true, true, true, false, true])
        }
    }

    static let addresses: [(field: String, needle: String, isFound: Bool)] = [
        ("user (comment)@ (x) domain", "user@domain", true), ("user (comment)@ (x) domain", "comment", true),
        ("\"Doe,\n Joe\" <joe (a, b) @ example . org>", "doe, joe <joe@example.org>", true),
        ("=?utf-8?q?J=C3=B6rg?= <j@x>, K <k @ y>", "k@y", true), ("=?utf-8?q?J=C3=B6rg?= <j@x>", "jörg <j@x>", true),
        ("\"a b\"@x", "a b@x", true), ("\"a b\"@x", "\"a b\"@x", true), ("G: a @ b, c @ d;", "c@d", true),
        ("a@b, c@d", "a@b, c@d", true), ("a@b, c@d", "b@c", false), ("a@b", "", true),
    ]

    @Test("Addresses in the form people know, and as they are written", arguments: addresses)
    func address(field: String, needle: String, isFound: Bool) {
        let message = crlf("To: \(field)\n\nbody\n")
        for piece in [1, 3, 1_000] {
            let terms = [header("to", needle), text(needle.isEmpty ? "body" : needle), header("cc", needle)]
            #expect(search(message, terms, piece: piece) == [isFound, isFound, false])
        }
    }

    @Test(
        "What is far behind in a long field is found, even across where it is cut",
        arguments: [100, 70_000, 400_000]
    )
    func longFields(bytes: Int) {
        let filler = (0..<(bytes / 20)).map { "filler\($0)@example.org,\n " }.joined()
        let message = crlf("To: \(filler)last (x) @ example.com\nSubject: \(filler)=?utf-8?q?=C3=A9t=C3=A9?=\n\n")
        let terms = [
            header("to", "last@example.com"), header("subject", "org, été"), text("org, last (x) @ "), text("last1"),
        ]
        #expect(search(message, terms, piece: 100_000) == [true, true, true, false])
    }

    @Test("Below the fiftieth level, too", arguments: [10, 60, 200, 900])
    func deep(levels: Int) {
        var start = ""
        for level in 0..<levels { start += "Content-Type: multipart/mixed; boundary=b\(level)\n\n--b\(level)\n" }
        let message = crlf(
            start
                + "Content-Type: text/plain; charset=koi8-r; name=inside\n"
                + "Content-Transfer-Encoding: base64\n\n8NLJ18XU\n"
        )
        let messages = crlf(
            String(repeating: "Content-Type: message/rfc822\nSubject: x\n\n", count: levels)
                + "Subject: =?utf-8?q?=C3=A9?=\nContent-Transfer-Encoding: base64\n\nw6nDqQ==\n"
        )
        for hasSummary in [true, false] {
            for piece in [997, 1_000_000] {
                let found = search(
                    message,
                    [body("привет"), text("name=inside"), body("8NLJ")],
                    piece: piece,
                    hasSummary: hasSummary
                )
                #expect(found == [true, true, false])
                let terms = [body("éé"), body("subject: é"), header("subject", "é"), text("w6nDqQ")]
                #expect(search(messages, terms, piece: piece, hasSummary: hasSummary) == [true, true, false, false])
            }
        }
    }

    @Test("Deeper than it pays to read, the bytes are searched as they are")
    func bottomless() {
        let message = crlf(
            String(repeating: "Content-Type: message/rfc822\n\n", count: 3_000) + "Subject: x\n\nneedle\n"
        )
        #expect(search(message, [body("needle"), body("absent")], piece: 1 << 20) == [true, false])
    }

    @Test("Encoded messages within are searched by their source")
    func encodedMessage() {
        let message = crlf(
            "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeA0KDQrDqQ==\n"
        )
        #expect(search(message, [body("subject: x"), body("é"), body("U3Vi")], piece: 3) == [true, true, false])
    }

    @Test("Lines that end with CR CR LF")
    func doubledCR() {
        let message = Array("Subject: one\n two\nX: y\n\nbody\n".utf8).flatMap { $0 == 10 ? [13, 13, 10] : [$0] }
        let terms = [header("subject", "one two"), header("x", "y"), body("body"), body("x: y")]
        for piece in [1, 2, 1_000] { #expect(search(message, terms, piece: piece) == [true, true, true, false]) }
    }

    /// A naive match takes the product of both lengths: 64 Gi comparisons.
    @Test("Time is linear in the text, whatever is looked for")
    func linear() {
        let aaa = String(repeating: "a", count: 32_000)
        let message = crlf("Content-Type: text/plain; charset=utf-8\n\n") + [UInt8](repeating: 0x61, count: 1 << 18)
        #expect(
            search(message, [body(aaa + "b"), body("b" + aaa), text(aaa)], piece: 1 << 16) == [false, false, true]
        )
        // Three hundred strings that are all found at each byte, where they are looked for.
        let terms =
            (1...300).map { header("x-\($0)", String(repeating: "a", count: $0)) }
            + (1...300).map { body(String(repeating: "a", count: $0)) }
            + (1...1_000).map { text("a\($0)") }
        let found = search(message, terms, piece: 1 << 16)
        #expect(found == terms.indices.map { (300..<600).contains($0) })
    }

    @Test("Many strings at once find what each finds alone", arguments: 0..<5)
    func together(seed: Int) {
        var generator = SplitMix64(seed: UInt64(seed) + 77)
        let letters = Array("aabc ".utf8)
        func word(_ length: Int) -> [UInt8] { (0..<length).map { _ in letters.randomElement(using: &generator) ?? 0 } }
        for _ in 0..<20 {
            let content = word(200)
            let message = crlf("Content-Type: text/plain; charset=utf-8\n\n") + content
            let words = (0..<60).map { _ in word(Int.random(in: 1...6, using: &generator)) }
            let haystack = String(decoding: content, as: UTF8.self)
            let expected = words.map { haystack.contains(String(decoding: $0, as: UTF8.self)) }
            #expect(search(message, words.map { .body($0) }, piece: 13) == expected)
        }
    }

    @Test("A header that names a charset in every word is read within limits")
    func manyCharsets() {
        let words = (0..<20_000).map { "=?cp\($0 % 3_000)?q?x?=" }.joined(separator: " ")
        let message = crlf("Subject: \(words) =?utf-8?q?end?=\n\n")
        #expect(
            search(message, [header("subject", "xxxxend"), header("subject", "y")], piece: 1 << 16) == [true, false]
        )
    }
}
