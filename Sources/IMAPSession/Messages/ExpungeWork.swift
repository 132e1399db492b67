internal import IMAPSyntax
internal import MailModel

/// An EXPUNGE, UID EXPUNGE or CLOSE under way, set by set (RFC 3501, sections 6.4.2 and 6.4.3; RFC 4315, section 2.1).
struct ExpungeWork {
    private let tag: String
    /// Whether the mailbox is closed then; CLOSE does not tell what it expunges.
    private let isClose: Bool
    private var pieces: MessagePieces
    private(set) var isDone = false

    private init(tag: String, isClose: Bool, pieces: MessagePieces) {
        self.tag = tag
        self.isClose = isClose
        self.pieces = pieces
    }

    /// UID EXPUNGE: of these messages, those that are marked.
    static func begin(_ set: MessageSet, tag: String, in session: inout Session) {
        guard let indexes = session.resolve(tag, set, as: .uid), let view = session.view else { return }
        guard !view.isReadOnly else { return session.answerNo(tag, code: nil, "The mailbox is selected read-only") }
        let pieces = MessagePieces(view.uidSets(indexes, limit: MailLimits.messagesPerExpunge))
        session.beginWork(ExpungeWork(tag: tag, isClose: false, pieces: pieces)) { $0.expungeNext(in: &$1) }
    }

    /// EXPUNGE.
    static func beginWithMarked(tag: String, in session: inout Session) {
        guard let view = session.view else { return }
        guard !view.isReadOnly else { return session.answerNo(tag, code: nil, "The mailbox is selected read-only") }
        expungeMarked(tag: tag, isClose: false, in: &session)
    }

    /// CLOSE expunges, unlike UNSELECT, where that is possible.
    static func beginClose(tag: String, in session: inout Session) {
        guard let view = session.view, !view.isReadOnly, !view.isDeleted else { return session.unselect(tag) }
        expungeMarked(tag: tag, isClose: true, in: &session)
    }

    /// Expunges all messages that are marked, by other sessions too: the view is brought up to date first.
    private static func expungeMarked(tag: String, isClose: Bool, in session: inout Session) {
        session.synchronise { session in
            guard !session.missedUpdate else { return session.fail(tag, .unavailable) }
            var sets: [UIDSet] = []
            if let view = session.view, !view.isDeleted {
                let marked = view.knownDeleted
                for start in stride(from: 0, to: marked.count, by: MailLimits.messagesPerExpunge) {
                    let piece = marked[start..<min(start + MailLimits.messagesPerExpunge, marked.count)]
                    sets.append(UIDSet(piece.lazy.map { UID($0) }))
                }
            }
            let work = ExpungeWork(tag: tag, isClose: isClose, pieces: MessagePieces(sets))
            session.beginWork(work) { $0.expungeNext(in: &$1) }
        }
    }

    private mutating func expungeNext(in session: inout Session) {
        guard let set = pieces.next(), let mailbox = session.view?.id else { return finish(in: &session) }
        session.isStale = true
        submit(.expunge(mailbox, set), in: &session) { $0.receiveOutcome($2, of: set, in: &$1) }
    }

    private mutating func receiveOutcome(
        _ result: Result<MailOutcome, ServiceFailure>,
        of set: UIDSet,
        in session: inout Session
    ) {
        switch result {
        case .success(.refused(.tooManyMessages)) where pieces.halve(set): expungeNext(in: &session)
        case .success(.refused(let refusal)):
            isDone = true
            session.refuse(tag, refusal)
        case .success: expungeNext(in: &session)
        case .failure(let failure):
            isDone = true
            session.fail(tag, failure)
        }
    }

    private mutating func finish(in session: inout Session) {
        isDone = true
        guard !isClose else { return session.unselect(tag) }
        session.badCommands = 0
        session.conclude(.all, isFresh: true) { [tag] session in
            let modSeq = session.isCondstoreEnabled ? session.view?.modSeq.rawValue : nil
            session.encoder.tagged(tag, .ok, code: modSeq.map { .highestModSeq($0) }, text: "Expunged")
        }
    }
}

extension ExpungeWork: CommandWork {
    var underWay: CommandUnderWay { .expunge(self) }

    init?(_ command: CommandUnderWay) {
        guard case .expunge(let work) = command else { return nil }
        self = work
    }
}
