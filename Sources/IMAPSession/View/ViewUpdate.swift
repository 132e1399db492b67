internal import MailModel

/// Brings the view of the selected mailbox up to date, and goes on. When the store does not answer, the view stays as
/// it was, and the session notes that it missed an update.
struct ViewUpdate {
    /// Whether all that was acknowledged anywhere must be seen. Otherwise what this session has seen and done will do,
    /// and this node answers by itself.
    let isLinearizable: Bool
    /// What this session knows to have changed itself, and the client needs not be told.
    let expecting: ((inout MailboxView) -> Void)?
    let next: (inout Session) -> Void

    func begin(in session: inout Session) {
        // Also of a deleted mailbox: what is not answered would be asked for again at once, for ever.
        (session.isStale, session.missedUpdate) = (false, false)
        guard let view = session.view, !view.isDeleted else { return next(&session) }
        let newFrom = UID(view.uidNext)
        let changes = MailQuery.changes(view.id, since: view.modSeq, newFrom: newFrom)
        session.query(changes, showing: isLinearizable ? nil : view.toBeShown) { session, result in
            switch result {
            case .success(.changes(let changes)):
                session.view?.setKeywords(changes.mailbox.keywords)
                if let expecting, var view = session.view.take() {
                    expecting(&view)
                    session.view = view
                }
                session.view?.apply(changes)
                session.view?.noteCertain()
                return takeRecent(of: changes.mailbox, from: newFrom, in: &session)
            case .success(.missing): session.view?.markDeleted()
            case .success, .failure: session.missedUpdate = true
            }
            next(&session)
        }
    }

    /// Takes what is new as `\Recent` for this session, before it is told of. What was there before is another
    /// session's, or was taken when it was new.
    private func takeRecent(of record: MailboxRecord, from newFrom: UID, in session: inout Session) {
        let from = max(record.recentFrom, newFrom)
        guard let view = session.view, !view.isReadOnly, !view.isDeleted, record.uidNext > from else {
            return compare(with: record, in: &session)
        }
        NodeMemory.takeRecent(in: record, from: from, for: &session) { session, first in
            session.view?.addRecent(from: first, upTo: record.uidNext)
            compare(with: record, in: &session)
        }
    }

    private func compare(with record: MailboxRecord, in session: inout Session) {
        guard session.view?.isLarger(than: record) == true else { return next(&session) }
        findGone(from: UID(1), in: &session)
    }

    /// Looks for the messages that are not there any more, page by page. The store tells which messages were expunged
    /// as long as it keeps those; what it has forgotten since shows by their number alone.
    private func findGone(from uid: UID, in session: inout Session) {
        guard let mailbox = session.view?.id else { return next(&session) }
        session.query(.messages(mailbox, fromUID: uid, limit: SessionLimits.messagesPerPage)) { session, result in
            switch result {
            case .success(.messages(_, let states)):
                let isEnd = states.count < SessionLimits.messagesPerPage || states.last?.uid == UID(.max)
                let rest = isEnd ? nil : states.last.map { UID($0.uid.rawValue + 1) }
                session.view?.keep(states, from: uid, below: rest)
                if let rest { return findGone(from: rest, in: &session) }
            case .success(.missing): session.view?.markDeleted()
            case .success, .failure: session.missedUpdate = true
            }
            next(&session)
        }
    }
}
