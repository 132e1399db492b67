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

    /// Reads the whole message, then looks.
    final class Searcher: MessageSearching {
        let terms: [SearchTerm]
        /// Whether a term about the envelope is decided by the stored summary: by whether its value stands there.
        let knowsEnvelopes: Bool
        private var summary = ""
        private var headerBytes = 0
        private var sizeBytes: UInt64 = 0
        private var text: [UInt8] = []
        private var isAsked = false
        private var isDone = false

        init(terms: [SearchTerm], knowsEnvelopes: Bool = false) {
            self.terms = terms
            self.knowsEnvelopes = knowsEnvelopes
        }

        func start(summary: ByteBuffer, sizeBytes: UInt64) -> Int {
            self.summary = String(buffer: summary)
            headerBytes = Int(Outline(summary)?.headerBytes ?? 0)
            self.sizeBytes = sizeBytes
            text = []
            isAsked = false
            isDone = false
            return 0
        }

        func nextRange() -> Range<UInt64>? {
            isDone = isAsked
            isAsked = true
            return isDone ? nil : 0..<sizeBytes
        }

        func feed(_ bytes: ByteBuffer) { text += Array(bytes.readableBytesView) }

        func isFound(_ term: Int) -> Bool? {
            if knowsEnvelopes, case .envelope(_, let value) = terms[term] {
                return summary.contains(Self.lower(value))
            }
            guard isDone else { return nil }
            switch terms[term] {
            case .envelope(let field, let value): return hasField("\(field)", value)
            case .header(let name, let value): return hasField(Self.lower(name), value)
            case .body(let value): return Self.lower(text.dropFirst(headerBytes)).contains(Self.lower(value))
            case .text(let value): return Self.lower(text).contains(Self.lower(value))
            }
        }

        private func hasField(_ name: String, _ value: [UInt8]) -> Bool {
            Self.lower(text.prefix(headerBytes)).split(separator: "\r\n").contains {
                $0.hasPrefix("\(name):") && (value.isEmpty || $0.contains(Self.lower(value)))
            }
        }

        private static func lower(_ bytes: some Sequence<UInt8>) -> String {
            String(decoding: Array(bytes), as: UTF8.self).lowercased()
        }
    }

    var knowsEnvelopes = false

    func makeParser() -> any MessageParsing { Parser() }
    func summary(_ encoded: ByteBuffer, needsStructure: Bool) -> (any MessageOutline)? { Outline(encoded) }
    func makeReader() -> any OutlineReading { fatalError("what is whole is not read again") }
    func makeSearcher(_ terms: [SearchTerm]) -> any MessageSearching {
        Searcher(terms: terms, knowsEnvelopes: knowsEnvelopes)
    }

    struct Filter: HeaderFiltering {
        let names: Set<String>
        let not: Bool

        func filter(_ header: ByteBuffer) -> ByteBuffer {
            var kept = ByteBuffer()
            for line in String(buffer: header).split(separator: "\r\n") {
                let name = line.prefix { $0 != ":" }.lowercased()
                if names.contains(name) != not { kept.writeString("\(line)\r\n") }
            }
            kept.writeString("\r\n")
            return kept
        }
    }

    func makeFilter(names: [String], not: Bool) -> any HeaderFiltering {
        Filter(names: Set(names.map { $0.lowercased() }), not: not)
    }

    /// One charset beside those of the grammar, in which `q` stands for `ü`.
    func utf8(_ text: [UInt8], charset: String) -> [UInt8]? {
        guard charset.lowercased() == "x-test" else { return nil }
        return text.flatMap { $0 == UInt8(ascii: "q") ? Array("ü".utf8) : [$0] }
    }
}
