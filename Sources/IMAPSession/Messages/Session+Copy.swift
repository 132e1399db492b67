internal import IMAPSyntax
internal import MailModel

/// A COPY or MOVE under way, set by set.
struct CopyWork {
    let tag: String
    let isMove: Bool
    let mailbox: MailModel.MailboxName
    var pieces: MessagePieces
    var target: MailboxID?
    /// The UIDs that each command has added to the target, for a COPY that is taken back.
    var added: [UIDSet] = []
    var uidValidity: UInt32 = 0
    var source = NumberSet()
    var destination = NumberSet()
}

/// COPY and MOVE (RFC 3501, section 6.4.7; RFC 6851; RFC 4315, section 3).
extension Session {
    mutating func copy(_ tag: String, _ command: CopyCommand, isMove: Bool) {
        guard let view, let indexes = resolve(tag, command.messages, as: command.numberSpace) else { return }
        guard !isMove || !view.isReadOnly else { return answerNo(tag, code: nil, "The mailbox is selected read-only") }
        guard let mailbox = MailModel.MailboxName(command.mailbox) else {
            return refuse(tag, .noSuchMailbox, missingMailbox: .tryCreate)
        }
        let limit = isMove ? MailLimits.messagesPerMove : MailLimits.messagesPerCopy
        let sets = view.uidSets(indexes, limit: limit)
        copying = CopyWork(tag: tag, isMove: isMove, mailbox: mailbox, pieces: MessagePieces(sets))
        guard sets.isEmpty else { return copyNext() }
        // An empty set is no fault. A missing mailbox is a fault, also for an empty set.
        query(.mailbox(mailbox), for: tag) { session, answer in
            guard case .mailbox(let record) = answer, record.selectable else {
                session.copying = nil
                return session.refuse(tag, .noSuchMailbox, missingMailbox: .tryCreate)
            }
            session.copyNext()
        }
    }

    private mutating func copyNext() {
        guard let work = copying, let view else { preconditionFailure("no COPY is under way") }
        guard let set = copying?.pieces.next() else { return finishCopy(work) }
        let command: MailCommand =
            work.isMove ? .move(view.id, set, to: work.mailbox) : .copy(view.id, set, to: work.mailbox)
        submit(command) { session, result in
            switch result {
            case .success(.copied(let target, let uidValidity, let source, let destination)):
                session.copying?.target = target
                session.copying?.added.append(destination)
                session.copying?.uidValidity = uidValidity
                session.copying?.source.append(source)
                session.copying?.destination.append(destination)
                session.copyNext()
            case .success(.refused(.tooManyMessages)) where session.copying?.pieces.halve(set) == true:
                session.copyNext()
            case .success(.refused(let refusal)):
                session.endCopy(work) { $0.refuse(work.tag, refusal, missingMailbox: .tryCreate) }
            case .success: session.endCopy(work) { $0.failUnexpectedly(work.tag) }
            case .failure(let failure): session.endCopy(work) { $0.fail(work.tag, failure) }
            }
        }
    }

    /// What was moved before a later set failed is told all the same. What was copied is taken back: a COPY that fails
    /// leaves the target as it was (RFC 3501, section 6.4.7).
    private mutating func endCopy(_ work: CopyWork, _ answer: @escaping (inout Session) -> Void) {
        guard let done = copying else { return answer(&self) }
        copying = nil
        guard work.isMove else { return takeBack(done.target, MessagePieces(done.added.reversed()), answer) }
        isStale = true
        if !done.source.isEmpty { encoder.untagged(.ok, code: done.code, text: "Moved in part") }
        answer(&self)
    }

    private mutating func takeBack(
        _ target: MailboxID?,
        _ added: MessagePieces,
        _ answer: @escaping (inout Session) -> Void
    ) {
        var rest = added
        guard let target, let set = rest.next() else { return answer(&self) }
        submit(.remove(target, set)) { session, result in
            // A store that does not answer leaves a part of the copy there, which the answer does not promise.
            guard case .success(let outcome) = result else { return answer(&session) }
            if case .refused(.tooManyMessages) = outcome, !rest.halve(set) { return answer(&session) }
            session.takeBack(target, rest, answer)
        }
    }

    private mutating func finishCopy(_ work: CopyWork) {
        copying = nil
        badCommands = 0
        let code = work.source.isEmpty ? nil : work.code
        // MOVE: COPYUID goes before the expunges (RFC 6851, section 4.3).
        if work.isMove, let code { encoder.untagged(.ok, code: code, text: "Moved") }
        conclude(.all, isFresh: work.isMove) { session in
            session.encoder.tagged(
                work.tag,
                .ok,
                code: work.isMove ? nil : code,
                text: work.isMove ? "Moved" : "Copied"
            )
        }
    }
}

extension CopyWork {
    fileprivate var code: ResponseCode {
        .copyUID(uidValidity: uidValidity, source: source, destination: destination)
    }
}
