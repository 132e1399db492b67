public import IMAPSession
internal import MessageFormat
public import NIOCore

/// Puts the module MessageFormat behind what sessions ask of messages.
public struct MessageFormatTools: MessageTools {
    public init() {}

    public func makeParser() -> any MessageParsing { StreamedParser() }

    public func summary(_ encoded: ByteBuffer) -> (any MessageOutline)? {
        (try? MessageSummary(decoding: encoded)).map { SummaryOutline(summary: $0) }
    }

    public func makeReader() -> any OutlineReading { StreamedReader() }

    public func filter(header: ByteBuffer, names: [String], not: Bool) -> ByteBuffer {
        HeaderFields.filter(header, names: names, not: not)
    }

    public func makeSearcher(
        _ terms: [IMAPSession.SearchTerm],
        in outline: (any MessageOutline)?,
        sizeBytes: UInt64
    ) -> any MessageSearching {
        MessageSearcher(terms, summary: (outline as? SummaryOutline)?.summary, sizeBytes: sizeBytes)
    }
}
