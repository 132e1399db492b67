import Consensus
import LogStorage
import MailModel
import MailStore
import NIOCore
import PeerTransport
import ReplicaCore
import StateStorage
import Testing

@testable import NodeRuntime

/// Nodes without threads, sockets and disks: one step is one tick, and whatever is sent arrives before the next.
final class TestCluster {
    let settings: CoreSettings
    let groups: [GroupID]
    private(set) var nodes: [TestNode] = []
    /// Whether the nodes begin with their groups.
    private let isFounded: Bool
    private let clock = ManualClock()
    /// By every node's clock.
    var timeOfDay: Timestamp {
        get { clock.now() }
        set { clock.wallOffset = newValue.rawValue - clock.milliseconds }
    }

    /// - Parameter change: what is to be otherwise than in ``CoreSettings``; the scheduler is off unless it says so.
    init(
        nodes count: Int = 3,
        groups groupCount: UInt32,
        ticksUntilRest: Int = 4,
        versions: [KnownVersions] = [],
        loops: [Int] = [],
        datacenters: [String] = [],
        isFounded: Bool = true,
        _ change: (inout CoreSettings) -> Void = { _ in }
    ) throws {
        var settings = CoreSettings()
        settings.isScheduling = false
        settings.ticksUntilRest = ticksUntilRest
        change(&settings)
        self.settings = settings
        self.isFounded = isFounded
        groups = (0..<groupCount).map { GroupID($0) }
        for number in 1...UInt64(count) { nodes.append(TestNode(NodeID(number))) }
        for (node, versions) in zip(nodes, versions) { node.versions = versions }
        for (node, loops) in zip(nodes, loops) {
            node.loops = loops
            node.appliers = loops
        }
        for (node, datacenter) in zip(nodes, datacenters) { node.datacenter = datacenter }
        for node in nodes {
            node.identity = isFounded ? founded(node) : unfounded(directory: node.id.rawValue + 10)
            try start(node)
        }
    }

    /// A node and its core know each other: none of them would go, and their disks are large.
    deinit { for node in nodes { node.kill() } }

    /// Replicas are numbered otherwise than nodes.
    static func replica(on node: NodeID) -> ReplicaID { ReplicaID(node.rawValue + 100) }

    /// A directory that belongs to no cluster.
    func unfounded(directory: UInt64) -> NodeIdentity {
        NodeIdentity(directory: directory, mailGroups: UInt32(groups.count - 1))
    }

    private func founded(_ node: TestNode) -> NodeIdentity {
        NodeIdentity(
            directory: node.id.rawValue,
            mailGroups: UInt32(groups.count - 1),
            founders: nodes.map { Founder(node: $0.id, directory: $0.id.rawValue) },
            isComplete: true
        )
    }

    func start(_ node: TestNode) throws {
        node.run += 1
        let logSettings = LogSettings(logID: node.id.rawValue)
        var (log, recovered) = try SegmentedLog.open(disk: node.disk, settings: logSettings)
        if recovered.isEmpty, isFounded {
            let operations = groups.map { group -> LogOperation in
                // The priorities are those that the directory has for a group as it was founded.
                let members = founded(node).configuration(of: group).members.map {
                    Member(replica: Self.replica(on: $0.node), node: $0.node, priority: $0.priority)
                }
                let point = SnapshotPoint(index: .zero, term: .zero, configuration: Configuration(voters: members))
                return .createGroup(group, replica: Self.replica(on: node.id), point)
            }
            try log.append(LogRound(operations))
            (log, recovered) = try SegmentedLog.open(disk: node.disk, settings: logSettings)
        }
        if node.isStateLost { try StateRecovery.beginAnew(recovered, in: node.state) }
        node.isStateLost = false
        var settings = settings
        settings.threads.loops = node.loops
        settings.threads.appliers = node.appliers
        let labels = node.datacenter.map { [Label(key: NodeDescription.datacenterKey, value: $0)] }
        let environment = NodeCore.Environment(
            node: node.id,
            session: node.id.rawValue << 32 | node.run,
            settings: settings,
            clock: clock,
            network: node,
            blocking: node.blocking,
            background: node.background,
            gauge: node,
            identity: node.identity,
            identityStore: node,
            peers: node.acquaintances ?? nodes.map(\.id),
            registration: Registration(
                clusterID: 1,
                node: NodeDescription(
                    id: node.id.rawValue,
                    peerAddress: "test:\(node.id.rawValue)",
                    labels: labels ?? [],
                    versions: node.versions
                )
            ),
            failed: { node.failed($0) }
        )
        node.core = try NodeCore(
            environment,
            log: log,
            state: node.state,
            recovered: try GroupRecovery(log: log, state: node.state).open(recovered)
        )
        node.service = node.core?.makeService(environment, passwords: NoPasswords())
    }

