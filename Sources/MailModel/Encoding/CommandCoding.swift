public import NIOCore

/// The tag of a command in its encoding. Values are part of the format: never changed, never reused.
private enum CommandTag: UInt8 {
    case createAccount = 1
    case setAccountState = 2
    case deleteAccount = 3
    case setCredential = 4
    case setQuota = 5
    case createMailbox = 10
    case deleteMailbox = 11
    case renameMailbox = 12
    case setSubscribed = 13
    case deliver = 20
    case append = 21
    case storeFlags = 22
    case expunge = 23
    case copy = 24
    case move = 25
    // 26 was a command that is no more.
    case remove = 27
    case uploadChunk = 30
    case purgeExpunged = 40
    case purgeRequests = 41
    case purgeDeliveries = 42
    case purgeUploads = 43
    case purgeRemnant = 44
    // 50 to 79 are those of `DirectoryTag`.
}

extension CommandEnvelope {
    /// What errors of decoding are about.
    public static let subject = "command"

    /// One buffer that holds the whole entry: the message bytes are copied here once, and shared from then on.
    ///
    /// - Parameter version: the cluster's version as far as the writer knows; so far they differ in this byte only.
    public func encoded(
        in version: ClusterVersion = .first,
        allocator: ByteBufferAllocator = ByteBufferAllocator()
    ) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: 64 + command.payloadEstimate)
        buffer.writeInteger(version.rawValue)
        buffer.writeInteger(request.session)
        buffer.writeInteger(request.sequence)
        buffer.writeInteger(settledBelow)
        buffer.writeInteger(timestamp.rawValue)
        buffer.writeInteger(account.rawValue)
        command.encode(into: &buffer)
        return buffer
    }

    /// Reads an envelope. Throws ``DecodingError`` for what is cut off, out of range or of a newer version.
    ///
    /// - Parameter newest: the newest version that the program knows; a newer one is refused by name. Older ones are
    ///   read for ever, as long as logs may hold them.
    public init(
        decoding buffer: ByteBuffer,
        upTo newest: ClusterVersion = KnownVersions.current.newest
    ) throws(DecodingError) {
        var decoder = WireDecoder(buffer, subject: Self.subject)
        let version = ClusterVersion(rawValue: try decoder.integer())
        guard version >= .first, version <= newest else {
            throw decoder.failure(.unknownVersion(UInt64(version.rawValue)))
        }
        request = RequestID(session: try decoder.integer(), sequence: try decoder.integer())
        settledBelow = try decoder.integer()
        timestamp = try decoder.timestamp()
        account = AccountID(try decoder.integer())
        command = try MailCommand(from: &decoder)
        try decoder.finish()
    }
}

extension MailCommand {
    /// About how many bytes the encoding takes: sizes the buffer once.
    fileprivate var payloadEstimate: Int {
        switch self {
        case .deliver(let message, _), .append(let message, _):
            switch message.body {
            case .inline(let bytes): 256 + bytes.readableBytes + message.summary.readableBytes
            case .uploaded: 256 + message.summary.readableBytes
            }
        case .uploadChunk(_, _, let bytes): 64 + bytes.readableBytes
        case .createAccount, .setAccountState, .deleteAccount, .setCredential, .setQuota, .createMailbox,
            .deleteMailbox, .renameMailbox, .setSubscribed, .storeFlags, .expunge, .remove, .copy, .move,
            .purgeExpunged, .purgeRequests, .purgeDeliveries, .purgeUploads, .purgeRemnant, .directory:
            256
        }
    }

