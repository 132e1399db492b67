public import NIOCore

/// The tag of a query in its encoding. Values are part of the format: never changed, never reused.
private enum QueryTag: UInt8 {
    case account = 1
    case mailboxes = 2
    case mailbox = 3
    case messages = 4
    case changes = 5
    case details = 6
    case body = 7
}

extension MailQuery {
    /// The first byte of every encoded query.
    public static let formatVersion: UInt8 = 1
    /// What errors of decoding are about.
    public static let subject = "query"

    /// Appends the query in the format of `Docs/formats/query.md`.
    public func encode(into buffer: inout ByteBuffer) {
        func begin(_ tag: QueryTag) {
            buffer.writeInteger(Self.formatVersion)
            buffer.writeInteger(tag.rawValue)
        }
        switch self {
        case .account: begin(.account)
        case .mailboxes: begin(.mailboxes)
        case .mailbox(let name):
            begin(.mailbox)
            buffer.write(name)
        case .messages(let mailbox, let fromUID, let limit):
            begin(.messages)
            buffer.writeInteger(mailbox.rawValue)
            buffer.writeInteger(fromUID.rawValue)
            buffer.writeCount(limit)
        case .changes(let mailbox, let since, let newFrom):
            begin(.changes)
            buffer.writeInteger(mailbox.rawValue)
            buffer.writeInteger(since.rawValue)
            buffer.writeInteger(newFrom.rawValue)
        case .details(let mailbox, let uids, let leading):
            begin(.details)
            buffer.writeInteger(mailbox.rawValue)
            buffer.write(uids)
            buffer.writeCount(leading.maximum)
            buffer.writeInteger(UInt8(leading.isHeaderOnly ? 1 : 0))
        case .body(let body, let offset, let maximumBytes):
            begin(.body)
            buffer.write(body)
            buffer.writeInteger(offset)
            buffer.writeCount(maximumBytes)
        }
    }

    /// Reads one query.
    ///
    /// - Throws: ``DecodingError``, for what is cut off, out of range or of another version, and for a query that asks
    ///   for more at once than ``MailLimits/statesPerQuery`` or ``MailLimits/bodyBytesPerQuery``.
    public init(from decoder: inout WireDecoder) throws(DecodingError) {
        let version: UInt8 = try decoder.integer()
        guard version == Self.formatVersion else { throw decoder.failure(.unknownVersion(UInt64(version))) }
        let number: UInt8 = try decoder.integer()
        guard let tag = QueryTag(rawValue: number) else { throw decoder.failure(.unknownTag(UInt64(number))) }
        switch tag {
        case .account: self = .account
        case .mailboxes: self = .mailboxes
        case .mailbox: self = .mailbox(try decoder.mailboxName())
        case .messages:
            let mailbox = try decoder.mailboxID()
            let fromUID = try decoder.uid()
            self = .messages(mailbox, fromUID: fromUID, limit: try decoder.number(upTo: MailLimits.statesPerQuery))
        case .changes:
            self = .changes(try decoder.mailboxID(), since: try decoder.modSeq(), newFrom: try decoder.uid())
        case .details:
            let mailbox = try decoder.mailboxID()
            let uids = try decoder.uidSet()
            let maximum = try decoder.number(upTo: MailLimits.leadingBytesPerMessage)
            switch try decoder.integer(as: UInt8.self) {
            case 0: self = .details(mailbox, uids, leading: .bytes(upTo: maximum))
            case 1: self = .details(mailbox, uids, leading: .header(upTo: maximum))
            default: throw decoder.failure(.outOfRange)
            }
        case .body:
            let body = try decoder.bodyID()
            let offset: UInt64 = try decoder.integer()
            guard offset <= MailLimits.messageBytes else { throw decoder.failure(.outOfRange) }
            let count = try decoder.number(upTo: MailLimits.bodyBytesPerQuery)
            self = .body(body, offset: offset, maximumBytes: count)
        }
    }
}

extension WireDecoder {
    /// Reads a number (32 bits).
    ///
    /// - Throws: ``DecodingError``, also for a number above `maximum`.
    fileprivate mutating func number(upTo maximum: Int) throws(DecodingError) -> Int {
        let number = Int(try integer(as: UInt32.self))
        guard number <= maximum else { throw failure(.outOfRange) }
        return number
    }
}