    subscript(_ number: Int) -> TestNode { nodes[number - 1] }

    /// - Parameter isLost: decides over each message.
    func run(ticks: Int, isLost: (PeerMessage, _ from: NodeID, _ to: NodeID) -> Bool = { _, _, _ in false }) {
        for _ in 0..<ticks {
            clock.milliseconds += settings.tickMilliseconds
            for node in nodes { node.turn() }
            // Enough rounds for whatever a tick sets off.
            for _ in 0..<8 {
                deliver(isLost)
                for node in nodes { node.turn() }
            }
        }
    }

    /// Nobody does anything for so long.
    func pause(milliseconds: Int64) { clock.milliseconds += milliseconds }

    private func deliver(_ isLost: (PeerMessage, NodeID, NodeID) -> Bool) {
        for sender in nodes {
            let sent = sender.takeSent()
            for (message, target) in sent where !isLost(message, sender.id, target) {
                nodes.first { $0.id == target }?.core?.inboxes.receive([message], from: sender.id)
            }
        }
    }

    func leader(of group: GroupID) -> TestNode? {
        nodes.first { $0.core?.replica(group)?.isLeader == true }
    }

    var allRest: Bool {
        nodes.allSatisfy { node in (node.core?.loops ?? []).allSatisfy { $0.floor.rest.awake.isEmpty } }
    }

    /// Every group has a leader that the others that are up follow.
    var allAreLed: Bool {
        groups.allSatisfy { group in
            let up = nodes.compactMap { $0.core?.replica(group) }
            return up.count { $0.isLeader } == 1 && Set(up.map(\.leaderNode)).count == 1
        }
    }
}

/// `@unchecked Sendable`: a test cluster has one thread.
final class TestNode: PeerNetwork, NodeIdentityStore, SpaceGauge, @unchecked Sendable {
    let id: NodeID
    private(set) var disk = MemoryDisk()
    private(set) var state = MemoryStateStore()
    /// What its directory knows of its cluster.
    var identity = NodeIdentity(directory: 0, mailGroups: 0)
    /// Why it cannot be saved.
    var savingFailure: (any Error)?
    /// What its next run does beside its turns.
    var blocking: any BlockingWork = AtOnce()
    var background: any BlockingWork = AtOnce()
    var core: NodeCore?
    /// The store as its gateways see it.
    var service: NodeService?
    /// Whom its settings name in its next run; nil for everybody.
    var acquaintances: [NodeID]?
    /// The nodes that it was told where to reach last.
    private(set) var reached: Set<NodeID> = []
    /// The nodes that its directory names for the day on which it has lost everything else.
    private(set) var contacts: [NodeID] = []
    /// A label of its next run.
    var datacenter: String?
    var run: UInt64 = 0
    /// Its next run has so many threads.
    var loops = 1
    var appliers = 1
    /// What its program knows.
    var versions = KnownVersions.current
    /// The next start finds no state.
    var isStateLost = false
    /// Its process has been stopped: what comes waits in its inbox.
    var isStopped = false
    /// Its state takes its time: nothing is applied or installed.
    var isStateBusy = false
    /// The disk is busy with snapshots: nothing of them is written.
    var isInstallerBusy = false
    /// What its file system says when it is asked.
    var diskSpace: DiskSpace?
    /// Whether it may fail.
    var expectsFailure = false
    private(set) var failure: (any Error)?
    private var sent: [(PeerMessage, NodeID)] = []
    private(set) var sentCount = 0

    init(_ id: NodeID) { self.id = id }

    func reach(_ addresses: [NodeID: String], partingFrom gone: [NodeID]) { reached = Set(addresses.keys) }
    func send(_ messages: [PeerMessage], to node: NodeID) {
        sent += messages.map { ($0, node) }
        sentCount += messages.count
    }

