internal import MailModel

/// Messages with the largest summaries.
struct SummaryCosts {
    let rig: ApplyRig

    func run() throws {
        let anna = try rig.createAccount("anna")
        let target = try name("target")
        try rig.apply(.createMailbox(target, specialUse: nil), of: anna)
        let bytes = MailLimits.summaryBytes
        let count = 1_400
        try rig.append(count, to: .inbox, of: anna, summaryBytes: bytes)
        let inbox = try rig.mailbox(.inbox, of: anna).id
        try rig.settle()
        try rig.measure("deliver, the largest summary and body", 100) { number in
            let message = rig.message(summaryBytes: bytes, sizeBytes: MailLimits.bodyChunkBytes)
            return (anna, .deliver(message, id: DeliveryID(high: 1, low: UInt64(number))))
        }
        try rig.measure("APPEND, the largest summary and body", 100) { _ in
            (anna, .append(rig.message(summaryBytes: bytes, sizeBytes: MailLimits.bodyChunkBytes), to: .inbox))
        }
        try measurePieces("COPY", MailLimits.messagesPerCopy, in: 1...300) { uids in
            (anna, .copy(inbox, uids, to: target))
        }
        for piece in 0..<2 {
            let set = row(piece, of: MailLimits.messagesPerStore)
            try rig.apply(store(in: inbox, uids: set, operation: .add, keywords: [], system: .deleted), of: anna)
        }
        try measurePieces("EXPUNGE", MailLimits.messagesPerExpunge, in: 1...600) { uids in
            (anna, .expunge(inbox, uids))
        }
        try measurePieces("MOVE", MailLimits.messagesPerMove, in: 601...900) { uids in
            (anna, .move(inbox, uids, to: target))
        }
        rig.time = Timestamp(milliseconds: rig.time.rawValue + MailLimits.expungedRetentionMilliseconds + 1)
        try rig.settle()
        try rig.measureHousekeeping("purge of expunged messages, the largest summaries") { due in
            if case .purgeExpunged = due { true } else { false }
        }
        try rig.apply(.deleteMailbox(target), of: anna)
        rig.time = Timestamp(milliseconds: rig.time.rawValue + MailLimits.expungedRetentionMilliseconds + 1)
        try rig.settle()
        try rig.measureHousekeeping("purge of a deleted mailbox, the largest summaries") { due in
            if case .purgeRemnant = due { true } else { false }
        }
        try rig.apply(.deleteAccount, of: anna)
        try rig.settle()
        try rig.measureHousekeeping("purge of a deleted account, the largest summaries") { due in
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
        try rig.measure("\(verb), the largest summaries, \(count), refused", 30, refusal: .tooManyMessages) { _ in
            command(row(0, of: count, from: uids.lowerBound))
        }
        var taken = count
        while taken > 1, taken * (MailLimits.summaryBytes + 64) > MailLimits.messageRowBytesPerCommand { taken /= 2 }
        try rig.measure("\(verb), the largest summaries, \(taken)", min(60, uids.count / taken)) { number in
            command(row(number, of: taken, from: uids.lowerBound))
        }
    }
}
