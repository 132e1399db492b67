internal import IMAPSyntax
internal import MailModel
internal import NIOCore

/// A FETCH under way (RFC 3501, section 6.4.5; RFC 7162, section 3.1.4): message by message, item by item, as the
/// client takes it.
struct FetchWork {
    let tag: String
    private let usesUIDs: Bool
    /// The items that are written for each message.
    private let items: [FetchItem]
    /// By item: the fields of a header that the item names.
    private let fields: [NamedFields?]
    private let needsDetails: Bool
    private let needsOutline: Bool
    private let needsStructure: Bool
    /// Whether FLAGS and MODSEQ are among the items.
    private let tellsFlags: Bool
    private let tellsModSeq: Bool
    /// Indexes that are left, the next range last.
    private var ranges: [Range<Int>]
    /// Rows of the next messages, the next one last.
    var details: [MessageDetails] = []
    /// The rows of UIDs up to here were asked for: a message without a row is gone.
    private var detailsUpTo: UInt32 = 0
    var detailsPerQuery: Int
    let leading: LeadingBytes
    /// The message whose response is being written.
    private var message: FetchedMessage?
    /// Sets of messages that become `\Seen` before anything is written, the next one last.
    private var unseen: [UIDSet] = []
    /// Messages that became `\Seen` by this command.
    private var seen: [UIDSet] = []
    /// Another session has expunged a message.
    private var hasGone = false
    var isDone = false

    /// Nil when the command was refused.
    private init?(_ command: FetchCommand, tag: String, in session: inout Session) {
        guard let indexes = session.resolve(tag, command.messages, as: command.numberSpace) else { return nil }
        guard command.items.allSatisfy(\.isSupported) else {
            session.answerBad(tag, "FETCH cannot give one of these items")
            return nil
        }
        guard !command.wantsVanished else {
            session.answerBad(tag, "QRESYNC is not enabled")
            return nil
        }
        if command.changedSince != nil || command.items.contains(.modSeq) { session.enableCondstore() }
        guard let view = session.view else { return nil }
        let wanted = command.changedSince.map { view.narrow(indexes, toChangedSince: $0) } ?? indexes
        var items = command.items
        if command.numberSpace == .uid, !items.contains(.uid) { items.insert(.uid, at: 0) }
        if command.changedSince != nil, !items.contains(.modSeq) { items.append(.modSeq) }
        self.tag = tag
        self.items = items
        let tools = session.tools
        fields = items.map { $0.makeFields(tools) }
        usesUIDs = command.numberSpace == .uid
        needsDetails = !items.allSatisfy(\.isInView)
        needsOutline = items.contains(where: \.needsOutline)
        needsStructure = items.contains(where: \.needsStructure)
        leading = items.reduce(.none) { $0.union($1.leading) }
        detailsPerQuery = leading.maximum > 0 ? SessionLimits.firstDetailsWithBytes : SessionLimits.firstDetails
        tellsFlags = items.contains(.flags)
        tellsModSeq = items.contains(.modSeq)
        ranges = wanted.reversed()
        guard items.contains(where: \.marksSeen), !view.isReadOnly else { return }
        let unread = wanted.flatMap { range in
            range.filter { !view.flags(at: $0).system.contains(.seen) }.map { $0..<($0 + 1) }
        }
        unseen = view.uidSets(unread, limit: MailLimits.messagesPerStore).reversed()
    }

    static func begin(_ command: FetchCommand, tag: String, in session: inout Session) {
        guard let work = FetchWork(command, tag: tag, in: &session) else { return }
        session.beginWork(work) { $0.markSeen(in: &$1) }
    }

    /// `\Seen` is set before the message is told, so that the same response shows it.
    private mutating func markSeen(in session: inout Session) {
        guard let mailbox = session.view?.id, let set = unseen.popLast() else { return continueFetch(in: &session) }
        let command = MailCommand.storeFlags(
            mailbox,
            set,
            .add,
            FlagNames(system: .seen),
            unchangedSince: nil
        )
        submit(command, in: &session) { $0.receiveSeen($2, in: &$1) }
    }

    private mutating func receiveSeen(_ result: Result<MailOutcome, ServiceFailure>, in session: inout Session) {
        guard case .success(.flagsStored(let modSeq, let changed, _, _)) = result else {
            // A store that cannot write now lets mail be read all the same.
            unseen = []
            return continueFetch(in: &session)
        }
        seen.append(changed)
        for uid in changed.uids {
            guard let index = session.view?.index(of: uid.rawValue), var flags = session.view?.flags(at: index)
            else { continue }
            flags.system.insert(.seen)
            session.view?.setFlags(flags, modSeq, at: index)
            session.view?.markChanged(at: index)
        }
        markSeen(in: &session)
    }

