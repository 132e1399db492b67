internal import Consensus
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

    /// Listens for other nodes.
    ///
    /// - Parameters:
    ///   - tls: nil lets nodes connect without encryption.
    ///   - receiver: hears what the nodes say, on the event loops of `group`.
    /// - Throws: what the system says when the address cannot be listened on.
    public static func start(
        host: String,
        port: Int,
        identity: PeerIdentity,
        tls: PeerTLS?,
        receiver: any PeerReceiver,
        group: any EventLoopGroup,
        logger: Logger
    ) async throws -> PeerServer {
        let complaints = PeerComplaints(logger)
        let accepted = AcceptedConnections()
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
                            complaints: complaints,
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

/// The connections that are open, so that they can be ended.
private final class AcceptedConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isClosed = false
    }

    private let state = NIOLockedValueBox(State())

    func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        let isClosed = state.withLockedValue { state in
            if !state.isClosed { state.channels[id] = channel }
            return state.isClosed
        }
        channel.closeFuture.whenComplete { _ in self.state.withLockedValue { $0.channels[id] = nil } }
        if isClosed { channel.close(promise: nil) }
    }

    func close() async {
        let channels = state.withLockedValue { state in
            state.isClosed = true
            return Array(state.channels.values)
        }
        for channel in channels { try? await channel.close() }
    }
}

/// One accepted connection: a hello, then frames.
final class PeerAcceptHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case awaitingHello(deadline: Scheduled<Void>?)
        case open(NodeID)
        case closed
    }

    private let identity: PeerIdentity
    private let receiver: any PeerReceiver
    private let complaints: PeerComplaints
    private var state = State.awaitingHello(deadline: nil)
    private var assembler = FrameAssembler()
    private let window: ReceiveWindow

    init(
        identity: PeerIdentity,
        receiver: any PeerReceiver,
        complaints: PeerComplaints,
        window: ReceiveWindow
    ) {
        self.window = window
        self.identity = identity
        self.receiver = receiver
        self.complaints = complaints
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        let deadline = context.eventLoop.scheduleTask(in: .seconds(PeerLimits.handshakeSeconds)) {
            channel.close(promise: nil)
        }
        state = .awaitingHello(deadline: deadline)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .awaitingHello(let deadline) = state { deadline?.cancel() }
        state = .closed
        context.fireChannelInactive()
    }

    func read(context: ChannelHandlerContext) { if window.mayRead() { context.read() } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
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
                    guard let node = try greet(body, context) else { return }
                    state = .open(node)
                case .open: batch += try Frame.messages(in: body)
                case .closed: return
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
        case .awaitingHello: Hello.maximumFrameBytes
        case .open, .closed: PeerLimits.maximumFrameBytes
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        refuse(context, for: PeerComplaints.Reason(error), saying: "the connection failed: \(error)")
    }

    private func greet(_ body: ByteBuffer, _ context: ChannelHandlerContext) throws(DecodingError) -> NodeID? {
        let hello = try Hello(decoding: body)
        let answer = HelloAnswer.verify(hello, by: identity)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(integer: answer.rawValue)), promise: nil)
        if let reason = answer.complaint {
            let complaint = hello.complaint(answer, to: identity)
            refuse(context, for: reason, node: hello.from, saying: "was refused: \(complaint)")
            return nil
        }
        return NodeID(hello.from)
    }

    /// The port is left out of the name: it is another one each time.
    private func refuse(
        _ context: ChannelHandlerContext,
        for reason: PeerComplaints.Reason,
        node claimed: UInt64? = nil,
        saying text: String
    ) {
        let host = context.remoteAddress?.ipAddress ?? "an unknown address"
        let peer: String
        switch state {
        case .closed: return
        case .awaitingHello(let deadline):
            deadline?.cancel()
            peer = claimed.map { "node \($0) at \(host)" } ?? "peer at \(host)"
        case .open(let node): peer = "node \(node.rawValue) at \(host)"
        }
        state = .closed
        complaints.warn(reason, of: peer, text)
        context.close(promise: nil)
    }
}
