internal import MailModel
internal import NIOCore

/// Version byte that every row starts with.
let rowVersion: UInt8 = 1

extension WireDecoder {
    init(row: ByteBuffer, subject: String) throws(DecodingError) {
        self.init(row, subject: subject)
        let version: UInt8 = try integer()
        guard version == rowVersion else { throw failure(.unknownVersion(UInt64(version))) }
    }
}

/// Reads all that is in a row.
///
/// - Parameter subject: what the row is, for an error.
/// - Throws: ``MailModel/DecodingError``, also for what is left behind the value.
func decodeRow<Value>(
    _ row: ByteBuffer,
    as subject: String,
    _ read: (inout WireDecoder) throws(DecodingError) -> Value
) throws(DecodingError) -> Value {
    var decoder = try WireDecoder(row: row, subject: subject)
    let value = try read(&decoder)
    try decoder.finish()
    return value
}

func newRow(capacity: Int = 64) -> ByteBuffer {
    var row = ByteBufferAllocator().buffer(capacity: capacity)
    row.writeInteger(rowVersion)
    return row
}

extension AccountRecord {
    var row: ByteBuffer {
        var row = newRow(capacity: 256)
        row.writeInteger(id.rawValue)
        row.write(address)
        row.writeInteger(state.rawValue)
        row.write(credential)
        row.writeInteger(quotaBytes)
        row.writeInteger(usedBytes)
        row.writeInteger(usedMessages)
        row.writeInteger(created.rawValue)
        row.writeInteger(nextMailboxID)
        row.writeInteger(mailboxCount)
        row.writeInteger(subscriptionCount)
        row.writeInteger(uidValidityFloor)
        return row
    }

    init(row: ByteBuffer) throws(DecodingError) {
        var decoder = try WireDecoder(row: row, subject: "account row")
        let id = AccountID(try decoder.integer())
        let address = try decoder.address()
        let rawState: UInt8 = try decoder.integer()
        guard let state = AccountState(rawValue: rawState) else {
            throw decoder.failure(.unknownTag(UInt64(rawState)))
        }
        let credential = try decoder.credential()
        let quota: UInt64 = try decoder.integer()
        let usedBytes: UInt64 = try decoder.integer()
        let usedMessages: UInt64 = try decoder.integer()
        self.init(
            id: id,
            address: address,
            credential: credential,
            quotaBytes: quota,
            created: try decoder.timestamp()
        )
        self.state = state
        self.usedBytes = usedBytes
        self.usedMessages = usedMessages
        nextMailboxID = try decoder.integer()
        mailboxCount = try decoder.integer()
        subscriptionCount = try decoder.integer()
        uidValidityFloor = try decoder.integer()
        try decoder.finish()
    }
}

extension MailboxRecord {
    var row: ByteBuffer {
        var row = newRow(capacity: 256)
        row.writeInteger(id.rawValue)
        row.write(name)
        row.write(specialUse)
        row.writeInteger((subscribed ? 1 : 0) | (selectable ? 2 : 0), as: UInt8.self)
        row.writeInteger(uidValidity)
        row.writeInteger(uidNext.rawValue)
        row.writeInteger(highestModSeq.rawValue)
        row.writeInteger(flagsModSeq.rawValue)
        row.writeInteger(expungeModSeq.rawValue)
        row.writeInteger(contents.rawValue)
        row.writeInteger(emptiedModSeq.rawValue)
        row.writeInteger(emptiedBelow.rawValue)
        row.writeInteger(messages)
        row.writeInteger(unseen)
        row.writeInteger(deleted)
        row.writeInteger(sizeBytes)
        row.writeInteger(recentFrom.rawValue)
        return row
    }

    init(row: ByteBuffer) throws(DecodingError) {
        var decoder = try WireDecoder(row: row, subject: "mailbox row")
        let id = try decoder.mailboxID()
        let name = try decoder.mailboxName()
        let use = try decoder.specialUse()
        let bits: UInt8 = try decoder.integer()
        self.init(id: id, name: name, specialUse: use, uidValidity: try decoder.integer())
        subscribed = bits & 1 != 0
        selectable = bits & 2 != 0
        uidNext = try decoder.uid()
        highestModSeq = try decoder.modSeq()
        flagsModSeq = try decoder.modSeq()
        expungeModSeq = try decoder.modSeq()
        contents = ContentsID(try decoder.integer())
        emptiedModSeq = try decoder.modSeq()
        emptiedBelow = try decoder.uid()
        messages = try decoder.integer()
        unseen = try decoder.integer()
        deleted = try decoder.integer()
        sizeBytes = try decoder.integer()
        recentFrom = try decoder.uid()
        guard recentFrom <= uidNext, emptiedBelow <= uidNext, uidNext > UID(0) else {
            throw decoder.failure(.outOfRange)
        }
        try decoder.finish()
    }
}

