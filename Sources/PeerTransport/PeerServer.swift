public import Consensus
public import Logging
internal import MailModel
internal import NIOConcurrencyHelpers
public import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Accepts other nodes' connections and hands on what they say.
public final class PeerServer: Sendable {
    private let channel: any Channel
    private let accepted: AcceptedConnections

    private init(channel: any Channel, accepted: AcceptedConnections) {
        self.channel = channel
        self.accepted = accepted
    }

    /// The port that the server listens on, also where the system chose it.
    public var port: Int? { channel.localAddress?.port }

    /// Closes the connections of nodes that belong to the cluster no more.
    public func close(_ nodes: [NodeID]) { accepted.close(nodes) }

    /// Listens for other nodes.
    ///
    /// - Parameters:
    ///   - tls: nil lets nodes connect without encryption.
    ///   - receiver: hears what the nodes say, on the event loops of `group`.
    ///   - doorkeeper: lets nodes join.
    /// - Throws: what the system says when the address cannot be listened on.
    public static func start(
        host: String,
        port: Int,
        identity: PeerIdentity,
        tls: PeerTLS?,
        receiver: any PeerReceiver,
        doorkeeper: any PeerDoorkeeper,
        group: any EventLoopGroup,
        logger: Logger
    ) async throws -> PeerServer {
        try await start(
            host: host,
            port: port,
            identity: identity,
            tls: tls,
            receiver: receiver,
            doorkeeper: doorkeeper,
            accepted: AcceptedConnections(),
            group: group,
            logger: logger
        )
    }

    /// - Parameter accepted: counts the connections.
    static func start(
        host: String,
        port: Int,
        identity: PeerIdentity,
        tls: PeerTLS?,
        receiver: any PeerReceiver,
        doorkeeper: any PeerDoorkeeper,
        accepted: AcceptedConnections,
        group: any EventLoopGroup,
        logger: Logger
    ) async throws -> PeerServer {
        let complaints = PeerComplaints(logger)
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(PeerLimits.keepIdle), value: PeerLimits.probeAfterSeconds)
            .childChannelOption(.tcpOption(PeerLimits.keepInterval), value: PeerLimits.probeEverySeconds)
            .childChannelOption(.tcpOption(PeerLimits.userTimeout), value: PeerLimits.deafMilliseconds)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    accepted.add(channel)
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.server))
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        PeerAcceptHandler(
                            identity: identity,
                            receiver: receiver,
                            doorkeeper: doorkeeper,
                            complaints: complaints,
                            accepted: accepted,
                            window: ReceiveWindow(limit: PeerLimits.receivedBytes) {
                                channel.eventLoop.execute { channel.read() }
                            }
                        )
                    )
                }
            }
            .bind(host: host, port: port)
            .get()
        return PeerServer(channel: channel, accepted: accepted)
    }

    /// Takes no more connections, and ends those that there are: the nodes at their other ends connect anew.
    public func stop() async {
        try? await channel.close()
        await accepted.close()
    }
}

