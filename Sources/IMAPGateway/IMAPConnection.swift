internal import GatewaySupport
internal import IMAPSession
internal import IMAPSyntax
internal import Logging
internal import MailModel
internal import NIOCore
internal import NIOSSL

/// One client: its bytes go through the framer into the session, whose effects are performed.
///
/// Everything happens on the connection's event loop. The client is read from only while there is room, and commands
/// are taken only while the session is ready and the client takes its answers.
final class IMAPConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let configuration: ConnectionConfiguration
    var session: Session
    var framer: CommandFramer
    var context: ChannelHandlerContext?
    private var isProcessing = false
    private var hasUnflushed = false
    private var isReading = false
    private var waitsForClient = false
    private var isTurnScheduled = false
    private var isRetryScheduled = false
    private var isStopping = false
    private(set) var isClosing = false
    private var watch: (any AccountWatch)?
    private var counted: CountedClient
    var timers = ConnectionTimers()

    init(_ configuration: ConnectionConfiguration) {
        self.configuration = configuration
        counted = CountedClient(configuration.settings.clients)
        framer = CommandFramer(limits: configuration.settings.session.limits)
        session = Session(
            settings: configuration.session,
            tools: configuration.tools,
            isSecure: configuration.mode == .implicitTLS
        )
    }

    // MARK: The channel's events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        if timers.lastActivity == nil { begin(context) }
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        timers.lastActivity = context.eventLoop.now
        switch configuration.registry.add(context.channel) {
        case .full: session.end(.tooManySessions)
        case .stopping: session.end(.stopping)
        case .overrun: return cut(context)
        case .admitted where !counted.enterAddress(context.channel.remoteAddress?.ipAddress):
            tellOfLimit(
                "imap.max-sessions-per-address",
                of: "\(context.channel.remoteAddress?.ipAddress ?? "")",
                on: context
            )
            session.end(.tooManyFromAddress)
        case .admitted:
            session.greet()
            startTimers(context)
        }
        process()
    }

    /// Ends the connection without a word, and without the farewell of TLS, which waits 5 s for the client's.
    private func cut(_ context: ChannelHandlerContext) {
        isClosing = true
        let below = try? context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        (below ?? context).close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosing = true
        timers.cancel()
        watch?.cancel()
        watch = nil
        counted.leave()
        configuration.registry.remove(context.channel)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        timers.lastActivity = context.eventLoop.now
        framer.append(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        process()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            timers.lastActivity = context.eventLoop.now
            if waitsForClient { resumeSoon() } else { process() }
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is SessionRegistry.ServerStops {
            isStopping = true
            process()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A peer's fault (reset, bad TLS): nothing to answer, and nothing of it is content.
        configuration.logger.debug("IMAP connection failed", metadata: ["error": "\(type(of: error))"])
        isClosing = true
        context.close(promise: nil)
    }

    // MARK: Turns

    /// Does what there is to do, until the store, the client or another turn has to be waited for.
    func process() {
        guard !isProcessing, let context else { return }
        isProcessing = true
        var budget = GatewayLimits.eventsPerTurn
        session.now = configuration.service.now()
        while true {
            let effects = session.takeEffects()
            if !effects.isEmpty {
                for effect in effects { perform(effect, context) }
                continue
            }
            guard !isClosing, session.isReady, context.channel.isWritable else { break }
            if isStopping, session.isAtRest {
                session.end(.stopping)
                continue
            }
            guard budget > 0 else {
                takeTurnSoon(context)
                break
            }
            budget -= 1
            if session.wantsUpdate {
                session.continueIdle()
                continue
            }
            guard let event = framer.next() else { break }
            session.receive(event, freshBodyID: configuration.service.makeBodyID())
        }
        if hasUnflushed {
            hasUnflushed = false
            context.flush()
        }
        isProcessing = false
        retryIfNeeded(context)
        readIfWanted(context)
    }

    private func takeTurnSoon(_ context: ChannelHandlerContext) {
        guard !isTurnScheduled else { return }
        isTurnScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.isTurnScheduled = false
            self.process()
        }
    }

    private func readIfWanted(_ context: ChannelHandlerContext) {
        guard !isReading, !isClosing, framer.bufferedBytes < GatewayLimits.inputBytes else { return }
        guard context.channel.isWritable else { return }
        isReading = true
        context.read()
    }

    /// The store did not answer while the client idles: it is asked again soon.
    private func retryIfNeeded(_ context: ChannelHandlerContext) {
        guard session.isIdling, session.missedUpdate, !isRetryScheduled, !isClosing else { return }
        isRetryScheduled = true
        context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(GatewayLimits.retrySeconds)) {
            self.isRetryScheduled = false
            self.session.accountChanged()
            self.process()
        }
    }

    private func resumeSoon() {
        guard let context else { return }
        waitsForClient = false
        context.eventLoop.assumeIsolated().execute {
            guard !self.isClosing else { return }
            self.session.now = self.configuration.service.now()
            self.session.resume()
            self.process()
        }
    }

    // MARK: Effects

    private func perform(_ effect: SessionEffect, _ context: ChannelHandlerContext) {
        let service = configuration.service
        let loop = context.eventLoop
        switch effect {
        case .write(let bytes):
            hasUnflushed = true
            context.write(wrapOutboundOut(bytes), promise: nil)
        case .query(let query, let account):
            complete(service.query(query, of: account, on: loop)) { $0.session.answered($1) }
        case .queryNearby(let query, let account, let known):
            complete(service.queryNearby(query, of: account, showing: known, on: loop)) { $0.session.answered($1) }
        case .submit(let command, let account):
            complete(service.submit(command, for: account, on: loop)) { $0.session.finished($1) }
        case .takeRecent(let mailbox, let account, let from, let upTo):
            session.recentTaken(from: service.takeRecent(in: mailbox, of: account, from: from, upTo: upTo))
        case .findRows(let mailbox, let account):
            session.rowsFound(configuration.settings.sharedRows.find(mailbox, of: account))
        case .keepRows(let rows, let account): configuration.settings.sharedRows.keep(rows, of: account)
        case .authenticate(let name, let password):
            let origin = context.channel.remoteAddress?.ipAddress.flatMap { ClientAddress($0)?.client }
            let login = LoginAttempt(name: name, password: password, origin: origin)
            complete(service.authenticate(login, on: loop)) { connection, result in
                connection.session.authenticated(result, hasRoom: connection.countLogin(result, context))
                if connection.session.isAuthenticated { connection.timers.login?.cancel() }
            }
        case .resumeWhenWritable:
            if hasUnflushed {
                hasUnflushed = false
                context.flush()
            }
            waitsForClient = true
            if context.channel.isWritable { resumeSoon() }
        case .watch(let account): startWatch(account, loop)
        case .acceptMessage: framer.acceptMessage()
        case .refuseAppend: framer.refuseAppend()
        case .expectDone: framer.expectDone()
        case .expectAuthenticationLine: framer.expectAuthenticationLine()
        case .startTLS: startTLS(context)
        case .close: close(context)
        }
    }

    /// Counts a login whose password is right.
    ///
    /// - Returns: whether the account may have another session.
    private func countLogin(
        _ result: Result<AuthenticationResult, ServiceFailure>,
        _ context: ChannelHandlerContext
    ) -> Bool {
        guard case .success(.authenticated(let account, _)) = result else { return true }
        guard !counted.enterAccount(account) else { return true }
        tellOfLimit("imap.max-sessions-per-account", of: "account \(account.id.rawValue)", on: context)
        return false
    }

    private func tellOfLimit(_ setting: String, of client: String, on context: ChannelHandlerContext) {
        let log = configuration.settings.clients.log
        log.tell(client, setting: setting, to: configuration.logger, at: context.eventLoop.now)
    }

    /// Hands a result to the session, unless the client has gone.
    private func complete<Value: Sendable>(
        _ future: EventLoopFuture<Value>,
        _ next: @escaping (IMAPConnection, Result<Value, ServiceFailure>) -> Void
    ) {
        future.assumeIsolated().whenComplete { result in
            guard !self.isClosing else { return }
            self.session.now = self.configuration.service.now()
            next(self, result.mapError { $0 as? ServiceFailure ?? .unavailable })
            self.process()
        }
    }

    private func startWatch(_ account: AccountReference, _ loop: any EventLoop) {
        let bound = NIOLoopBound(WeakConnection(self), eventLoop: loop)
        watch = configuration.service.watch(account, on: loop) {
            guard let connection = bound.value.connection, !connection.isClosing else { return }
            connection.session.accountChanged()
            connection.process()
        }
    }

    /// What was sent before the handshake is not the client's own (RFC 3501, section 6.2.1).
    private func startTLS(_ context: ChannelHandlerContext) {
        guard framer.reset() == 0, let tls = configuration.tls else { return close(context) }
        hasUnflushed = false
        context.flush()
        do {
            try context.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls), position: .first)
        } catch {
            return close(context)
        }
        session.secured()
    }

    /// Closes the connection behind its last bytes, which get a short time to go out.
    private func close(_ context: ChannelHandlerContext) {
        guard !isClosing else { return }
        isClosing = true
        hasUnflushed = false
        counted.leaveAccount()
        timers.cancel()
        let channel = context.channel
        let deadline = context.eventLoop.scheduleTask(in: .seconds(GatewayLimits.closeSeconds)) {
            channel.close(promise: nil)
        }
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
        written.futureResult.whenComplete { _ in
            deadline.cancel()
            channel.close(promise: nil)
        }
    }
}

/// A watch may outlive its connection.
private final class WeakConnection {
    weak var connection: IMAPConnection?
    init(_ connection: IMAPConnection) { self.connection = connection }
}
