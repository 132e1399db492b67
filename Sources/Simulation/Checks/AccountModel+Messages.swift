internal import MailModel

/// Changes of messages.
extension AccountModel {
    private func selectable(_ id: MailboxID) throws(Refusal) -> Int {
        guard let position = position(id), mailboxes[position].isSelectable else { throw .noSuchMailbox }
        return position
    }

    /// One command has a limit of messages that there are, and of places where they may be: UIDs of a run of more than
    /// eight are not looked up one by one.
    private func checkCount(_ uids: UIDSet, in position: Int, limit: Int) throws(Refusal) {
        let places = uids.ranges.reduce(0) { $0 + ($1.count > 8 ? 1 : $1.count) }
        guard places <= limit, mailboxes[position].positions(uids).count <= limit else { throw .tooManyMessages }
    }

    mutating func add(_ message: NewMessage, to name: MailboxName) throws(Refusal) -> MailOutcome {
        guard let position = position(named: name), mailboxes[position].isSelectable else { throw .noSuchMailbox }
        guard quotaBytes == 0 || usedBytes + message.sizeBytes <= quotaBytes else { throw .overQuota }
        if case .uploaded(let chunks) = message.body {
            guard let upload = uploads[message.bodyID], upload.chunks == chunks, upload.sizeBytes == message.sizeBytes
            else { throw .uploadMissing }
            uploads[message.bodyID] = nil
        }
        let numbers = mailboxes[position].numbers(message.flags.keywords).compactMap { $0 }
        let flags = MessageFlags(system: message.flags.system, keywords: KeywordSet(numbers))
        let uid = mailboxes[position].appendMessage(
            flags: flags,
            body: message.bodyID,
            sizeBytes: message.sizeBytes,
            modSeq: mailboxes[position].modSeq + 1
        )
        mailboxes[position].modSeq += 1
        return .appended(
            MailboxID(mailboxes[position].id),
            uidValidity: mailboxes[position].uidValidity,
            uid: UID(uid)
        )
    }

    /// How a delivery of that name ended, if one was carried out that is not forgotten.
    func outcome(of id: DeliveryID) -> MailOutcome? { deliveries.first { $0.id == id }?.outcome }

    mutating func deliver(_ message: NewMessage, id: DeliveryID?, at time: Timestamp) throws(Refusal) -> MailOutcome {
        if let id, let earlier = outcome(of: id) {
            uploads[message.bodyID] = nil
            return earlier
        }
        let outcome = try add(message, to: .inbox)
        if let id { deliveries.append(Delivery(id: id, time: time.rawValue, outcome: outcome)) }
        return outcome
    }

    mutating func uploadChunk(of body: BodyID, index: UInt32, bytes: Int) throws(Refusal) -> MailOutcome {
        var upload = uploads[body] ?? Upload()
        guard upload.chunks == index, upload.sizeBytes == UInt64(index) * UInt64(MailLimits.bodyChunkBytes) else {
            throw .uploadMissing
        }
        upload.chunks += 1
        upload.sizeBytes += UInt64(bytes)
        guard quotaBytes == 0 || usedBytes + upload.sizeBytes <= quotaBytes else { throw .overQuota }
        uploads[body] = upload
        return .done
    }

    mutating func storeFlags(
        in id: MailboxID,
        of uids: UIDSet,
        operation: FlagOperation,
        names: FlagNames,
        unchangedSince: ModSeq?
    ) throws(Refusal) -> MailOutcome {
        let position = try selectable(id)
        try checkCount(uids, in: position, limit: MailLimits.messagesPerStore)
        var mailbox = mailboxes[position]
        let positions = mailbox.positions(uids)
        var numbers: [Int?] = []
        if operation == .remove {
            numbers = names.keywords.compactMap(mailbox.number)
        } else if !positions.isEmpty {
            numbers = mailbox.numbers(names.keywords)
        }
        let keywords = KeywordSet(numbers.compactMap { $0 })
        let modSeq = mailbox.modSeq + 1
        var changed = UIDSet()
        var modified = UIDSet()
        for index in positions {
            let message = mailbox.messages[index]
            if let unchangedSince, message.modSeq > unchangedSince.rawValue {
                modified.append(UID(message.uid))
                continue
            }
            var flags = message.flags
            switch operation {
            case .replace: flags = MessageFlags(system: names.system, keywords: keywords)
            case .add:
                flags.system.formUnion(names.system)
                flags.keywords.formUnion(keywords)
            case .remove:
                flags.system.subtract(names.system)
                flags.keywords.subtract(keywords)
            }
            guard flags != message.flags else { continue }
            mailbox.messages[index].flags = flags
            mailbox.messages[index].modSeq = modSeq
            changed.append(UID(message.uid))
        }
        if !changed.isEmpty {
            mailbox.modSeq = modSeq
            mailbox.flagsModSeq = modSeq
            let seen = changed.uids.reduce(0) { max($0, $1.rawValue + 1) }
            mailbox.recentFrom = min(max(mailbox.recentFrom, seen), mailbox.uidNext)
            mailbox.forgetUnusedKeywords()
            mailboxes[position] = mailbox
        }
        return .flagsStored(
            modSeq: ModSeq(mailboxes[position].modSeq),
            changed: changed,
            modified: modified,
            surplus: UInt32(numbers.count { $0 == nil })
        )
    }

