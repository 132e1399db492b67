public import IMAPSyntax
public import MailModel
internal import NIOCore

/// One client's session: commands and answers of the store in, effects out (RFC 3501, section 3).
///
/// The owner feeds it one thing at a time, performs the effects that `takeEffects()` returns, and hands it the framer's
/// next event only while `isReady`. At most one call of the store is under way, so that the client is held back while
/// the store is busy.
public struct Session {
    enum Phase {
        case notAuthenticated
        case authenticated
        case selected
        case logout
    }

    /// What the session waits for, before it goes on.
    enum Awaited {
        case nothing
        case answer((inout Session, Result<MailAnswer, ServiceFailure>) -> Void)
        case outcome((inout Session, Result<MailOutcome, ServiceFailure>) -> Void)
        /// The result of the login with this tag.
        case authentication(tag: String)
        case resume((inout Session) -> Void)
        case handshake
    }

    let settings: SessionSettings
    let tools: any MessageTools

    var phase = Phase.notAuthenticated
    var awaited = Awaited.nothing
    var isSecure: Bool
    var account: AccountReference?
    var encoder = ResponseEncoder()
    var effects: [SessionEffect] = []
    var badCommands = 0
    var loginFailures = 0
    /// The tag of an IDLE or AUTHENTICATE whose next line is awaited.
    var idleTag: String?
    var authenticateTag: String?
    /// CONDSTORE was asked for, by name or by one of its commands (RFC 7162, section 3.1).
    var isCondstoreEnabled = false
    /// Something of the account changed since the view was brought up to date.
    var isStale = false
    /// The store did not answer when the view was to be brought up to date.
    public internal(set) var missedUpdate = false

    /// The selected mailbox.
    var view: MailboxView?
    /// Long commands under way.
    var appending: AppendWork?
    var fetching: FetchWork?
    var searching: SearchWork?
    var storing: StoreWork?
    var copying: CopyWork?

    /// The owner's clock, set before each call.
    public var now = Timestamp(milliseconds: 0)

    public init(settings: SessionSettings, tools: any MessageTools, isSecure: Bool) {
        self.settings = settings
        self.tools = tools
        self.isSecure = isSecure
    }

    /// Whether the framer's next event may be handed in.
    public var isReady: Bool {
        guard case .nothing = awaited else { return false }
        return phase != .logout
    }
    /// Whether the client has logged in.
    public var isAuthenticated: Bool { account != nil }
    /// Whether the client waits for changes by IDLE (RFC 2177).
    public var isIdling: Bool { idleTag != nil }
    /// Whether nothing is under way that an end would cut off.
    public var isAtRest: Bool { isReady && appending == nil }
    /// Whether `continueIdle()` has something to do.
    public var wantsUpdate: Bool { idleTag != nil && isStale && isReady && view != nil }

    /// What is to be done, in order.
    public mutating func takeEffects() -> [SessionEffect] {
        flush()
        defer { effects.removeAll(keepingCapacity: true) }
        return effects
    }

    // MARK: What comes in

    /// Writes the greeting. To be called once, before all else.
    public mutating func greet() {
        encoder.untagged(.ok, code: .capability(capabilities), text: "\(settings.serverName) is ready")
    }

    /// Takes in the framer's next event. Traps unless the session ``isReady``.
    ///
    /// - Parameter freshBodyID: a name for the message of an APPEND.
    public mutating func receive(_ event: FramerEvent, freshBodyID: @autoclosure () -> BodyID) {
        precondition(isReady, "an event for a session that is busy")
        switch event {
        case .command(let tagged): carryOut(tagged)
        case .refused(let error): refused(error)
        case .unrecoverable(let error):
            encoder.untagged(.bye, code: nil, text: error.message)
            end()
        case .continuationNeeded: encoder.continuation()
        case .append(let start): beginAppend(start, freshBodyID())
        case .messageBytes(let bytes): appendBytes(bytes)
        case .messageEnded: appendMessageEnded()
        case .appendNext: refuseFurtherMessage()
        case .appendEnded: finishAppend()
        case .idleEnded: endIdle()
        case .idleBroken(let error): breakIdle(error)
        case .authenticationLine(let line): authenticationLine(line)
        }
    }

