internal import IMAPSyntax
internal import MailModel

/// Fields of a header that an item names: made once, and used for each message.
struct NamedFields {
    /// Takes them out of a header.
    let filter: any HeaderFiltering
    /// How a response calls them.
    let name: String

    init(_ filter: any HeaderFiltering, as name: String) {
        self.filter = filter
        self.name = name
    }
}

/// What FETCH needs to know to tell an item.
extension FetchItem {
    /// Whether the view is enough.
    var isInView: Bool {
        switch self {
        case .uid, .flags, .modSeq: true
        case .internalDate, .size, .envelope, .body, .bodyStructure, .section, .binary, .binarySize, .rfc822,
            .rfc822Header, .rfc822Text, .emailID, .threadID, .saveDate, .preview:
            false
        }
    }

    /// Whether the message becomes `\Seen` by it.
    var marksSeen: Bool {
        switch self {
        case .section(_, _, let isPeek), .binary(_, _, let isPeek): !isPeek
        case .rfc822, .rfc822Text: true
        case .uid, .flags, .internalDate, .size, .envelope, .body, .bodyStructure, .binarySize, .rfc822Header, .modSeq,
            .emailID, .threadID, .saveDate, .preview:
            false
        }
    }

    /// Whether it is told from the message's outline, or finds its bytes by that.
    var needsOutline: Bool {
        switch self {
        case .envelope, .body, .bodyStructure, .rfc822Header, .rfc822Text: true
        case .section(let section, _, _): !section.part.isEmpty || section.text != nil
        case .uid, .flags, .internalDate, .size, .rfc822, .binary, .binarySize, .modSeq, .emailID, .threadID, .saveDate,
            .preview:
            false
        }
    }

    /// Whether it needs more of the outline than sizes and the envelope.
    var needsStructure: Bool {
        switch self {
        case .body, .bodyStructure: true
        case .section(let section, _, _): !section.part.isEmpty
        case .uid, .flags, .internalDate, .size, .envelope, .rfc822, .rfc822Header, .rfc822Text, .binary, .binarySize,
            .modSeq, .emailID, .threadID, .saveDate, .preview:
            false
        }
    }

    /// The fields of a header that the item names; nil for an item that names none.
    func makeFields(_ tools: any MessageTools) -> NamedFields? {
        guard case .section(let section, let partial, _) = self else { return nil }
        let name = ResponseEncoder.sectionName(section, partial?.offset)
        switch section.text {
        case .headerFields(let names): return NamedFields(tools.makeFilter(names: names, not: false), as: name)
        case .headerFieldsNot(let names): return NamedFields(tools.makeFilter(names: names, not: true), as: name)
        case .header, .text, .mime, nil: return nil
        }
    }

    /// Which of the message's first bytes the item is likely to need; those further on it asks for itself.
    var leading: LeadingBytes {
        switch self {
        case .rfc822Header: .header(upTo: SessionLimits.leadingHeaderBytes)
        case .rfc822, .rfc822Text: .bytes(upTo: SessionLimits.leadingBodyBytes)
        case .section(let section, let partial, _):
            switch section.text {
            case .header, .headerFields, .headerFieldsNot:
                section.part.isEmpty ? .header(upTo: SessionLimits.leadingHeaderBytes) : .none
            case .text, .mime, nil:
                // A client that reads a message piece by piece asks for the first piece first.
                partial.map { $0.offset > 0 } ?? false ? .none : .bytes(upTo: SessionLimits.leadingBodyBytes)
            }
        case .uid, .flags, .internalDate, .size, .envelope, .body, .bodyStructure, .binary, .binarySize, .modSeq,
            .emailID, .threadID, .saveDate, .preview:
            .none
        }
    }

    var isSupported: Bool {
        switch self {
        case .uid, .flags, .internalDate, .size, .envelope, .body, .bodyStructure, .section, .rfc822, .rfc822Header,
            .rfc822Text, .modSeq, .emailID, .threadID, .saveDate:
            true
        case .binary, .binarySize, .preview: false
        }
    }
}