    mutating func expunge(_ id: MailboxID, _ uids: UIDSet, onlyDeleted: Bool) throws(Refusal) -> MailOutcome {
        let position = try selectable(id)
        try checkCount(uids, in: position, limit: MailLimits.messagesPerExpunge)
        let removed = removeMessages(at: position) {
            (!onlyDeleted || $0.flags.system.contains(.deleted)) && uids.contains(UID($0.uid))
        }
        return .expunged(removed, modSeq: ModSeq(mailboxes[position].modSeq))
    }

    mutating func removeMessages(at position: Int, where isGone: (Message) -> Bool) -> UIDSet {
        let removed = mailboxes[position].messages.filter(isGone).map { UID($0.uid) }
        guard !removed.isEmpty else { return UIDSet() }
        mailboxes[position].messages.removeAll(where: isGone)
        mailboxes[position].forgetUnusedKeywords()
        mailboxes[position].modSeq += 1
        mailboxes[position].expungeModSeq = mailboxes[position].modSeq
        return UIDSet(removed)
    }

    mutating func transfer(
        _ id: MailboxID,
        _ uids: UIDSet,
        to name: MailboxName,
        removing: Bool
    ) throws(Refusal) -> MailOutcome {
        let source = try selectable(id)
        guard let target = position(named: name), mailboxes[target].isSelectable else { throw .noSuchMailbox }
        let limit = removing ? MailLimits.messagesPerMove : MailLimits.messagesPerCopy
        try checkCount(uids, in: source, limit: limit)
        let added = mailboxes[source].positions(uids).reduce(0) { $0 + mailboxes[source].messages[$1].sizeBytes }
        guard removing || quotaBytes == 0 || usedBytes + added <= quotaBytes else { throw .overQuota }
        return transferMessages(uids, from: source, to: target, removing: removing)
    }

    private mutating func transferMessages(_ uids: UIDSet, from source: Int, to target: Int, removing: Bool)
        -> MailOutcome
    {
        let messages = mailboxes[source].positions(uids).map { mailboxes[source].messages[$0] }
        let names = mailboxes[source].keywords
        let used = messages.reduce(into: KeywordSet()) { $0.formUnion($1.flags.keywords) }.numbers
        var mapping: [Int: Int] = [:]
        for (from, to) in zip(used, mailboxes[target].numbers(used.map { names[$0] })) { mapping[from] = to }
        let modSeq = mailboxes[target].modSeq + 1
        var given = UIDSet()
        for message in messages {
            let keywords = KeywordSet(message.flags.keywords.numbers.compactMap { mapping[$0] })
            let flags = MessageFlags(system: message.flags.system, keywords: keywords)
            given.append(
                UID(
                    mailboxes[target].appendMessage(
                        flags: flags,
                        body: message.body,
                        sizeBytes: message.sizeBytes,
                        modSeq: modSeq
                    )
                )
            )
        }
        if !messages.isEmpty { mailboxes[target].modSeq = modSeq }
        let taken = UIDSet(messages.map { UID($0.uid) })
        if removing {
            let gone = Set(messages.map(\.uid))
            _ = removeMessages(at: source) { gone.contains($0.uid) }
        }
        return .copied(
            MailboxID(mailboxes[target].id),
            uidValidity: mailboxes[target].uidValidity,
            source: taken,
            destination: given
        )
    }
}

extension AccountModel.Mailbox {
    mutating func appendMessage(flags: MessageFlags, body: BodyID, sizeBytes: UInt64, modSeq: UInt64) -> UInt32 {
        let uid = uidNext
        messages.append(
            AccountModel.Message(uid: uid, flags: flags, modSeq: modSeq, body: body, sizeBytes: sizeBytes)
        )
        uidNext += 1
        return uid
    }
}