    // MARK: Messages

    /// Goes on until the session has to wait for the store or the client.
    private mutating func continueFetch(in session: inout Session) {
        var budget = SessionLimits.messagesPerSlice
        while true {
            guard session.encoder.writtenBytes < SessionLimits.writeBytes, budget > 0 else {
                return giveWay(in: &session) { $0.continueFetch(in: &$1) }
            }
            if message != nil {
                guard writeItems(in: &session) else { return }
                budget -= 1
                continue
            }
            guard let next = ranges.last?.first, let uid = session.view?.uids[next] else {
                return finish(in: &session)
            }
            if needsDetails, uid > detailsUpTo { return queryNext(in: &session) }
            beginMessage(uid, in: &session)
        }
    }

    /// Begins the response of the next message, unless the message is gone.
    private mutating func beginMessage(_ uid: UInt32, in session: inout Session) {
        guard let index = popIndex() else { return }
        var message = FetchedMessage(index: index, uid: uid)
        if needsDetails {
            guard let row = details.last, row.uid.rawValue == uid else {
                hasGone = true
                return
            }
            details.removeLast()
            if needsOutline {
                message.outline = session.tools.summary(row.summary, needsStructure: needsStructure)
            }
            message.details = row
        }
        self.message = message
        session.encoder.beginFetch(UInt32(index + 1))
    }

    /// Takes the next index.
    private mutating func popIndex() -> Int? {
        while let range = ranges.popLast() {
            guard let index = range.first else { continue }
            if range.count > 1 { ranges.append((index + 1)..<range.upperBound) }
            return index
        }
        return nil
    }

