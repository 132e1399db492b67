public import NIOCore

/// The tag of an answer in its encoding. Values are part of the format: never changed, never reused.
private enum AnswerTag: UInt8 {
    case missing = 1
    case account = 2
    case mailboxes = 3
    case mailbox = 4
    case messages = 5
    case changes = 6
    case details = 7
    case body = 8
}

extension MailAnswer {
    /// The first byte of every encoded answer.
    public static let formatVersion: UInt8 = 1
    /// What errors of decoding are about.
    public static let subject = "answer"

    /// Appends the answer in the format of `Docs/formats/query.md`.
    public func encode(into buffer: inout ByteBuffer) {
        func begin(_ tag: AnswerTag) {
            buffer.writeInteger(Self.formatVersion)
            buffer.writeInteger(tag.rawValue)
        }
        switch self {
        case .missing: begin(.missing)
        case .account(let record):
            begin(.account)
            buffer.write(record)
        case .mailboxes(let records):
            begin(.mailboxes)
            buffer.writeCount(records.count)
            for record in records { buffer.write(record) }
        case .mailbox(let record):
            begin(.mailbox)
            buffer.write(record)
        case .messages(let record, let states):
            begin(.messages)
            buffer.write(record)
            buffer.write(states)
        case .changes(let changes):
            begin(.changes)
            buffer.write(changes.mailbox)
            buffer.write(changes.changed)
            buffer.write(changes.new)
            buffer.write(changes.expunged)
        case .details(let details):
            begin(.details)
            buffer.writeCount(details.count)
            for details in details { buffer.write(details) }
        case .body(let bytes):
            begin(.body)
            buffer.writeLengthPrefixed(bytes)
        }
    }

    /// Reads one answer. The summaries and bytes of bodies in it share the storage of what is read.
    ///
    /// - Throws: ``DecodingError``, for what is cut off, out of range or of another version.
    public init(from decoder: inout WireDecoder) throws(DecodingError) {
        let version: UInt8 = try decoder.integer()
        guard version == Self.formatVersion else { throw decoder.failure(.unknownVersion(UInt64(version))) }
        let number: UInt8 = try decoder.integer()
        guard let tag = AnswerTag(rawValue: number) else { throw decoder.failure(.unknownTag(UInt64(number))) }
        switch tag {
        case .missing: self = .missing
        case .account: self = .account(try decoder.accountRecord())
        case .mailboxes:
            let count = try decoder.count(minimumBytes: MailboxRecord.minimumEncodedBytes)
            var records: [MailboxRecord] = []
            records.reserveCapacity(count)
            for _ in 0..<count { records.append(try decoder.mailboxRecord()) }
            self = .mailboxes(records)
        case .mailbox: self = .mailbox(try decoder.mailboxRecord())
        case .messages: self = .messages(try decoder.mailboxRecord(), try decoder.messageStates())
        case .changes:
            self = .changes(
                MailboxChanges(
                    mailbox: try decoder.mailboxRecord(),
                    changed: try decoder.messageStates(),
                    new: try decoder.messageStates(),
                    expunged: try decoder.uidSet(maximumRanges: nil)
                )
            )
        case .details:
            let count = try decoder.count(minimumBytes: MessageDetails.minimumEncodedBytes)
            var details: [MessageDetails] = []
            details.reserveCapacity(count)
            for _ in 0..<count { details.append(try decoder.messageDetails()) }
            self = .details(details)
        case .body: self = .body(try decoder.bytes(maximum: MailLimits.bodyBytesPerQuery))
        }
    }
}
