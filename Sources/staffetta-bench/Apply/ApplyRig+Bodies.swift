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
        try measurePieces("COPY", MailLimits.messagesPerCopy, in: 1...300) { uids in
            (anna, .copy(inbox, uids, to: target))
        }
        for piece in 0..<2 {
            let set = row(piece, of: MailLimits.messagesPerStore)
            try apply(store(in: inbox, uids: set, operation: .add, keywords: [], system: .deleted), of: anna)
        }
        try measurePieces("EXPUNGE", MailLimits.messagesPerExpunge, in: 1...600) { uids in
            (anna, .expunge(inbox, uids))
        }
        try measurePieces("MOVE", MailLimits.messagesPerMove, in: 601...900) { uids in
            (anna, .move(inbox, uids, to: target))
        }
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

    /// What sessions send: the largest piece, which is refused, and halves of it until they are taken.
    private func measurePieces(
        _ verb: String,
        _ count: Int,
        in uids: ClosedRange<UInt32>,
        _ command: (UIDSet) -> (AccountID, MailCommand)
    ) throws {
        try measure("\(verb), the largest summaries, \(count), refused", 30, refusal: .tooManyMessages) { _ in
            command(row(0, of: count, from: uids.lowerBound))
        }
        var taken = count
        while taken > 1, taken * (MailLimits.summaryBytes + 64) > MailLimits.messageRowBytesPerCommand { taken /= 2 }
        try measure("\(verb), the largest summaries, \(taken)", min(60, uids.count / taken)) { number in
            command(row(number, of: taken, from: uids.lowerBound))
        }
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
        for piece in 0..<1_000 / MailLimits.messagesPerExpunge {
            try apply(.remove(inbox, row(piece, of: MailLimits.messagesPerExpunge)), of: anna)
        }
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
