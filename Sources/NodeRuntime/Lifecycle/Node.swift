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
    /// What the node was started with.
    public let settings: NodeSettings
    /// The mail store as the gateways of this node see it.
    public let service: any MailService
    let mail: NodeService
    let inboxes: LoopInboxes
    let writerInbox: Inbox<LogWriter.Job>
    let store: any StateStore
    /// How the agent knows its cluster.
    private let agentIdentity: NIOLockedValueBox<NodeIdentity>
    private let keptStates: KeptStates
    private let threads: NodeThreads
    private let links: PeerLinks
    private let server: PeerServer
    private let readPool: NIOThreadPool
    private let backgroundPool: NIOThreadPool
    let passwordPool: NIOThreadPool
    /// Threads for flushes, scrubs and pieces of snapshots: clients do not wait behind them.
    private static let backgroundThreads = 2
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
        var settings = settings
        if directory.isToJoin, let secret = settings.joinSecret {
            let joining = Joining(settings: settings, tls: tls, group: group, logger: logger)
            let grant = try await joining.join(as: directory.identity.logID, with: secret)
            try directory.adopt(grant)
            logger.notice("the cluster \(grant.cluster) has let this node in as node \(grant.node.rawValue)")
        }
        settings.followJoined(directory.identity)
        let storage = try NodeStorage.open(directory, settings: settings, logger: logger)
        return try await Node(
            settings,
            in: directory,
            storage: storage,
            tls: tls,
            group: group,
            logger: logger,
            fatal: fatal
        )
    }

    private init(
        _ settings: NodeSettings,
        in directory: DataDirectory,
        storage: NodeStorage,
        tls: PeerTLS?,
        group: any EventLoopGroup,
        logger: Logger,
        fatal: @escaping @Sendable (String) -> Void
    ) async throws {
        let hasFailed = NIOLockedValueBox(false)
        let failed: @Sendable (any Error) -> Void = { error in
            let isFirst = hasFailed.withLockedValue { failed in
                defer { failed = true }
                return !failed
            }
            guard isFirst else { return }
            if error is StartupError || error is VersionError || error is NodeIsGone { return fatal("\(error)") }
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
        let backgroundPool = NIOThreadPool(numberOfThreads: Self.backgroundThreads)
        backgroundPool.start()
        let passwordPool = NIOThreadPool(numberOfThreads: settings.passwordThreads)
        passwordPool.start()
        let identity = PeerIdentity(cluster: settings.clusterID, node: settings.node)
        let receiver = LoopReceiver()
        let doorkeeper = NodeDoorkeeper()
        let links = PeerLinks(identity: identity, tls: tls, receiver: receiver, group: group, logger: logger)
        let session = UInt64.random(in: 1...UInt64.max)
        let clock = SystemClock()
        let reads = BlockingPool(pool: readPool, clock: clock)
        let background = BlockingPool(pool: backgroundPool, clock: clock)
        let environment = NodeCore.Environment(
            node: settings.node,
            session: session,
            settings: settings.core,
            clock: clock,
            network: links,
            blocking: reads,
            background: background,
            gauge: FileSystemGauge(path: directory.path),
            identity: directory.nodeIdentity,
            identityStore: directory,
            peers: settings.peers.map(\.node),
            registration: Registration(
                clusterID: settings.clusterID,
                node: NodeDescription(
                    id: settings.node.rawValue,
                    peerAddress: settings.advertisedAddress,
                    labels: settings.labels
                )
            ),
            failed: failed
        )
        let core = try storage.core(in: directory, environment)
        StateWatch.watchCalls(of: core, reads: reads, background: background, clock: clock)
        core.observe(.logging(to: logger, on: group.next()))
        receiver.connect(core.inboxes)
        inboxes = core.inboxes
        agentIdentity = core.agent.published
        writerInbox = core.writer.inbox
        store = storage.state
        keptStates = core.keptStates
        let passwords = PasswordPool(
            pool: passwordPool,
            maximumWaiting: settings.maxWaitingPasswords,
            clock: clock,
            lifeMilliseconds: settings.passwordLifeMilliseconds
        )
        let mail = core.makeService(environment, passwords: passwords)
        self.mail = mail
        service = mail
        doorkeeper.connect(mail, cluster: settings.cluster)
        do {
            server = try await PeerServer.start(
                host: settings.peerHost,
                port: settings.peerPort,
                identity: identity,
                tls: tls,
                receiver: receiver,
                doorkeeper: doorkeeper,
                group: group,
                logger: logger
            )
        } catch {
            throw StartupError(
                "Cannot listen for peers on \(settings.peerHost):\(settings.peerPort): \(plainReason(error)). "
                    + "Check the setting peer.listen, and whether another process uses the port."
            )
        }
        links.onParting { [server] in server.close($0) }
        threads = NodeThreads(core)
        self.links = links
        self.settings = settings
        self.directory = directory
        self.readPool = readPool
        self.backgroundPool = backgroundPool
        self.passwordPool = passwordPool
        self.logger = logger
        if directory.identity.contacts.isEmpty {
            for peer in settings.peers { links.connect(to: peer.node, host: peer.host, port: peer.port) }
        } else {
            // The directory says where they are by now, as soon as it is here.
            let contacts = directory.identity.contacts.map { ($0.node, $0.address) }
            links.reach(Dictionary(contacts) { first, _ in first }, partingFrom: [])
        }
    }

    /// Stops in order: leaderships move away, then threads, network, state and log.
    public func stop() async {
        await resignLeaderships(within: .seconds(3))
        await server.stop()
        links.stop()
        writerInbox.put(.seal)
        // What hangs in a call of the disk cannot be waited for, and the state must not be closed under it.
        let pools = [readPool, backgroundPool, passwordPool]
        guard threads.stop(), await pools.shutDown(within: .seconds(NodeThreads.stopSeconds)) else {
            logger.error("the disk does not answer: this node ends without waiting for it; the log has everything")
            return
        }
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
            let leading = await askAll { .resign($0) }
            if leading.allSatisfy({ $0 == 0 }) { return }
            try? await Task.sleep(for: .milliseconds(20))
        }
        logger.warning("some leaderships could not be handed over in time; the others elect new leaders")
    }

    /// Whether the cluster has begun, as far as this node knows.
    var isFounded: Bool { agentIdentity.withLockedValue { $0.isFounded } }

    /// Asks the loop of a group.
    func ask<Answer: Sendable>(
        _ group: GroupID,
        _ question: (@escaping @Sendable (Answer) -> Void) -> LoopQuestion
    ) async -> Answer {
        await withCheckedContinuation { continuation in
            inboxes.put(.question(question { continuation.resume(returning: $0) }), for: group)
        }
    }

    /// Asks every loop; the answers come in the order of the loops.
    func askAll<Answer: Sendable>(
        _ question: (@escaping @Sendable (Answer) -> Void) -> LoopQuestion
    ) async -> [Answer] {
        var answers: [Answer] = []
        for loop in inboxes.loops {
            let answer = await withCheckedContinuation { continuation in
                loop.put(.question(question { continuation.resume(returning: $0) }))
            }
            answers.append(answer)
        }
        return answers
    }
}

