import IMAPSession
import NIOCore

/// Knows as much of messages as the session needs for all its ways, and no more: a message has a header, and a part 1
/// that is the rest of it.
struct FakeTools: MessageTools {
    /// Stored as three numbers: bytes of the header, bytes of the message, day of the Date field.
    struct Outline: MessageOutline {
        let headerBytes: UInt64
        let sizeBytes: UInt64
        let sentDay: Int?

        static func encoded(_ headerBytes: Int, _ sizeBytes: Int, _ sentDay: Int?) -> ByteBuffer {
            ByteBuffer(string: "\(headerBytes) \(sizeBytes) \(sentDay.map(String.init) ?? "-")")
        }

        init?(_ encoded: ByteBuffer) {
            let words = String(buffer: encoded).split(separator: " ")
            guard words.count == 3, let header = UInt64(words[0]), let size = UInt64(words[1]) else { return nil }
            headerBytes = header
            sizeBytes = size
            sentDay = Int(words[2])
        }

        var isEnvelopeWhole: Bool { true }
        var isStructureWhole: Bool { true }

        func writeEnvelope(into buffer: inout ByteBuffer) { buffer.writeString("(\"envelope\")") }

        func writeBodyStructure(into buffer: inout ByteBuffer, isExtended: Bool) {
            buffer.writeString(isExtended ? "(\"structure\")" : "(\"body\")")
        }

        func makeEnvelopeWriter() -> any ResponseWriting { fatalError("what is whole is not read again") }
        func makeBodyStructureWriter(isExtended: Bool) -> any ResponseWriting {
            fatalError("what is whole is not read again")
        }

        func part(_ path: [Int]) -> OutlinePart? {
            guard path == [1] else { return nil }
            return OutlinePart(mime: 0..<headerBytes, body: headerBytes..<sizeBytes, message: nil)
        }
    }

    struct Parser: MessageParsing {
        private var received = 0
        mutating func append(_ bytes: ByteBuffer) { received += bytes.readableBytes }
        mutating func finish() -> ByteBuffer { ByteBuffer(string: "summary of \(received) bytes") }
    }

    struct Search: PreparedSearch {
        let terms: [SearchTerm]
        func makeSearcher(in outline: (any MessageOutline)?, sizeBytes: UInt64) -> any MessageSearching {
            Searcher(terms: terms, headerBytes: Int(outline?.headerBytes ?? 0), sizeBytes: sizeBytes)
        }
    }

    /// Reads the whole message, then looks.
    struct Searcher: MessageSearching {
        let terms: [SearchTerm]
        let headerBytes: Int
        let sizeBytes: UInt64
        private var text: [UInt8] = []
        private var isAsked = false

        init(terms: [SearchTerm], headerBytes: Int, sizeBytes: UInt64) {
            self.terms = terms
            self.headerBytes = headerBytes
            self.sizeBytes = sizeBytes
        }

        mutating func nextRange() -> Range<UInt64>? {
            defer { isAsked = true }
            return isAsked ? nil : 0..<sizeBytes
        }

        mutating func feed(_ bytes: ByteBuffer) { text += Array(bytes.readableBytesView) }

        func isFound(_ term: Int) -> Bool {
            func lower(_ bytes: some Sequence<UInt8>) -> String {
                String(decoding: Array(bytes), as: UTF8.self).lowercased()
            }
            let header = lower(text.prefix(headerBytes))
            switch terms[term] {
            case .header(let name, let value):
                return header.split(separator: "\r\n").contains {
                    $0.hasPrefix(lower(name) + ":") && (value.isEmpty || $0.contains(lower(value)))
                }
            case .body(let value): return lower(text.dropFirst(headerBytes)).contains(lower(value))
            case .text(let value): return lower(text).contains(lower(value))
            }
        }
    }

    func makeParser() -> any MessageParsing { Parser() }
    func summary(_ encoded: ByteBuffer) -> (any MessageOutline)? { Outline(encoded) }
    func makeReader() -> any OutlineReading { fatalError("what is whole is not read again") }
    func prepareSearch(_ terms: [SearchTerm]) -> any PreparedSearch { Search(terms: terms) }

    func filter(header: ByteBuffer, names: [String], not: Bool) -> ByteBuffer {
        let names = Set(names.map { $0.lowercased() })
        var kept = ByteBuffer()
        for line in String(buffer: header).split(separator: "\r\n") {
            let name = line.prefix { $0 != ":" }.lowercased()
            if names.contains(name) != not { kept.writeString("\(line)\r\n") }
        }
        kept.writeString("\r\n")
        return kept
    }

    /// One charset beside those of the grammar, in which `q` stands for `ü`.
    func utf8(_ text: [UInt8], charset: String) -> [UInt8]? {
        guard charset.lowercased() == "x-test" else { return nil }
        return text.flatMap { $0 == UInt8(ascii: "q") ? Array("ü".utf8) : [$0] }
    }
}
