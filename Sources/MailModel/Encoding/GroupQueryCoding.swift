public import NIOCore

/// The tag of a query of a group and of its answer. Values are part of the format: never changed, never reused.
private enum GroupQueryTag: UInt8 {
    case account = 1
    case accounts = 2
    case mail = 3
}

extension GroupQuery {
    /// The first byte of every encoded query of a group.
    public static let formatVersion: UInt8 = 1
    /// What errors of decoding are about.
    public static let subject = "group query"

    /// Appends the query in the format of `Docs/formats/query.md`.
    public func encode(into buffer: inout ByteBuffer) {
        buffer.writeInteger(Self.formatVersion)
        switch self {
        case .account(let address):
            buffer.writeInteger(GroupQueryTag.account.rawValue)
            buffer.write(address)
        case .accounts(let after, let limit):
            buffer.writeInteger(GroupQueryTag.accounts.rawValue)
            buffer.writeLengthPrefixed(after)
            buffer.writeCount(limit)
        case .mail(let query, let account):
            buffer.writeInteger(GroupQueryTag.mail.rawValue)
            buffer.writeInteger(account.rawValue)
            query.encode(into: &buffer)
        }
    }

    /// Reads one query.
    ///
    /// - Throws: ``DecodingError``, for what is cut off, out of range or of another version, and for a query that asks
    ///   for more at once than ``MailLimits/accountsPerQuery``, or than ``MailQuery/init(from:)`` lets through.
    public init(from decoder: inout WireDecoder) throws(DecodingError) {
        let version: UInt8 = try decoder.integer()
        guard version == Self.formatVersion else { throw decoder.failure(.unknownVersion(UInt64(version))) }
        switch try decoder.groupQueryTag() {
        case .account: self = .account(try decoder.address())
        case .accounts:
            let after = try decoder.string(maximum: MailLimits.addressBytes)
            let limit = Int(try decoder.integer(as: UInt32.self))
            guard limit <= MailLimits.accountsPerQuery else { throw decoder.failure(.outOfRange) }
            self = .accounts(after: after, limit: limit)
        case .mail:
            let account = AccountID(try decoder.integer())
            self = .mail(try MailQuery(from: &decoder), of: account)
        }
    }
}

extension GroupAnswer {
    /// The first byte of every encoded answer of a group.
    public static let formatVersion: UInt8 = 1
    /// What errors of decoding are about.
    public static let subject = "group answer"

    /// Appends the answer in the format of `Docs/formats/query.md`.
    public func encode(into buffer: inout ByteBuffer) {
        buffer.writeInteger(Self.formatVersion)
        switch self {
        case .account(let record):
            buffer.writeInteger(GroupQueryTag.account.rawValue)
            buffer.writeBool(record != nil)
            if let record { buffer.write(record) }
        case .accounts(let records):
            buffer.writeInteger(GroupQueryTag.accounts.rawValue)
            buffer.writeCount(records.count)
            for record in records { buffer.write(record) }
        case .mail(let answer):
            buffer.writeInteger(GroupQueryTag.mail.rawValue)
            answer.encode(into: &buffer)
        }
    }

    /// Reads one answer, as ``MailAnswer/init(from:)`` does.
    ///
    /// - Throws: ``DecodingError``, for what is cut off, out of range or of another version.
    public init(from decoder: inout WireDecoder) throws(DecodingError) {
        let version: UInt8 = try decoder.integer()
        guard version == Self.formatVersion else { throw decoder.failure(.unknownVersion(UInt64(version))) }
        switch try decoder.groupQueryTag() {
        case .account: self = .account(try decoder.bool() ? try decoder.accountRecord() : nil)
        case .accounts:
            let count = try decoder.count(minimumBytes: AccountRecord.minimumEncodedBytes)
            guard count <= MailLimits.accountsPerQuery else { throw decoder.failure(.tooLong) }
            var records: [AccountRecord] = []
            records.reserveCapacity(count)
            for _ in 0..<count { records.append(try decoder.accountRecord()) }
            self = .accounts(records)
        case .mail: self = .mail(try MailAnswer(from: &decoder))
        }
    }
}

extension WireDecoder {
    fileprivate mutating func groupQueryTag() throws(DecodingError) -> GroupQueryTag {
        let number: UInt8 = try integer()
        guard let tag = GroupQueryTag(rawValue: number) else { throw failure(.unknownTag(UInt64(number))) }
        return tag
    }
}
