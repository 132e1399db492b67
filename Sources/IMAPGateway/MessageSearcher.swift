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

/// A response in pieces behind the session's protocol.
struct PieceWriter: ResponseWriting {
    var pieces: ResponsePieces

    mutating func writeNext(into buffer: inout ByteBuffer) -> Bool { pieces.writeNext(into: &buffer) }
}

/// The terms of a search behind the session's protocol.
struct PlannedSearch: PreparedSearch {
    private let plan: SearchPlan

    init(_ terms: [IMAPSession.SearchTerm]) { plan = SearchPlan(terms.map(\.term)) }

    func makeSearcher(in outline: (any MessageOutline)?, sizeBytes: UInt64) -> any MessageSearching {
        let summary = (outline as? SummaryOutline)?.summary
        return MessageSearcher(
            search: TextSearch(plan, summary: summary, sizeBytes: sizeBytes, charsets: PlatformCharsets())
        )
    }
}

/// The search for text behind the session's protocol.
struct MessageSearcher: MessageSearching {
    fileprivate var search: TextSearch

    mutating func nextRange() -> Range<UInt64>? { search.nextRange() }
    mutating func feed(_ bytes: ByteBuffer) { search.feed(bytes) }
    func isFound(_ term: Int) -> Bool { search.isFound(term) }
}

extension IMAPSession.SearchTerm {
    fileprivate var term: MessageFormat.SearchTerm {
        switch self {
        case .header(let name, let value): .header(name: name, value: value)
        case .body(let value): .body(value)
        case .text(let value): .text(value)
        }
    }
}
