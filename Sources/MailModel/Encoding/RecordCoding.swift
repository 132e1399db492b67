internal import NIOCore

// How what is stored of accounts, mailboxes and messages is laid out between nodes: fixed-width, big-endian. Rows have
// a layout of their own, which is older than any message.

extension AccountRecord {
    /// No encoded account is shorter.
    static let minimumEncodedBytes = 68
}

extension MailboxRecord {
    /// No encoded mailbox is shorter.
    static let minimumEncodedBytes = 88
}

extension MessageState {
    /// No encoded state is shorter.
    static let minimumEncodedBytes = 14
}

extension MessageDetails {
    /// No encoded message is shorter.
    static let minimumEncodedBytes = 54
}

extension ByteBuffer {
    mutating func write(_ record: AccountRecord) {
        writeInteger(record.id.rawValue)
        write(record.address)
        writeInteger(record.state.rawValue)
        write(record.credential)
        writeInteger(record.quotaBytes)
        writeInteger(record.usedBytes)
        writeInteger(record.usedMessages)
        writeInteger(record.created.rawValue)
        writeInteger(record.nextMailboxID)
        writeInteger(record.mailboxCount)
        writeInteger(record.subscriptionCount)
        writeInteger(record.uidValidityFloor)
    }

    mutating func write(_ record: MailboxRecord) {
        writeInteger(record.id.rawValue)
        write(record.name)
        write(record.specialUse)
        writeBool(record.subscribed)
        writeBool(record.selectable)
        writeInteger(record.uidValidity)
        writeInteger(record.uidNext.rawValue)
        writeInteger(record.highestModSeq.rawValue)
        writeInteger(record.flagsModSeq.rawValue)
        writeInteger(record.expungeModSeq.rawValue)
        writeInteger(record.contents.rawValue)
        writeInteger(record.emptiedModSeq.rawValue)
        writeInteger(record.emptiedBelow.rawValue)
        writeInteger(record.messages)
        writeInteger(record.unseen)
        writeInteger(record.deleted)
        writeInteger(record.sizeBytes)
        writeInteger(record.recentFrom.rawValue)
        writeCount(record.keywords.count)
        for keyword in record.keywords { writeLengthPrefixed(keyword) }
    }

    mutating func write(_ states: [MessageState]) {
        writeCount(states.count)
        for state in states {
            // At once: written one by one, each number costs what all of them cost.
            let keywords = state.flags.keywords
            let words = keywords.high.isEmpty ? (keywords.low == 0 ? 0 : 1) : 1 + keywords.high.count
            writeMultipleIntegers(
                state.uid.rawValue,
                state.modSeq.rawValue,
                state.flags.system.rawValue,
                UInt8(words)
            )
            if words > 0 { writeInteger(keywords.low) }
            for word in keywords.high { writeInteger(word) }
        }
    }

    mutating func write(_ details: MessageDetails) {
        writeInteger(details.uid.rawValue)
        write(details.bodyID)
        writeInteger(details.sizeBytes)
        write(details.internalDate)
        writeInteger(details.saved.rawValue)
        writeLengthPrefixed(details.summary)
        writeLengthPrefixed(details.leading)
    }
}

extension WireDecoder {
    mutating func accountRecord() throws(DecodingError) -> AccountRecord {
        let id = AccountID(try integer())
        let address = try address()
        let number: UInt8 = try integer()
        guard let state = AccountState(rawValue: number) else { throw failure(.unknownTag(UInt64(number))) }
        let credential = try credential()
        let quotaBytes: UInt64 = try integer()
        let usedBytes: UInt64 = try integer()
        let usedMessages: UInt64 = try integer()
        var record = AccountRecord(
            id: id,
            address: address,
            credential: credential,
            quotaBytes: quotaBytes,
            created: try timestamp()
        )
        record.state = state
        record.usedBytes = usedBytes
        record.usedMessages = usedMessages
        record.nextMailboxID = try integer()
        record.mailboxCount = try integer()
        record.subscriptionCount = try integer()
        record.uidValidityFloor = try integer()
        return record
    }

    mutating func mailboxRecord() throws(DecodingError) -> MailboxRecord {
        let id = try mailboxID()
        let name = try mailboxName()
        let use = try specialUse()
        let subscribed = try bool()
        let selectable = try bool()
        var record = MailboxRecord(id: id, name: name, specialUse: use, uidValidity: try integer())
        record.subscribed = subscribed
        record.selectable = selectable
        record.uidNext = try uid()
        record.highestModSeq = try modSeq()
        record.flagsModSeq = try modSeq()
        record.expungeModSeq = try modSeq()
        record.contents = ContentsID(try integer())
        record.emptiedModSeq = try modSeq()
        record.emptiedBelow = try uid()
        record.messages = try integer()
        record.unseen = try integer()
        record.deleted = try integer()
        record.sizeBytes = try integer()
        record.recentFrom = try uid()
        // What is `\Recent` is counted from it.
        guard record.recentFrom <= record.uidNext else { throw failure(.outOfRange) }
        let count = try count(minimumBytes: 4)
        guard count <= MailLimits.keywordsPerMailbox else { throw failure(.tooLong) }
        record.keywords.reserveCapacity(count)
        for _ in 0..<count { record.keywords.append(try string(maximum: MailLimits.keywordBytes)) }
        return record
    }

    /// Reads states of messages, whose UIDs rise.
    mutating func messageStates() throws(DecodingError) -> [MessageState] {
        let count = try count(minimumBytes: MessageState.minimumEncodedBytes)
        var states: [MessageState] = []
        states.reserveCapacity(count)
        for _ in 0..<count {
            let uid = try uid()
            if let last = states.last, uid <= last.uid { throw failure(.outOfRange) }
            let modSeq = try modSeq()
            let system = try systemFlags()
            let words = Int(try integer(as: UInt8.self))
            guard words <= 1 + KeywordSet.maximumHighWords else { throw failure(.tooLong) }
            var keywords = KeywordSet()
            if words > 0 {
                let low: UInt64 = try integer()
                var high: [UInt64] = []
                for _ in 1..<words { high.append(try integer()) }
                keywords = KeywordSet(low: low, high: high)
            }
            states.append(
                MessageState(uid: uid, flags: MessageFlags(system: system, keywords: keywords), modSeq: modSeq)
            )
        }
        return states
    }

    mutating func messageDetails() throws(DecodingError) -> MessageDetails {
        MessageDetails(
            uid: try uid(),
            bodyID: try bodyID(),
            sizeBytes: try integer(),
            internalDate: try internalDate(),
            saved: try timestamp(),
            summary: try bytes(maximum: MailLimits.summaryBytes),
            leading: try bytes(maximum: MailLimits.leadingBytesPerMessage)
        )
    }
}
