internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOCore

/// Compares what a replica holds of an account with what it should hold.
struct StateCheck {
    let reader: MailReader
    let group: GroupID
    /// What came by LMTP; nil where bodies are not compared.
    var mail: MailLedger?

    /// - Returns: the first difference, or nil.
    func compare(_ id: AccountID, with model: AccountModel?, includingBodies: Bool) throws -> String? {
        guard let model else {
            return try reader.answer(.account, of: id, in: group) == .missing ? nil : "a deleted account is there"
        }
        let account = try reader.answer(.account, of: id, in: group)
        guard account == .account(model.record) else { return "\(account), should be \(model.record)" }
        let mailboxes = try reader.answer(.mailboxes, of: id, in: group)
        let records = model.mailboxes.map { mailbox in
            var record = mailbox.record
            record.keywords = []
            return record
        }.sorted { $0.name < $1.name }
        guard mailboxes == .mailboxes(records) else {
            guard case .mailboxes(let found) = mailboxes else { return "\(mailboxes), should be \(records)" }
            return "\(found.filter { !records.contains($0) }), should be \(records.filter { !found.contains($0) })"
        }
        for mailbox in model.mailboxes {
            if let difference = try compareMailbox(mailbox, of: id, includingBodies) { return difference }
        }
        return nil
    }

    private func compareMailbox(
        _ mailbox: AccountModel.Mailbox,
        of id: AccountID,
        _ includingBodies: Bool
    ) throws -> String? {
        let query = MailQuery.messages(MailboxID(mailbox.id), fromUID: UID(1), limit: .max)
        let answer = try reader.answer(query, of: id, in: group)
        let states = mailbox.messages.map {
            MessageState(uid: UID($0.uid), flags: $0.flags, modSeq: ModSeq($0.modSeq))
        }
        guard answer == .messages(mailbox.record, states) else {
            return "\(answer), should be \(mailbox.record) \(states)"
        }
        let uids = UIDSet(mailbox.messages.map { UID($0.uid) })
        guard case .details(let details) = try reader.answer(.details(MailboxID(mailbox.id), uids), of: id, in: group),
            details.map(\.bodyID) == mailbox.messages.map(\.body),
            details.map(\.sizeBytes) == mailbox.messages.map(\.sizeBytes)
        else { return "mailbox \(mailbox.name): messages are not those that were put there" }
        guard includingBodies else { return nil }
        for message in mailbox.messages {
            let bytes = try body(message, of: id)
            let isRight =
                mail?.isCopy(bytes, message.body) ?? (bytes == SimBody.bytes(message.body, Int(message.sizeBytes)))
            guard isRight else {
                return "mailbox \(mailbox.name), UID \(message.uid): the bytes are not those that were put there"
            }
        }
        return nil
    }

    private func body(_ message: AccountModel.Message, of id: AccountID) throws -> ByteBuffer {
        var bytes = ByteBuffer()
        while bytes.readableBytes < Int(message.sizeBytes) {
            let query = MailQuery.body(message.body, offset: UInt64(bytes.readableBytes), maximumBytes: .max)
            guard case .body(var piece) = try reader.answer(query, of: id, in: group), piece.readableBytes > 0 else {
                return bytes
            }
            bytes.writeBuffer(&piece)
        }
        return bytes
    }
}

/// Bodies are made from their names, so that their bytes need not be kept to be compared: from the second half, so that
/// a message that comes again has the same bytes under another name.
enum SimBody {
    static func bytes(_ id: BodyID, _ count: Int) -> ByteBuffer {
        var random = SimRandom(seed: id.low)
        let words = (count + 7) / 8
        var bytes = ByteBuffer()
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: 8 * words) { space in
            for word in 0..<words {
                space.storeBytes(of: random.next().bigEndian, toByteOffset: 8 * word, as: UInt64.self)
            }
            return count
        }
        return bytes
    }
}
