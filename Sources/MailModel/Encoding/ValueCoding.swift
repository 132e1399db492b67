public import NIOCore

/// How values are laid out in commands, outcomes and rows: fixed-width, big-endian.
extension ByteBuffer {
    /// Appends the address as its text behind its length.
    public mutating func write(_ address: AccountAddress) { writeLengthPrefixed(address.text) }
    /// Appends the name as its text behind its length.
    public mutating func write(_ name: MailboxName) { writeLengthPrefixed(name.text) }

    /// Appends the 16 bytes of the name.
    public mutating func write(_ id: BodyID) {
        writeInteger(id.high)
        writeInteger(id.low)
    }

    /// Appends seconds (64 bits) and zone (16 bits).
    public mutating func write(_ date: InternalDate) {
        writeInteger(date.seconds)
        writeInteger(date.zoneMinutes)
    }

    /// Appends the system flags (8 bits) and the keywords behind their count.
    public mutating func write(_ flags: FlagNames) {
        writeInteger(flags.system.rawValue)
        writeCount(flags.keywords.count)
        for keyword in flags.keywords { writeLengthPrefixed(keyword) }
    }

    /// Appends the ranges of the set, both bounds of each, behind their count.
    public mutating func write(_ set: UIDSet) {
        writeCount(set.ranges.count)
        for range in set.ranges {
            writeInteger(range.lowerBound)
            writeInteger(range.upperBound)
        }
    }

    /// Appends 8 bits: the use, or 0 for none.
    public mutating func write(_ use: SpecialUse?) { writeInteger(use?.rawValue ?? 0) }

    /// Appends the hash behind its length, which is 0 for none.
    public mutating func write(_ credential: CredentialHash?) { writeLengthPrefixed(credential?.bytes ?? []) }
}

extension WireDecoder {
    /// Reads a UID (32 bits).
    public mutating func uid() throws(DecodingError) -> UID { UID(try integer()) }
    /// Reads a modification sequence (64 bits).
    ///
    /// - Throws: ``DecodingError``, also for a number above ``ModSeq/maximum``.
    public mutating func modSeq() throws(DecodingError) -> ModSeq {
        let modSeq = ModSeq(try integer())
        guard modSeq <= .maximum else { throw failure(.outOfRange) }
        return modSeq
    }

    /// Reads a mailbox ID (32 bits).
    public mutating func mailboxID() throws(DecodingError) -> MailboxID { MailboxID(try integer()) }
    /// Reads a timestamp (64 bits).
    public mutating func timestamp() throws(DecodingError) -> Timestamp { Timestamp(milliseconds: try integer()) }

    /// Reads an account's address.
    ///
    /// - Throws: ``DecodingError``, also for a text that is no address.
    public mutating func address() throws(DecodingError) -> AccountAddress {
        guard let address = AccountAddress(try string(maximum: MailLimits.addressBytes)) else {
            throw failure(.outOfRange)
        }
        return address
    }

    /// Reads a mailbox's name.
    ///
    /// - Throws: ``DecodingError``, also for a text that is no name of a mailbox.
    public mutating func mailboxName() throws(DecodingError) -> MailboxName {
        let text = try string(maximum: MailboxName.maximumBytes)
        guard let name = try? MailboxName(text) else { throw failure(.outOfRange) }
        return name
    }

    /// Reads the name of a body (128 bits).
    public mutating func bodyID() throws(DecodingError) -> BodyID {
        BodyID(high: try integer(), low: try integer())
    }

    /// Reads seconds and zone.
    public mutating func internalDate() throws(DecodingError) -> InternalDate {
        InternalDate(seconds: try integer(), zoneMinutes: try integer())
    }

    /// Reads system flags (8 bits).
    ///
    /// - Throws: ``DecodingError``, also for bits that have no meaning.
    public mutating func systemFlags() throws(DecodingError) -> SystemFlags {
        guard let flags = SystemFlags(exactly: try integer()) else { throw failure(.outOfRange) }
        return flags
    }

    /// Reads system flags and keywords.
    ///
    /// - Throws: ``DecodingError``, also for more keywords than ``MailLimits/keywordsPerCommand`` or longer ones than
    ///   ``MailLimits/keywordBytes``.
    public mutating func flagNames() throws(DecodingError) -> FlagNames {
        let system = try systemFlags()
        let count = try count(minimumBytes: 4)
        guard count <= MailLimits.keywordsPerCommand else { throw failure(.tooLong) }
        var keywords: [String] = []
        keywords.reserveCapacity(count)
        for _ in 0..<count { keywords.append(try string(maximum: MailLimits.keywordBytes)) }
        return FlagNames(system: system, keywords: keywords)
    }

    /// Reads a set of UIDs.
    ///
    /// - Parameter maximumRanges: nil for a set that may have as many ranges as there are bytes for.
    /// - Throws: ``DecodingError``, also for more ranges than there may be.
    public mutating func uidSet(
        maximumRanges: Int? = MailLimits.rangesPerSet
    ) throws(DecodingError) -> UIDSet {
        let count = try count(minimumBytes: 8)
        if let maximumRanges, count > maximumRanges { throw failure(.tooLong) }
        var ranges: [ClosedRange<UInt32>] = []
        ranges.reserveCapacity(count)
        for _ in 0..<count {
            let low: UInt32 = try integer()
            let high: UInt32 = try integer()
            guard low <= high else { throw failure(.outOfRange) }
            ranges.append(low...high)
        }
        return UIDSet(ranges: ranges)
    }

    /// Reads the use of a mailbox; nil for none.
    ///
    /// - Throws: ``DecodingError``, also for a use that this program does not know.
    public mutating func specialUse() throws(DecodingError) -> SpecialUse? {
        let raw: UInt8 = try integer()
        if raw == 0 { return nil }
        guard let use = SpecialUse(rawValue: raw) else { throw failure(.unknownTag(UInt64(raw))) }
        return use
    }

    /// Reads a password hash; nil for none.
    ///
    /// - Throws: ``DecodingError``, also for more bytes than ``CredentialHash/maximumBytes``.
    public mutating func credential() throws(DecodingError) -> CredentialHash? {
        let bytes = try bytes(maximum: CredentialHash.maximumBytes)
        return bytes.readableBytes == 0 ? nil : CredentialHash(bytes: Array(bytes.readableBytesView))
    }
}