    /// The store has answered the query that the session asked last.
    public mutating func answered(_ result: Result<MailAnswer, ServiceFailure>) {
        guard case .answer(let next) = awaited else { preconditionFailure("no query is under way") }
        awaited = .nothing
        guard phase != .logout else { return }
        next(&self, result)
    }

    /// The store has carried out the command that the session gave last, or has failed to.
    public mutating func finished(_ result: Result<MailOutcome, ServiceFailure>) {
        guard case .outcome(let next) = awaited else { preconditionFailure("no command is under way") }
        awaited = .nothing
        guard phase != .logout else { return }
        next(&self, result)
    }

    /// The store has checked the password that the session asked about.
    ///
    /// - Parameter hasRoom: whether the account may have another session. Otherwise the login is refused, though its
    ///   password is right.
    public mutating func authenticated(
        _ result: Result<AuthenticationResult, ServiceFailure>,
        hasRoom: Bool = true
    ) {
        guard case .authentication(let tag) = awaited else { preconditionFailure("no login is under way") }
        awaited = .nothing
        guard phase != .logout else { return }
        concludeLogin(tag, result, hasRoom: hasRoom)
    }

    /// The client takes bytes again.
    public mutating func resume() {
        guard case .resume(let next) = awaited else { preconditionFailure("nothing waits for the client") }
        awaited = .nothing
        guard phase != .logout else { return }
        next(&self)
    }

    /// The TLS handshake is done.
    public mutating func secured() {
        guard case .handshake = awaited else { preconditionFailure("no handshake is under way") }
        awaited = .nothing
        isSecure = true
        badCommands = 0
    }

    /// Ends the session from outside.
    public mutating func end(_ reason: SessionEnd) {
        guard phase != .logout else { return }
        // Within a literal, the client would take any text for the literal's bytes.
        if encoder.pendingLiteralBytes == 0 { encoder.untagged(.bye, code: nil, text: reason.sentence) }
        end()
    }

    mutating func end() {
        phase = .logout
        flush()
        effects.append(.close)
    }
}

// MARK: - What goes out

extension Session {
    /// Sends what the encoder holds.
    mutating func flush() {
        guard encoder.writtenBytes > 0 else { return }
        effects.append(.write(encoder.takeBuffer()))
    }

    mutating func query(
        _ query: MailQuery,
        _ next: @escaping (inout Session, Result<MailAnswer, ServiceFailure>) -> Void
    ) {
        guard let account else { preconditionFailure("a query before the login") }
        flush()
        awaited = .answer(next)
        effects.append(.query(query, account))
    }

    mutating func submit(
        _ command: MailCommand,
        _ next: @escaping (inout Session, Result<MailOutcome, ServiceFailure>) -> Void
    ) {
        guard let account else { preconditionFailure("a command before the login") }
        flush()
        awaited = .outcome(next)
        effects.append(.submit(command, account))
    }

    /// Asks for the command `tag`; a failure of the store is its answer, and of a SELECT leaves no mailbox selected.
    mutating func query(
        _ query: MailQuery,
        for tag: String,
        _ next: @escaping (inout Session, MailAnswer) -> Void
    ) {
        self.query(query) { session, result in
            switch result {
            case .success(let answer): next(&session, answer)
            case .failure(let failure):
                if session.phase != .selected { session.view = nil }
                session.fail(tag, failure)
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
        appending = nil
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
        switch failure {
        case .unavailable:
            answerNo(tag, code: .unavailable, "The mail store cannot be reached at the moment; please try again")
        case .busy: answerNo(tag, code: .inUse, "The mail store is busy; please try again")
        case .noSpace:
            answerNo(
                tag,
                code: .unavailable,
                "The mail store has no room for new messages at the moment; please try again"
            )
        case .stopping: answerNo(tag, code: .unavailable, "The server is stopping; please connect again")
        }
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
}