    func takeSent() -> [(PeerMessage, NodeID)] {
        defer { sent.removeAll() }
        return sent
    }

    func turn() {
        guard !isStopped else { return }
        core?.agent.turn()
        for loop in core?.loops ?? [] { loop.turn() }
        core?.writer.turn()
        guard !isStateBusy else { return }
        for applier in core?.appliers ?? [] { applier.turn() }
        // What the installer is done with goes back to the appliers.
        if !isInstallerBusy, core?.installer.turn() == true { for applier in core?.appliers ?? [] { applier.turn() } }
    }

    func space() -> DiskSpace? { diskSpace }

    /// The file system says how much room there is.
    func noteFreeBytes(_ bytes: Int) {
        core?.agent.inbox.put(.space(DiskSpace(freeBytes: bytes, capacityBytes: 1 << 40)))
        turn()
    }

    func failed(_ error: any Error) {
        failure = failure ?? error
        if !expectsFailure { Issue.record(error) }
    }

    func kill() {
        core = nil
        service = nil
        sent.removeAll()
    }

    /// Comes back with another disk.
    func loseDisk() {
        kill()
        disk = MemoryDisk()
        state = MemoryStateStore()
    }

    func saveContacts(_ contacts: [JoinContact]) { self.contacts = contacts.map(\.node) }

    func save(_ identity: NodeIdentity) throws {
        if let savingFailure { throw savingFailure }
        self.identity = identity
    }

    /// Has accounts created through this node; says so for each.
    func createAccounts(_ range: Range<Int>, in group: GroupID, _ completed: @escaping @Sendable () -> Void) throws {
        for number in range {
            let address = try #require(AccountAddress("someone\(number)@example.org"))
            let call = ClientCall(
                group: group,
                account: AccountID(UInt64(number)),
                command: .createAccount(address: address, credential: nil, quotaBytes: 0, mailboxes: []),
                deadlineMilliseconds: .max,
                completion: Completion(on: nil) { if (try? $0.get()) != nil { completed() } }
            )
            core?.inboxes.put(.submit(call), for: group)
        }
    }
}

/// `@unchecked Sendable`: a test cluster has one thread.
final class Counter: @unchecked Sendable {
    var value = 0
}

/// `@unchecked Sendable`: a test cluster has one thread.
private final class ManualClock: NodeClock, @unchecked Sendable {
    var milliseconds: Int64 = 1_000
    var wallOffset: Int64 = 0
    func monotonicMilliseconds() -> Int64 { milliseconds }
    func now() -> Timestamp { Timestamp(milliseconds: milliseconds + wallOffset) }
}

private struct AtOnce: BlockingWork {
    func run(_ work: @escaping @Sendable () -> Void) { work() }
}

private struct NoPasswords: PasswordChecker {
    func verify(_ check: PasswordCheck, _ completion: Completion<Bool>) {
        completion.finish(.success(check.credential != nil))
    }
}

/// For nodes with one loop.
extension NodeCore {
    var loop: ReplicaLoop { loops[0] }
    var inbox: Inbox<LoopInput> { inboxes.loops[0] }
}

extension ReplicaLoop {
    var nowMilliseconds: Int64 { floor.nowMilliseconds }
    var inbox: Inbox<LoopInput> { floor.ways.inbox }
    func replica(_ group: GroupID) -> Replica? { floor.replica(group) }
    var replicas: [Replica] { Array(floor.groups.replicas) }
    var groups: HostedGroups { floor.groups }
    func standing(of group: GroupID) -> Standing { floor.standing(of: group) }

    /// Takes a call in at once, without a turn.
    func submit(_ call: ClientCall) {
        rooms.calls.submit(call, floor)
        rooms.calls.sendReady(floor)
    }

    /// Begins a verification at once, without a turn.
    func verify(_ group: GroupID, isScrub: Bool) -> Result<VerificationID, VerificationRefusal> {
        rooms.verification.begin(group, isScrub: isScrub, floor)
    }

    /// Why a group stands still; nil where it does not.
    func stop(of group: GroupID) -> StoppedGroup? {
        if case .stopped(let stop) = standing(of: group) { stop } else { nil }
    }
}