    fileprivate func encode(into buffer: inout ByteBuffer) {
        func tag(_ tag: CommandTag) { buffer.writeInteger(tag.rawValue) }
        func purge(_ kind: CommandTag, before: Timestamp, limit: UInt32) {
            tag(kind)
            buffer.writeInteger(before.rawValue)
            buffer.writeInteger(limit)
        }
        switch self {
        case .createAccount(let address, let credential, let quota, let mailboxes):
            tag(.createAccount)
            buffer.write(address)
            buffer.write(credential)
            buffer.writeInteger(quota)
            buffer.writeCount(mailboxes.count)
            for mailbox in mailboxes {
                buffer.write(mailbox.name)
                buffer.write(mailbox.use)
            }
        case .setAccountState(let state):
            tag(.setAccountState)
            buffer.writeInteger(state.rawValue)
        case .deleteAccount:
            tag(.deleteAccount)
        case .setCredential(let credential):
            tag(.setCredential)
            buffer.write(credential)
        case .setQuota(let bytes):
            tag(.setQuota)
            buffer.writeInteger(bytes)
        case .createMailbox(let name, let use):
            tag(.createMailbox)
            buffer.write(name)
            buffer.write(use)
        case .deleteMailbox(let name):
            tag(.deleteMailbox)
            buffer.write(name)
        case .renameMailbox(let from, let to):
            tag(.renameMailbox)
            buffer.write(from)
            buffer.write(to)
        case .setSubscribed(let name, let subscribed):
            tag(.setSubscribed)
            buffer.write(name)
            buffer.writeBool(subscribed)
        case .deliver(let message, let id):
            tag(.deliver)
            buffer.writeBool(id != nil)
            if let id {
                buffer.writeInteger(id.high)
                buffer.writeInteger(id.low)
            }
            message.encode(into: &buffer)
        case .append(let message, let name):
            tag(.append)
            buffer.write(name)
            message.encode(into: &buffer)
        case .storeFlags(let mailbox, let uids, let operation, let flags, let unchangedSince):
            tag(.storeFlags)
            buffer.writeInteger(mailbox.rawValue)
            buffer.write(uids)
            buffer.writeInteger(operation.rawValue)
            buffer.write(flags)
            buffer.writeBool(unchangedSince != nil)
            if let unchangedSince { buffer.writeInteger(unchangedSince.rawValue) }
        case .expunge(let mailbox, let uids):
            tag(.expunge)
            buffer.writeInteger(mailbox.rawValue)
            buffer.write(uids)
        case .remove(let mailbox, let uids):
            tag(.remove)
            buffer.writeInteger(mailbox.rawValue)
            buffer.write(uids)
        case .copy(let mailbox, let uids, let name):
            tag(.copy)
            buffer.writeInteger(mailbox.rawValue)
            buffer.write(uids)
            buffer.write(name)
        case .move(let mailbox, let uids, let name):
            tag(.move)
            buffer.writeInteger(mailbox.rawValue)
            buffer.write(uids)
            buffer.write(name)
        case .uploadChunk(let body, let index, let bytes):
            tag(.uploadChunk)
            buffer.write(body)
            buffer.writeInteger(index)
            buffer.writeLengthPrefixed(bytes)
        case .purgeExpunged(let before, let limit): purge(.purgeExpunged, before: before, limit: limit)
        case .purgeRequests(let before, let limit): purge(.purgeRequests, before: before, limit: limit)
        case .purgeDeliveries(let before, let limit): purge(.purgeDeliveries, before: before, limit: limit)
        case .purgeUploads(let before, let from, let limit):
            purge(.purgeUploads, before: before, limit: limit)
            buffer.writeInteger(from.rawValue)
        case .purgeRemnant(let contents, let limit):
            tag(.purgeRemnant)
            buffer.writeInteger(contents.rawValue)
            buffer.writeInteger(limit)
        case .directory(let command): command.encode(into: &buffer)
        }
    }

    fileprivate init(from decoder: inout WireDecoder) throws(DecodingError) {
        let raw: UInt8 = try decoder.integer()
        if let tag = DirectoryTag(rawValue: raw) {
            self = .directory(try DirectoryCommand(tag, from: &decoder))
            return
        }
        guard let tag = CommandTag(rawValue: raw) else { throw decoder.failure(.unknownTag(UInt64(raw))) }
        switch tag {
        case .createAccount: self = try Self.decodeCreateAccount(&decoder)
        case .setAccountState:
            let raw: UInt8 = try decoder.integer()
            guard let state = AccountState(rawValue: raw) else { throw decoder.failure(.unknownTag(UInt64(raw))) }
            self = .setAccountState(state)
        case .deleteAccount: self = .deleteAccount
        case .setCredential: self = .setCredential(try decoder.credential())
        case .setQuota: self = .setQuota(bytes: try decoder.integer())
        case .createMailbox: self = .createMailbox(try decoder.mailboxName(), specialUse: try decoder.specialUse())
        case .deleteMailbox: self = .deleteMailbox(try decoder.mailboxName())
        case .renameMailbox: self = .renameMailbox(from: try decoder.mailboxName(), to: try decoder.mailboxName())
        case .setSubscribed: self = .setSubscribed(try decoder.mailboxName(), try decoder.bool())
        case .deliver:
            let id = try decoder.bool() ? DeliveryID(high: try decoder.integer(), low: try decoder.integer()) : nil
            self = .deliver(try NewMessage(from: &decoder), id: id)
        case .append:
            let name = try decoder.mailboxName()
            self = .append(try NewMessage(from: &decoder), to: name)
        case .storeFlags: self = try Self.decodeStoreFlags(&decoder)
        case .expunge: self = .expunge(try decoder.mailboxID(), try decoder.uidSet())
        case .remove: self = .remove(try decoder.mailboxID(), try decoder.uidSet())
        case .copy:
            self = .copy(try decoder.mailboxID(), try decoder.uidSet(), to: try decoder.mailboxName())
        case .move:
            self = .move(try decoder.mailboxID(), try decoder.uidSet(), to: try decoder.mailboxName())
        case .uploadChunk:
            self = .uploadChunk(
                try decoder.bodyID(),
                index: try decoder.integer(),
                bytes: try decoder.bytes(maximum: MailLimits.bodyChunkBytes)
            )
        case .purgeExpunged: self = .purgeExpunged(before: try decoder.timestamp(), limit: try decoder.integer())
        case .purgeRequests: self = .purgeRequests(before: try decoder.timestamp(), limit: try decoder.integer())
        case .purgeDeliveries: self = .purgeDeliveries(before: try decoder.timestamp(), limit: try decoder.integer())
        case .purgeUploads:
            let before = try decoder.timestamp()
            let limit: UInt32 = try decoder.integer()
            self = .purgeUploads(before: before, from: AccountID(try decoder.integer()), limit: limit)
        case .purgeRemnant: self = .purgeRemnant(ContentsID(try decoder.integer()), limit: try decoder.integer())
        }
    }

