internal import GatewaySupport
public import Logging
public import MailModel
public import NIOCore
internal import NIOPosix

/// Listens for mail gateways.
public final class LMTPServer: Sendable {
    private let channel: any Channel
    private let registry: SessionRegistry

    private init(channel: any Channel, registry: SessionRegistry) {
        self.channel = channel
        self.registry = registry
    }

    /// The port that the server listens on, also where the system chose it.
    public var port: Int? { channel.localAddress?.port }

    /// One session by itself, for a channel that is no socket: the simulator drives it byte by byte.
    package static func makeSession(settings: LMTPSettings, service: any MailService) -> any ChannelHandler {
        LMTPHandler(
            settings: settings,
            service: service,
            registry: SessionRegistry(maximum: settings.maxSessions),
            limitLog: LimitLog(),
            logger: Logger(label: "lmtp", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    /// Listens for MTAs.
    ///
    /// - Throws: what the system says when the address cannot be listened on.
    public static func start(
        host: String,
        port: Int,
        settings: LMTPSettings,
        service: any MailService,
        group: any EventLoopGroup,
        logger: Logger
    ) async throws -> LMTPServer {
        let registry = SessionRegistry(maximum: settings.maxSessions)
        let limitLog = LimitLog()
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 512)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = LMTPHandler(
                        settings: settings,
                        service: service,
                        registry: registry,
                        limitLog: limitLog,
                        logger: logger
                    )
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: host, port: port)
            .get()
        return LMTPServer(channel: channel, registry: registry)
    }

    /// Takes no new connections, ends sessions without a transaction by 421, and waits up to two seconds for the
    /// others.
    public func stop() async {
        try? await channel.close()
        let loop = channel.eventLoop
        let registry = registry
        let deadline = loop.scheduleTask(in: .seconds(2)) { registry.stopWaiting() }
        try? await registry.stop(on: loop).get()
        deadline.cancel()
    }
}
