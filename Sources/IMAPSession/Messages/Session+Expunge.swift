internal import IMAPSyntax
internal import MailModel

/// EXPUNGE and UID EXPUNGE (RFC 3501, section 6.4.3; RFC 4315, section 2.1).
extension Session {
    mutating func expunge(_ tag: String) {
        guard let view else { return }
        guard !view.isReadOnly else { return answerNo(tag, code: nil, "The mailbox is selected read-only") }
        expungeMarked(tag) { session in
            session.badCommands = 0
            session.conclude(.all, isFresh: true) { $0.answerExpunge(tag) }
        }
    }

    mutating func expunge(_ tag: String, _ set: MessageSet) {
        guard let view, let indexes = resolve(tag, set, as: .uid) else { return }
        guard !view.isReadOnly else { return answerNo(tag, code: nil, "The mailbox is selected read-only") }
        let sets = view.uidSets(indexes, limit: MailLimits.messagesPerExpunge)
        expunge(tag, MessagePieces(sets)) { session in
            session.badCommands = 0
            session.conclude(.all, isFresh: true) { $0.answerExpunge(tag) }
        }
    }

    private mutating func answerExpunge(_ tag: String) {
        let code = isCondstoreEnabled ? view.map { ResponseCode.highestModSeq($0.modSeq.rawValue) } : nil
        encoder.tagged(tag, .ok, code: code, text: "Expunged")
    }

    /// Expunges all messages that are marked, by other sessions too: the view is brought up to date first.
    mutating func expungeMarked(_ tag: String, _ next: @escaping (inout Session) -> Void) {
        synchronise { session in
            guard !session.missedUpdate else { return session.fail(tag, .unavailable) }
            guard let view = session.view, !view.isDeleted else { return next(&session) }
            let marked = view.knownDeleted
            var sets: [UIDSet] = []
            for start in stride(from: 0, to: marked.count, by: MailLimits.messagesPerExpunge) {
                let piece = marked[start..<min(start + MailLimits.messagesPerExpunge, marked.count)]
                sets.append(UIDSet(piece.lazy.map { UID($0) }))
            }
            session.expunge(tag, MessagePieces(sets), next)
        }
    }

    private mutating func expunge(
        _ tag: String,
        _ pieces: MessagePieces,
        _ next: @escaping (inout Session) -> Void
    ) {
        var rest = pieces
        guard let set = rest.next(), let view else { return next(&self) }
        isStale = true
        submit(.expunge(view.id, set)) { session, result in
            switch result {
            case .success(.refused(.tooManyMessages)) where rest.halve(set): session.expunge(tag, rest, next)
            case .success(.refused(let refusal)): session.refuse(tag, refusal)
            case .success: session.expunge(tag, rest, next)
            case .failure(let failure): session.fail(tag, failure)
            }
        }
    }
}
