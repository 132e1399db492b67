internal import IMAPSyntax
internal import MailModel

/// A SELECT or EXAMINE under way (RFC 3501, sections 6.3.1 and 6.3.2): reads the mailbox page by page. The session gets
/// the view when the view is whole.
struct SelectWork {
    private let tag: String
    private var view: MailboxView
    private var isFirstPage = true
    private(set) var isDone = false

    private init(tag: String, view: MailboxView) {
        self.tag = tag
        self.view = view
    }

    static func begin(
        _ name: IMAPSyntax.MailboxName,
        tag: String,
        parameters: SelectParameters,
        isReadOnly: Bool,
        in session: inout Session
    ) {
        guard parameters.quickResync == nil else { return session.answerBad(tag, "QRESYNC is not enabled") }
        // A SELECT that fails leaves no mailbox selected (RFC 3501, section 6.3.1).
        if session.view != nil {
            session.deselect()
            session.encoder.untagged(.ok, code: .closed, text: "The previous mailbox is closed")
        }
        if parameters.isCondstore { session.enableCondstore() }
        guard let stored = MailModel.MailboxName(name) else { return session.refuse(tag, .noSuchMailbox) }
        session.isStale = false
        session.query(.mailbox(stored), for: tag) { session, answer in
            guard case .mailbox(let record) = answer, record.selectable else {
                return session.refuse(tag, .noSuchMailbox)
            }
            let work = SelectWork(tag: tag, view: MailboxView(record, isReadOnly: isReadOnly))
            session.beginWork(work) { $0.queryPage(in: &$1) }
        }
    }

    private func queryPage(in session: inout Session) {
        let from = UID((view.lastUID ?? 0) + 1)
        query(.messages(view.id, fromUID: from, limit: SessionLimits.messagesPerPage), in: &session) {
            $0.receivePage($2, in: &$1)
        }
    }

    private mutating func receivePage(_ result: Result<MailAnswer, ServiceFailure>, in session: inout Session) {
        switch result {
        case .success(.messages(let record, let states)) where record.selectable:
            load(states, of: record, in: &session)
        case .success(.messages), .success(.missing): refuse(in: &session)
        case .success:
            isDone = true
            session.failUnexpectedly(tag)
        case .failure(let failure): fail(failure, in: &session)
        }
    }

    private mutating func load(_ states: [MessageState], of record: MailboxRecord, in session: inout Session) {
        let isFirst = isFirstPage
        isFirstPage = false
        // The MODSEQ of the first page: what changed between the pages comes by the query of changes.
        if isFirst { view = MailboxView(record, isReadOnly: view.isReadOnly) }
        // Before the messages: keywords may have got other numbers since the page before.
        view.setKeywords(record.keywords)
        for state in states { view.append(state) }
        guard states.count < SessionLimits.messagesPerPage, record.uidNext.rawValue > 0 else {
            return queryPage(in: &session)
        }
        view.uidNext = record.uidNext.rawValue
        if isFirst { return claimRecent(of: record, in: &session) }
        query(.changes(view.id, since: view.modSeq, newFrom: record.uidNext), in: &session) {
            $0.receiveChanges($2, in: &$1)
        }
    }

    private mutating func receiveChanges(_ result: Result<MailAnswer, ServiceFailure>, in session: inout Session) {
        switch result {
        case .success(.changes(let changes)) where changes.mailbox.selectable:
            view.apply(changes)
            _ = view.takeGone()
            _ = view.takeChanged()
            claimRecent(of: changes.mailbox, in: &session)
        case .success: refuse(in: &session)
        case .failure(let failure): fail(failure, in: &session)
        }
    }

    private mutating func refuse(in session: inout Session) {
        isDone = true
        session.refuse(tag, .noSuchMailbox)
    }

    private mutating func fail(_ failure: ServiceFailure, in session: inout Session) {
        isDone = true
        session.fail(tag, failure)
    }

    private mutating func claimRecent(of record: MailboxRecord, in session: inout Session) {
        guard record.recent > 0 else { return finish(record, in: &session) }
        guard !view.isReadOnly else {
            view.addRecent(from: record.recentFrom, upTo: record.uidNext)
            return finish(record, in: &session)
        }
        submit(.claimRecent(record.id), in: &session) { work, session, result in
            // A store that cannot write now lets mail be read all the same.
            if case .success(.recentClaimed(let from, let upTo)) = result {
                work.view.addRecent(from: from, upTo: upTo)
            }
            work.finish(record, in: &session)
        }
    }

    private mutating func finish(_ record: MailboxRecord, in session: inout Session) {
        isDone = true
        view.toldCount = view.count
        view.hasUntoldKeywords = false
        view.toldRecent = view.recentCount
        session.phase = .selected
        session.view = view
        session.encoder.flags(view.usableFlags)
        let text = view.isReadOnly ? "Read-only" : "Flags that stay"
        session.encoder.untagged(.ok, code: view.permanentFlags, text: text)
        session.encoder.exists(UInt32(view.count))
        session.encoder.recent(UInt32(view.recentCount))
        if let unseen = view.firstUnseen {
            session.encoder.untagged(.ok, code: .unseen(unseen), text: "The first unseen message")
        }
        session.encoder.untagged(.ok, code: .uidValidity(view.uidValidity), text: "UIDs are valid")
        session.encoder.untagged(.ok, code: .uidNext(view.uidNext), text: "The next UID, or a lower one")
        session.encoder.untagged(.ok, code: .highestModSeq(view.modSeq.rawValue), text: "The highest MODSEQ")
        session.encoder.untagged(.ok, code: .mailboxID(record.id.objectID), text: "The mailbox")
        session.badCommands = 0
        session.encoder.tagged(tag, .ok, code: view.isReadOnly ? .readOnly : .readWrite, text: "Selected")
    }
}

extension SelectWork: CommandWork {
    var underWay: CommandUnderWay { .select(self) }

    init?(_ command: CommandUnderWay) {
        guard case .select(let work) = command else { return nil }
        self = work
    }
}
