/// What STATUS tells of a mailbox; the raw value is the name on the wire.
public enum StatusItem: String, Hashable, Sendable, CaseIterable {
    case messages = "MESSAGES"
    case recent = "RECENT"
    case uidNext = "UIDNEXT"
    case uidValidity = "UIDVALIDITY"
    case unseen = "UNSEEN"
    /// RFC 9051 section 6.3.11.
    case deleted = "DELETED"
    /// RFC 8438.
    case size = "SIZE"
    /// RFC 7162.
    case highestModSeq = "HIGHESTMODSEQ"
    /// RFC 7889.
    case appendLimit = "APPENDLIMIT"
    /// RFC 8474.
    case mailboxID = "MAILBOXID"
    /// RFC 9208.
    case deletedStorage = "DELETED-STORAGE"
}

extension StatusItem {
    /// Items in parentheses, repeated ones only once.
    static func parseList(_ cursor: inout Cursor) throws(SyntaxError) -> [StatusItem] {
        var items: [StatusItem] = []
        try cursor.list("status items", limit: 64) { (cursor) throws(SyntaxError) in
            let start = cursor
            guard let item = StatusItem(rawValue: cursor.word()) else { throw start.expected("a known status item") }
            if !items.contains(item) { items.append(item) }
        }
        return items
    }
}
