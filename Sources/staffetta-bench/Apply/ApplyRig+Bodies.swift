internal import MailModel
internal import NIOCore

/// Large summaries and large bodies.
extension ApplyRig {
    func measureSummaries() throws {
        let anna = try createAccount("anna")
        let target = try name("target")
        try apply(.createMailbox(target, specialUse: nil), of: anna)
        let bytes = MailLimits.summaryBytes
        let count = 1_400
        try append(count, to: .inbox, of: anna, summaryBytes: bytes)
        let inbox = try mailbox(.inbox, of: anna).id
        try settle()
        try measure("deliver, the largest summary and body", 100) { number in
            let message = message(summaryBytes: bytes, sizeBytes: MailLimits.bodyChunkBytes)
            return (anna, .deliver(message, id: DeliveryID(high: 1, low: UInt64(number))))
        }
        try measure("APPEND, the largest summary and body", 100) { _ in
            (anna, .append(message(summaryBytes: bytes, sizeBytes: MailLimits.bodyChunkBytes), to: .inbox))
        }
        let copied = try measurePieces("COPY", MailLimits.messagesPerCopy, first: 1, pieces: 3) { uids in
            (anna, .copy(inbox, uids, to: target))
        }
        try apply(store(inbox, row(0, of: 900), .add, [], .deleted), of: anna)
        let expunged = try measurePieces("EXPUNGE", MailLimits.messagesPerExpunge, first: 1, pieces: 2) { uids in
            (anna, .expunge(inbox, uids))
        }
        let moved = try measurePieces("MOVE", MailLimits.messagesPerMove, first: 901, pieces: 2) { uids in
            (anna, .move(inbox, uids, to: target))
        }
        precondition(copied > 0 && expunged > 0 && moved > 0, "some pieces are taken")
        time = Timestamp(milliseconds: time.rawValue + MailLimits.expungedRetentionMilliseconds + 1)
        try settle()
        try measureHousekeeping("purge of expunged messages, the largest summaries") { due in
            if case .purgeExpunged = due { true } else { false }
        }
        try apply(.deleteMailbox(target), of: anna)
        time = Timestamp(milliseconds: time.rawValue + MailLimits.expungedRetentionMilliseconds + 1)
        try settle()
        try measureHousekeeping("purge of a deleted mailbox, the largest summaries") { due in
            if case .purgeRemnant = due { true } else { false }
        }
        try apply(.deleteAccount, of: anna)
        try settle()
        try measureHousekeeping("purge of a deleted account, the largest summaries") { due in
            if case .purgeRemnant = due { true } else { false }
        }
    }

    /// The largest pieces, as sessions send them.
    private func measurePieces(
        _ verb: String,
        _ count: Int,
        first: UInt32,
        pieces: Int,
        _ command: (UIDSet) -> (AccountID, MailCommand)
    ) throws -> Int {
        try measure("\(verb), the largest summaries, \(count)", pieces) { number in
            command(row(number, of: count, from: first))
        }
        return count
    }

    // MARK: Bodies

    func measureBodies() throws {
        let anna = try createAccount("anna")
        let chunk = MailLimits.bodyChunkBytes
        let large = 50_000_000
        let bytes = ByteBuffer(repeating: 0x63, count: chunk)
        var body = bodyID()
        try measure("upload chunk", 400) { number in
            let index = number % 200
            if index == 0 { body = bodyID() }
            return (anna, .uploadChunk(body, index: UInt32(index), bytes: bytes))
        }
        try measure("APPEND of an upload of 50 MB", 6) { _ in
            let body = try upload(large, of: anna)
            return (anna, .append(message(sizeBytes: large, uploaded: body), to: .inbox))
        }
        try apply(.deliver(message(), id: DeliveryID(high: 1, low: 1)), of: anna)
        try measure("deliver again, an upload of 50 MB goes", 8) { _ in
            let body = try upload(large, of: anna)
            let message = message(sizeBytes: large, uploaded: body)
            return (anna, .deliver(message, id: DeliveryID(high: 1, low: 1)))
        }
        time = Timestamp(milliseconds: time.rawValue + 2)
        try settle()
        let few = 4 * chunk + 1
        for _ in 0..<1_000 { _ = try upload(few, of: anna) }
        time = Timestamp(milliseconds: time.rawValue + MailLimits.uploadRetentionMilliseconds + 1)
        try settle()
        try measureHousekeeping("purge of uploads of 5 chunks") { due in
            if case .purgeUploads = due { true } else { false }
        }
        let inbox = try mailbox(.inbox, of: anna).id
        for _ in 0..<1_000 {
            let message = message(sizeBytes: few, uploaded: try upload(few, of: anna))
            try apply(.append(message, to: .inbox), of: anna)
        }
        for piece in 0..<5 { try apply(.remove(inbox, row(piece, of: 250)), of: anna) }
        time = Timestamp(milliseconds: time.rawValue + MailLimits.expungedRetentionMilliseconds + 1)
        try settle()
        try measureHousekeeping("purge of expunged messages of 5 chunks, and some of 50 MB") { due in
            if case .purgeExpunged = due { true } else { false }
        }
        for _ in 0..<1_000 {
            let message = message(sizeBytes: few, uploaded: try upload(few, of: anna))
            try apply(.append(message, to: .inbox), of: anna)
        }
        try apply(.deleteAccount, of: anna)
        try settle()
        try measureHousekeeping("purge of a deleted account, messages of 5 chunks") { due in
            if case .purgeRemnant = due { true } else { false }
        }
    }
}
