internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

extension MailApplier {
    func deliver(_ context: Context, message: NewMessage, id: DeliveryID?) throws -> MailOutcome {
        let id = Mutant.isOn(.deliveriesForgotten) ? nil : id
        if let id, let row = try lookUp(deliveryKey(context, id)) {
            try discardUpload(context, message.bodyID)
            return try DeliveryRow.outcome(row)
        }
        guard let inbox = try mailboxID(context, .inbox) else { throw Refusal.noSuchAccount }
        let outcome = try addMessage(context, message, to: inbox)
        if let id {
            let row = DeliveryRow.row(at: context.timestamp, outcome)
            putLookedUp(context, deliveryKey(context, id), row: row, replacing: nil)
            putByTime(context, in: .deliveriesByTime, key: deliveryByTimeKey(context, at: context.timestamp, id: id))
        }
        return outcome
    }

    func appendMessage(_ context: Context, _ message: NewMessage, to name: MailboxName) throws -> MailOutcome {
        guard let id = try mailboxID(context, name) else { throw Refusal.noSuchMailbox }
        return try addMessage(context, message, to: id)
    }

    private func addMessage(_ context: Context, _ message: NewMessage, to id: MailboxID) throws -> MailOutcome {
        var owner = try account(context)
        var record = try selectable(context, id)
        guard owner.hasRoom(for: message.sizeBytes) else { throw Refusal.overQuota }
        guard record.uidNext.rawValue < .max else { throw Refusal.uidsExhausted }
        let names = message.flags.keywords
        var table = names.isEmpty ? nil : try keywordTable(context, record.contents)
        // Keywords that the mailbox has no room for are left out: the message matters more.
        let keywords = KeywordSet((table?.take(names) ?? []).compactMap { $0 })
        try storeBody(context, message)

        let uid = record.uidNext
        let modSeq = record.highestModSeq.next
        let row = MessageRow(
            bodyID: message.bodyID,
            sizeBytes: message.sizeBytes,
            internalDate: message.internalDate,
            saved: context.timestamp,
            summary: message.summary
        )
        put(context, Key(context.group, .messages, context.account, record.contents, uid), row: row.row)
        let flags = FlagsRow(flags: MessageFlags(system: message.flags.system, keywords: keywords), modSeq: modSeq)
        put(context, Key(context.group, .flags, context.account, record.contents, uid), row: flags.row)
        record.uidNext = UID(uid.rawValue + 1)
        record.highestModSeq = modSeq
        try table?.count(keywords, adding: true)
        if let table { try setKeywords(context, table, of: record.contents) }
        try record.countMessage(flags.flags, bytes: message.sizeBytes, adding: true)
        setMailbox(context, record)
        try owner.countMessages(1, bytes: message.sizeBytes, adding: true)
        setAccount(context, owner)
        return .appended(id, uidValidity: record.uidValidity, uid: uid)
    }

    // MARK: Bodies

    /// Stores the body or takes over what was uploaded, with one reference.
    private func storeBody(_ context: Context, _ message: NewMessage) throws {
        let key = Key(context.group, .bodies, context.account, message.bodyID)
        switch message.body {
        case .inline(let bytes):
            var hash = RowHash()
            hash.combine(bytes.readableBytesUInt8Span)
            let row = BodyRow(
                references: 1,
                sizeBytes: UInt64(bytes.readableBytes),
                chunks: 1,
                checksum: hash.finish()
            )
            if Mutant.isOn(.bodiesApart) {
                bodiesApart.append((chunkKey(context, of: message.bodyID, index: 0).bytes, [bytes]))
            } else {
                batch.put(
                    chunkKey(context, of: message.bodyID, index: 0).bytes,
                    prefix: ChunkHeader.plain,
                    pieces: [bytes]
                )
            }
            putLookedUp(context, key, row: row.row, replacing: nil)
        case .uploaded(let chunks):
            let uploadKey = Key(context.group, .uploads, context.account, message.bodyID)
            guard let row = try lookUp(uploadKey) else { throw Refusal.uploadMissing }
            let upload = try BodyRow(row: row)
            guard upload.chunks == chunks, upload.sizeBytes == message.sizeBytes else { throw Refusal.uploadMissing }
            deleteLookedUp(context, uploadKey, old: row)
            var body = upload
            body.references = 1
            putLookedUp(context, key, row: body.row, replacing: nil)
        }
    }

    func chunkKey(_ context: Context, of body: BodyID, index: UInt32) -> Key {
        Key(context.group, .chunks, context.account, body).appending(index)
    }

    /// Takes the next chunk of an upload; chunks come in order. All but the last have the full chunk size.
    func uploadChunk(
        _ context: Context,
        of body: BodyID,
        index: UInt32,
        bytes: ByteBuffer
    ) throws -> MailOutcome {
        let owner = try account(context)
        let key = Key(context.group, .uploads, context.account, body)
        let old = try lookUp(key)
        var upload =
            try old.map { try BodyRow(row: $0) } ?? BodyRow(references: 0, sizeBytes: 0, chunks: 0, checksum: 0)
        guard upload.chunks == index, upload.sizeBytes == UInt64(index) * UInt64(MailLimits.bodyChunkBytes) else {
            throw Refusal.uploadMissing
        }
        let size = try upload.sizeBytes.counted(up: UInt64(bytes.readableBytes), "upload row")
        guard owner.hasRoom(for: size) else { throw Refusal.overQuota }
        var hash = RowHash()
        hash.combine(upload.checksum)
        hash.combine(bytes.readableBytesUInt8Span)
        upload.checksum = hash.finish()
        upload.sizeBytes = size
        upload.chunks = try upload.chunks.counted(up: 1, "upload row")
        batch.put(chunkKey(context, of: body, index: index).bytes, prefix: ChunkHeader.plain, pieces: [bytes])
        putLookedUp(context, key, row: upload.row, replacing: old)
        return .done
    }

