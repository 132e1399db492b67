public import NIOCore

/// How values are laid out in commands, outcomes and rows: fixed-width, big-endian.
extension ByteBuffer {
    public mutating func write(_ address: AccountAddress) { writeLengthPrefixed(address.text) }
    public mutating func write(_ name: MailboxName) { writeLengthPrefixed(name.text) }

    public mutating func write(_ id: BodyID) {
        writeInteger(id.high)
        writeInteger(id.low)
    }

    public mutating func write(_ date: InternalDate) {
        writeInteger(date.seconds)
        writeInteger(date.zoneMinutes)
    }

    public mutating func write(_ flags: FlagNames) {
        writeInteger(flags.system.rawValue)
        writeCount(flags.keywords.count)
        for keyword in flags.keywords { writeLengthPrefixed(keyword) }
    }

    public mutating func write(_ set: UIDSet) {
        writeCount(set.ranges.count)
        for range in set.ranges {
            writeInteger(range.lowerBound)
            writeInteger(range.upperBound)
        }
    }

    public mutating func write(_ use: SpecialUse?) { writeInteger(use?.rawValue ?? 0) }

    public mutating func write(_ credential: CredentialHash?) { writeLengthPrefixed(credential?.bytes ?? []) }
}

extension WireDecoder {
    public mutating func uid() throws(DecodingError) -> UID { UID(try integer()) }
    public mutating func modSeq() throws(DecodingError) -> ModSeq {
        let modSeq = ModSeq(try integer())
        guard modSeq <= .maximum else { throw failure(.outOfRange) }
        return modSeq
    }

    public mutating func mailboxID() throws(DecodingError) -> MailboxID { MailboxID(try integer()) }
    public mutating func timestamp() throws(DecodingError) -> Timestamp { Timestamp(milliseconds: try integer()) }

    public mutating func address() throws(DecodingError) -> AccountAddress {
        guard let address = AccountAddress(try string(maximum: 400)) else { throw failure(.outOfRange) }
        return address
    }

    public mutating func mailboxName() throws(DecodingError) -> MailboxName {
        let text = try string(maximum: MailboxName.maximumBytes)
        guard let name = try? MailboxName(text) else { throw failure(.outOfRange) }
        return name
    }

    public mutating func bodyID() throws(DecodingError) -> BodyID {
        BodyID(high: try integer(), low: try integer())
    }

    public mutating func internalDate() throws(DecodingError) -> InternalDate {
        InternalDate(seconds: try integer(), zoneMinutes: try integer())
    }

    public mutating func systemFlags() throws(DecodingError) -> SystemFlags {
        guard let flags = SystemFlags(exactly: try integer()) else { throw failure(.outOfRange) }
        return flags
    }

    public mutating func flagNames() throws(DecodingError) -> FlagNames {
        let system = try systemFlags()
        let count = try count(minimumBytes: 4)
        guard count <= MailLimits.keywordsPerCommand else { throw failure(.tooLong) }
        var keywords: [String] = []
        keywords.reserveCapacity(count)
        for _ in 0..<count { keywords.append(try string(maximum: MailLimits.keywordBytes)) }
        return FlagNames(system: system, keywords: keywords)
    }

    public mutating func uidSet() throws(DecodingError) -> UIDSet {
        let count = try count(minimumBytes: 8)
        guard count <= MailLimits.rangesPerSet else { throw failure(.tooLong) }
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

    public mutating func specialUse() throws(DecodingError) -> SpecialUse? {
        let raw: UInt8 = try integer()
        if raw == 0 { return nil }
        guard let use = SpecialUse(rawValue: raw) else { throw failure(.unknownTag(UInt64(raw))) }
        return use
    }

    public mutating func credential() throws(DecodingError) -> CredentialHash? {
        let bytes = try bytes(maximum: CredentialHash.maximumBytes)
        return bytes.readableBytes == 0 ? nil : CredentialHash(bytes: Array(bytes.readableBytesView))
    }
}
