internal import MailModel

/// Brings the view of the selected mailbox up to date, and goes on. When the store does not answer, the view stays as
/// it was, and the session notes that it missed an update.
struct ViewUpdate {
    /// What this session knows to have changed itself, and the client needs not be told.
    let expecting: ((inout MailboxView) -> Void)?
    let next: (inout Session) -> Void

    func begin(in session: inout Session) {
        // Also of a deleted mailbox: what is not answered would be asked for again at once, for ever.
        (session.isStale, session.missedUpdate) = (false, false)
        guard let view = session.view, !view.isDeleted else { return next(&session) }
        session.query(.changes(view.id, since: view.modSeq, newFrom: UID(view.uidNext))) { session, result in
            switch result {
            case .success(.changes(let changes)):
                session.view?.setKeywords(changes.mailbox.keywords)
                if let expecting, var view = session.view.take() {
                    expecting(&view)
                    session.view = view
                }
                session.view?.apply(changes)
                if session.view?.isLarger(than: changes.mailbox) == true { return findGone(from: UID(1), in: &session) }
            case .success(.missing): session.view?.markDeleted()
            case .success, .failure: session.missedUpdate = true
            }
            claimRecent(in: &session)
        }
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
            claimRecent(in: &session)
        }
    }

    /// Takes what is new as `\Recent` for this session, before it is told of.
    private func claimRecent(in session: inout Session) {
        guard let view = session.view, !view.isReadOnly, !view.isDeleted, view.count > view.toldCount else {
            return next(&session)
        }
        session.submit(.claimRecent(view.id)) { session, result in
            if case .success(.recentClaimed(let from, let upTo)) = result {
                session.view?.addRecent(from: from, upTo: upTo)
            }
            next(&session)
        }
    }
}