/// The immutable row of a message in a mailbox.
struct MessageRow {
    var bodyID: BodyID
    var sizeBytes: UInt64
    var internalDate: InternalDate
    var saved: Timestamp
    var summary: ByteBuffer

    var row: ByteBuffer {
        var row = newRow(capacity: 64 + summary.readableBytes)
        write(into: &row)
        return row
    }

    func write(into row: inout ByteBuffer) {
        row.write(bodyID)
        row.writeInteger(sizeBytes)
        row.write(internalDate)
        row.writeInteger(saved.rawValue)
        row.writeLengthPrefixed(summary)
    }

    init(bodyID: BodyID, sizeBytes: UInt64, internalDate: InternalDate, saved: Timestamp, summary: ByteBuffer) {
        self.bodyID = bodyID
        self.sizeBytes = sizeBytes
        self.internalDate = internalDate
        self.saved = saved
        self.summary = summary
    }

    init(row: ByteBuffer) throws(DecodingError) {
        var decoder = try WireDecoder(row: row, subject: "message row")
        try self.init(from: &decoder)
        try decoder.finish()
    }

    init(from decoder: inout WireDecoder) throws(DecodingError) {
        bodyID = try decoder.bodyID()
        sizeBytes = try decoder.integer()
        internalDate = try decoder.internalDate()
        saved = try decoder.timestamp()
        summary = try decoder.bytes(maximum: MailLimits.summaryBytes)
    }
}

/// Flags and MODSEQ of a message: 18 bytes, so that a scan of a whole mailbox is short. Behind them stand eight more
/// for each 64 keywords from number 64 on.
struct FlagsRow {
    var flags: MessageFlags
    var modSeq: ModSeq

    var row: ByteBuffer {
        var row = newRow(capacity: Self.bytes + 8 * flags.keywords.high.count)
        row.writeInteger(flags.system.rawValue)
        row.writeInteger(flags.keywords.low)
        row.writeInteger(modSeq.rawValue)
        for word in flags.keywords.high { row.writeInteger(word) }
        return row
    }

    init(flags: MessageFlags, modSeq: ModSeq) {
        self.flags = flags
        self.modSeq = modSeq
    }

    private static let bytes = 18

    /// Reads the row straight from a scan, without a buffer.
    init(span: Span<UInt8>) throws(DecodingError) {
        let words = (span.count - Self.bytes) / 8
        guard span.count >= Self.bytes, span.count == Self.bytes + 8 * words else {
            throw DecodingError(.truncated, offset: span.count, subject: "flags row")
        }
        guard words <= KeywordSet.maximumHighWords else {
            throw DecodingError(.tooLong, offset: span.count, subject: "flags row")
        }
        guard span[0] == rowVersion else {
            throw DecodingError(.unknownVersion(UInt64(span[0])), offset: 0, subject: "flags row")
        }
        guard let system = SystemFlags(exactly: span[1]) else {
            throw DecodingError(.outOfRange, offset: 1, subject: "flags row")
        }
        var high: [UInt64] = []
        for word in 0..<words { high.append(try Key.integer(span, at: Self.bytes + 8 * word, as: UInt64.self)) }
        guard high.last != 0 else {
            throw DecodingError(.outOfRange, offset: span.count, subject: "flags row")
        }
        flags = MessageFlags(
            system: system,
            keywords: KeywordSet(low: try Key.integer(span, at: 2, as: UInt64.self), high: high)
        )
        modSeq = ModSeq(try Key.integer(span, at: 10, as: UInt64.self))
    }
}

/// How many rows refer to a body, and what its bytes must be.
struct BodyRow {
    var references: UInt32
    var sizeBytes: UInt64
    var chunks: UInt32
    var checksum: UInt64

    var row: ByteBuffer {
        var row = newRow(capacity: 32)
        row.writeInteger(references)
        row.writeInteger(sizeBytes)
        row.writeInteger(chunks)
        row.writeInteger(checksum)
        return row
    }

    init(references: UInt32, sizeBytes: UInt64, chunks: UInt32, checksum: UInt64) {
        self.references = references
        self.sizeBytes = sizeBytes
        self.chunks = chunks
        self.checksum = checksum
    }

    init(row: ByteBuffer) throws(DecodingError) {
        var decoder = try WireDecoder(row: row, subject: "body row")
        references = try decoder.integer()
        sizeBytes = try decoder.integer()
        chunks = try decoder.integer()
        checksum = try decoder.integer()
        // All chunks but the last are full: a false count must not lead to a search for millions of chunks.
        let most = UInt64(chunks) * UInt64(MailLimits.bodyChunkBytes)
        guard chunks > 0, sizeBytes <= most, most - sizeBytes <= MailLimits.bodyChunkBytes else {
            throw decoder.failure(.outOfRange)
        }
        try decoder.finish()
    }
}
