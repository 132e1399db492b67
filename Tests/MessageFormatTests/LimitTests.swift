import MessageFormat
import NIOCore
import Testing

@Suite("Limits") struct LimitTests {
    static let encodedBytes = 200 * 1_024

    private func check(_ message: [UInt8]) throws -> MessageSummary {
        let whole = summary(message)
        let encoded = whole.encoded()
        #expect(encoded.readableBytes <= Self.encodedBytes)
        #expect(try MessageSummary(decoding: encoded) == whole)
        #expect(summary(message, pieces: [997, 4_096]) == whole)
        #expect(whole.sizeBytes == UInt64(message.count))
        var buffer = ByteBuffer()
        whole.writeEnvelope(into: &buffer)
        #expect(ResponseReader.isOneList(buffer))
        buffer.clear()
        whole.writeBodyStructure(into: &buffer, isExtended: true)
        #expect(ResponseReader.isOneList(buffer))
        return whole
    }

    @Test("A header line of a megabyte is cut, and what follows it is read")
    func longLine() throws {
        let subject = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        let message = Array("Subject: ".utf8) + subject + crlf("\nTo: a@b\n\nbody\n")
        let whole = try check(message)
        #expect(whole.subject?.count == 16 * 1_024)
        #expect(!whole.isEnvelopeWhole)
        #expect(whole.headerBytes == UInt64(message.count - 6))
        #expect(envelope(whole).contains(#"((NIL NIL "a" "b"))"#))
    }

    @Test("A field folded over many lines is cut")
    func manyLines() throws {
        let lines = [[UInt8]](repeating: crlf(" 0123456789\n"), count: 10_000).flatMap { $0 }
        let whole = try check(crlf("Subject: x\n") + lines + crlf("To: a@b\n\n"))
        #expect(whole.subject?.count == 16_380)
        #expect(!whole.isEnvelopeWhole && whole.isStructureWhole)
    }