extension NodeSettings {
    /// Of a node that has joined a cluster: what the cluster has told it goes before what the settings say.
    fileprivate mutating func followJoined(_ identity: DataDirectory.Identity) {
        guard !identity.contacts.isEmpty else { return }
        let own = advertisedAddress
        node = NodeID(identity.node)
        cluster = identity.cluster
        mailGroups = identity.mailGroups
        advertised = HostPort(own)
        let contacts = identity.contacts + [JoinContact(node: node, address: own)]
        peers = contacts.compactMap { contact in
            HostPort(contact.address).map { Peer(node: contact.node, host: $0.host, port: $0.port) }
        }
    }
}

extension [NIOThreadPool] {
    /// - Returns: whether all threads of the pools have ended in time.
    fileprivate func shutDown(within limit: Duration) async -> Bool {
        let ended = NIOLockedValueBox(0)
        for pool in self {
            Task {
                try? await pool.shutdownGracefully()
                ended.withLockedValue { $0 += 1 }
            }
        }
        let deadline = ContinuousClock.now + limit
        while ended.withLockedValue({ $0 }) < count {
            guard ContinuousClock.now < deadline else { return false }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return true
    }
}

/// Hands what the transport receives to the loops.
private final class LoopReceiver: PeerReceiver {
    private let inboxes = NIOLockedValueBox<LoopInboxes?>(nil)

    func connect(_ inboxes: LoopInboxes) { self.inboxes.withLockedValue { $0 = inboxes } }

    func received(_ messages: [PeerMessage], from node: NodeID, _ receipt: PeerReceipt) {
        inboxes.withLockedValue { $0 }?.receive(messages, from: node, receipt)
    }

    func lost(_ node: NodeID) { inboxes.withLockedValue { $0 }?.lost(node) }

    func calledGone(by node: NodeID) { inboxes.withLockedValue { $0 }?.agent.put(.calledGone(by: node)) }
}
