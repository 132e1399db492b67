internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

extension MailApplier {
    func createAccount(
        _ context: Context,
        at address: AccountAddress,
        credential: CredentialHash?,
        quotaBytes: UInt64,
        mailboxes defaults: [DefaultMailbox]
    ) throws -> MailOutcome {
        var key = Key(context.group, .addresses)
        key.append(text: address.text)
        guard try lookUp(key) == nil else { throw Refusal.accountExists }
        guard let counter = groups[context.group]?.nextAccount else { throw Refusal.notHere }
        groups[context.group]?.nextAccount = try counter.counted(up: 1, "group row")
        let id = AccountID(UInt64(context.group.rawValue) << 32 | UInt64(counter))
        var row = newRow(capacity: 9)
        row.writeInteger(id.rawValue)
        putLookedUp(context, key, row: row, replacing: nil)

        let inner = Context(group: context.group, account: id, timestamp: context.timestamp)
        setAccount(
            inner,
            AccountRecord(
                id: id,
                address: address,
                credential: credential,
                quotaBytes: quotaBytes,
                created: context.timestamp
            )
        )
        touchedAccounts.insert(id)
        _ = try addMailbox(inner, named: .inbox, use: nil, subscribed: true)
        for mailbox in defaults where try mailboxID(inner, mailbox.name) == nil {
            _ = try addMailbox(inner, named: mailbox.name, use: mailbox.use, subscribed: true)
        }
        return .accountCreated(id)
    }

    func updateAccount(_ context: Context, _ change: (inout AccountRecord) -> Void) throws -> MailOutcome {
        var record = try account(context)
        change(&record)
        setAccount(context, record)
        return .done
    }

    /// Removes the account's record and address at once; its other rows are removed piece by piece.
    func deleteAccount(_ context: Context) throws -> MailOutcome {
        let record = try account(context)
        var addressKey = Key(context.group, .addresses)
        addressKey.append(text: record.address.text)
        if let row = try lookUp(addressKey) { deleteLookedUp(context, addressKey, old: row) }
        removeAccount(context)
        leaveRemnant(context, .wholeAccount)
        return .done
    }

    // MARK: Requests and their first answers

    func loadSessions(_ group: GroupID) throws -> [UInt64: SessionWindow] {
        var sessions: [UInt64: SessionWindow] = [:]
        let prefix = Key(group, .requests)
        try store.scan(from: prefix.bytes, to: prefix.end) { key, value in
            let session = try Key.integer(key, at: 5, as: UInt64.self)
            let sequence = try Key.integer(key, at: 13, as: UInt64.self)
            var decoder = try WireDecoder(row: ByteBuffer(copying: value), subject: "request row")
            let timestamp = try decoder.timestamp()
            if sequence == SessionWindow.floorSequence {
                sessions[session, default: SessionWindow()].settledBelow = try decoder.integer()
                sessions[session]?.settled = timestamp
            } else {
                let answer = AnswerList.Answer(timestamp: timestamp, outcome: try MailOutcome(from: &decoder))
                sessions[session, default: SessionWindow()].answers.insert(answer, at: sequence)
            }
            return true
        }
        return sessions
    }

    /// What a request that comes again is answered; nil for a request that is new.
    func earlierOutcome(_ request: RequestID, _ group: GroupID) -> MailOutcome? {
        guard let window = groups[group]?.sessions[request.session], !Mutant.isOn(.answersForgotten) else { return nil }
        if let answer = window.answers[request.sequence] { return answer.outcome }
        // The request is late, and its session does not wait any more: whether it was carried out is settled.
        return request.sequence < window.settledBelow ? .refused(.notHere) : nil
    }

