internal import IMAPSession
internal import MessageFormat
internal import NIOCore

/// A message's parser behind the session's protocol.
struct StreamedParser: MessageParsing {
    private var parser = MessageParser()

    mutating func append(_ bytes: ByteBuffer) { parser.append(bytes) }
    mutating func finish() -> ByteBuffer { parser.finish().encoded() }
}

/// A message's summary behind the session's protocol.
struct SummaryOutline: MessageOutline {
    let summary: MessageSummary

    func writeEnvelope(into buffer: inout ByteBuffer) { summary.writeEnvelope(into: &buffer) }

    func writeBodyStructure(into buffer: inout ByteBuffer, isExtended: Bool) {
        summary.writeBodyStructure(into: &buffer, isExtended: isExtended)
    }

    var headerBytes: UInt64 { summary.headerBytes }

    var sentDay: Int? { summary.sentDay }

    func part(_ path: [Int]) -> OutlinePart? {
        summary.part(path).map { part in
            OutlinePart(
                mime: part.mimeRange,
                body: part.bodyRange,
                message: part.message.map { .init(header: $0.headerRange, text: $0.textRange) }
            )
        }
    }
}

/// Stand-in: looks through the raw bytes.
struct MessageSearcher: MessageSearching {
    private let terms: [SearchTerm]
    private var ranges: [Range<UInt64>]
    private var header = ByteBuffer()
    private var body = ByteBuffer()
    private let headerBytes: UInt64
    private var position: UInt64 = 0

    init(_ terms: [SearchTerm], summary: MessageSummary?, sizeBytes: UInt64) {
        self.terms = terms
        headerBytes = summary?.headerBytes ?? 0
        ranges = [0..<min(sizeBytes, 4 << 20)]
    }

    mutating func nextRange() -> Range<UInt64>? { ranges.popLast() }

    mutating func feed(_ bytes: ByteBuffer) {
        var bytes = bytes
        if position < headerBytes, let part = bytes.readSlice(length: min(bytes.readableBytes, Int(headerBytes - position))) {
            position += UInt64(part.readableBytes)
            header.writeImmutableBuffer(part)
        }
        position += UInt64(bytes.readableBytes)
        body.writeImmutableBuffer(bytes)
    }

    func isFound(_ term: Int) -> Bool {
        func holds(_ buffer: ByteBuffer, _ value: [UInt8]) -> Bool {
            String(buffer: buffer).lowercased().contains(String(decoding: value, as: UTF8.self).lowercased())
        }
        switch terms[term] {
        case .header(let name, let value):
            let filtered = HeaderFields.filter(header, names: [String(decoding: name, as: UTF8.self)], not: false)
            return filtered.readableBytes > 2 && holds(filtered, value)
        case .body(let value): return holds(body, value)
        case .text(let value): return holds(header, value) || holds(body, value)
        }
    }
}
