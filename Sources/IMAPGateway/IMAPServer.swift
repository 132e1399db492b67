internal import GatewaySupport
public import IMAPSession
public import Logging
public import MailModel
public import NIOCore
internal import NIOPosix
public import NIOSSL

/// Accepts IMAP clients, and runs their sessions on the event loops of their connections.
public final class IMAPServer: Sendable {
    private let channel: any Channel
    private let registry: SessionRegistry
    private let settings: IMAPServerSettings

    private init(channel: any Channel, registry: SessionRegistry, settings: IMAPServerSettings) {
        self.channel = channel
        self.registry = registry
        self.settings = settings
    }

    /// Where the server listens; the port that the system chose, when it was asked for port 0.
    public var localAddress: SocketAddress? { channel.localAddress }
    /// The port of ``localAddress``; nil for an address without one.
    public var port: Int? { channel.localAddress?.port }
    /// Connections open now.
    public var sessionCount: Int { registry.count }

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - tools: what reads messages; the module MessageFormat unless a test brings its own.
    ///   - tls: the server's certificate; needed for implicit TLS, and for STARTTLS to be offered.
    /// - Throws: when the address cannot be listened on, or implicit TLS has no certificate.
    public static func start(
        host: String,
        port: Int,
        settings: IMAPServerSettings,
        service: any MailService,
        tools: any MessageTools = MessageFormatTools(),
        group: any EventLoopGroup,
        tls: NIOSSLContext?,
        mode: IMAPServerMode,
        logger: Logger
    ) async throws -> IMAPServer {
        guard mode == .plain || tls != nil else { throw IMAPServerError.noCertificate }
        let registry = SessionRegistry(maximum: settings.maximumSessions)
        let configuration = ConnectionConfiguration(
            settings: settings,
            service: service,
            tools: tools,
            tls: tls,
            mode: mode,
            registry: registry,
            logger: logger
        )
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(
                .writeBufferWaterMark,
                value: .init(low: GatewayLimits.outputBytesLow, high: GatewayLimits.outputBytesHigh)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if mode == .implicitTLS, let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.addHandler(IMAPConnection(configuration))
                }
            }
            .bind(host: host, port: port)
            .get()
        return IMAPServer(channel: channel, registry: registry, settings: settings)
    }

    /// One session by itself, for a channel that is no socket: the simulator drives it byte by byte.
    package static func makeSession(settings: IMAPServerSettings, service: any MailService) -> any ChannelHandler {
        IMAPConnection(
            ConnectionConfiguration(
                settings: settings,
                service: service,
                tools: MessageFormatTools(),
                tls: nil,
                mode: .plain,
                registry: SessionRegistry(maximum: settings.maximumSessions),
                logger: Logger(label: "imap", factory: { _ in SwiftLogNoOpLogHandler() })
            )
        )
    }

    /// Stops: no new clients, BYE to those there are, as soon as their present command is answered; a client that is
    /// still there after `stopSeconds` is cut off.
    public func stop() async {
        try? await channel.close()
        let loop = channel.eventLoop
        let registry = registry
        let deadline = loop.scheduleTask(in: .seconds(settings.stopSeconds)) { registry.closeAll() }
        try? await registry.stop(on: loop).get()
        deadline.cancel()
    }
}

/// Why a server cannot start.
public enum IMAPServerError: Error, Hashable, Sendable {
    /// Implicit TLS needs a certificate.
    case noCertificate
}

/// What every connection of a server needs.
struct ConnectionConfiguration: Sendable {
    let settings: IMAPServerSettings
    let service: any MailService
    let tools: any MessageTools
    let tls: NIOSSLContext?
    let mode: IMAPServerMode
    let registry: SessionRegistry
    let logger: Logger

    var session: SessionSettings {
        var session = settings.session
        session.offersStartTLS = mode == .plain && tls != nil
        return session
    }
}
