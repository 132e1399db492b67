public import IMAPSession
internal import MessageFormat
public import NIOCore

/// Puts the module MessageFormat behind what sessions ask of messages.
public struct MessageFormatTools: MessageTools {
    public init() {}

    public func makeParser() -> any MessageParsing { StreamedParser() }

    public func summary(_ encoded: ByteBuffer, needsStructure: Bool) -> (any MessageOutline)? {
        if needsStructure {
            (try? MessageSummary(decoding: encoded)).map { SummaryOutline(summary: $0) }
        } else {
            (try? StoredSummary(encoded)).map { StoredOutline(stored: $0) }
        }
    }

    public func makeReader() -> any OutlineReading { StreamedReader() }

    public func makeFilter(names: [String], not: Bool) -> any HeaderFiltering {
        FieldFilter(filter: HeaderFilter(names: names, not: not))
    }

    public func makeSearcher(_ terms: [IMAPSession.SearchTerm]) -> any MessageSearching { MessageSearcher(terms) }

    public func utf8(_ text: [UInt8], charset: String) -> [UInt8]? {
        // A part without a charset is UTF-8; a search names one.
        charset.isEmpty ? nil : CharsetText.decode(text, label: Array(charset.utf8), charsets: PlatformCharsets())
    }
}
