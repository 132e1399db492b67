internal import AdminService
internal import Consensus
internal import IMAPGateway
internal import LMTPGateway
public import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
public import NodeRuntime

/// One node with all its fronts: what `staffetta serve` runs.
public struct Server: Sendable {
    /// The version that the program tells, in semantic versioning.
    public static let version = "0.1.0"

    private let node: Node
    private let admin: AdminServer?
    private let imap: [IMAPServer]
    private let lmtp: LMTPServer?
    private let group: MultiThreadedEventLoopGroup
    /// What listens where, for people.
    public let listening: [(name: String, address: String)]

    /// Starts everything, or nothing.
    ///
    /// - Parameter fatal: told once when the node's storage failed: the process is to end, non-zero.
    /// - Throws: ``StartupError`` or ``SettingError``, whose descriptions say what to do.
    public static func start(
        _ reader: SettingsReader,
        logger: Logger,
        fatal: @escaping @Sendable (String) -> Void
    ) async throws -> Server {
        let settings = try NodeSettings(reader)
        let fronts = try FrontSettings(reader)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: try reader.integer("threads.io", 1...256))
        do {
            let node = try await Node.start(settings, group: group, logger: logger, fatal: fatal)
            return try await Server(node: node, fronts: fronts, group: group, logger: logger)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private init(
        node: Node,
        fronts: FrontSettings,
        group: MultiThreadedEventLoopGroup,
        logger: Logger
    ) async throws {
        self.node = node
        self.group = group
        var listening = [("peers", "\(node.settings.peerHost):\(node.settings.peerPort)")]
        var imap: [IMAPServer] = []
        do {
            admin = try await fronts.admin.asyncMap { address in
                listening.append(("admin", address.description))
                return try await AdminServer.start(
                    host: address.host,
                    port: address.port,
                    node: node,
                    version: Self.version
                )
            }
            for (address, isTLS) in [(fronts.imap, false), (fronts.imaps, true)] {
                guard let address else { continue }
                listening.append((isTLS ? "IMAPS" : "IMAP", address.description))
                try await imap.append(
                    Self.listening(isTLS ? "imaps.listen" : "imap.listen", address) {
                        try await IMAPServer.start(
                            host: address.host,
                            port: address.port,
                            settings: fronts.imapSettings,
                            service: node.service,
                            group: group,
                            tls: fronts.tls,
                            mode: isTLS ? .implicitTLS : .plain,
                            logger: logger
                        )
                    }
                )
            }
            lmtp = try await fronts.lmtp.asyncMap { address in
                listening.append(("LMTP", address.description))
                return try await Self.listening("lmtp.listen", address) {
                    try await LMTPServer.start(
                        host: address.host,
                        port: address.port,
                        settings: fronts.lmtpSettings,
                        service: node.service,
                        group: group,
                        logger: logger
                    )
                }
            }
        } catch {
            await node.stop()
            throw error
        }
        self.imap = imap
        self.listening = listening
    }

    private static func listening<Value>(
        _ setting: String,
        _ address: HostPort,
        _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch {
            throw StartupError(
                "Cannot listen on \(address): \(plainReason(error)). "
                    + "Check the setting \(setting), and whether another process uses the port."
            )
        }
    }

    /// Takes no new work, finishes what is under way, hands leaderships over, and ends.
    public func stop() async {
        await lmtp?.stop()
        for server in imap { await server.stop() }
        await node.stop()
        await admin?.stop()
        try? await group.shutdownGracefully()
    }
}

extension Optional where Wrapped: Sendable {
    fileprivate func asyncMap<Value>(_ body: (Wrapped) async throws -> Value) async rethrows -> Value? {
        switch self {
        case .some(let wrapped): try await body(wrapped)
        case .none: nil
        }
    }
}
