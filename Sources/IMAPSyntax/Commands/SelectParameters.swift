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

extension Cursor {
    mutating func selectCommand() throws(SyntaxError) -> (MailboxName, SelectParameters) {
        try space(before: "a mailbox name")
        let name = try mailbox()
        var parameters = SelectParameters()
        guard nextBehindSpaces == UInt8(ascii: "(") else { return (name, parameters) }
        takeSpaces()
        try list("parameters", limit: 16) { (cursor) throws(SyntaxError) in
            let start = cursor
            switch cursor.word() {
            case "CONDSTORE": parameters.isCondstore = true
            case "QRESYNC":
                guard parameters.quickResync == nil else { throw start.expected("QRESYNC at most once") }
                parameters.quickResync = try cursor.quickResync()
            default: throw start.expected("CONDSTORE or QRESYNC")
            }
        }
        return (name, parameters)
    }

    private mutating func quickResync() throws(SyntaxError) -> QuickResync {
        try space(before: "the parameters of QRESYNC")
        try require("(", "the parameters of QRESYNC")
        takeSpaces()
        let uidValidity = try nonZeroNumber("a UIDVALIDITY")
        try space(before: "a mod-sequence")
        let modSeq = try number64("a mod-sequence")
        var result = QuickResync(uidValidity: uidValidity, modSeq: modSeq)
        if nextBehindSpaces?.isDigit == true {
            takeSpaces()
            result.knownUIDs = try knownSet("the known UIDs")
        }
        if takeSpacesBeforeElement() {
            try require("(", "the sequence match data")
            takeSpaces()
            let sequenceNumbers = try knownSet("known sequence numbers")
            try space(before: "known UIDs")
            let uids = try knownSet("known UIDs")
            takeSpaces()
            try require(")", "the end of the sequence match data")
            takeSpaces()
            result.sequenceMatch = .init(sequenceNumbers: sequenceNumbers, uids: uids)
        }
        try require(")", "the end of QRESYNC")
        return result
    }

    /// A set in which `*` is not allowed (RFC 7162 section 7).
    private mutating func knownSet(_ what: String) throws(SyntaxError) -> SequenceSet {
        let start = self
        let set = try sequenceSet(what)
        guard set.elements.allSatisfy({ $0.first != .last && $0.second != .last }) else {
            throw start.expected("\(what) without *")
        }
        return set
    }
}
