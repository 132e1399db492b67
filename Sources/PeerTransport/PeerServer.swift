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

    private init(channel: any Channel) { self.channel = channel }

    public var port: Int? { channel.localAddress?.port }

    public static func start(
        host: String,
        port: Int,
        identity: PeerIdentity,
        tls: PeerTLS?,
        receiver: any PeerReceiver,
        group: any EventLoopGroup,
        logger: Logger
    ) async throws -> PeerServer {
        let complaints = RateLimitedLog(logger)
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.server))
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        PeerAcceptHandler(identity: identity, receiver: receiver, complaints: complaints)
                    )
                }
            }
            .bind(host: host, port: port)
            .get()
        return PeerServer(channel: channel)
    }

    public func stop() async { try? await channel.close() }
}

/// One accepted connection: a hello, then frames.
final class PeerAcceptHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case awaitingHello(deadline: Scheduled<Void>?)
        case open(NodeID)
        case closed
    }

    private let identity: PeerIdentity
    private let receiver: any PeerReceiver
    private let complaints: RateLimitedLog
    private var state = State.awaitingHello(deadline: nil)
    private var received = ByteBuffer()

    init(identity: PeerIdentity, receiver: any PeerReceiver, complaints: RateLimitedLog) {
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

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var chunk = unwrapInboundIn(data)
        if received.readableBytes == 0 { received = chunk } else { received.writeBuffer(&chunk) }
        do {
            var batch: [PeerMessage] = []
            while let body = try Frame.next(from: &received) {
                switch state {
                case .awaitingHello(let deadline):
                    deadline?.cancel()
                    guard let node = try greet(body, context) else { return }
                    state = .open(node)
                case .open: batch += try Frame.messages(in: body)
                case .closed: return
                }
            }
            if received.readableBytes == 0 { received = ByteBuffer() }
            if case .open(let node) = state, !batch.isEmpty { receiver.received(batch, from: node) }
        } catch {
            refuse(context, "sent what cannot be read: \(error)")
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        refuse(context, "connection failed: \(error)")
    }

    private func greet(_ body: ByteBuffer, _ context: ChannelHandlerContext) throws(DecodingError) -> NodeID? {
        let hello = try Hello(decoding: body)
        let answer = HelloAnswer.verify(hello, by: identity)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(integer: answer.rawValue)), promise: nil)
        guard answer == .welcome else {
            refuse(context, "node \(hello.from) of cluster \(hello.cluster) was refused (\(answer))")
            return nil
        }
        return NodeID(hello.from)
    }

    private func refuse(_ context: ChannelHandlerContext, _ reason: String) {
        if case .closed = state { return }
        state = .closed
        complaints.warning("peer \(context.remoteAddress?.description ?? "?"): \(reason)", key: reason)
        context.close(promise: nil)
    }
}

/// Says each thing at most once a minute.
final class RateLimitedLog: Sendable {
    private let logger: Logger
    private let last = NIOLockedValueBox<[String: NIODeadline]>([:])

    init(_ logger: Logger) { self.logger = logger }

    func warning(_ text: String, key: String) {
        let now = NIODeadline.now()
        let isDue = last.withLockedValue { last in
            if let before = last[key], now - before < .seconds(60) { return false }
            if last.count > 1_000 { last.removeAll() }
            last[key] = now
            return true
        }
        if isDue { logger.warning("\(text)") }
    }
}
