/// The parameters of SELECT and EXAMINE (RFC 7162), in any order.
public struct SelectParameters: Hashable, Sendable {
    /// Whether `CONDSTORE` was named.
    public var isCondstore = false
    /// What `QRESYNC` told; nil where it was not named.
    public var quickResync: QuickResync?

    public init(isCondstore: Bool = false, quickResync: QuickResync? = nil) {
        self.isCondstore = isCondstore
        self.quickResync = quickResync
    }
}

/// What a client knows of a mailbox: QRESYNC (RFC 7162 section 3.2.5).
public struct QuickResync: Hashable, Sendable {
    /// The UIDVALIDITY under which the client knows the mailbox.
    public var uidValidity: UInt32
    /// The highest mod-sequence that the client knows.
    public var modSeq: UInt64
    /// The UIDs that the client knows; nil means all.
    public var knownUIDs: SequenceSet?
    /// Sequence numbers and the UIDs that they had, of equal size.
    public var sequenceMatch: SequenceMatch?

    /// Pairs by which the server finds out what was expunged (RFC 7162 section 3.2.5.2).
    public struct SequenceMatch: Hashable, Sendable {
        /// Sequence numbers, rising.
        public var sequenceNumbers: SequenceSet
        /// The UIDs of those messages, rising.
        public var uids: SequenceSet

        public init(sequenceNumbers: SequenceSet, uids: SequenceSet) {
            self.sequenceNumbers = sequenceNumbers
            self.uids = uids
        }
    }

    public init(
        uidValidity: UInt32,
        modSeq: UInt64,
        knownUIDs: SequenceSet? = nil,
        sequenceMatch: SequenceMatch? = nil
    ) {
        self.uidValidity = uidValidity
        self.modSeq = modSeq
        self.knownUIDs = knownUIDs
        self.sequenceMatch = sequenceMatch
    }
}

extension SelectParameters {
    /// `[select-params]`: none where no parenthesis stands behind the name.
    static func parseIfPresent(_ cursor: inout Cursor) throws(SyntaxError) -> SelectParameters {
        var parameters = SelectParameters()
        guard cursor.nextBehindSpaces == UInt8(ascii: "(") else { return parameters }
        cursor.takeSpaces()
        try cursor.list("parameters", limit: 16) { (cursor) throws(SyntaxError) in
            let start = cursor
            switch cursor.word() {
            case "CONDSTORE": parameters.isCondstore = true
            case "QRESYNC":
                guard parameters.quickResync == nil else { throw start.expected("QRESYNC at most once") }
                parameters.quickResync = try QuickResync.parse(&cursor)
            default: throw start.expected("CONDSTORE or QRESYNC")
            }
        }
        return parameters
    }
}

extension QuickResync {
    /// What follows `QRESYNC`.
    fileprivate static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> QuickResync {
        try cursor.space(before: "the parameters of QRESYNC")
        try cursor.require("(", "the parameters of QRESYNC")
        cursor.takeSpaces()
        let uidValidity = try cursor.nonZeroNumber("a UIDVALIDITY")
        try cursor.space(before: "a mod-sequence")
        let modSeq = try cursor.number64("a mod-sequence")
        var result = QuickResync(uidValidity: uidValidity, modSeq: modSeq)
        if cursor.nextBehindSpaces?.isDigit == true {
            cursor.takeSpaces()
            result.knownUIDs = try parseKnownSet(&cursor, expecting: "the known UIDs")
        }
        if cursor.takeSpacesBeforeElement() {
            try cursor.require("(", "the sequence match data")
            cursor.takeSpaces()
            let sequenceNumbers = try parseKnownSet(&cursor, expecting: "known sequence numbers")
            try cursor.space(before: "known UIDs")
            let uids = try parseKnownSet(&cursor, expecting: "known UIDs")
            cursor.takeSpaces()
            try cursor.require(")", "the end of the sequence match data")
            cursor.takeSpaces()
            result.sequenceMatch = .init(sequenceNumbers: sequenceNumbers, uids: uids)
        }
        try cursor.require(")", "the end of QRESYNC")
        return result
    }

    /// A set in which `*` is not allowed (RFC 7162 section 7).
    private static func parseKnownSet(_ cursor: inout Cursor, expecting what: String) throws(SyntaxError) -> SequenceSet
    {
        let start = cursor
        let set = try SequenceSet.parse(&cursor, expecting: what)
        guard set.elements.allSatisfy({ $0.first != .last && $0.second != .last }) else {
            throw start.expected("\(what) without *")
        }
        return set
    }
}
