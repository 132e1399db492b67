internal import IMAPSession
internal import MessageFormat
internal import NIOCore

/// A message's parser behind the session's protocol.
struct StreamedParser: MessageParsing {
    private var parser = MessageParser()

    mutating func append(_ bytes: ByteBuffer) { parser.append(bytes) }
    mutating func finish() -> ByteBuffer { parser.finish().encoded() }
}

/// The parser of whole headers behind the session's protocol.
struct StreamedReader: OutlineReading {
    private var parser = MessageParser.ofWholeHeaders()

    mutating func append(_ bytes: ByteBuffer) { parser.append(bytes) }
    mutating func finish() -> any MessageOutline { SummaryOutline(summary: parser.finish()) }
}

/// A message's summary behind the session's protocol.
struct SummaryOutline: MessageOutline {
    let summary: MessageSummary

    func writeEnvelope(into buffer: inout ByteBuffer) { summary.writeEnvelope(into: &buffer) }

    func writeBodyStructure(into buffer: inout ByteBuffer, isExtended: Bool) {
        summary.writeBodyStructure(into: &buffer, isExtended: isExtended)
    }

    func makeEnvelopeWriter() -> any ResponseWriting { PieceWriter(pieces: summary.envelopePieces()) }

    func makeBodyStructureWriter(isExtended: Bool) -> any ResponseWriting {
        PieceWriter(pieces: summary.bodyStructurePieces(isExtended: isExtended))
    }

    var isEnvelopeWhole: Bool { summary.isEnvelopeWhole }
    var isStructureWhole: Bool { summary.isStructureWhole }

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

/// A stored summary of which only the front is decoded, behind the session's protocol.
struct StoredOutline: MessageOutline {
    let stored: StoredSummary

    func writeEnvelope(into buffer: inout ByteBuffer) { stored.writeEnvelope(into: &buffer) }

    func makeEnvelopeWriter() -> any ResponseWriting { PieceWriter(pieces: stored.envelopePieces()) }

    var isEnvelopeWhole: Bool { stored.isEnvelopeWhole }
    var isStructureWhole: Bool { stored.isStructureWhole }
    var headerBytes: UInt64 { stored.headerBytes }
    var sentDay: Int? { stored.sentDay }

    // Whoever asks for these asks for an outline that has them: here they cost a decoding each.

    func writeBodyStructure(into buffer: inout ByteBuffer, isExtended: Bool) {
        whole.writeBodyStructure(into: &buffer, isExtended: isExtended)
    }

    func makeBodyStructureWriter(isExtended: Bool) -> any ResponseWriting {
        whole.makeBodyStructureWriter(isExtended: isExtended)
    }

    func part(_ path: [Int]) -> OutlinePart? { whole.part(path) }

    private var whole: SummaryOutline {
        // An empty message stands for one whose structure cannot be read.
        var parser = MessageParser()
        return SummaryOutline(summary: (try? stored.whole()) ?? parser.finish())
    }
}

/// A response in pieces behind the session's protocol.
struct PieceWriter: ResponseWriting {
    var pieces: ResponsePieces

    mutating func writeNext(into buffer: inout ByteBuffer) -> Bool { pieces.writeNext(into: &buffer) }
}

/// A filter of header fields behind the session's protocol.
struct FieldFilter: HeaderFiltering {
    let filter: HeaderFilter

    func filter(_ header: ByteBuffer) -> ByteBuffer { filter.filter(header) }
}

/// The search for terms behind the session's protocol.
final class MessageSearcher: MessageSearching {
    private var search: MessageSearch

    init(_ terms: [IMAPSession.SearchTerm]) {
        search = MessageSearch(SearchPlan(terms.map(\.term)), charsets: PlatformCharsets())
    }

    func start(summary: ByteBuffer, sizeBytes: UInt64) -> Int { search.start(summary: summary, sizeBytes: sizeBytes) }
    func nextRange() -> Range<UInt64>? { search.nextRange() }
    func feed(_ bytes: ByteBuffer) { search.feed(bytes) }
    func isFound(_ term: Int) -> Bool? { search.found[term] }
}

extension IMAPSession.SearchTerm {
    fileprivate var term: MessageFormat.SearchTerm {
        switch self {
        case .envelope(let field, let value): .envelope(field.field, value: value)
        case .header(let name, let value): .header(name: name, value: value)
        case .body(let value): .body(value)
        case .text(let value): .text(value)
        }
    }
}

extension IMAPSession.EnvelopeField {
    fileprivate var field: MessageFormat.EnvelopeField {
        switch self {
        case .from: .from
        case .to: .to
        case .cc: .cc
        case .bcc: .bcc
        case .subject: .subject
        }
    }
}
