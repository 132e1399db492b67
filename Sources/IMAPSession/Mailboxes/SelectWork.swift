internal import IMAPSyntax
internal import MailModel

/// A SELECT or EXAMINE under way (RFC 3501, sections 6.3.1 and 6.3.2): takes over the rows that another session of the
/// node has kept, with what changed since, or reads the mailbox page by page. The session gets the view when the view
/// is whole.
struct SelectWork {
    private let tag: String
    private let isReadOnly: Bool
    private var rows: MailboxRows
    private var isFirstPage = true
    /// Whether other sessions have the rows as they are.
    private var areKept = false
    private(set) var isDone = false

    private init(tag: String, isReadOnly: Bool, rows: MailboxRows) {
        self.tag = tag
        self.isReadOnly = isReadOnly
        self.rows = rows
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
            let work = SelectWork(tag: tag, isReadOnly: isReadOnly, rows: MailboxRows(record))
            session.beginWork(work) { $0.findRows(of: record, in: &$1) }
        }
    }

    // MARK: Rows that are there

    private func findRows(of record: MailboxRecord, in session: inout Session) {
        NodeMemory.findRows(of: record.id, for: &session) { session, found in
            session.continueWork { (work: inout Self, session) in work.receiveRows(found, of: record, in: &session) }
        }
    }

    private mutating func receiveRows(_ found: MailboxRows?, of record: MailboxRecord, in session: inout Session) {
        guard let found, found.mayLead(to: record) else { return queryPage(in: &session) }
        rows = found
        guard !found.areWhole(of: record) else {
            areKept = true
            return takeRecent(of: record, in: &session)
        }
        // What is as new as the record is as new as this SELECT.
        var known = KnownMailbox()
        known.noteRecord(record)
        let changes = MailQuery.changes(rows.id, since: rows.modSeq, newFrom: UID(rows.uidNext))
        session.query(changes, showing: known) { session, result in
            session.continueWork { (work: inout Self, session) in work.receiveDifference(result, in: &session) }
        }
    }

    private mutating func receiveDifference(_ result: Result<MailAnswer, ServiceFailure>, in session: inout Session) {
        switch result {
        case .success(.changes(let changes)) where changes.mailbox.selectable:
            rows.apply(changes)
            guard rows.areWhole(of: changes.mailbox) else {
                rows = MailboxRows(changes.mailbox)
                return queryPage(in: &session)
            }
            takeRecent(of: changes.mailbox, in: &session)
        case .success: refuse(in: &session)
        case .failure(let failure): fail(failure, in: &session)
        }
    }

    // MARK: Page by page

    private func queryPage(in session: inout Session) {
        let from = UID((rows.uids.last ?? 0) + 1)
        query(.messages(rows.id, fromUID: from, limit: SessionLimits.messagesPerPage), in: &session) {
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
        if isFirst { rows = MailboxRows(record) }
        // Before the messages: keywords may have got other numbers since the page before.
        rows.setKeywords(record.keywords)
        for state in states { rows.append(state) }
        guard states.count < SessionLimits.messagesPerPage, record.uidNext.rawValue > 0 else {
            return queryPage(in: &session)
        }
        if isFirst {
            rows.noteState(of: record)
            return takeRecent(of: record, in: &session)
        }
        query(.changes(rows.id, since: rows.modSeq, newFrom: record.uidNext), in: &session) {
            $0.receiveChanges($2, in: &$1)
        }
    }

    private mutating func receiveChanges(_ result: Result<MailAnswer, ServiceFailure>, in session: inout Session) {
        switch result {
        case .success(.changes(let changes)) where changes.mailbox.selectable:
            rows.apply(changes)
            takeRecent(of: changes.mailbox, in: &session)
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

    // MARK: The answer

    private mutating func takeRecent(of record: MailboxRecord, in session: inout Session) {
        guard record.recent > 0, !isReadOnly else {
            return finish(record, recentFrom: record.recentFrom, in: &session)
        }
        NodeMemory.takeRecent(in: record, from: record.recentFrom, for: &session) { session, first in
            session.continueWork { (work: inout Self, session) in
                work.finish(record, recentFrom: first, in: &session)
            }
        }
    }

    private mutating func finish(_ record: MailboxRecord, recentFrom: UID, in session: inout Session) {
        isDone = true
        let firstUnseen = rows.findFirstUnseen()
        if !areKept, rows.areWhole(of: record) { NodeMemory.keepRows(rows, of: &session) }
        var view = MailboxView(rows, isReadOnly: isReadOnly)
        view.addRecent(from: recentFrom, upTo: record.uidNext)
        view.toldCount = view.count
        view.toldRecent = view.recentCount
        session.phase = .selected
        session.view = view
        session.encoder.flags(view.usableFlags)
        let text = view.isReadOnly ? "Read-only" : "Flags that stay"
        session.encoder.untagged(.ok, code: view.permanentFlags, text: text)
        session.encoder.exists(UInt32(view.count))
        session.encoder.recent(UInt32(view.recentCount))
        if let firstUnseen {
            session.encoder.untagged(.ok, code: .unseen(UInt32(firstUnseen + 1)), text: "The first unseen message")
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
