internal import IMAPSyntax
internal import MailModel
internal import NIOCore

/// FETCH (RFC 3501, section 6.4.5; RFC 7162, section 3.1.4), piece by piece as the client takes it.
extension Session {
    mutating func fetch(_ tag: String, _ command: FetchCommand) {
        guard let view, var indexes = resolve(tag, command.messages, as: command.numberSpace) else { return }
        guard command.items.allSatisfy(\.isSupported) else {
            return answerBad(tag, "FETCH cannot give one of these items")
        }
        guard !command.wantsVanished else { return answerBad(tag, "QRESYNC is not enabled") }
        if command.changedSince != nil || command.items.contains(.modSeq) { enableCondstore() }
        if let since = command.changedSince { indexes = view.narrow(indexes, toChangedSince: since) }
        var items = command.items
        if command.numberSpace == .uid, !items.contains(.uid) { items.insert(.uid, at: 0) }
        if command.changedSince != nil, !items.contains(.modSeq) { items.append(.modSeq) }
        fetching = FetchWork(
            tag: tag,
            command: command,
            items: items,
            needsDetails: !items.allSatisfy(\.isInView),
            ranges: indexes.reversed()
        )
        guard items.contains(where: \.marksSeen), !view.isReadOnly else { return continueFetch() }
        let unseen = indexes.flatMap { range in
            range.filter { !view.flags(at: $0).system.contains(.seen) }.map { $0..<($0 + 1) }
        }
        fetching?.unseen = view.uidSets(unseen, limit: MailLimits.messagesPerStore).reversed()
        markSeen()
    }

    /// `\Seen` is set before the message is told, so that the same response shows it.
    private mutating func markSeen() {
        guard let view, let set = fetching?.unseen.popLast() else { return continueFetch() }
        let command = MailCommand.storeFlags(
            view.id,
            set,
            .add,
            FlagNames(system: .seen),
            unchangedSince: nil
        )
        submit(command) { session, result in
            // A store that cannot write now lets mail be read all the same.
            if case .success(.flagsStored(let modSeq, let changed, _, _)) = result {
                session.fetching?.seen.append(changed)
                for uid in changed.uids {
                    guard let index = session.view?.index(of: uid.rawValue),
                        var flags = session.view?.flags(at: index)
                    else { continue }
                    flags.system.insert(.seen)
                    session.view?.setFlags(flags, modSeq, at: index)
                    session.view?.markChanged(at: index)
                }
                session.markSeen()
            } else {
                session.fetching?.unseen = []
                session.continueFetch()
            }
        }
    }

    /// Goes on until the session has to wait for the store or the client.
    mutating func continueFetch() {
        var budget = SessionLimits.messagesPerSlice
        while true {
            guard encoder.writtenBytes < SessionLimits.writeBytes, budget > 0 else {
                return giveWay { $0.continueFetch() }
            }
            if fetching?.current != nil {
                guard writeItems() else { return }
                budget -= 1
                continue
            }
            guard let next = fetching?.nextIndex, let uid = view?.uids[next] else { return finishFetch() }
            if fetching?.needsRow(of: uid) == true { return queryDetails() }
            beginMessage()
        }
    }

    private mutating func beginMessage() {
        guard let view, let index = fetching?.popIndex() else { return }
        let uid = view.uids[index]
        var message = FetchWork.Message(index: index, uid: uid)
        if fetching?.needsDetails == true {
            guard let details = fetching?.details.last, details.uid.rawValue == uid else {
                fetching?.hasGone = true
                return
            }
            fetching?.details.removeLast()
            message.details = details
            message.outline = tools.summary(details.summary)
        }
        fetching?.current = message
        encoder.beginFetch(UInt32(index + 1))
    }

    private mutating func queryDetails() {
        guard let work = fetching, let view else { return }
        let indexes = work.peekIndexes(work.detailsPerQuery)
        guard let last = indexes.last?.last.map({ view.uids[$0] }) else { return finishFetch() }
        var set = UIDSet()
        for range in indexes { for index in range { set.append(UID(view.uids[index])) } }
        query(.details(view.id, set)) { session, result in
            switch result {
            case .success(.details(let details)):
                session.fetching?.details = details.reversed()
                session.fetching?.detailsUpTo = last
                let bytes = details.reduce(0) { $0 + $1.summary.readableBytes }
                let average = max(1, bytes / max(1, details.count))
                session.fetching?.detailsPerQuery = min(
                    SessionLimits.detailsPerPage,
                    max(1, SessionLimits.detailBytesPerPage / average)
                )
                session.continueFetch()
            case .success:
                session.fetching = nil
                session.failUnexpectedly(work.tag)
            case .failure(let failure):
                session.fetching = nil
                session.fail(work.tag, failure)
            }
        }
    }

    private mutating func finishFetch() {
        guard let work = fetching else { return }
        fetching = nil
        badCommands = 0
        conclude(work.command.numberSpace == .uid ? .all : .withoutExpunge) { session in
            session.encoder.tagged(work.tag, .ok, code: work.hasGone ? .expungeIssued : nil, text: "Fetched")
        }
    }

