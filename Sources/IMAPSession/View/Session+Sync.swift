internal import IMAPSyntax
internal import MailModel

/// What of the mailbox's changes may be told with an answer (RFC 3501, sections 5.2 and 7.4.1).
enum Updates {
    case none
    /// Sequence numbers must keep their meaning: FETCH, STORE and SEARCH by sequence number.
    case withoutExpunge
    case all
}

extension Session {
    /// Writes the answer to a command, behind the updates that may go with it.
    ///
    /// - Parameter isFresh: asks the store even when nothing has been reported.
    mutating func conclude(
        _ updates: Updates,
        isFresh: Bool = false,
        _ answer: @escaping (inout Session) -> Void
    ) {
        switch updates {
        case .none: answer(&self)
        case .withoutExpunge, .all:
            guard view != nil, isFresh || isStale || missedUpdate else {
                return tellUpdates(updates, answer)
            }
            synchronise { $0.tellUpdates(updates, answer) }
        }
    }

    /// NOOP and CHECK: the answer shows the mailbox as it is now.
    mutating func noop(_ tag: String, _ name: String) {
        badCommands = 0
        conclude(.all, isFresh: true) { $0.encoder.tagged(tag, .ok, code: nil, text: "\(name) completed") }
    }

    /// Brings the view up to date. When the store does not answer, it stays as it is, to be tried again.
    ///
    /// - Parameter expecting: what this session knows to have changed itself, and the client needs not be told.
    mutating func synchronise(
        expecting: ((inout MailboxView) -> Void)? = nil,
        _ next: @escaping (inout Session) -> Void
    ) {
        // Also of a deleted mailbox: what is not answered would be asked for again at once, for ever.
        (isStale, missedUpdate) = (false, false)
        guard let view, !view.isDeleted else { return next(&self) }
        query(.changes(view.id, since: view.modSeq, newFrom: UID(view.uidNext))) { session, result in
            switch result {
            case .success(.changes(let changes)):
                session.view?.setKeywords(changes.mailbox.keywords)
                if var view = session.view, let expecting {
                    session.view = nil
                    expecting(&view)
                    session.view = view
                }
                session.view?.apply(changes)
                if session.view?.isLarger(than: changes.mailbox) == true { return session.findGone(from: UID(1), next) }
            case .success(.missing): session.view?.markDeleted()
            case .success, .failure: session.missedUpdate = true
            }
            session.claimNewRecent(next)
        }
    }

    /// Looks for the messages that are not there any more, page by page. The store tells which messages were expunged
    /// as long as it keeps those; what it has forgotten since shows by their number alone.
    private mutating func findGone(from uid: UID, _ next: @escaping (inout Session) -> Void) {
        guard let view else { return next(&self) }
        query(.messages(view.id, fromUID: uid, limit: SessionLimits.messagesPerPage)) { session, result in
            switch result {
            case .success(.messages(_, let states)):
                let isEnd = states.count < SessionLimits.messagesPerPage || states.last?.uid == UID(.max)
                let rest = isEnd ? nil : states.last.map { UID($0.uid.rawValue + 1) }
                session.view?.keep(states, from: uid, below: rest)
                if let rest { return session.findGone(from: rest, next) }
            case .success(.missing): session.view?.markDeleted()
            case .success, .failure: session.missedUpdate = true
            }
            session.claimNewRecent(next)
        }
    }

    /// Takes what is new as `\Recent` for this session, before it is told of.
    private mutating func claimNewRecent(_ next: @escaping (inout Session) -> Void) {
        guard let view, !view.isReadOnly, !view.isDeleted, view.count > view.toldCount else { return next(&self) }
        submit(.claimRecent(view.id)) { session, result in
            if case .success(.recentClaimed(let from, let upTo)) = result {
                session.view?.addRecent(from: from, upTo: upTo)
            }
            next(&session)
        }
    }

    /// Writes what the client does not know yet, in turns where it is much.
    mutating func tellUpdates(_ updates: Updates, _ next: @escaping (inout Session) -> Void) {
        guard view != nil, updates != .none else { return next(&self) }
        let gone = updates == .all ? view?.takeGone() ?? [] : []
        tellExpunged(gone[...]) { session in
            session.tellNew()
            let changed = session.view?.takeChanged() ?? []
            session.tellFlags(at: changed[...], next)
        }
    }

