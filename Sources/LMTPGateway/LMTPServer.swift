internal import GatewaySupport
public import Logging
public import MailModel
internal import NIOConcurrencyHelpers
public import NIOCore
internal import NIOPosix

/// Listens for mail gateways.
public final class LMTPServer: Sendable {
    private let channel: any Channel
    private let sessions: LMTPSessions

    private init(channel: any Channel, sessions: LMTPSessions) {
        self.channel = channel
        self.sessions = sessions
    }

    /// The port that the server listens on, also where the system chose it.
    public var port: Int? { channel.localAddress?.port }

    /// One session by itself, for a channel that is no socket: the simulator drives it byte by byte.
    package static func makeSession(settings: LMTPSettings, service: any MailService) -> any ChannelHandler {
        LMTPHandler(
            settings: settings,
            service: service,
            sessions: LMTPSessions(maximum: settings.maxSessions),
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
        let sessions = LMTPSessions(maximum: settings.maxSessions)
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
                        sessions: sessions,
                        limitLog: limitLog,
                        logger: logger
                    )
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: host, port: port)
            .get()
        return LMTPServer(channel: channel, sessions: sessions)
    }

    /// Takes no new connections, ends sessions without a transaction by 421, and waits up to two seconds for the
    /// others.
    public func stop() async {
        try? await channel.close()
        sessions.stopAll()
        for _ in 0..<100 where sessions.count > 0 { try? await Task.sleep(for: .milliseconds(20)) }
    }
}

/// The open connections: how many there are, and how to tell them to end.
final class LMTPSessions: Sendable {
    private struct State {
        var stops: [ObjectIdentifier: @Sendable () -> Void] = [:]
        var isStopping = false
    }

    private let state = NIOLockedValueBox(State())
    private let maximum: Int

    init(maximum: Int) { self.maximum = maximum }

    var count: Int { state.withLockedValue { $0.stops.count } }

    /// - Returns: whether there is room.
    func add(_ id: ObjectIdentifier, stop: @escaping @Sendable () -> Void) -> Bool {
        state.withLockedValue { state in
            guard state.stops.count < maximum, !state.isStopping else { return false }
            state.stops[id] = stop
            return true
        }
    }

    func remove(_ id: ObjectIdentifier) { state.withLockedValue { $0.stops[id] = nil } }

    func stopAll() {
        let stops = state.withLockedValue { state in
            state.isStopping = true
            return Array(state.stops.values)
        }
        for stop in stops { stop() }
    }
}
