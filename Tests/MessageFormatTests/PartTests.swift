import MessageFormat
import NIOCore
import Testing

@Suite("Parts") struct PartTests {
    private let mixed = crlf(Samples.mixed)

    static let bodies: [(path: [Int], body: String)] = [
        ([1], "see below"),
        ([2, 1], "first"),
        ([2, 2], "YWJj"),
        ([3], "Subject: simple\r\n\r\nbody"),
        ([3, 1], "body"),
    ]

    @Test("Numbers", arguments: bodies)
    func body(path: [Int], body: String) throws {
        let part = try #require(summary(mixed).part(path))
        #expect(slice(mixed, part.bodyRange) == body)
        #expect(part.path == path)
    }

    @Test(
        "Numbers of no part",
        arguments: [[], [0], [4], [1, 1], [2, 3], [2, 2, 1], [3, 2], [3, 1, 1], [-1], [Int.max]]
    )
    func none(path: [Int]) { #expect(summary(mixed).part(path) == nil) }

    @Test("The part's own header")
    func header() throws {
        let part = try #require(summary(mixed).part([3]))
        #expect(slice(mixed, part.mimeRange) == "Content-Type: message/rfc822\r\n\r\n")
        let message = try #require(part.message)
        #expect(slice(mixed, message.headerRange) == "Subject: simple\r\n\r\n")
        #expect(slice(mixed, message.textRange) == "body")
    }

    @Test("A message that is no multipart has one part")
    func single() throws {
        let message = crlf(Samples.plain)
        let whole = summary(message)
        let part = try #require(whole.part([1]))
        #expect(slice(message, part.bodyRange) == "Dear Mary,\r\ngood bye.\r\n")
        #expect(part.mimeRange == 0..<whole.headerBytes)
        #expect(part.bodyRange.upperBound == whole.sizeBytes)
        #expect(whole.part([2]) == nil && whole.part([1, 1]) == nil)
    }

    @Test("All of them, in order")
    func all() {
        #expect(summary(mixed).parts.map(\.path) == [[1], [2], [2, 1], [2, 2], [3], [3, 1]])
    }

    @Test("What is known of a part")
    func properties() throws {
        let whole = summary(Samples.alternative)
        let part = try #require(whole.part([1]))
        #expect(part.mediaType == "text" && part.subtype == "plain" && part.charset == "utf-8")
        #expect(part.transferEncoding == .quotedPrintable)
        #expect(whole.part([2])?.charset == nil)
    }

    @Test("Multiparts within a multipart are parts too")
    func nested() throws {
        let text = """
            Content-Type: multipart/mixed; boundary=a

            --a
            Content-Type: multipart/alternative; boundary=b

            --b

            one
            --b

            two
            --b--

            --a

            three
            --a--

            """
        let message = crlf(text)
        let whole = summary(message)
        #expect(whole.parts.map(\.path) == [[1], [1, 1], [1, 2], [2]])
        #expect(whole.parts.map(\.isMultipart) == [true, false, false, false])
        #expect(whole.parts.dropFirst().map { slice(message, $0.bodyRange) } == ["one", "two", "three"])
    }

    @Test("A boundary told in pieces (RFC 2231)")
    func boundaryInPieces() {
        let whole = summary("Content-Type: multipart/mixed; boundary*0=a; boundary*1*=%62\n\n--ab\n\none\n--ab--\n")
        #expect(whole.parts.count == 1 && whole.parts[0].bodyRange.count == 3)
    }

    @Test("Whatever is not closed ends with what holds it")
    func innerNotClosed() {
        let text =
            "Content-Type: multipart/mixed; boundary=a\n\n--a\n"
            + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--a\n\ntwo\n--a--\n"
        let message = crlf(text)
        let whole = summary(message)
        #expect(whole.parts.map(\.path) == [[1], [1, 1], [2]])
        #expect(whole.part([1, 1]).map { slice(message, $0.bodyRange) } == "one")
    }
}
