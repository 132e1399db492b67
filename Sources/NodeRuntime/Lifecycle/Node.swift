internal import Consensus
internal import LogStorage
public import Logging
public import MailModel
internal import MailStore
internal import NIOConcurrencyHelpers
public import NIOCore
internal import NIOPosix
internal import PeerTransport
internal import ReplicaCore
internal import StateStorage

/// A running node below its gateways.
public final class Node: Sendable {
    public let settings: NodeSettings
    public let service: any MailService
    let mail: NodeService
    let inbox: Inbox<LoopInput>
    let writerInbox: Inbox<LogWriter.Job>
    let store: any StateStore
    private let keptStates: KeptStates
    private let threads: NodeThreads
    private let links: PeerLinks
    private let server: PeerServer
    private let readPool: NIOThreadPool
    let passwordPool: NIOThreadPool
    private let directory: DataDirectory
    private let logger: Logger

    /// Opens the data directory, recovers, and joins the others.
    ///
    /// - Parameter fatal: told once, from any thread, when log or state failed; the process is to end, non-zero.
    /// - Throws: ``StartupError``.
    public static func start(
        _ settings: NodeSettings,
        group: any EventLoopGroup,
        logger: Logger,
        fatal: @escaping @Sendable (String) -> Void
    ) async throws -> Node {
        let directory = try DataDirectory(settings) { UInt64.random(in: 1...UInt64.max) }
        let storage = try NodeStorage.open(directory, settings, logger)
        let tls = try settings.peerCertificates.map { files in
            do {
                return try PeerTLS(
                    certificateFile: files.certificateFile,
                    keyFile: files.keyFile,
                    trustRootsFile: files.trustRootsFile
                )
            } catch {
                throw StartupError("The certificates for peers cannot be used: \(error). Check the settings peer.tls.")
            }
        }
        return try await Node(settings, directory, storage, tls, group, logger, fatal)
    }

    private init(
        _ settings: NodeSettings,
        _ directory: DataDirectory,
        _ storage: NodeStorage,
        _ tls: PeerTLS?,
        _ group: any EventLoopGroup,
        _ logger: Logger,
        _ fatal: @escaping @Sendable (String) -> Void
    ) async throws {
        let hasFailed = NIOLockedValueBox(false)
        let failed: @Sendable (any Error) -> Void = { error in
            let isFirst = hasFailed.withLockedValue { failed in
                defer { failed = true }
                return !failed
            }
            guard isFirst else { return }
            if error is StartupError || error is VersionError { return fatal("\(error)") }
            guard let error = error as? StateError, error.kind == .corruption else {
                return fatal("the storage of this node failed: \(error)")
            }
            do {
                try directory.noteStateDamage("\(error)")
                fatal("\(error): the next start of this node builds its state anew from the others")
            } catch {
                fatal("the storage of this node failed: \(error)")
            }
        }
        let readPool = NIOThreadPool(numberOfThreads: settings.readThreads)
        readPool.start()
        let passwordPool = NIOThreadPool(numberOfThreads: settings.passwordThreads)
        passwordPool.start()
        let identity = PeerIdentity(cluster: settings.clusterID, node: settings.node)
        let receiver = LoopReceiver()
        let links = PeerLinks(identity: identity, tls: tls, receiver: receiver, group: group, logger: logger)
        let session = UInt64.random(in: 1...UInt64.max)
        let clock = SystemClock()
        let core = try storage.core(
            in: directory,
            NodeCore.Environment(
                node: settings.node,
                session: session,
                settings: settings.core,
                clock: clock,
                network: links,
                blocking: BlockingPool(pool: readPool),
                gauge: FileSystemGauge(path: directory.path),
                identity: directory.nodeIdentity,
                identityStore: directory,
                peers: settings.peers.map(\.node),
                registration: Registration(
                    clusterID: settings.clusterID,
                    node: NodeDescription(
                        id: settings.node.rawValue,
                        peerAddress: "\(settings.peerHost):\(settings.peerPort)",
                        labels: settings.labels
                    )
                ),
                failed: failed
            )
        )
        let roles = RoleLog(logger: logger, loop: group.next())
        core.loop.roleObserver = { roles.note($0, $1, $2, $3) }
        core.loop.installObserver = { group, point, sender in
            logger.info(
                "group \(group.rawValue): snapshot installed up to \(point.index.rawValue) from node \(sender.rawValue)"
            )
        }
        core.loop.diskObserver = { logger.log($0) }
        core.loop.membershipObserver = { logger.log($0) }
        core.loop.verificationObserver = { logger.log($0) }
        core.loop.bodyObserver = { logger.log($0) }
        receiver.connect(core.inbox)
        inbox = core.inbox
        writerInbox = core.writer.inbox
        store = storage.state
        keptStates = core.keptStates
        let mail = NodeService(
            inbox: core.inbox,
            reader: core.reader,
            watchers: core.watchers,
            clock: clock,
            routing: RoutingTable(mailGroups: directory.identity.mailGroups),
            blocking: BlockingPool(pool: readPool),
            passwords: PasswordPool(pool: passwordPool, maximumWaiting: settings.maxWaitingPasswords),
            callMilliseconds: settings.core.callMilliseconds,
            failed: failed
        )
        self.mail = mail
        service = mail
        do {
            server = try await PeerServer.start(
                host: settings.peerHost,
                port: settings.peerPort,
                identity: identity,
                tls: tls,
                receiver: receiver,
                group: group,
                logger: logger
            )
        } catch {
            throw StartupError(
                "Cannot listen for peers on \(settings.peerHost):\(settings.peerPort): \(plainReason(error)). "
                    + "Check the setting peer.listen, and whether another process uses the port."
            )
        }
        threads = NodeThreads(core)
        self.links = links
        self.settings = settings
        self.directory = directory
        self.readPool = readPool
        self.passwordPool = passwordPool
        self.logger = logger
        for peer in settings.peers { links.connect(to: peer.node, host: peer.host, port: peer.port) }
    }

    /// Stops in order: leaderships move away, then threads, network, state and log.
    public func stop() async {
        await resignLeaderships(within: .seconds(3))
        await server.stop()
        links.stop()
        writerInbox.put(.seal)
        threads.stop()
        try? await readPool.shutdownGracefully()
        try? await passwordPool.shutdownGracefully()
        keptStates.closeAll()
        do {
            try store.flush()
            store.close()
        } catch {
            logger.error("the state could not be flushed at the end: \(error); the log has everything")
        }
    }

    private func resignLeaderships(within limit: Duration) async {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            let leading = await onLoop { loop in loop.resign() }
            if leading == 0 { return }
            try? await Task.sleep(for: .milliseconds(20))
        }
        logger.warning("some leaderships could not be handed over in time; the others elect new leaders")
    }

    /// Runs on the replica loop and returns what it returns.
    func onLoop<Value: Sendable>(_ body: @escaping @Sendable (NodeLoop) -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            inbox.put(.control { continuation.resume(returning: body($0)) })
        }
    }
}

/// Hands what the transport receives to the loop.
private final class LoopReceiver: PeerReceiver {
    private let inbox = NIOLockedValueBox<Inbox<LoopInput>?>(nil)

    func connect(_ inbox: Inbox<LoopInput>) { self.inbox.withLockedValue { $0 = inbox } }

    func received(_ messages: [PeerMessage], from node: NodeID) {
        inbox.withLockedValue { $0 }?.put(.received(messages, from: node))
    }

    func lost(_ node: NodeID) { inbox.withLockedValue { $0 }?.put(.lost(node)) }
}
