/// A condition of SEARCH (RFC 9051 section 6.4.4). Strings are bytes in the command's charset.
public indirect enum SearchKey: Hashable, Sendable {
    case all
    case and([SearchKey])
    case or(SearchKey, SearchKey)
    case not(SearchKey)

    case sequenceNumbers(MessageSet)
    case uids(MessageSet)

    /// `SEEN`, `ANSWERED`, ... and, as `not` of it, `UNSEEN`, `UNANSWERED`, ...; also `RECENT` and `KEYWORD x`.
    case flag(Flag)
    /// `NEW`: recent and not seen (RFC 3501).
    case new
    /// `OLD`: not recent (RFC 3501).
    case old

    case from([UInt8])
    case to([UInt8])
    case cc([UInt8])
    case bcc([UInt8])
    case subject([UInt8])
    case body([UInt8])
    case text([UInt8])
    /// An empty value asks for the field to be there.
    case header(name: [UInt8], value: [UInt8])

    /// By INTERNALDATE, its day in its own zone.
    case before(CalendarDate)
    case on(CalendarDate)
    case since(CalendarDate)
    /// By the Date field.
    case sentBefore(CalendarDate)
    case sentOn(CalendarDate)
    case sentSince(CalendarDate)
    /// By the time of arrival in the mailbox (RFC 8514).
    case savedBefore(CalendarDate)
    case savedOn(CalendarDate)
    case savedSince(CalendarDate)
    case saveDateSupported

    case larger(UInt64)
    case smaller(UInt64)
    /// INTERNALDATE more than so many seconds ago (RFC 5032).
    case older(seconds: UInt32)
    case younger(seconds: UInt32)

    /// `MODSEQ` (RFC 7162 section 3.1.5); the name of a metadata item may limit it.
    case modSeq(UInt64, entry: ModSeqEntry?)
    /// RFC 8474.
    case emailID(String)
    case threadID(String)
}

/// The flag whose mod-sequence SEARCH MODSEQ asks for.
public struct ModSeqEntry: Hashable, Sendable {
    /// Whose flag is meant (RFC 7162 section 3.1.5): the user's own, the one that all share, or both.
    public enum Kind: Hashable, Sendable {
        case all
        case `private`
        case shared
    }

    /// Such as `/flags/\draft`.
    public var name: [UInt8]
    /// Whose flag is meant.
    public var kind: Kind

    public init(name: [UInt8], kind: Kind) {
        self.name = name
        self.kind = kind
    }
}