    /// Removes the chunks of an upload, if there are any.
    func discardUpload(_ context: Context, _ body: BodyID) throws {
        let key = Key(context.group, .uploads, context.account, body)
        guard let row = try lookUp(key) else { return }
        removeChunks(context, of: body, count: try BodyRow(row: row).chunks)
        deleteLookedUp(context, key, old: row)
    }

    /// Removes the bytes of a body: singly, since every range that is removed costs all reads that follow, until the
    /// store has been flushed.
    func removeChunks(_ context: Context, of body: BodyID, count chunks: UInt32) {
        guard chunks > MailLimits.chunksRemovedSingly else {
            for index in 0..<chunks { batch.delete(chunkKey(context, of: body, index: index).bytes) }
            return
        }
        let prefix = Key(context.group, .chunks, context.account, body)
        batch.deleteRange(prefix.bytes, prefix.end)
    }

    // MARK: Deliveries

    private func deliveryKey(_ context: Context, _ id: DeliveryID) -> Key {
        Key(context.group, .deliveries, context.account).appending(id.high).appending(id.low)
    }

    func deliveryByTimeKey(_ context: Context, at time: Timestamp, id: DeliveryID) -> Key {
        var key = Key(context.group, .deliveriesByTime)
        key.append(time)
        key.append(context.account.rawValue)
        key.append(id.high)
        key.append(id.low)
        return key
    }

    func claimRecent(_ context: Context, _ id: MailboxID) throws -> MailOutcome {
        var record = try selectable(context, id)
        let from = record.recentFrom
        record.recentFrom = record.uidNext
        setMailbox(context, record)
        return .recentClaimed(from: from, upTo: record.uidNext)
    }
}

enum DeliveryRow {
    static func row(at time: Timestamp, _ outcome: MailOutcome) -> ByteBuffer {
        var row = newRow(capacity: 32)
        row.writeInteger(time.rawValue)
        outcome.encode(into: &row)
        return row
    }

    static func outcome(_ row: ByteBuffer) throws(DecodingError) -> MailOutcome {
        var decoder = try WireDecoder(row: row, subject: "delivery row")
        _ = try decoder.timestamp()
        return try MailOutcome(from: &decoder)
    }

    static func id(_ key: Span<UInt8>) throws(DecodingError) -> DeliveryID {
        guard key.count == Key.afterAccount + 16 else {
            throw DecodingError(.truncated, offset: key.count, subject: "delivery key")
        }
        return DeliveryID(
            high: try Key.integer(key, at: Key.afterAccount, as: UInt64.self),
            low: try Key.integer(key, at: Key.afterAccount + 8, as: UInt64.self)
        )
    }
}

extension FixedWidthInteger where Self: UnsignedInteger {
    /// A counter of a row, so much higher. One that the disk has spoiled must not trap: the row counts as unreadable.
    func counted(up amount: Self, _ subject: String) throws(DecodingError) -> Self {
        let (sum, overflows) = addingReportingOverflow(amount)
        guard !overflows else { throw DecodingError(.outOfRange, offset: 0, subject: subject) }
        return sum
    }

    /// A counter of a row, so much lower; see ``counted(up:_:)``.
    func counted(down amount: Self, _ subject: String) throws(DecodingError) -> Self {
        guard self >= amount else { throw DecodingError(.outOfRange, offset: 0, subject: subject) }
        return self - amount
    }

    mutating func count(_ amount: Self, adding: Bool, _ subject: String) throws(DecodingError) {
        self = adding ? try counted(up: amount, subject) : try counted(down: amount, subject)
    }
}

extension MailboxRecord {
    /// Counts a message that comes or goes.
    mutating func countMessage(_ flags: MessageFlags, bytes sizeBytes: UInt64, adding: Bool) throws(DecodingError) {
        try messages.count(1, adding: adding, "mailbox row")
        if !flags.system.contains(.seen) { try unseen.count(1, adding: adding, "mailbox row") }
        if flags.system.contains(.deleted) { try deleted.count(1, adding: adding, "mailbox row") }
        try self.sizeBytes.count(sizeBytes, adding: adding, "mailbox row")
    }
}

extension AccountRecord {
    /// Counts messages that come or go.
    mutating func countMessages(_ messages: UInt64, bytes sizeBytes: UInt64, adding: Bool) throws(DecodingError) {
        try usedMessages.count(messages, adding: adding, "account row")
        try usedBytes.count(sizeBytes, adding: adding, "account row")
    }

    /// Whether the quota lets so many bytes more in.
    func hasRoom(for sizeBytes: UInt64) -> Bool {
        guard quotaBytes > 0 else { return true }
        let (sum, overflows) = usedBytes.addingReportingOverflow(sizeBytes)
        return !overflows && sum <= quotaBytes
    }
}
