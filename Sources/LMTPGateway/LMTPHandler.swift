internal import GatewaySupport
internal import Logging
internal import MailModel
internal import MessageFormat
internal import NIOCore
internal import NIOSSL

/// One LMTP session, on the event loop of its connection.
///
/// Commands are taken one after the other; only RCPT look-ups run side by side, with their replies kept in order. The
/// socket is read only while what was read is being consumed, so a store that is behind slows the sender down.
final class LMTPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Mode {
        case command
        case data
        case bdat(remaining: Int, isLast: Bool)
        /// The session waits for the store: for uploads or the last commit.
        case busy
        case closed
    }

    private struct Client {
        /// Where it connects from; nil where that is no Internet address.
        var address: String?
        /// What it calls itself; nil until it has greeted.
        var name: String?
        var isTLS = false
    }

    let settings: LMTPSettings
    let service: any MailService
    private let registry: SessionRegistry
    private var counted: CountedAddress
    private let limitLog: LimitLog
    private let logger: Logger
    private var input = ByteBuffer()
    private var replies = ReplyQueue()
    private var lookUps = 0
    var mode = Mode.command
    var transaction: Transaction?
    private var client = Client()
    private var errors = 0
    private var isStopping = false
    private var isReading = false
    private var isTurnScheduled = false
    private var isProcessing = false
    private var timeout = CommandTimeout()
    private(set) var context: ChannelHandlerContext?

    init(
        settings: LMTPSettings,
        service: any MailService,
        registry: SessionRegistry,
        limitLog: LimitLog,
        logger: Logger
    ) {
        self.settings = settings
        self.service = service
        self.registry = registry
        self.limitLog = limitLog
        counted = CountedAddress(settings.addresses)
        self.logger = logger
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        // It is asked for once: the system is asked for it each time.
        client.address = context.remoteAddress?.ipAddress
        guard counted.enter(client.address) else { return turnAway(context) }
        switch registry.add(context.channel) {
        case .admitted: break
        case .full, .stopping:
            send(LMTPReply(421, "4.3.2", "\(settings.hostName) takes no more sessions now, try again later"))
            flush()
            return close()
        case .overrun: return close()
        }
        send(LMTPReply(220, "", "\(settings.hostName) LMTP Staffetta"))
        flush()
        process()
    }

    /// The address has as many sessions as it may have: others are to have room.
    private func turnAway(_ context: ChannelHandlerContext) {
        limitLog.tell(
            client.address ?? "",
            setting: "lmtp.max-sessions-per-address",
            to: logger,
            at: context.eventLoop.now
        )
        let limit = settings.addresses.sessionsPerAddress
        send(LMTPReply(421, "4.7.0", "\(settings.hostName) takes \(limit) sessions from one address, try again later"))
        flush()
        close()
    }

    func channelInactive(context: ChannelHandlerContext) {
        mode = .closed
        timeout.cancel()
        counted.leave()
        registry.remove(context.channel)
        transaction = nil
        self.context = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        isReading = false
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
        process()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        readMore()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        process()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is SessionRegistry.ServerStops { stop() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("LMTP session ended: \(error)")
        close()
    }

    private func stop() {
        isStopping = true
        if case .command = mode, transaction == nil, lookUps == 0 { sayGoodbye() }
    }

    private func sayGoodbye() {
        send(LMTPReply(421, "4.3.2", "\(settings.hostName) is stopping, try again"))
        flush()
        close()
    }

    func close() {
        if case .closed = mode { return }
        mode = .closed
        timeout.cancel()
        context?.close(promise: nil)
    }

    private func readMore() {
        guard let context, !isReading, input.readableBytes <= readAheadBytes, context.channel.isWritable else { return }
        isReading = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        timeout.restart(.seconds(settings.commandTimeoutSeconds), on: context.eventLoop) {
            let handler = bound.value
            handler.send(LMTPReply(421, "4.4.2", "\(handler.settings.hostName) waited too long"))
            handler.flush()
            handler.close()
        }
        context.read()
    }

    /// How many bytes may lie here while more are read. Also while the store is asked, the socket is read until
    /// something has come: to have it watched and not watched in turn would cost two system calls each time.
    private var readAheadBytes: Int {
        switch mode {
        case .closed: -1
        case .busy: 0
        case .command, .data, .bdat: lookUps == 0 ? LMTPSettings.windowBytes : 0
        }
    }

    // MARK: Replies

    func send(_ reply: LMTPReply) { replies.append(reply) }

    func flush() {
        guard let context, let bytes = replies.takeBytes() else { return }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    // MARK: Taking in

    /// Consumes what can be consumed now.
    func process() {
        // What the store answers at once comes back here while a command is being carried out.
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        var budget = LMTPSettings.stepsPerTurn
        consume: while let context, context.channel.isWritable {
            guard budget > 0 else {
                takeTurnSoon(context)
                break consume
            }
            budget -= 1
            switch mode {
            case .busy, .closed: break consume
            case .command:
                guard takeCommand() else { break consume }
            case .data:
                guard takeData() else { break consume }
            case .bdat(let remaining, let isLast):
                guard takeChunk(remaining, isLast) else { break consume }
            }
        }
        flush()
        readMore()
    }

    /// Goes on when the other connections of the event loop have had a turn.
    private func takeTurnSoon(_ context: ChannelHandlerContext) {
        guard !isTurnScheduled else { return }
        isTurnScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.isTurnScheduled = false
            self.process()
        }
    }

    private func takeCommand() -> Bool {
        guard let line = nextLine() else { return false }
        do {
            let command = try LMTPCommand.parse(line.view)
            guard lookUps == 0 || mayOverlap(command) else { return false }
            input.moveReaderIndex(forwardBy: line.length)
            if input.readableBytes == 0 { input = ByteBuffer() }
            errors = 0
            perform(command)
        } catch {
            input.moveReaderIndex(forwardBy: line.length)
            complain(error.reply)
        }
        if isStopping, case .command = mode, transaction == nil, lookUps == 0 { sayGoodbye() }
        return true
    }

    private func complain(_ reply: LMTPReply) {
        errors += 1
        send(reply)
        if errors >= LMTPSettings.maxErrors {
            send(LMTPReply(421, "4.7.0", "too many errors"))
            flush()
            close()
        }
    }

    private func nextLine() -> (view: ByteBufferView, length: Int)? {
        let view = input.readableBytesView
        guard let end = view.firstIndex(of: 10) else {
            if view.count > LMTPSettings.maxLineBytes {
                send(LMTPReply(500, "5.5.2", "the line is too long"))
                flush()
                close()
            }
            return nil
        }
        let length = end - view.startIndex + 1
        var line = view[view.startIndex..<end]
        if line.last == 13 { line = line.dropLast() }
        if line.count > LMTPSettings.maxLineBytes {
            input.moveReaderIndex(forwardBy: length)
            complain(LMTPReply(500, "5.5.2", "the line is too long"))
            if case .closed = mode { return nil }
            return nextLine()
        }
        return (line, length)
    }

    private func takeData() -> Bool {
        guard input.readableBytes > 0,
            let isOver = transaction?.appendDotted(&input, limit: settings.maxMessageBytes)
        else { return false }
        if input.readableBytes == 0 { input = ByteBuffer() }
        if isOver {
            finishMessage()
        } else {
            uploadChunks()
        }
        return true
    }

    private func takeChunk(_ remaining: Int, _ isLast: Bool) -> Bool {
        guard remaining > 0 else {
            endChunk(isLast)
            return true
        }
        guard input.readableBytes > 0, let piece = input.readSlice(length: min(remaining, input.readableBytes)) else {
            return false
        }
        if input.readableBytes == 0 { input = ByteBuffer() }
        transaction?.append(piece, limit: settings.maxMessageBytes)
        mode = .bdat(remaining: remaining - piece.readableBytes, isLast: isLast)
        uploadChunks()
        return true
    }

    private func endChunk(_ isLast: Bool) {
        mode = .command
        guard transaction != nil else { return send(LMTPReply(503, "5.5.1", "MAIL and RCPT come first")) }
        if isLast {
            finishMessage()
        } else if transaction?.isTooLarge == true {
            send(tooLarge)
        } else {
            send(LMTPReply(250, "2.0.0", "go on"))
        }
    }

    var tooLarge: LMTPReply {
        LMTPReply(552, "5.3.4", "the message is larger than \(settings.maxMessageBytes) bytes")
    }

    // MARK: Commands

    private func perform(_ command: LMTPCommand) {
        switch command {
        case .lhlo(let name): greet(name)
        case .wrongGreeting: send(LMTPReply(500, "5.5.1", "this is LMTP: say LHLO"))
        case .mail(let path, let parameters): beginTransaction(from: path, parameters)
        case .rcpt(let path): addRecipient(path)
        case .data:
            guard checkRecipients() else { return }
            guard !isChunked else { return send(LMTPReply(503, "5.5.1", "DATA cannot follow BDAT")) }
            if let stamp = makeStamp() { transaction?.beginContent(stampedBy: stamp) }
            send(LMTPReply(354, "", "end with a dot on a line of its own"))
            mode = .data
        case .bdat(let bytes, let isLast):
            if !isChunked, let stamp = makeStamp() { transaction?.beginChunks(stampedBy: stamp) }
            // The bytes follow whatever the answer is.
            mode = .bdat(remaining: bytes, isLast: isLast)
        case .rset:
            reset()
            send(LMTPReply(250, "2.0.0", "reset"))
        case .noop: send(LMTPReply(250, "2.0.0", "ok"))
        case .vrfy: send(LMTPReply(252, "2.5.0", "send some mail, and see"))
        case .quit:
            send(LMTPReply(221, "2.0.0", "\(settings.hostName) says goodbye"))
            flush()
            close()
        case .startTLS: startTLS()
        }
    }

    private func greet(_ name: String) {
        reset()
        client.name = name
        var lines = [
            settings.hostName, "PIPELINING", "SIZE \(settings.maxMessageBytes)", "8BITMIME", "SMTPUTF8",
            "ENHANCEDSTATUSCODES", "CHUNKING",
        ]
        if settings.tls != nil, !client.isTLS { lines.append("STARTTLS") }
        flush()
        replies.append(lines)
    }

    private func beginTransaction(from path: String, _ parameters: LMTPCommand.MailParameters) {
        guard client.name != nil else { return send(LMTPReply(503, "5.5.1", "say LHLO first")) }
        guard transaction == nil else { return send(LMTPReply(503, "5.5.1", "a transaction is open already")) }
        if let size = parameters.sizeBytes, size > settings.maxMessageBytes { return send(tooLarge) }
        transaction = Transaction(reversePath: path, isUTF8: parameters.isSMTPUTF8)
        send(LMTPReply(250, "2.1.0", "sender ok"))
    }

    /// A part of the message has come by BDAT.
    private var isChunked: Bool { transaction?.isChunked == true }

    /// What the message is stamped with that follows now; nil where no transaction is open.
    private func makeStamp() -> ReceivedStamp? {
        guard let open = transaction else { return nil }
        return ReceivedStamp(
            clientName: client.name ?? "",
            clientAddress: client.address,
            hostName: settings.hostName,
            isTLS: client.isTLS,
            isUTF8: open.isUTF8,
            time: service.now()
        )
    }

    private func checkRecipients() -> Bool {
        guard let transaction else {
            send(LMTPReply(503, "5.5.1", "MAIL and RCPT come first"))
            return false
        }
        guard !transaction.recipients.isEmpty else {
            send(LMTPReply(503, "5.5.1", "no recipient was accepted"))
            return false
        }
        return true
    }

    func reset() { transaction = nil }

    private func addRecipient(_ path: String) {
        guard let open = transaction else { return send(LMTPReply(503, "5.5.1", "MAIL comes first")) }
        // Bytes of the message may be gone already that another recipient would need.
        guard !isChunked else { return send(LMTPReply(503, "5.5.1", "RCPT cannot follow BDAT")) }
        if let limit = limitReached(by: open.places) { return answerExcess(limit, after: open.places.excessCount) }
        guard let name = RecipientName(path: path) else {
            transaction?.places.countRefusal()
            return send(LMTPReply(550, "5.1.1", "<\(path)> is no account here"))
        }
        guard name != .postmaster || settings.postmaster != nil else {
            transaction?.places.countRefusal()
            return send(LMTPReply(550, "5.1.1", "<postmaster> has no account here (address.postmaster is not set)"))
        }
        guard let context, let place = transaction?.places.take() else { return }
        let slot = replies.reserve()
        lookUps += 1
        let bound = NIOLoopBound((handler: self, slot: slot), eventLoop: context.eventLoop)
        let finder = RecipientFinder(settings: settings, service: service)
        finder.find(name, on: context.eventLoop).whenComplete { result in
            let (handler, slot) = bound.value
            handler.lookUps -= 1
            slot.reply = handler.replyToRecipient(name, path: path, place: place, found: result)
            handler.process()
        }
    }

    /// What the transaction has as much of as it may have; nil while another RCPT may be looked up.
    private func limitReached(by places: RecipientPlaces) -> String? {
        if places.openCount >= settings.maxRecipients { return "more than \(settings.maxRecipients) recipients" }
        guard places.refusedCount >= settings.maxRefusedRecipients else { return nil }
        return "after \(settings.maxRefusedRecipients) refused recipients"
    }

    private func answerExcess(_ limit: String, after count: Int) {
        guard count < settings.maxExcessRecipients else {
            send(LMTPReply(421, "4.7.0", "too many recipients"))
            flush()
            return close()
        }
        transaction?.places.countExcess()
        send(LMTPReply(452, "4.5.3", limit))
    }

    /// Whether the command may be taken while recipients are still being looked up.
    private func mayOverlap(_ command: LMTPCommand) -> Bool {
        switch command {
        // An RCPT that may end the session waits, so that those before it get their replies.
        case .rcpt: (transaction?.places.excessCount ?? 0) < settings.maxExcessRecipients
        case .noop, .vrfy: true
        case .lhlo, .mail, .data, .bdat, .rset, .quit, .startTLS, .wrongGreeting: false
        }
    }

    /// A look-up has ended.
    ///
    /// - Returns: the reply to its RCPT.
    private func replyToRecipient(
        _ name: RecipientName,
        path: String,
        place: Int,
        found result: Result<FoundRecipient?, any Error>
    ) -> LMTPReply {
        switch result {
        case .success(let found?):
            let recipient = Transaction.Recipient(
                name: name,
                path: path,
                deliveredTo: found.deliveredTo,
                account: found.account,
                bodyID: service.makeBodyID()
            )
            transaction?.accept(place: place, recipient)
            return LMTPReply(250, "2.1.5", "<\(name.text)> ok")
        case .success(nil):
            transaction?.places.refuse(place)
            switch name {
            case .address: return LMTPReply(550, "5.1.1", "<\(name.text)> is no account here")
            // The setting is wrong, for which no mail may be lost.
            case .postmaster: return LMTPReply(451, "4.3.5", "address.postmaster is set to no account, try again")
            }
        case .failure:
            transaction?.places.refuse(place)
            return LMTPReply(451, "4.3.0", "the store cannot answer now, try again")
        }
    }

    private func startTLS() {
        guard let tls = settings.tls, !client.isTLS else {
            return send(LMTPReply(502, "5.5.1", "TLS is not available"))
        }
        // No command of before the handshake may count after it.
        guard input.readableBytes == 0, let context else { return close() }
        send(LMTPReply(220, "2.0.0", "ready for TLS"))
        flush()
        do {
            try context.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls), position: .first)
            client.isTLS = true
            client.name = nil
            reset()
        } catch {
            close()
        }
    }
}