/// One accepted connection: a hello, then frames.
final class PeerAcceptHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case awaitingHello(deadline: Scheduled<Void>?)
        /// A node has asked to join, and waits for the answer.
        case joining(deadline: Scheduled<Void>)
        case open(NodeID)
        case closed
    }

    private let identity: PeerIdentity
    private let receiver: any PeerReceiver
    private let doorkeeper: any PeerDoorkeeper
    private let complaints: PeerComplaints
    private let accepted: AcceptedConnections
    private var state = State.awaitingHello(deadline: nil)
    private var assembler = FrameAssembler()
    private let window: ReceiveWindow

    init(
        identity: PeerIdentity,
        receiver: any PeerReceiver,
        doorkeeper: any PeerDoorkeeper,
        complaints: PeerComplaints,
        accepted: AcceptedConnections,
        window: ReceiveWindow
    ) {
        self.accepted = accepted
        self.window = window
        self.identity = identity
        self.receiver = receiver
        self.doorkeeper = doorkeeper
        self.complaints = complaints
    }

    func channelActive(context: ChannelHandlerContext) {
        guard case .awaitingHello = state else { return context.fireChannelActive() }
        let channel = context.channel
        let deadline = context.eventLoop.scheduleTask(in: .seconds(accepted.limits.handshakeSeconds)) {
            channel.close(promise: nil)
        }
        state = .awaitingHello(deadline: deadline)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        cancelDeadline()
        state = .closed
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is AcceptedConnections.MakesRoom { cut(context) }
        context.fireUserInboundEventTriggered(event)
    }

    /// Ends the connection at once, and lets go of what it has brought of a frame.
    private func cut(_ context: ChannelHandlerContext) {
        cancelDeadline()
        state = .closed
        assembler = FrameAssembler()
        // From the place of TLS on, without its farewell: the other side may be gone, and TLS waits 5 s for an answer.
        let below = try? context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        (below ?? context).close(promise: nil)
    }

    private func cancelDeadline() {
        switch state {
        case .awaitingHello(let deadline): deadline?.cancel()
        case .joining(let deadline): deadline.cancel()
        case .open, .closed: break
        }
    }

    func read(context: ChannelHandlerContext) { if window.mayRead() { context.read() } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .closed = state { return }
        var read = unwrapInboundIn(data)
        do {
            var batch: [PeerMessage] = []
            while let body = try assembler.next(
                from: &read,
                maximumBytes: maximumFrameBytes,
                allocator: context.channel.allocator
            ) {
                switch state {
                case .awaitingHello(let deadline):
                    deadline?.cancel()
                    guard !JoinRequest.begins(body) else { return try join(JoinRequest(decoding: body), context) }
                    guard body.readableBytes <= Hello.maximumFrameBytes else {
                        throw DecodingError(.tooLong, offset: 0, subject: "peer hello")
                    }
                    guard let node = try greet(body, context) else { return }
                    state = .open(node)
                case .open: batch += try Frame.messages(in: body)
                case .joining, .closed: return
                }
            }
            guard case .open(let node) = state, !batch.isEmpty else { return }
            receiver.received(batch, from: node, PeerReceipt(for: batch, in: window))
        } catch {
            refuse(context, for: .unreadable, saying: "sent what cannot be read: \(error)")
        }
    }

    private var maximumFrameBytes: Int {
        switch state {
        case .awaitingHello: JoinRequest.maximumFrameBytes
        case .joining: 0
        case .open, .closed: PeerLimits.maximumFrameBytes
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        refuse(context, for: PeerComplaints.Reason(error), saying: "the connection failed: \(error)")
    }

    /// The directory decides, which takes its time: the connection waits, and counts among those without a hello.
    private func join(_ request: JoinRequest, _ context: ChannelHandlerContext) {
        let channel = context.channel
        let deadline = context.eventLoop.scheduleTask(in: .seconds(JoinCall.answerSeconds)) {
            channel.close(promise: nil)
        }
        state = .joining(deadline: deadline)
        doorkeeper.receiveJoin(request) { reply in
            var frame = channel.allocator.buffer(capacity: 256)
            Frame.encodeBody(into: &frame) { reply.encode(into: &$0) }
            channel.writeAndFlush(frame).whenComplete { _ in channel.close(promise: nil) }
        }
    }

    private func greet(_ body: ByteBuffer, _ context: ChannelHandlerContext) throws(DecodingError) -> NodeID? {
        let hello = try Hello(decoding: body)
        var answer = HelloAnswer.verify(hello, by: identity)
        if answer == .welcome, doorkeeper.isGone(NodeID(hello.from)) { answer = .gone }
        if let reason = answer.complaint {
            reply(answer, context)
            let complaint = hello.complaint(answer, to: identity)
            refuse(context, for: reason, node: hello.from, saying: "was refused: \(complaint)")
            return nil
        }
        switch accepted.admit(context.channel, of: NodeID(hello.from)) {
        case .admitted: break
        case .insteadOfEarlier:
            let peer = name(context, node: hello.from)
            complaints.warn(.connectedTwice, of: peer, "connected again, for which its earlier connection is closed")
        case .full:
            let complaint = "was refused: \(accepted.limits.nodes) nodes are connected"
            refuse(context, for: .tooManyNodes, node: hello.from, saying: complaint)
            return nil
        }
        reply(answer, context)
        return NodeID(hello.from)
    }

    private func reply(_ answer: HelloAnswer, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(integer: answer.rawValue)), promise: nil)
    }

    /// The port is left out of the name: it is another one each time.
    private func name(_ context: ChannelHandlerContext, node: UInt64?) -> String {
        let host = context.remoteAddress?.ipAddress ?? "an unknown address"
        return node.map { "node \($0) at \(host)" } ?? "peer at \(host)"
    }

    private func refuse(
        _ context: ChannelHandlerContext,
        for reason: PeerComplaints.Reason,
        node claimed: UInt64? = nil,
        saying text: String
    ) {
        let peer: String
        switch state {
        case .closed: return
        case .awaitingHello, .joining:
            cancelDeadline()
            peer = name(context, node: claimed)
        case .open(let node): peer = name(context, node: node.rawValue)
        }
        state = .closed
        complaints.warn(reason, of: peer, text)
        context.close(promise: nil)
    }
}
