internal import IMAPSyntax
internal import MailModel

/// Names as the grammar has them, and as the store has them.
extension MailModel.MailboxName {
    /// Nil when no mailbox can have this name.
    init?(_ name: IMAPSyntax.MailboxName) {
        guard let stored = try? MailModel.MailboxName(name.text) else { return nil }
        self = stored
    }
}

extension IMAPSyntax.MailboxName {
    init(_ name: MailModel.MailboxName) {
        self.init(name.text)
    }
}

extension IMAPSyntax.SpecialUse {
    init(_ use: MailModel.SpecialUse) {
        switch use {
        case .all: self = .all
        case .archive: self = .archive
        case .drafts: self = .drafts
        case .flagged: self = .flagged
        case .junk: self = .junk
        case .sent: self = .sent
        case .trash: self = .trash
        }
    }

    /// The store's word for the use; nil for uses that need a mailbox of another kind.
    var stored: MailModel.SpecialUse? {
        switch self {
        case .archive: .archive
        case .drafts: .drafts
        case .junk: .junk
        case .sent: .sent
        case .trash: .trash
        // Views of other mailboxes' messages (RFC 6154, section 2), or not known to the store.
        case .all, .flagged, .important: nil
        }
    }
}

extension MailboxID {
    /// OBJECTID's name for it (RFC 8474): an account keeps it for ever.
    var objectID: String { "F\(rawValue)" }
}

extension BodyID {
    /// OBJECTID's name for a message's bytes: copies share it (RFC 8474, section 5.1).
    var objectID: String { "M\(Hexadecimal.digits(of: high))\(Hexadecimal.digits(of: low))" }
}
