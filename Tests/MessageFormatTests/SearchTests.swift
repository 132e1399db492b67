import CharsetConversion
import MessageFormat
import NIOCore
import Testing

/// The platform's charsets.
struct TestCharsets: CharsetSource {
    final class Converter: TextConverter {
        let converter: CharsetConverter
        init(_ converter: CharsetConverter) { self.converter = converter }
        func convert(_ bytes: ArraySlice<UInt8>, into text: inout [UInt8]) { converter.convert(bytes, into: &text) }
        func finish(into text: inout [UInt8]) { converter.finish(into: &text) }
    }
    func makeConverter(_ label: [UInt8]) -> (any TextConverter)? { CharsetConverter(label: label).map(Converter.init) }
}

/// Which terms are found when what is asked for is fed in pieces of that length.
func search(_ message: [UInt8], _ terms: [SearchTerm], piece: Int, hasSummary: Bool = true) -> [Bool] {
    let whole = summary(message)
    var search = TextSearch(
        SearchPlan(terms),
        summary: hasSummary ? whole : nil,
        sizeBytes: whole.sizeBytes,
        charsets: TestCharsets()
    )
    while let range = search.nextRange() {
        var rest = message[Int(range.lowerBound)..<Int(range.upperBound)]
        while !rest.isEmpty {
            search.feed(ByteBuffer(bytes: rest.prefix(piece)))
            rest = rest.dropFirst(piece)
        }
    }
    return terms.indices.map { search.isFound($0) }
}

func header(_ name: String, _ value: String) -> SearchTerm { .header(name: Array(name.utf8), value: Array(value.utf8)) }
func body(_ text: String) -> SearchTerm { .body(Array(text.utf8)) }
func text(_ text: String) -> SearchTerm { .text(Array(text.utf8)) }

@Suite("Search") struct SearchTests {
    private static let message = crlf(
        """
        From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>
        Subject: =?utf-8?q?Caf=C3?=
         =?utf-8?q?=A9?= at noon
        X-Empty:
        Content-Type: multipart/mixed; boundary=b

        preamble
        --b
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: quoted-printable

        Stra=C3=9Fe and a long=
         line, na=C3=AFve
        --b
        Content-Type: text/html; charset=koi8-r
        Content-Transfer-Encoding: base64

        8NLJ
        18XU
        --b
        Content-Type: application/octet-stream

        secret
        --b
        Content-Type: message/rfc822

        Subject: the inner one

        inner body
        --b--

        """
    )

    static let terms: [(term: SearchTerm, isFound: Bool)] = [
        (header("subject", "café"), true), (header("SUBJECT", "CAFÉ AT"), true), (header("subject", "cafe"), true),
        (header("subject", "cafe\u{301}"), true), (header("subject", "tea"), false), (header("to", ""), false),
        (header("subject", ""), true), (header("x-empty", ""), true), (header("x-empty", "x"), false),
        (header("from", "jorg"), true), (header("from", "joerg@"), true), (header("sub", "café"), false),
        (header("subject", "inner"), false),
        (body("straße"), true), (body("STRASSE"), false), (body("longline"), false), (body("long line"), true),
        (body("NAIVE"), true), (body("naïve"), true), (body("привет"), true), (body("ПРИВЕТ"), true),
        (body("secret"), false), (body("preamble"), false), (body("inner one"), true), (body("INNER BODY"), true),
        (body("joerg"), false), (body("8NLJ"), false), (body(""), true),
        (text("joerg"), true), (text("привет"), true), (text("café at noon"), true), (text("secret"), false),
        (text("inner body"), true), (text("from: jörg"), true), (text("body--"), false),
    ]

    @Test("Each alone, in pieces of any length", arguments: terms)
    func alone(term: SearchTerm, isFound: Bool) {
        for piece in [1, 2, 3, 5, 64, 10_000] {
            #expect(search(Self.message, [term], piece: piece) == [isFound], "pieces of \(piece)")
        }
    }

    @Test("All at once")
    func together() {
        #expect(search(Self.message, Self.terms.map(\.term), piece: 7) == Self.terms.map(\.isFound))
    }

    @Test("Without a summary the message is parsed first")
    func noSummary() {
        let terms = [
            header("subject", "café"), body("secret"), body("joerg"), text("joerg"),
            text("nothing"),
        ]
        for piece in [1, 9, 10_000] {
            #expect(search(Self.message, terms, piece: piece, hasSummary: false) == [true, false, false, true, false])
        }
    }

    @Test("No more is asked for than is needed")
    func frugal() {
        let whole = summary(Self.message)
        var search = TextSearch(
            SearchPlan([header("subject", "café")]),
            summary: whole,
            sizeBytes: whole.sizeBytes
        )
        #expect(search.nextRange() == 0..<whole.headerBytes)
        search.feed(ByteBuffer(bytes: Self.message[..<Int(whole.headerBytes)]))
        #expect(search.nextRange() == nil)
        #expect(search.isFound(0))
        var none = TextSearch(SearchPlan([]), summary: whole, sizeBytes: whole.sizeBytes)
        #expect(none.nextRange() == nil)
    }

    @Test("A large text is asked for in pieces, up to where all is found")
    func large() {
        let message = crlf("\nneedle\n") + [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        var search = TextSearch(
            SearchPlan([body("needle")]),
            summary: summary(message),
            sizeBytes: UInt64(message.count)
        )
        guard let range = search.nextRange() else { return }
        #expect(range == 2..<262_146)
        search.feed(ByteBuffer(bytes: message[Int(range.lowerBound)..<Int(range.upperBound)]))
        #expect(search.nextRange() == nil)
        #expect(search.isFound(0))
    }

    @Test("Every character can be folded")
    func everyCharacter() {
        let all = (UInt32(1)...0x2_0000).compactMap(Unicode.Scalar.init).map(String.init).joined()
        let search = TextSearch(SearchPlan([body(all), header("a", all)]), summary: nil, sizeBytes: 0)
        #expect(!search.isFound(0))
    }

    static let folds: [(one: String, other: String)] = [
        ("ÀÉÎÕÜ", "aeiou"), ("Łódź", "łodz"), ("ΆΈΉ", "αεη"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("Ёлка", "елка"), ("Йод", "иод"),
        ("Việt", "viet"), ("ＡＢＣ", "abc"), ("ǅ", "ǆ"), ("Ə", "ə"), ("日本", "日本"), ("𐐀", "𐐨"), ("a\u{A0}b", "a b"),
    ]

    @Test("Letters that are alike", arguments: folds)
    func fold(one: String, other: String) {
        for (needle, text) in [(one, other), (other, one)] {
            let message = crlf("Content-Type: text/plain; charset=utf-8\n\n<\(text)>\n")
            for piece in [1, 1_000] {
                let whole = summary(message)
                var search = TextSearch(SearchPlan([body("<\(needle)>")]), summary: whole, sizeBytes: whole.sizeBytes)
                while let range = search.nextRange() {
                    for start in stride(from: Int(range.lowerBound), to: Int(range.upperBound), by: piece) {
                        search.feed(ByteBuffer(bytes: message[start..<min(start + piece, Int(range.upperBound))]))
                    }
                }
                #expect(search.isFound(0), "\(needle) in \(text)")
            }
        }
    }
}
