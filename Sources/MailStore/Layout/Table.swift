/// The tables of a group. A raw value is part of the key layout (`Docs/formats/state.md`): never changed, never reused.
enum Table: UInt8, CaseIterable {
    /// One row: applied index and term, digest, counters.
    case meta = 1
    /// session, sequence → time, outcome.
    case requests = 2
    /// address → account ID.
    case addresses = 3
    /// account → account row.
    case accounts = 4
    /// account, mailbox → mailbox row.
    case mailboxes = 5
    /// account, name → mailbox ID.
    case mailboxNames = 6
    /// account, contents, UID → immutable message row.
    case messages = 7
    /// account, contents, UID → flags and MODSEQ.
    case flags = 8
    /// account, contents, MODSEQ, UID → time of expunge, message row.
    case expunged = 9
    /// time, account, contents, MODSEQ, UID: the order in which expunged messages end.
    case expungedByTime = 10
    /// account, body → references, size, chunks, checksum.
    case bodies = 11
    /// account, body, chunk → bytes.
    case chunks = 12
    /// account, body → what has been uploaded so far.
    case uploads = 13
    /// account, delivery → time, outcome.
    case deliveries = 14
    /// time, account, delivery: the order in which deliveries are forgotten.
    case deliveriesByTime = 15
    /// Group 0: the cluster and its nodes.
    case directory = 16
    /// account, contents → what a deleted mailbox or account has left, and how far it is removed.
    case remnants = 17
    /// account, contents → names of keywords, and how many messages have each.
    case keywords = 18
    /// account, contents, MODSEQ, UID: which messages' flags have changed since they came, and when last.
    case changes = 19

    /// Where a key says which table it is of: behind the group.
    static let offsetInKeys = 4

    /// Whether the rows count in the group's digest. Request answers, indexes by time and by MODSEQ, and body bytes
    /// (whose checksum stands in `bodies`) do not.
    var isDigested: Bool {
        switch self {
        case .addresses, .accounts, .mailboxes, .mailboxNames, .messages, .flags, .expunged, .bodies, .uploads,
            .deliveries, .directory, .remnants, .keywords:
            true
        case .meta, .requests, .expungedByTime, .chunks, .deliveriesByTime, .changes:
            false
        }
    }

    /// Whether keys start with an account behind group and table.
    var isPerAccount: Bool {
        switch self {
        case .accounts, .mailboxes, .mailboxNames, .messages, .flags, .expunged, .bodies, .chunks, .uploads,
            .deliveries, .remnants, .keywords, .changes:
            true
        case .meta, .requests, .addresses, .expungedByTime, .deliveriesByTime, .directory:
            false
        }
    }
}