    /// The next indexes, which are not taken.
    private func peekIndexes(_ limit: Int) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var left = limit
        for range in ranges.reversed() where left > 0 && !range.isEmpty {
            result.append(range.prefix(left))
            left -= result.last?.count ?? 0
        }
        return result
    }

    private mutating func queryNext(in session: inout Session) {
        guard let view = session.view else { return }
        let indexes = peekIndexes(detailsPerQuery)
        guard let last = indexes.last?.last.map({ view.uids[$0] }) else { return finish(in: &session) }
        var set = UIDSet()
        for range in indexes { for index in range { set.append(UID(view.uids[index])) } }
        queryDetails(of: set, in: view.id, in: &session) { work, session in
            work.detailsUpTo = last
            work.continueFetch(in: &session)
        }
    }

    private mutating func finish(in session: inout Session) {
        isDone = true
        session.badCommands = 0
        session.conclude(usesUIDs ? .all : .withoutExpunge) { [tag, hasGone] session in
            session.encoder.tagged(tag, .ok, code: hasGone ? .expungeIssued : nil, text: "Fetched")
        }
    }

    // MARK: Items

    /// Writes the message's items.
    ///
    /// - Returns: whether the message is complete; otherwise the store or the client is waited for.
    private mutating func writeItems(in session: inout Session) -> Bool {
        while let next = message?.nextItem, let isCostly = message?.isCostly {
            guard message?.isWriting == false else {
                message?.writePiece(in: &session)
                giveWay(in: &session) { $0.continueFetch(in: &$1) }
                return false
            }
            guard next < items.count else {
                endMessage(in: &session)
                return true
            }
            message?.nextItem += 1
            writeItem(items[next], fields[next], in: &session)
            let leadingBytes = message?.receiveLeading(in: &session) ?? 0
            if let wanted = message?.wantedBytes {
                guard wanted.isEmpty else {
                    queryBody(in: &session)
                    return false
                }
                message?.finishPiece(in: &session)
            }
            // Items of one message can be many, and each as long as its header. Long pieces go to the client without
            // being counted here.
            let isLong = leadingBytes > SessionLimits.copiedPieceBytes
            if session.encoder.writtenBytes >= SessionLimits.writeBytes || isCostly || isLong {
                giveWay(in: &session) { $0.continueFetch(in: &$1) }
                return false
            }
        }
        return true
    }

    private mutating func writeItem(
        _ item: FetchItem,
        _ fields: NamedFields?,
        in session: inout Session
    ) {
        guard let index = message?.index, let uid = message?.uid else { return }
        switch item {
        case .uid: session.encoder.uid(uid)
        case .flags: writeFlags(at: index, in: &session)
        case .modSeq: if let modSeq = session.view?.modSeqs[index] { session.encoder.modSeq(modSeq) }
        case .internalDate, .size, .saveDate, .emailID, .threadID, .envelope, .body, .bodyStructure, .section, .rfc822,
            .rfc822Header, .rfc822Text, .binary, .binarySize, .preview:
            message?.begin(item, fields, in: &session)
        }
    }

    /// Writes FLAGS, with the MODSEQ once CONDSTORE is on. The next answer does not tell them again.
    private func writeFlags(at index: Int, in session: inout Session) {
        guard let flags = session.view?.flagList(at: index) else { return }
        session.encoder.fetchedFlags(flags)
        session.view?.forgetChange(at: index)
        guard session.isCondstoreEnabled, !tellsModSeq, let modSeq = session.view?.modSeqs[index] else { return }
        session.encoder.modSeq(modSeq)
    }

    private mutating func endMessage(in session: inout Session) {
        // Flags that this FETCH changed are told with it (RFC 3501, section 6.4.5).
        if !tellsFlags, !seen.isEmpty, let message, seen.contains(where: { $0.contains(UID(message.uid)) }) {
            writeFlags(at: message.index, in: &session)
        }
        session.encoder.endFetch()
        message = nil
    }

    // MARK: Bytes

    private mutating func queryBody(in session: inout Session) {
        guard let range = message?.wantedBytes, let details = message?.details else {
            preconditionFailure("no bytes are wanted")
        }
        let count = min(range.count, SessionLimits.bodyPieceBytes)
        // Within a literal nothing else may be written: the responses before it go out first.
        query(.body(details.bodyID, offset: range.lowerBound, maximumBytes: count), in: &session) {
            $0.receiveBody($2, maximumBytes: count, in: &$1)
        }
    }

    private mutating func receiveBody(
        _ result: Result<MailAnswer, ServiceFailure>,
        maximumBytes: Int,
        in session: inout Session
    ) {
        switch result {
        case .success(.body(let bytes)) where bytes.readableBytes > 0:
            let count = min(maximumBytes, bytes.readableBytes)
            receiveBytes(bytes.getSlice(at: bytes.readerIndex, length: count) ?? bytes, in: &session)
        case .success: breakOff(.unavailable, in: &session)
        case .failure(let failure): breakOff(failure, in: &session)
        }
    }

    private mutating func receiveBytes(_ bytes: ByteBuffer, in session: inout Session) {
        message?.receive(bytes, in: &session)
        guard message?.wantedBytes?.isEmpty == true else {
            return giveWay(in: &session) { $0.queryBody(in: &$1) }
        }
        message?.finishPiece(in: &session)
        guard bytes.readableBytes <= SessionLimits.copiedPieceBytes else {
            return giveWay(in: &session) { $0.continueFetch(in: &$1) }
        }
        continueFetch(in: &session)
    }

    /// A message that cannot be told to its end. Behind a literal's announcement only its bytes may follow, so there
    /// the connection ends; elsewhere the response ends with the items before.
    private mutating func breakOff(_ failure: ServiceFailure, in session: inout Session) {
        isDone = true
        guard let message, session.encoder.pendingLiteralBytes == 0 else { return session.end() }
        // A response has one item at least.
        if message.nextItem == 1 { session.encoder.uid(message.uid) }
        session.encoder.endFetch()
        session.fail(tag, failure)
    }
}

extension FetchWork: DetailsWork {
    var underWay: CommandUnderWay { .fetch(self) }

    init?(_ command: CommandUnderWay) {
        guard case .fetch(let work) = command else { return nil }
        self = work
    }
}

extension MailboxView {
    /// The messages in these ranges that were changed after a MODSEQ.
    func narrow(_ ranges: [Range<Int>], toChangedSince since: UInt64) -> [Range<Int>] {
        var result: [Range<Int>] = []
        for range in ranges {
            for index in range where modSeqs[index] > since {
                if let last = result.last, last.upperBound == index {
                    result[result.count - 1] = last.lowerBound..<(index + 1)
                } else {
                    result.append(index..<(index + 1))
                }
            }
        }
        return result
    }
}

extension SessionLimits {
    /// How many rows the next query brings: about as many as have summaries of the bytes of a page.
    static func detailsPerQuery(after rows: [MessageDetails]) -> Int {
        let bytes = rows.reduce(0) { $0 + $1.summary.readableBytes }
        let average = max(1, bytes / max(1, rows.count))
        let leadingBytes = rows.reduce(0) { $0 + $1.leading.readableBytes }
        // Of rows beyond the limit nothing says how many bytes they would have brought.
        let leading = rows.count { $0.leading.readableBytes > 0 }
        let averageLeading = max(1, leadingBytes / max(1, leading))
        let most = leading > 0 ? MailLimits.leadingBytesPerQuery / averageLeading : detailsPerPage
        return min(detailsPerPage, max(1, min(most, detailBytesPerPage / average)))
    }
}
