/// A stretch of a message that is searched in one way.
struct SearchSection: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// The message's own header.
        case header
        /// The header of a message within the message.
        case innerHeader
        /// The MIME header of a part.
        case partHeader
        /// A part of type text.
        case text(TransferEncoding, Charset)
        /// An entity of whose structure nothing is known: it is parsed first, and then searched by its own sections.
        /// - Parameter rounds: How often something around it was.
        case unread(rounds: Int)
    }
    /// Each round reads what is deeper than all rounds before: some thousand levels in all. What is still deeper is
    /// searched as it stands there.
    private static let maximumRounds = 20

    let kind: Kind
    let range: Range<UInt64>

    static func all(of summary: MessageSummary?, sizeBytes: UInt64) -> [SearchSection] {
        guard let summary else { return [SearchSection(kind: .unread(rounds: 0), range: 0..<sizeBytes)] }
        var sections: [SearchSection] = []
        collect(summary.root, header: .header, rounds: 0, into: &sections)
        // What is stored of a message may not agree with the message.
        return sections.map { SearchSection(kind: $0.kind, range: $0.range.clamped(to: 0..<sizeBytes)) }
    }

    /// The sections of an entity that was not read before, and is now.
    /// - Parameter summary: Of its bytes.
    func sections(of summary: MessageSummary, rounds: Int) -> [SearchSection] {
        var root = summary.root
        root.shift(by: range.lowerBound)
        var sections: [SearchSection] = []
        // Without a summary the whole message is read; otherwise a part is, and its header was searched already.
        let isWholeMessage = rounds == 0
        if !isWholeMessage { root.envelope = nil }
        Self.collect(root, header: isWholeMessage ? .header : nil, rounds: rounds + 1, into: &sections)
        return sections.map { SearchSection(kind: $0.kind, range: $0.range.clamped(to: range)) }
    }

    /// - Parameter header: What the entity's header is; nil when it is not to be searched.
    private static func collect(_ entity: Entity, header: Kind?, rounds: Int, into sections: inout [SearchSection]) {
        if let header { sections.append(SearchSection(kind: header, range: entity.headerRange)) }
        switch entity.kind {
        case .leaf:
            let type = entity.content.type
            guard type.type == "text", !entity.bodyRange.isEmpty, entity.content.encoding != .other else { return }
            let charset = Charset(name: type.parameter("charset") ?? [])
            let kind = Kind.text(entity.content.encoding, charset)
            sections.append(SearchSection(kind: kind, range: entity.bodyRange))
        case .closed:
            let kind = rounds < maximumRounds ? Kind.unread(rounds: max(1, rounds)) : .text(.binary, .utf8)
            sections.append(SearchSection(kind: kind, range: entity.headerStart..<entity.bodyEnd))
        case .multipart, .message:
            for child in entity.children {
                let header = child.envelope == nil ? Kind.partHeader : .innerHeader
                collect(child, header: header, rounds: rounds, into: &sections)
            }
        }
    }
}
