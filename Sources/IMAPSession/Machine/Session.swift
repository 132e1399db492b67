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
        case recent((inout Session, UID) -> Void)
        case rows((inout Session, MailboxRows?) -> Void)
        /// Whether the password of this login is right.
        case authentication(Login)
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
    /// The tag of the IDLE whose end is awaited.
    var idleTag: String?
    /// The AUTHENTICATE whose next line is awaited.
    var authenticating: Login?
    /// CONDSTORE was asked for, by name or by one of its commands (RFC 7162, section 3.1).
    var isCondstoreEnabled = false
    /// Something of the account changed since the view was brought up to date.
    var isStale = false
    /// The store did not answer when the view was to be brought up to date.
    public internal(set) var missedUpdate = false

    /// The selected mailbox.
    var view: MailboxView?
    /// What is kept of a command between its steps.
    var underWay = CommandUnderWay.none

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
    public var isAtRest: Bool {
        guard case .none = underWay else { return false }
        return isReady
    }
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
        case .append(let start): AppendWork.begin(start, bodyID: freshBodyID(), in: &self)
        case .messageBytes(let bytes): continueAppend { $0.receive(bytes, in: &$1) }
        case .messageEnded: continueAppend { $0.receiveEndOfMessage(in: &$1) }
        case .appendNext: continueAppend { $0.refuseFurtherMessage(in: &$1) }
        case .appendEnded: continueAppend { $0.finish(in: &$1) }
        case .idleEnded: endIdle()
        case .idleBroken(let error): breakIdle(error)
        case .authenticationLine(let line):
            guard let login = authenticating.take() else { preconditionFailure("no AUTHENTICATE is under way") }
            login.receive(line, in: &self)
        }
    }

    private mutating func continueAppend(_ step: (inout AppendWork, inout Session) -> Void) { continueWork(step) }

    /// The store has answered the query that the session asked last.
    public mutating func answered(_ result: Result<MailAnswer, ServiceFailure>) {
        guard case .answer(let next) = awaited else { preconditionFailure("no query is under way") }
        awaited = .nothing
        guard phase != .logout else { return }
        if case .success(let answer) = result { view?.noteSeen(answer) }
        next(&self, result)
    }

    /// The store has carried out the command that the session gave last, or has failed to.
    public mutating func finished(_ result: Result<MailOutcome, ServiceFailure>) {
        guard case .outcome(let next) = awaited else { preconditionFailure("no command is under way") }
        awaited = .nothing
        guard phase != .logout else { return }
        next(&self, result)
    }

    /// Of the messages that the session would take as `\Recent`, those from this UID on are its own.
    public mutating func recentTaken(from first: UID) {
        guard case .recent(let next) = awaited else { preconditionFailure("nothing was to be taken") }
        awaited = .nothing
        guard phase != .logout else { return }
        next(&self, first)
    }

    /// What is kept of the mailbox that the session looked for; nil where that is nothing.
    public mutating func rowsFound(_ rows: MailboxRows?) {
        guard case .rows(let next) = awaited else { preconditionFailure("no rows were looked for") }
        awaited = .nothing
        guard phase != .logout else { return }
        next(&self, rows)
    }

    /// The store has checked the password that the session asked about.
    ///
    /// - Parameter hasRoom: whether the account may have another session. Otherwise the login is refused, though its
    ///   password is right.
    public mutating func authenticated(
        _ result: Result<AuthenticationResult, ServiceFailure>,
        hasRoom: Bool = true
    ) {
        guard case .authentication(let login) = awaited else { preconditionFailure("no login is under way") }
        awaited = .nothing
        guard phase != .logout else { return }
        login.conclude(result, hasRoom: hasRoom, in: &self)
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