    /// Forgets the answers that the session says it has, and remembers the mark below which they were given.
    func settle(_ envelope: CommandEnvelope, _ group: GroupID) {
        let session = envelope.request.session
        guard session != 0 else { return }
        let floor = groups[group]?.sessions[session]?.settledBelow ?? 0
        guard envelope.settledBelow > max(floor, 1) else { return }
        let settled = groups[group]?.sessions[session]?.answers.removeAll(
            below: envelope.settledBelow,
            atMost: MailLimits.answersForgottenPerCommand
        )
        for sequence in settled ?? [] { batch.delete(requestKey(group, session: session, sequence: sequence).bytes) }
        groups[group]?.sessions[session, default: SessionWindow()].settledBelow = envelope.settledBelow
        groups[group]?.sessions[session]?.settled = envelope.timestamp
        if groups[group]?.sessions[session]?.isFloorDirty == false {
            groups[group]?.sessions[session]?.isFloorDirty = true
            dirtyFloors.append(SessionKey(group: group, session: session))
        }
    }

    /// Writes how far sessions are settled, once per batch.
    func writeDirtyFloors() {
        for key in dirtyFloors {
            guard let window = groups[key.group]?.sessions[key.session] else { continue }
            var row = newRow(capacity: 17)
            row.writeInteger(window.settled.rawValue)
            row.writeInteger(window.settledBelow)
            batch.put(requestKey(key.group, session: key.session, sequence: SessionWindow.floorSequence).bytes, row)
            groups[key.group]?.sessions[key.session]?.isFloorDirty = false
        }
        dirtyFloors.removeAll(keepingCapacity: true)
    }

    func remember(_ outcome: MailOutcome, of envelope: CommandEnvelope, _ group: GroupID) {
        // Housekeeping may be repeated without harm, and is proposed under session 0.
        guard envelope.request.session != 0 else { return }
        let answer = AnswerList.Answer(timestamp: envelope.timestamp, outcome: outcome)
        let request = envelope.request
        groups[group]?.sessions[request.session, default: SessionWindow()].answers.insert(answer, at: request.sequence)
        var row = newRow(capacity: 48)
        row.writeInteger(envelope.timestamp.rawValue)
        outcome.encode(into: &row)
        batch.put(requestKey(group, session: request.session, sequence: request.sequence).bytes, row)
    }

    /// Ends the answers given before a time, oldest sessions first by ID: a bounded number.
    func purgeRequests(_ context: Context, before: Timestamp, limit asked: UInt32) -> MailOutcome {
        let limit = min(Int(asked), MailLimits.purgedPerCommand)
        var removed = 0
        for session in groups[context.group]?.sessions.keys.sorted() ?? [] {
            guard removed < limit else { break }
            let old = groups[context.group]?.sessions[session]?.answers.removeAll(
                before: before,
                atMost: limit - removed
            )
            for sequence in old ?? [] {
                batch.delete(requestKey(context.group, session: session, sequence: sequence).bytes)
            }
            removed += old?.count ?? 0
            guard let window = groups[context.group]?.sessions[session], window.answers.isEmpty,
                window.settled < before
            else { continue }
            groups[context.group]?.sessions[session] = nil
            batch.delete(requestKey(context.group, session: session, sequence: SessionWindow.floorSequence).bytes)
            removed += 1
        }
        return .purged(UInt32(removed))
    }

    private func requestKey(_ group: GroupID, session: UInt64, sequence: UInt64) -> Key {
        Key(group, .requests).appending(session).appending(sequence)
    }
}

extension ByteBuffer {
    /// Copies a lent value.
    init(copying span: Span<UInt8>) {
        self = ByteBufferAllocator().buffer(capacity: span.count)
        writeBytes(span.bytes)
    }
}

extension Table {
    /// Tables whose keys start with an account behind group and table.
    var isPerAccount: Bool {
        switch self {
        case .accounts, .mailboxes, .mailboxNames, .messages, .flags, .expunged, .bodies, .chunks, .uploads,
            .deliveries, .remnants, .keywords:
            true
        case .meta, .requests, .addresses, .expungedByTime, .deliveriesByTime, .directory:
            false
        }
    }
}