    // MARK: Items

    /// Writes the current message's items.
    ///
    /// - Returns: whether the message is complete; otherwise the store or the client is waited for.
    private mutating func writeItems() -> Bool {
        while let message = fetching?.current, let items = fetching?.items {
            guard message.writer == nil else {
                writePiece()
                return false
            }
            guard message.nextItem < items.count else {
                endMessage(message)
                return true
            }
            fetching?.current?.nextItem += 1
            let item = items[message.nextItem]
            if !beginOutline(for: item, of: message) { writeItem(item, of: message) }
            if let piece = fetching?.current?.piece {
                if piece.range.isEmpty {
                    finishPiece()
                } else {
                    queryPiece()
                    return false
                }
            }
            // Items of one message can be many, and each as long as its header.
            if encoder.writtenBytes >= SessionLimits.writeBytes || message.isCostly {
                giveWay { $0.continueFetch() }
                return false
            }
        }
        return true
    }

    private mutating func endMessage(_ message: FetchWork.Message) {
        // Flags that this FETCH changed are told with it (RFC 3501, section 6.4.5).
        if let work = fetching, !work.items.contains(.flags), let view,
            work.seen.contains(where: { $0.contains(UID(message.uid)) })
        {
            encoder.fetchedFlags(view.flagList(at: message.index))
            if isCondstoreEnabled, !work.items.contains(.modSeq) { encoder.modSeq(view.modSeqs[message.index]) }
            self.view?.forgetChange(at: message.index)
        }
        encoder.endFetch()
        fetching?.current = nil
    }

    private mutating func writeItem(_ item: FetchItem, of message: FetchWork.Message) {
        guard let view else { return }
        if message.isOutlineRead, [.envelope, .body, .bodyStructure].contains(item) {
            return beginWriting(item, message.outline)
        }
        switch item {
        case .uid: encoder.uid(message.uid)
        case .flags:
            encoder.fetchedFlags(view.flagList(at: message.index))
            self.view?.forgetChange(at: message.index)
            if isCondstoreEnabled, fetching?.items.contains(.modSeq) == false {
                encoder.modSeq(view.modSeqs[message.index])
            }
        case .modSeq: encoder.modSeq(view.modSeqs[message.index])
        case .internalDate, .size, .saveDate, .emailID, .threadID, .envelope, .body, .bodyStructure, .section, .rfc822,
            .rfc822Header, .rfc822Text:
            guard let details = message.details else { preconditionFailure("rows were not read") }
            writeRowItem(item, details: details, outline: message.outline)
        case .binary, .binarySize, .preview: preconditionFailure("an item that is refused")
        }
    }

    private mutating func writeRowItem(_ item: FetchItem, details: MessageDetails, outline: (any MessageOutline)?) {
        switch item {
        case .internalDate:
            let date = details.internalDate
            encoder.internalDate(DateTime(unixSeconds: date.seconds, zoneMinutes: Int(date.zoneMinutes)))
        case .size: encoder.size(details.sizeBytes)
        case .saveDate: encoder.saveDate(DateTime(unixSeconds: details.saved.rawValue / 1_000))
        case .emailID: encoder.emailID(details.bodyID.objectID)
        case .threadID: encoder.threadID(nil)
        case .envelope: encoder.encodedItem("ENVELOPE", outline.envelope)
        case .body: encoder.encodedItem("BODY", outline.structure(details, isExtended: false))
        case .bodyStructure: encoder.encodedItem("BODYSTRUCTURE", outline.structure(details, isExtended: true))
        case .section(let section, let partial, _):
            beginSection(section, for: item, partial: partial, of: details, outline: outline)
        case .rfc822: beginSection(BodySection(), for: item, partial: nil, of: details, outline: outline)
        case .rfc822Header:
            beginSection(BodySection(text: .header), for: item, partial: nil, of: details, outline: outline)
        case .rfc822Text: beginSection(BodySection(text: .text), for: item, partial: nil, of: details, outline: outline)
        case .uid, .flags, .modSeq, .binary, .binarySize, .preview: preconditionFailure("not an item of rows")
        }
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

extension Optional<any MessageOutline> {
    /// The envelope, an empty one for a message whose summary cannot be read: clients would give up at an error.
    var envelope: ByteBuffer {
        var buffer = ByteBuffer()
        if let self {
            self.writeEnvelope(into: &buffer)
        } else {
            buffer.writeString("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)")
        }
        return buffer
    }

    fileprivate func structure(_ details: MessageDetails, isExtended: Bool) -> ByteBuffer {
        var buffer = ByteBuffer()
        if let self {
            self.writeBodyStructure(into: &buffer, isExtended: isExtended)
        } else {
            buffer.writeString("(\"TEXT\" \"PLAIN\" NIL NIL NIL \"8BIT\" \(details.sizeBytes) 0)")
        }
        return buffer
    }
}
