internal import IMAPSyntax
internal import MailModel
internal import NIOCore

/// What goes out: calls of the store, turns for others, and answers.
extension Session {
    /// Sends what the encoder holds.
    mutating func flush() {
        guard encoder.writtenBytes > 0 else { return }
        effects.append(.write(encoder.takeBuffer()))
    }

    /// Asks the store.
    ///
    /// - Parameter known: what the answer must show of the selected mailbox; nil for all that was acknowledged
    ///   anywhere.
    mutating func query(
        _ query: MailQuery,
        showing known: KnownMailbox? = nil,
        _ next: @escaping (inout Session, Result<MailAnswer, ServiceFailure>) -> Void
    ) {
        guard let account else { preconditionFailure("a query before the login") }
        flush()
        awaited = .answer(next)
        effects.append(known.map { .queryNearby(query, account, $0) } ?? .query(query, account))
    }

    mutating func submit(
        _ command: MailCommand,
        _ next: @escaping (inout Session, Result<MailOutcome, ServiceFailure>) -> Void
    ) {
        guard let account else { preconditionFailure("a command before the login") }
        flush()
        let source = command.sourceMailbox
        awaited = .outcome { session, result in
            session.view?.noteDone(result, in: source)
            next(&session, result)
        }
        effects.append(.submit(command, account))
    }

    /// Asks for the command `tag`; a failure of the store is its answer.
    mutating func query(
        _ query: MailQuery,
        for tag: String,
        _ next: @escaping (inout Session, MailAnswer) -> Void
    ) {
        self.query(query) { session, result in
            switch result {
            case .success(let answer): next(&session, answer)
            case .failure(let failure): session.fail(tag, failure)
            }
        }
    }

    /// Submits for the command `tag`; a failure of the store, or a refusal, is its answer.
    mutating func submit(
        _ command: MailCommand,
        for tag: String,
        _ next: @escaping (inout Session, MailOutcome) -> Void
    ) {
        submit(command) { session, result in
            switch result {
            case .success(.refused(let refusal)): session.refuse(tag, refusal)
            case .success(let outcome): next(&session, outcome)
            case .failure(let failure): session.fail(tag, failure)
            }
        }
    }

    /// Lets other connections have a turn, and goes on when the client takes bytes.
    mutating func giveWay(_ next: @escaping (inout Session) -> Void) {
        flush()
        awaited = .resume(next)
        effects.append(.resumeWhenWritable)
    }

    // MARK: Answers

    /// The answer to a command that succeeded, with what is new in the mailbox in front of it.
    mutating func succeed(_ tag: String, _ text: String, updates: Updates = .all) {
        succeed(tag, code: nil, text, updates: updates)
    }

    mutating func succeed(_ tag: String, code: ResponseCode?, _ text: String, updates: Updates = .all) {
        badCommands = 0
        conclude(updates) { $0.encoder.tagged(tag, .ok, code: code, text: text) }
    }

    mutating func answerNo(_ tag: String, code: ResponseCode?, _ text: String) {
        badCommands = 0
        encoder.tagged(tag, .no, code: code, text: text)
    }

    /// A command that cannot be carried out as it stands.
    mutating func answerBad(_ tag: String, _ text: String) {
        encoder.tagged(tag, .bad, code: nil, text: text)
        countBadCommand()
    }

    mutating func refused(_ error: SyntaxError) {
        underWay = .none
        encoder.refusal(error)
        guard error.tag == nil || error.response.condition == .bad else {
            badCommands = 0
            return
        }
        countBadCommand()
    }

    private mutating func countBadCommand() {
        badCommands += 1
        guard badCommands >= settings.maximumBadCommands else { return }
        encoder.untagged(.bye, code: nil, text: "Too many commands in a row that are none")
        end()
    }

    /// The store did not answer: never the client's fault.
    mutating func fail(_ tag: String, _ failure: ServiceFailure) {
        let (code, text) = failure.answer
        answerNo(tag, code: code, text)
    }

    /// The store refused; nothing was changed.
    mutating func refuse(_ tag: String, _ refusal: Refusal, missingMailbox: ResponseCode = .nonExistent) {
        let (code, text) = refusal.answer(missingMailbox: missingMailbox)
        answerNo(tag, code: code, text)
    }

    /// The store gave an answer of another kind than asked for.
    mutating func failUnexpectedly(_ tag: String) {
        answerNo(tag, code: .serverBug, "The mail store gave an answer that makes no sense")
    }

    /// The indexes of a set; nil after the command was answered.
    mutating func resolve(_ tag: String, _ set: MessageSet, as space: NumberSpace) -> [Range<Int>]? {
        guard let view else { preconditionFailure("no mailbox is selected") }
        do throws(MessageSetProblem) {
            return try view.indexes(set, space)
        } catch {
            answerBad(tag, error.sentence)
            return nil
        }
    }

    // MARK: Updates

    /// Writes the answer to a command, behind the updates that may go with it.
    ///
    /// - Parameters:
    ///   - isFresh: asks the store even when nothing has been reported.
    ///   - isLinearizable: all that was acknowledged anywhere is seen, not only what this session knows of.
    mutating func conclude(
        _ updates: Updates,
        isFresh: Bool = false,
        isLinearizable: Bool = false,
        _ answer: @escaping (inout Session) -> Void
    ) {
        switch updates {
        case .none: answer(&self)
        case .withoutExpunge, .all:
            guard view != nil, isFresh || isLinearizable || isStale || missedUpdate else {
                return tellUpdates(updates, answer)
            }
            synchronise(isLinearizable: isLinearizable) { $0.tellUpdates(updates, answer) }
        }
    }

    /// Brings the view up to date. When the store does not answer, the view stays as it was, to be tried again.
    ///
    /// - Parameters:
    ///   - isLinearizable: all that was acknowledged anywhere is seen, not only what this session knows of.
    ///   - expecting: what this session knows to have changed itself, and the client needs not be told.
    mutating func synchronise(
        isLinearizable: Bool = false,
        expecting: ((inout MailboxView) -> Void)? = nil,
        _ next: @escaping (inout Session) -> Void
    ) {
        ViewUpdate(isLinearizable: isLinearizable, expecting: expecting, next: next).begin(in: &self)
    }

    /// Writes what the client does not know yet, in turns where that is much.
    mutating func tellUpdates(_ updates: Updates, _ next: @escaping (inout Session) -> Void) {
        ViewReport(next: next).tell(updates, in: &self)
    }
}
