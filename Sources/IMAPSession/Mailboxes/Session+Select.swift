internal import IMAPSyntax
internal import MailModel

/// SELECT, EXAMINE, CLOSE and UNSELECT (RFC 3501, sections 6.3.1 and 6.4.2; RFC 3691).
extension Session {
    mutating func selectMailbox(
        _ tag: String,
        named name: IMAPSyntax.MailboxName,
        parameters: SelectParameters,
        isReadOnly: Bool
    ) {
        guard parameters.quickResync == nil else { return answerBad(tag, "QRESYNC is not enabled") }
        // A SELECT that fails leaves no mailbox selected (RFC 3501, section 6.3.1).
        if view != nil {
            deselect()
            encoder.untagged(.ok, code: .closed, text: "The previous mailbox is closed")
        }
        if parameters.isCondstore { enableCondstore() }
        guard let stored = MailModel.MailboxName(name) else { return refuse(tag, .noSuchMailbox) }
        isStale = false
        query(.mailbox(stored), for: tag) { session, answer in
            guard case .mailbox(let record) = answer, record.selectable else {
                return session.refuse(tag, .noSuchMailbox)
            }
            session.load(tag, MailboxView(record, isReadOnly: isReadOnly), isFirst: true)
        }
    }

    mutating func deselect() {
        view = nil
        phase = .authenticated
    }

    /// Reads the mailbox page by page.
    private mutating func load(_ tag: String, _ partial: MailboxView, isFirst: Bool) {
        view = partial
        let from = UID((partial.lastUID ?? 0) + 1)
        query(.messages(partial.id, fromUID: from, limit: SessionLimits.messagesPerPage), for: tag) { session, answer in
            switch answer {
            case .messages(let record, let states):
                session.viewLoaded(tag, of: record, states: states, isFirst: isFirst)
            case .missing:
                session.view = nil
                session.refuse(tag, .noSuchMailbox)
            case .account, .mailboxes, .mailbox, .changes, .details, .body:
                session.view = nil
                session.failUnexpectedly(tag)
            }
        }
    }

    private mutating func viewLoaded(_ tag: String, of record: MailboxRecord, states: [MessageState], isFirst: Bool) {
        guard let isReadOnly = view?.isReadOnly, record.selectable else {
            view = nil
            return refuse(tag, .noSuchMailbox)
        }
        // The MODSEQ of the first page: what changed between the pages comes by the query of changes.
        if isFirst { view = MailboxView(record, isReadOnly: isReadOnly) }
        // Before the messages: keywords may have got other numbers since the page before.
        view?.setKeywords(record.keywords)
        for state in states { view?.append(state) }
        guard states.count < SessionLimits.messagesPerPage, record.uidNext.rawValue > 0, let loaded = view else {
            guard let view else { return }
            return load(tag, view, isFirst: false)
        }
        view?.uidNext = record.uidNext.rawValue
        if isFirst { return claimRecent(tag, record) }
        query(.changes(loaded.id, since: loaded.modSeq, newFrom: record.uidNext), for: tag) { session, answer in
            guard case .changes(let changes) = answer, changes.mailbox.selectable else {
                session.view = nil
                return session.refuse(tag, .noSuchMailbox)
            }
            session.view?.apply(changes)
            _ = session.view?.takeGone()
            _ = session.view?.takeChanged()
            session.claimRecent(tag, changes.mailbox)
        }
    }

    private mutating func claimRecent(_ tag: String, _ record: MailboxRecord) {
        guard let view, record.recent > 0 else { return selected(tag, record) }
        guard !view.isReadOnly else {
            self.view?.addRecent(from: record.recentFrom, upTo: record.uidNext)
            return selected(tag, record)
        }
        submit(.claimRecent(record.id)) { session, result in
            // A store that cannot write now lets mail be read all the same.
            if case .success(.recentClaimed(let from, let upTo)) = result {
                session.view?.addRecent(from: from, upTo: upTo)
            }
            session.selected(tag, record)
        }
    }

    private mutating func selected(_ tag: String, _ record: MailboxRecord) {
        guard var view else { preconditionFailure("a mailbox is being selected") }
        phase = .selected
        view.toldCount = view.count
        view.hasUntoldKeywords = false
        view.toldRecent = view.recentCount
        self.view = view
        encoder.flags(Self.systemFlags + view.keywords)
        encoder.untagged(.ok, code: permanentFlags(view), text: view.isReadOnly ? "Read-only" : "Flags that stay")
        encoder.exists(UInt32(view.count))
        encoder.recent(UInt32(view.recentCount))
        if let unseen = view.firstUnseen {
            encoder.untagged(.ok, code: .unseen(unseen), text: "The first unseen message")
        }
        encoder.untagged(.ok, code: .uidValidity(view.uidValidity), text: "UIDs are valid")
        encoder.untagged(.ok, code: .uidNext(view.uidNext), text: "The next UID, or a lower one")
        encoder.untagged(.ok, code: .highestModSeq(view.modSeq.rawValue), text: "The highest MODSEQ")
        encoder.untagged(.ok, code: .mailboxID(record.id.objectID), text: "The mailbox")
        badCommands = 0
        encoder.tagged(tag, .ok, code: view.isReadOnly ? .readOnly : .readWrite, text: "Selected")
    }

    /// CLOSE expunges without telling, UNSELECT does not expunge.
    mutating func close(_ tag: String) {
        guard let view, !view.isReadOnly, !view.isDeleted else { return unselect(tag) }
        expungeMarked(tag) { session in
            session.deselect()
            session.succeed(tag, "Closed", updates: .none)
        }
    }

    mutating func unselect(_ tag: String) {
        deselect()
        succeed(tag, "Closed", updates: .none)
    }
}