    private mutating func tellExpunged(
        _ numbers: ArraySlice<UInt32>,
        _ next: @escaping (inout Session) -> Void
    ) {
        var rest = numbers
        while let number = rest.popFirst() {
            encoder.expunge(number)
            guard encoder.writtenBytes < SessionLimits.writeBytes else {
                let left = rest
                return giveWay { $0.tellExpunged(left, next) }
            }
        }
        next(&self)
    }

    private mutating func tellNew() {
        guard let view else { return }
        if view.count != view.toldCount {
            encoder.exists(UInt32(view.count))
            self.view?.toldCount = view.count
        }
        tellRecent(view)
        tellKeywords()
    }

    /// FETCH responses for the messages with these indexes, in turns where they are many.
    ///
    /// - Parameter flags: whether the flags are told, or only the MODSEQ.
    mutating func tellFlags(
        at indexes: ArraySlice<Int>,
        flags: Bool = true,
        _ next: @escaping (inout Session) -> Void
    ) {
        var rest = indexes
        while let index = rest.popFirst() {
            tellFlags(at: index, flags: flags)
            guard encoder.writtenBytes < SessionLimits.writeBytes else {
                let left = rest
                return giveWay { $0.tellFlags(at: left, flags: flags, next) }
            }
        }
        next(&self)
    }

    /// RECENT goes with new messages; a client counts down by itself what is expunged.
    private mutating func tellRecent(_ view: MailboxView) {
        let recent = view.recentCount
        if recent > view.toldRecent { encoder.recent(UInt32(recent)) }
        self.view?.toldRecent = recent
    }

    /// New keywords are told before a message shows one.
    mutating func tellKeywords() {
        guard let view, view.hasUntoldKeywords else { return }
        self.view?.hasUntoldKeywords = false
        encoder.flags(Self.systemFlags + view.keywords)
        encoder.untagged(.ok, code: permanentFlags(view), text: "Flags that stay")
    }

    static let systemFlags: [Flag] = [.answered, .flagged, .deleted, .seen, .draft]

    func permanentFlags(_ view: MailboxView) -> ResponseCode {
        guard !view.isReadOnly else { return .permanentFlags([], allowsNewKeywords: false) }
        let keywords = view.keywords
        return .permanentFlags(
            Self.systemFlags + keywords,
            allowsNewKeywords: keywords.count < MailLimits.keywordsPerMailbox
        )
    }

    /// `* n FETCH (FLAGS ...)`; with UID where UIDs are used, and MODSEQ once CONDSTORE is on.
    private mutating func tellFlags(at index: Int, flags: Bool) {
        guard let view else { return }
        encoder.beginFetch(UInt32(index + 1))
        encoder.uid(view.uids[index])
        if flags { encoder.fetchedFlags(view.flagList(at: index)) }
        if isCondstoreEnabled { encoder.modSeq(view.modSeqs[index]) }
        encoder.endFetch()
    }

    // MARK: Changes while the client waits

    /// The store has changed something of the account.
    public mutating func accountChanged() {
        isStale = true
    }

    /// Shows changes while the client idles (RFC 2177).
    public mutating func continueIdle() {
        guard wantsUpdate else { return }
        synchronise { $0.tellUpdates(.all) { _ in } }
    }

    mutating func idle(_ tag: String) {
        badCommands = 0
        encoder.continuation("Idling")
        idleTag = tag
        effects.append(.expectDone)
        guard view != nil else { return }
        synchronise { $0.tellUpdates(.all) { _ in } }
    }

    mutating func endIdle() {
        guard let tag = idleTag else { preconditionFailure("not idling") }
        idleTag = nil
        succeed(tag, "Idle no more")
    }

    mutating func breakIdle(_ error: SyntaxError) {
        guard let tag = idleTag else { preconditionFailure("not idling") }
        idleTag = nil
        answerBad(tag, error.message)
    }

    /// Shows the client, and whatever is between, that the connection lives.
    public mutating func heartbeat() {
        guard idleTag != nil, isReady else { return }
        encoder.untagged(.ok, code: nil, text: "Still here")
    }
}
