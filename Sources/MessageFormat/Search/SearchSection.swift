/// A stretch of a message that is searched in one way.
struct SearchSection: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// The message's own header.
        case header
        /// The header of a message within the message.
        case innerHeader
        /// A part of type text.
        case text(TransferEncoding, Charset)
        /// A message of which nothing is known: a header, and text.
        case unknown
    }
    let kind: Kind
    let range: Range<UInt64>

    static func all(of summary: MessageSummary?, sizeBytes: UInt64) -> [SearchSection] {
        guard let summary else { return [SearchSection(kind: .unknown, range: 0..<sizeBytes)] }
        var sections: [SearchSection] = []
        collect(summary.root, header: .header, into: &sections)
        // What is stored of a message may not agree with the message.
        return sections.map {
            SearchSection(kind: $0.kind, range: $0.range.clamped(to: 0..<sizeBytes))
        }
    }

    private static func collect(_ entity: Entity, header: Kind, into sections: inout [SearchSection]) {
        if entity.envelope != nil { sections.append(SearchSection(kind: header, range: entity.headerRange)) }
        switch entity.kind {
        case .leaf:
            let type = entity.content.type
            guard type.type == "text", !entity.bodyRange.isEmpty, entity.content.encoding != .other else { return }
            let charset = Charset(name: type.parameter("charset") ?? [])
            let kind = Kind.text(entity.content.encoding, charset)
            sections.append(SearchSection(kind: kind, range: entity.bodyRange))
        case .closed: break
        case .multipart, .message:
            for child in entity.children { collect(child, header: .innerHeader, into: &sections) }
        }
    }
}