    private static func decodeCreateAccount(_ decoder: inout WireDecoder) throws(DecodingError) -> MailCommand {
        let address = try decoder.address()
        let credential = try decoder.credential()
        let quota: UInt64 = try decoder.integer()
        var mailboxes: [DefaultMailbox] = []
        for _ in 0..<(try decoder.count(minimumBytes: 6)) {
            mailboxes.append(DefaultMailbox(try decoder.mailboxName(), use: try decoder.specialUse()))
        }
        return .createAccount(address: address, credential: credential, quotaBytes: quota, mailboxes: mailboxes)
    }

    private static func decodeStoreFlags(_ decoder: inout WireDecoder) throws(DecodingError) -> MailCommand {
        let mailbox = try decoder.mailboxID()
        let uids = try decoder.uidSet()
        let raw: UInt8 = try decoder.integer()
        guard let operation = FlagOperation(rawValue: raw) else { throw decoder.failure(.unknownTag(UInt64(raw))) }
        let flags = try decoder.flagNames()
        let unchangedSince = try decoder.bool() ? try decoder.modSeq() : nil
        return .storeFlags(mailbox, uids, operation, flags, unchangedSince: unchangedSince)
    }
}

extension NewMessage {
    fileprivate func encode(into buffer: inout ByteBuffer) {
        buffer.write(bodyID)
        buffer.write(internalDate)
        buffer.write(flags)
        buffer.writeInteger(sizeBytes)
        buffer.writeLengthPrefixed(summary)
        switch body {
        case .inline(let bytes):
            buffer.writeInteger(0, as: UInt32.self)
            buffer.writeLengthPrefixed(bytes)
        case .uploaded(let chunks):
            precondition(chunks > 0, "an uploaded body has chunks")
            buffer.writeInteger(chunks)
        }
    }

    fileprivate init(from decoder: inout WireDecoder) throws(DecodingError) {
        bodyID = try decoder.bodyID()
        internalDate = try decoder.internalDate()
        flags = try decoder.flagNames()
        sizeBytes = try decoder.integer()
        guard sizeBytes <= MailLimits.messageBytes else { throw decoder.failure(.tooLong) }
        summary = try decoder.bytes(maximum: MailLimits.summaryBytes)
        let chunks: UInt32 = try decoder.integer()
        body = chunks == 0 ? .inline(try decoder.bytes(maximum: MailLimits.bodyChunkBytes)) : .uploaded(chunks: chunks)
    }
}

extension ByteBuffer {
    /// Appends the description as `Docs/formats/command.md` lays it out.
    public mutating func write(_ node: NodeDescription) {
        writeInteger(node.id)
        writeLengthPrefixed(node.peerAddress)
        write(node.labels)
        writeInteger(node.versions.oldest.rawValue)
        writeInteger(node.versions.newest.rawValue)
    }
}

extension WireDecoder {
    /// Reads the description of a node.
    ///
    /// - Throws: ``DecodingError``, for what is cut off, and for versions in the wrong order.
    public mutating func nodeDescription() throws(DecodingError) -> NodeDescription {
        let id: UInt64 = try integer()
        let address = try string()
        let labels = try labels()
        let oldest = ClusterVersion(rawValue: try integer())
        let newest = ClusterVersion(rawValue: try integer())
        guard oldest <= newest else { throw failure(.outOfRange) }
        return NodeDescription(
            id: id,
            peerAddress: address,
            labels: labels,
            versions: KnownVersions(oldest, newest)
        )
    }
}
