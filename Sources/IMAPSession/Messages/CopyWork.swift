internal import IMAPSyntax
internal import MailModel

/// A COPY or MOVE under way, set by set (RFC 3501, section 6.4.7; RFC 6851; RFC 4315, section 3).
struct CopyWork {
    private let tag: String
    private let isMove: Bool
    private let mailbox: MailModel.MailboxName
    private var pieces: MessagePieces
    private var target: MailboxID?
    /// The UIDs that each command has added to the target, for a COPY that is taken back.
    private var added: [UIDSet] = []
    private var uidValidity: UInt32 = 0
    private var source = NumberSet()
    private var destination = NumberSet()
    private(set) var isDone = false

    private var code: ResponseCode {
        .copyUID(uidValidity: uidValidity, source: source, destination: destination)
    }

    private init(tag: String, isMove: Bool, mailbox: MailModel.MailboxName, pieces: MessagePieces) {
        self.tag = tag
        self.isMove = isMove
        self.mailbox = mailbox
        self.pieces = pieces
    }

    static func begin(_ command: CopyCommand, tag: String, isMove: Bool, in session: inout Session) {
        guard let indexes = session.resolve(tag, command.messages, as: command.numberSpace), let view = session.view
        else { return }
        guard !isMove || !view.isReadOnly else {
            return session.answerNo(tag, code: nil, "The mailbox is selected read-only")
        }
        guard let mailbox = MailModel.MailboxName(command.mailbox) else {
            return session.refuse(tag, .noSuchMailbox, missingMailbox: .tryCreate)
        }
        let limit = isMove ? MailLimits.messagesPerMove : MailLimits.messagesPerCopy
        let sets = view.uidSets(indexes, limit: limit)
        let work = CopyWork(tag: tag, isMove: isMove, mailbox: mailbox, pieces: MessagePieces(sets))
        guard sets.isEmpty else { return session.beginWork(work) { $0.copyNext(in: &$1) } }
        // An empty set is no fault. A missing mailbox is a fault, also for an empty set.
        session.query(.mailbox(mailbox), for: tag) { session, answer in
            guard case .mailbox(let record) = answer, record.selectable else {
                return session.refuse(tag, .noSuchMailbox, missingMailbox: .tryCreate)
            }
            session.beginWork(work) { $0.copyNext(in: &$1) }
        }
    }

    private mutating func copyNext(in session: inout Session) {
        guard let source = session.view?.id else { preconditionFailure("no mailbox is selected") }
        guard let set = pieces.next() else { return finish(in: &session) }
        submit(isMove ? .move(source, set, to: mailbox) : .copy(source, set, to: mailbox), in: &session) {
            $0.receiveOutcome($2, of: set, in: &$1)
        }
    }

    private mutating func receiveOutcome(
        _ result: Result<MailOutcome, ServiceFailure>,
        of set: UIDSet,
        in session: inout Session
    ) {
        switch result {
        case .success(.copied(let target, let uidValidity, let source, let destination)):
            self.target = target
            self.uidValidity = uidValidity
            self.source.append(source)
            self.destination.append(destination)
            added.append(destination)
            copyNext(in: &session)
        case .success(.refused(.tooManyMessages)) where pieces.halve(set): copyNext(in: &session)
        case .success(.refused(let refusal)):
            breakOff(in: &session) { [tag] in $0.refuse(tag, refusal, missingMailbox: .tryCreate) }
        case .success: breakOff(in: &session) { [tag] in $0.failUnexpectedly(tag) }
        case .failure(let failure): breakOff(in: &session) { [tag] in $0.fail(tag, failure) }
        }
    }

    /// What was moved before a later set failed is told all the same. What was copied is taken back: a COPY that fails
    /// leaves the target as it was (RFC 3501, section 6.4.7).
    private mutating func breakOff(in session: inout Session, _ answer: @escaping (inout Session) -> Void) {
        isDone = true
        guard isMove else {
            return Self.takeBack(MessagePieces(added.reversed()), from: target, in: &session, answer)
        }
        session.isStale = true
        if !source.isEmpty { session.encoder.untagged(.ok, code: code, text: "Moved in part") }
        answer(&session)
    }

    private static func takeBack(
        _ added: MessagePieces,
        from target: MailboxID?,
        in session: inout Session,
        _ answer: @escaping (inout Session) -> Void
    ) {
        var rest = added
        guard let target, let set = rest.next() else { return answer(&session) }
        session.submit(.remove(target, set)) { session, result in
            // A store that does not answer leaves a part of the copy there, which the answer does not promise.
            guard case .success(let outcome) = result else { return answer(&session) }
            if case .refused(.tooManyMessages) = outcome, !rest.halve(set) { return answer(&session) }
            takeBack(rest, from: target, in: &session, answer)
        }
    }

    private mutating func finish(in session: inout Session) {
        isDone = true
        session.badCommands = 0
        let code = source.isEmpty ? nil : code
        // MOVE: COPYUID goes before the expunges (RFC 6851, section 4.3).
        if isMove, let code { session.encoder.untagged(.ok, code: code, text: "Moved") }
        session.conclude(.all, isFresh: isMove) { [tag, isMove] session in
            session.encoder.tagged(tag, .ok, code: isMove ? nil : code, text: isMove ? "Moved" : "Copied")
        }
    }
}

extension CopyWork: CommandWork {
    var underWay: CommandUnderWay { .copy(self) }

    init?(_ command: CommandUnderWay) {
        guard case .copy(let work) = command else { return nil }
        self = work
    }
}