    /// A hundred addresses are some 4,000 bytes.
    private static func addresses(_ count: Int) -> [String] {
        (0..<count).map { #""Number \#($0), the" <user\#($0)@example.org> (c, \#($0))"# }
    }

    private static func parsed(_ message: [UInt8]) -> MessageSummary {
        var parser = MessageParser.ofWholeHeaders()
        parser.append(ByteBuffer(bytes: message))
        return parser.finish()
    }

    @Test(
        "A list of addresses is cut between two of them, and whole when the message is read",
        arguments: [400, 20_000]
    )
    func manyAddresses(count: Int) throws {
        let list = Self.addresses(count)
        let message = crlf("To: \(list.joined(separator: ",\n ")),\nSubject: x\n\nbody\n")
        let stored = try check(message)
        #expect(!stored.isEnvelopeWhole && stored.isStructureWhole)
        #expect(try !MessageSummary(decoding: stored.encoded()).isEnvelopeWhole)
        func entry(_ number: Int) -> String { #"("Number \#(number), the" NIL "user\#(number)" "example.org")"# }
        let shown = envelope(stored).components("(\"Number").count
        #expect(shown > 300 && shown < 400)
        let start = #"(NIL "x" NIL NIL NIL ("#
        func expected(_ count: Int) -> String { "\(start)\((0..<count).map(entry).joined())) NIL NIL NIL NIL)" }
        #expect(envelope(stored) == expected(shown))
        let whole = Self.parsed(message)
        #expect(whole.isEnvelopeWhole)
        #expect(envelope(whole) == expected(count))
    }

    /// Each of them, and how many.
    private static func pieces(_ all: ResponsePieces) -> (text: String, largest: Int, count: Int) {
        var rest = all
        var text = ""
        var largest = 0
        var count = 0
        var isLast = false
        while !isLast {
            var piece = ByteBuffer()
            isLast = rest.writeNext(into: &piece)
            largest = max(largest, piece.readableBytes)
            count += 1
            text += String(buffer: piece)
        }
        return (text, largest, count)
    }

    @Test("Long lists are written in short pieces, in messages within a message too")
    func pieces() {
        let list = Self.addresses(5_000).joined(separator: ",\n ")
        let inner = "From: \(list)\nSender: \(list)\nSubject: x\n\nbody\n"
        let whole = Self.parsed(crlf("To: \(list)\nCc: a@b\nContent-Type: message/rfc822\n\n\(inner)"))
        let told = Self.pieces(whole.envelopePieces())
        #expect(told.text == envelope(whole))
        #expect(told.count > 7 && told.largest < 64 * 1_024)
        let body = Self.pieces(whole.bodyStructurePieces(isExtended: true))
        #expect(body.text == structure(whole, isExtended: true))
        #expect(body.count > 21 && body.largest < 64 * 1_024)
        // Nothing but separators is NIL, in any length.
        let empty = Self.parsed(crlf("To: \(String(repeating: ",;", count: 100_000))\nCc: a@b\n\n"))
        #expect(envelope(empty) == #"(NIL NIL NIL NIL NIL NIL ((NIL NIL "a" "b")) NIL NIL NIL)"#)
    }

    @Test("Beyond four mebibytes of a header, too, the cut is between addresses")
    func endlessAddresses() {
        let list = Self.addresses(100_000)
        let message = crlf("From: a@b\nTo: \(list.joined(separator: ",\n "))\n\nbody\n")
        #expect(message.count > 5 << 20)
        let whole = Self.parsed(message)
        #expect(!whole.isEnvelopeWhole)
        let told = envelope(whole)
        let shown = told.components("(\"Number").count
        #expect(shown > 70_000 && shown < 90_000)
        let last = #"("Number \#(shown - 1), the" NIL "user\#(shown - 1)" "example.org")"#
        let shownEnd = "\(last)) NIL NIL NIL NIL)"
        #expect(told.hasSuffix(shownEnd))
    }

    @Test("Parameters and languages are cut between two of them")
    func manyParameters() throws {
        let parameters = (0..<3_000).map { "p\($0)=\"a;\($0)\"" }
        let languages = (0..<5_000).map { "l\($0)" }
        let joined = parameters.joined(separator: ";\n ")
        let fields = "Content-Type: text/x; \(joined)\nContent-Disposition: attachment; \(joined)\n"
        let message = crlf("\(fields)Content-Language: \(languages.joined(separator: ","))\n\nbody\n")
        let stored = try check(message)
        #expect(!stored.isStructureWhole && stored.isEnvelopeWhole)
        #expect(try !MessageSummary(decoding: stored.encoded()).isStructureWhole)
        func shown(_ count: Int) -> String { (0..<count).map { "\"p\($0)\" \"a;\($0)\"" }.joined(separator: " ") }
        #expect(structure(stored).hasPrefix("(\"text\" \"x\" (\(shown(100))) NIL"))
        let disposition = structure(stored, isExtended: true).components("attachment")[0]
        let count = disposition.components("\"p").count
        #expect(count > 900 && count < 1_200)
        #expect(disposition.hasPrefix("\" (\(shown(count)))) (\"l0\" "))
        let whole = structure(Self.parsed(message), isExtended: true)
        #expect(whole.contains("\"x\" (\(shown(3_000))) NIL"))
        #expect(whole.contains("\"attachment\" (\(shown(3_000)))) (\"l0\" "))
        #expect(whole.contains("\"l4999\") NIL)"))
    }

    @Test("All fields at their longest, in every part")
    func longFields() throws {
        let long = String(repeating: "a b,", count: 5_000)
        let names = [
            "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Date", "Subject", "In-Reply-To", "Message-ID",
            "Content-ID",
            "Content-Description", "Content-Disposition", "Content-Language", "Content-Location", "Content-MD5",
        ]
        let fields = names.map { "\($0): \(long)\n" }.joined()
        let part = "--b\nContent-Type: message/rfc822\n\(fields)\n\(fields)\n\n"
        let parts = String(repeating: part, count: 10)
        let whole = try check(crlf("Content-Type: multipart/mixed; boundary=b\n\(fields)\n\(parts)--b--\n"))
        #expect(whole.parts.count == 20)
    }

    @Test("Of ten thousand parts a thousand are told apart")
    func manyParts() throws {
        let part = "--b\nContent-Type: text/plain; charset=utf-8; name=\"0123456789 0123456789 0123456789\"\n\nx\n"
        let parts = String(repeating: part, count: 10_000)
        let message = crlf("Content-Type: multipart/mixed; boundary=b\n\n\(parts)--b--\nepilogue\n")
        let whole = try check(message)
        #expect(whole.parts.count == 999)
        // The last one holds all that is left.
        let last = try #require(whole.part([999]))
        #expect(slice(message, last.bodyRange).hasSuffix("\r\nx"))
        #expect(last.bodyRange.upperBound == whole.sizeBytes - 2 - 7 - 10)
    }

    @Test("Parts within parts are told apart fifty deep")
    func deepNesting() throws {
        var text = ""
        for depth in 0..<100 { text += "Content-Type: multipart/mixed; boundary=b\(depth)\n\n--b\(depth)\n" }
        text += "\nthe end\n"
        let whole = try check(crlf(text))
        let deepest = try #require(whole.parts.last)
        #expect(deepest.path.count == 49)
        #expect(deepest.mediaType == "application" && deepest.subtype == "octet-stream")
        #expect(deepest.bodyRange.upperBound == whole.sizeBytes)
    }

    @Test("Messages within messages, too")
    func deepMessages() throws {
        let text = String(repeating: "Content-Type: message/rfc822\nSubject: x\n\n", count: 100)
        let whole = try check(crlf(text + "body\n"))
        #expect(whole.parts.count == 50)
        #expect(whole.parts.last?.subtype == "octet-stream")
    }

    @Test("Parameters and names without end")
    func parameters() throws {
        let many = (0..<5_000).map { "; p\($0)=v" }.joined()
        _ = try check(crlf("Content-Type: text/plain\(many)\n\n"))
        let name = String(repeating: "x", count: 5_000)
        #expect(try check(crlf("Content-Type: \(name)/\(name)\n\n")).parts[0].mediaType == "text")
        #expect(try check(crlf("Content-Type: multipart/x; boundary=\(name)\n\n--\(name)\n\nx\n")).parts.count == 1)
    }

    @Test("A large message is counted, not kept")
    func large() {
        var parser = MessageParser()
        parser.append(ByteBuffer(string: "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"))
        let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1 << 16)
        for _ in 0..<800 { parser.append(piece) }
        let whole = parser.finish()
        #expect(whole.sizeBytes == 52 + 800 * 65_536)
        #expect(whole.part([1])?.bodyRange == 52..<whole.sizeBytes)
    }
}

extension String {
    /// What stands behind each of these pieces, up to the next.
    fileprivate func components(_ separator: String) -> [String] {
        split(separator: separator).dropFirst().map(String.init)
    }
}
