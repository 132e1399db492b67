internal import MailModel
internal import NIOCore

/// What a client does next; mostly what makes sense, sometimes what has to be refused.
extension SimClient {
    func nextCommand(_ account: AccountModel) -> MailCommand {
        if let next = nextOfUpload() ?? repetition() { return next }
        let selectable = account.mailboxes.filter(\.isSelectable)
        guard let mailbox = random.pick(selectable) else { return deliver(message()) }
        let total = account.mailboxes.reduce(0) { $0 + $1.messages.count }
        let dice = total > 120 ? 300 + random.below(200) : random.below(1_000)
        let id = MailboxID(mailbox.id)
        switch dice {
        case ..<200: return deliver(message())
        case ..<300: return .append(message(), to: mailbox.name)
        case ..<420:
            let since: ModSeq? = random.below(4) == 0 ? ModSeq(mailbox.modSeq - min(mailbox.modSeq, 2)) : nil
            let operation = random.pick([FlagOperation.replace, .add, .remove]) ?? .add
            return .storeFlags(id, uids(mailbox), operation, flags(dice < 340), unchangedSince: since)
        case ..<500: return .expunge(id, random.below(3) == 0 ? uids(mailbox) : UIDSet(ranges: [1...(.max)]))
        case ..<560: return .storeFlags(id, uids(mailbox), .add, FlagNames(system: .deleted), unchangedSince: nil)
        case ..<640: return .copy(id, uids(mailbox), to: existingName(account))
        case ..<740: return .move(id, uids(mailbox), to: existingName(account))
        case ..<800: return .createMailbox(newName(), specialUse: nil)
        case ..<840: return .deleteMailbox(existingName(account))
        case ..<890:
            // The new name's place may be taken, and the old one may be a level of which only others' names tell.
            let from = random.below(4) == 0 ? newName() : existingName(account)
            return .renameMailbox(from: from, to: random.below(8) == 0 ? existingName(account) : newName())
        case ..<920:
            return .setSubscribed(random.below(2) == 0 ? newName() : existingName(account), random.below(2) == 0)
        case ..<945: return .storeFlags(id, uids(mailbox), .add, FlagNames(system: .seen), unchangedSince: nil)
        case ..<955: return .setQuota(bytes: random.below(3) == 0 ? account.usedBytes + 4_096 : 0)
        case ..<965: return .purgeExpunged(before: account.created, limit: 10)
        case ..<970: return .deleteAccount
        case ..<975: return .setAccountState(random.below(2) == 0 ? .active : .suspended)
        case ..<985: return beginUpload()
        default: return purge(account)
        }
    }

    private func purge(_ account: AccountModel) -> MailCommand {
        let before = Timestamp(milliseconds: 1_800_000_000_000 + Int64(random.below(120_000)))
        switch random.below(8) {
        case 5...:
            // Not those of the account as a whole: that is there.
            let contents = ContentsID(1 + UInt32(random.below(Int(account.nextMailboxID))))
            return .purgeRemnant(contents, limit: 1 + UInt32(random.below(8)))
        case ..<2: return .purgeExpunged(before: before, limit: 1_000)
        case ..<4: return .purgeUploads(before: before, from: AccountID(0), limit: 1_000)
        default: return .purgeDeliveries(before: before, limit: 1 + UInt32(random.below(8)))
        }
    }

    private func message() -> NewMessage {
        let size = 1 + Int(random.time(16...4_000))
        let id = BodyID(milliseconds: 1_800_000_000_000, random: random.next(), random.next())
        return NewMessage(
            bodyID: id,
            internalDate: InternalDate(seconds: 1_800_000_000, zoneMinutes: 60),
            flags: flags(false),
            sizeBytes: UInt64(size),
            summary: ByteBuffer(string: "summary"),
            body: .inline(SimBody.bytes(id, size))
        )
    }

    private func flags(_ some: Bool) -> FlagNames {
        let system = SystemFlags(rawValue: UInt8(random.below(32)))
        var keywords: [String] = []
        if random.below(30) == 0 {
            // A few of these are more than a mailbox has room for.
            keywords = (0..<250).map { _ in "$Tag\(random.below(900))" }
        } else if some || random.below(4) == 0 {
            keywords = [["$Work", "$WORK"][random.below(2)] + "\(random.below(6))"]
        }
        return FlagNames(system: some ? system : system.intersection([.seen, .flagged]), keywords: keywords)
    }

    private func uids(_ mailbox: AccountModel.Mailbox) -> UIDSet {
        guard let message = random.pick(mailbox.messages) else { return UIDSet([UID(1)]) }
        let upper = message.uid + UInt32(random.below(2) * random.below(6))
        return UIDSet(ranges: [message.uid...upper])
    }

    private func existingName(_ account: AccountModel) -> MailboxName {
        random.pick(account.mailboxes)?.name ?? .inbox
    }

    private func newName() -> MailboxName {
        let depth = 1 + random.below(3)
        let text = (0..<depth).map { _ in ["a", "b", "c", "d"][random.below(4)] }.joined(separator: "/")
        return (try? MailboxName(text)) ?? .inbox
    }

    // MARK: Large messages

    private func beginUpload() -> MailCommand {
        let size = MailLimits.bodyChunkBytes + 1 + random.below(MailLimits.bodyChunkBytes)
        var message = message()
        message.sizeBytes = UInt64(size)
        message.body = .uploaded(chunks: 2)
        if random.below(2) == 0 { return handOver(named(message)) }
        upload = Upload(message: message, bytes: size, next: 0)
        return nextOfUpload() ?? .append(message, to: .inbox)
    }

    /// The next chunk, or the message that they make.
    func nextOfUpload() -> MailCommand? {
        guard let upload else { return nil }
        let start = Int(upload.next) * MailLimits.bodyChunkBytes
        guard start < upload.bytes, !upload.isRefused else {
            self.upload = nil
            var message = upload.message
            // As gateways do: it cannot be stored so, but it may have been before.
            if upload.isRefused { message.body = .uploaded(chunks: upload.next) }
            return mail.map { .deliver(message, id: $0.id) } ?? .append(message, to: .inbox)
        }
        let body = SimBody.bytes(upload.message.bodyID, upload.bytes)
        let count = min(MailLimits.bodyChunkBytes, upload.bytes - start)
        guard let bytes = body.getSlice(at: body.readerIndex + start, length: count) else { return nil }
        self.upload?.next += 1
        return .uploadChunk(upload.message.bodyID, index: upload.next, bytes: bytes)
    }
}
