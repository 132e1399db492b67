/// An attribute of LIST (RFC 9051 section 7.3.1).
public enum ListAttribute: Hashable, Sendable {
    case noInferiors
    case noSelect
    case nonExistent
    case hasChildren
    case hasNoChildren
    case marked
    case unmarked
    case subscribed
    case remote
    case use(SpecialUse)

    var name: String {
        switch self {
        case .noInferiors: "\\Noinferiors"
        case .noSelect: "\\Noselect"
        case .nonExistent: "\\NonExistent"
        case .hasChildren: "\\HasChildren"
        case .hasNoChildren: "\\HasNoChildren"
        case .marked: "\\Marked"
        case .unmarked: "\\Unmarked"
        case .subscribed: "\\Subscribed"
        case .remote: "\\Remote"
        case .use(let use): use.rawValue
        }
    }
}

/// The value of one item of STATUS; nil where there is none, which is written as NIL.
public enum StatusValue: Hashable, Sendable {
    case number(UInt64)
    case objectID(String)
    case none
}

/// Responses about mailboxes.
extension ResponseEncoder {
    /// `* LIST (attributes) "/" name`, with the extended data of RFC 9051 section 7.3.1.
    ///
    /// - Parameters:
    ///   - oldName: the name before a RENAME, for clients of IMAP4rev2.
    ///   - childInfoSubscribed: whether RECURSIVEMATCH found subscribed children that the pattern does not.
    public mutating func list(
        _ attributes: [ListAttribute],
        _ name: MailboxName,
        oldName: MailboxName? = nil,
        childInfoSubscribed: Bool = false
    ) {
        raw("* LIST ")
        listBody(attributes, name)
        if oldName != nil || childInfoSubscribed {
            raw(" (")
            if childInfoSubscribed { raw("\"CHILDINFO\" (\"SUBSCRIBED\")") }
            if let oldName {
                raw(childInfoSubscribed ? " \"OLDNAME\" (" : "\"OLDNAME\" (")
                mailbox(oldName)
                raw(")")
            }
            raw(")")
        }
        line("")
    }

    /// `* LSUB (attributes) "/" name`
    public mutating func lsub(_ attributes: [ListAttribute], _ name: MailboxName) {
        raw("* LSUB ")
        listBody(attributes, name)
        line("")
    }

    /// The answer to `LIST "" ""`: the delimiter, under an empty name.
    public mutating func listDelimiter() {
        line("* LIST (\\Noselect) \"/\" \"\"")
    }

    private mutating func listBody(_ attributes: [ListAttribute], _ name: MailboxName) {
        raw("(\(attributes.map(\.name).joined(separator: " "))) \"/\" ")
        mailbox(name)
    }

    /// `* STATUS name (items)`
    public mutating func status(_ name: MailboxName, _ items: [(StatusItem, StatusValue)]) {
        raw("* STATUS ")
        mailbox(name)
        let values = items.map { item, value in
            switch value {
            case .number(let number): "\(item.rawValue) \(number)"
            case .objectID(let id): "\(item.rawValue) (\(id))"
            case .none: "\(item.rawValue) NIL"
            }
        }
        line(" (\(values.joined(separator: " ")))")
    }

    /// `* NAMESPACE`: personal names without a prefix, no others (RFC 2342).
    public mutating func personalNamespace() {
        line("* NAMESPACE ((\"\" \"/\")) NIL NIL")
    }

    /// `* n EXISTS`
    public mutating func exists(_ count: UInt32) { line("* \(count) EXISTS") }

    /// `* n RECENT` (RFC 3501)
    public mutating func recent(_ count: UInt32) { line("* \(count) RECENT") }

    /// `* n EXPUNGE`
    public mutating func expunge(_ sequenceNumber: UInt32) { line("* \(sequenceNumber) EXPUNGE") }

    /// `* FLAGS (flags)`
    public mutating func flags(_ flags: [Flag]) {
        raw("* FLAGS ")
        flagList(flags)
        line("")
    }
}
