package import Consensus
package import LogStorage
internal import MailModel
package import MailStore
internal import NIOCore
package import PeerTransport
package import ReplicaCore
package import StateStorage

/// A node below its sockets: replica loops, log writer, appliers, installer and agent around a log, a state and a
/// network.
///
/// Nothing in it knows whether these, and the clock, are real. A node gives each of the parts a thread; the simulator
/// calls their turns.
package final class NodeCore {
    /// The replica loops, in the order of their lanes.
    package let loops: [ReplicaLoop]
    /// The log writer, which serves all loops.
    package let writer: LogWriter
    /// The appliers; ``applier(of:)`` says which one a group belongs to.
    package let appliers: [ApplierLoop]
    /// The installer, which serves all appliers.
    package let installer: InstallerLoop
    /// What belongs to the node and not to one of its groups.
    package let agent: NodeAgent
    /// The ways to the loops and to the agent, from any thread.
    package let inboxes: LoopInboxes
    /// What this node's calls hold in memory.
    package let callBudget: CallBudget
    /// How many reads this node's clients have under way.
    package let readBudget: ReadBudget
    /// What this node reads for others.
    package let foreignReads: ForeignReadBudget
    /// The cluster, as far as this node knows it.
    package let directory: PublishedDirectory
    let watchers: AccountWatchers
    let keptStates: KeptStates
    let stateReads: StateReads
    let gate: ReadGate
    /// Reads this node's own state, from any thread.
    package let reader: MailReader

    /// What a node is given from outside: its name, its settings, and the world that it acts upon.
    package struct Environment {
        let node: NodeID
        /// Names this run of the node; never used before.
        let session: UInt64
        let settings: CoreSettings
        let clock: any NodeClock
        let network: any PeerNetwork
        let blocking: any BlockingWork
        let background: any BlockingWork
        let gauge: any SpaceGauge
        let identity: NodeIdentity
        let identityStore: any NodeIdentityStore
        /// All nodes of the cluster that are known, this one included.
        let peers: [NodeID]
        /// What the directory is told of this node and of its cluster; what its program knows.
        let registration: Registration
        /// Told once when log or state failed: the node is to stop acknowledging and end.
        let failed: @Sendable (any Error) -> Void

        /// - Parameter peers: in any order.
        package init(
            node: NodeID,
            session: UInt64,
            settings: CoreSettings,
            clock: any NodeClock,
            network: any PeerNetwork,
            blocking: any BlockingWork,
            background: any BlockingWork,
            gauge: any SpaceGauge,
            identity: NodeIdentity,
            identityStore: any NodeIdentityStore,
            peers: [NodeID],
            registration: Registration,
            failed: @escaping @Sendable (any Error) -> Void
        ) {
            self.gauge = gauge
            self.identity = identity
            self.identityStore = identityStore
            self.peers = peers.sorted()
            self.registration = registration
            self.node = node
            self.session = session
            self.settings = settings
            self.clock = clock
            self.network = network
            self.blocking = blocking
            self.background = background
            self.failed = failed
        }
    }

    /// Makes the parts of a node, and hands each loop what recovery made of its groups.
    ///
    /// - Throws: ``VersionError`` where the state is at a version that this program does not know; `StateError` or
    ///   `DecodingError` where the state cannot be read.
    package init(
        _ environment: Environment,
        log: any LogStore,
        state: any StateStore,
        recovered: RecoveredGroups
    ) throws {
        let known = environment.registration.node.versions
        reader = MailReader(store: state)
        // An older version says nothing: the state may be older than the log, and the log than the cluster.
        let version = try reader.clusterVersion() ?? .first
        guard version <= known.newest else { throw VersionError(cluster: version, known: known) }
        let settings = environment.settings
        let inboxes = LoopInboxes(loops: settings.threads.loops)
        self.inboxes = inboxes
        callBudget = CallBudget(maximumBytes: settings.calls.bytes)
        readBudget = ReadBudget(maximum: settings.reads.perNode)
        foreignReads = ForeignReadBudget(settings.reads)
        watchers = AccountWatchers()
        gate = ReadGate()
        keptStates = KeptStates()
        stateReads = StateReads()
        writer = LogWriter(
            log: log,
            network: environment.network,
            inboxes: inboxes,
            maximumSegments: settings.maximumLogSegments,
            flushBytes: settings.flush.logBytes,
            failed: environment.failed
        )
        (appliers, installer) = Self.makeAppliers(
            environment,
            Appliers(store: state, gate: gate, keptStates: keptStates, watchers: watchers, inboxes: inboxes)
        )
        let founding = Directory.Founding(
            clusterID: environment.registration.clusterID,
            mailGroups: environment.identity.mailGroups,
            founders: environment.identity.founders
        )
        let published = PublishedDirectory(try reader.directory() ?? Directory(founded: founding))
        directory = published
        let written = WrittenVersion(known: known, cluster: version)
        let snapshots = SnapshotSources(settings, environment.clock.monotonicMilliseconds())
        var loops: [ReplicaLoop] = []
        for lane in 0..<settings.threads.loops {
            let floor = Floor(
                at: Floor.Place(
                    node: environment.node,
                    session: environment.session,
                    peers: environment.peers,
                    lane: UInt8(lane),
                    lanes: UInt8(settings.threads.loops)
                ),
                settings: settings,
                version: written,
                directory: published.now,
                clock: environment.clock,
                ways: Floor.Ways(
                    inbox: inboxes.loops[lane],
                    agent: inboxes.agent,
                    network: environment.network,
                    writer: writer.inbox,
                    appliers: appliers.map(\.inbox),
                    blocking: environment.blocking,
                    background: environment.background,
                    state: state,
                    callBudget: callBudget,
                    snapshots: snapshots,
                    failed: environment.failed
                ),
                source: LogPayloadSource(log: log.reader, failed: environment.failed),
                logProgress: LogProgress()
            )
            // Calls wait for a group also while it has not begun, or its replica here is being replaced.
            for group in published.now.groups.map(\.id) where inboxes.loop(of: group) == lane {
                floor.groups.insert(group)
            }
            loops.append(
                ReplicaLoop(
                    floor,
                    LoopRooms(
                        gate: gate,
                        stateReads: stateReads,
                        foreignReads: foreignReads,
                        watchers: watchers,
                        keptStates: keptStates,
                        settings: settings
                    )
                )
            )
        }
        self.loops = loops
        let identity = environment.identity
        let (recovered, unnoted) = recovered.separated(notedUpTo: identity.begunUpTo)
        let found = Set(recovered.opened.map(\.group) + recovered.quarantined.map(\.group))
        agent = NodeAgent(
            at: Self.makeDesk(
                environment,
                inboxes,
                writer: writer,
                state: state,
                version: written,
                directory: published
            ),
            founding: FoundingRoom(
                identity,
                environment.identityStore,
                missing: identity.groups.filter { !found.contains($0) }
            ),
            addedGroups: AddedGroupsRoom(unnoted: unnoted, present: found),
            registration: RegistrationRoom(environment.registration),
            disk: DiskRoom(loops.map(\.floor.logProgress))
        )
        try begin(recovered, identity)
    }

    /// What all appliers of a node share.
    private struct Appliers {
        let store: any StateStore
        let gate: ReadGate
        let keptStates: KeptStates
        let watchers: AccountWatchers
        let inboxes: LoopInboxes
    }

    private static func makeAppliers(_ environment: Environment, _ shared: Appliers) -> ([ApplierLoop], InstallerLoop) {
        let known = environment.registration.node.versions
        let installing = Inbox<InstallerLoop.Job>()
        let appliers = (0..<environment.settings.threads.appliers).map { _ in
            ApplierLoop(
                store: shared.store,
                applier: MailApplier(store: shared.store, newestVersion: known.newest),
                installer: installing,
                keptStates: shared.keptStates,
                gate: shared.gate,
                inboxes: shared.inboxes,
                watchers: shared.watchers,
                known: known,
                failed: environment.failed
            )
        }
        let installer = InstallerLoop(
            inbox: installing,
            store: shared.store,
            inboxes: shared.inboxes,
            appliers: appliers.map(\.inbox),
            failed: environment.failed
        )
        return (appliers, installer)
    }

    private static func makeDesk(
        _ environment: Environment,
        _ inboxes: LoopInboxes,
        writer: LogWriter,
        state: any StateStore,
        version: WrittenVersion,
        directory: PublishedDirectory
    ) -> AgentDesk {
        AgentDesk(
            at: AgentDesk.Place(node: environment.node, peers: environment.peers),
            settings: environment.settings,
            clock: environment.clock,
            ways: AgentDesk.Ways(
                inboxes: inboxes,
                network: environment.network,
                writer: writer.inbox,
                background: environment.background,
                state: state,
                gauge: environment.gauge,
                failed: environment.failed
            ),
            version: version,
            directory: directory
        )
    }

    /// Hands each loop what recovery made of its groups.
    private func begin(_ recovered: RecoveredGroups, _ identity: NodeIdentity) throws {
        var stopped: [(group: GroupID, at: LogIndex, reason: String)] = []
        for group in recovered.opened {
            guard !group.isRebuilding else {
                gate.close(group.group)
                continue
            }
            do {
                try applier(of: group.group).openGroup(group.group)
            } catch let error as DecodingError {
                stopped.append((group.group, group.appliedIndex.next, "\(error)"))
            }
        }
        for (lane, inbox) in inboxes.loops.enumerated() {
            let begin = LoopBegin(
                opened: recovered.opened.filter { inboxes.loop(of: $0.group) == lane },
                quarantined: recovered.quarantined.filter { inboxes.loop(of: $0.group) == lane },
                stopped: stopped.filter { inboxes.loop(of: $0.group) == lane },
                isComplete: identity.isComplete,
                begunUpTo: identity.begunUpTo
            )
            inbox.put(.order(.begin(begin)))
        }
    }

    /// The store as this node's gateways see it.
    ///
    /// - Parameter environment: what the core was made with.
    package func makeService(_ environment: Environment, passwords: any PasswordChecker) -> NodeService {
        NodeService(
            inboxes: inboxes,
            reader: reader,
            watchers: watchers,
            clock: environment.clock,
            directory: directory,
            blocking: environment.blocking,
            stateReads: stateReads,
            passwords: passwords,
            callBudget: callBudget,
            readBudget: readBudget,
            callMilliseconds: environment.settings.callMilliseconds,
            failed: environment.failed
        )
    }

    /// The loop that a group belongs to.
    package func loop(of group: GroupID) -> ReplicaLoop { loops[inboxes.loop(of: group)] }

    /// The applier that a group belongs to.
    package func applier(of group: GroupID) -> ApplierLoop {
        appliers[ApplierLoop.position(of: group, among: appliers.count)]
    }

    /// The replica of a group; nil where there is none. Not while the loops have threads.
    package func replica(_ group: GroupID) -> Replica? { loop(of: group).floor.replica(group) }

    /// All replicas of this node. Not while the loops have threads.
    package var replicas: [Replica] { loops.flatMap { Array($0.floor.groups.replicas) } }

    /// Whether every replica that this node came up with takes part, or was given up. Not while the loops have threads.
    package var isSettled: Bool { loops.allSatisfy(\.isSettled) }

    /// Whether a snapshot is on its way to this node. Not while the loops have threads.
    package var isInstalling: Bool { loops.contains { $0.floor.groups.isInstalling } }

    /// Has observers told what happens on this node; those of before are told no more.
    package func observe(_ observers: Observers) {
        for loop in loops { loop.floor.observers = observers }
        agent.desk.observers = observers
    }
}

/// What recovery made of a node's log and state.
package struct RecoveredGroups: Sendable {
    /// The groups that are fit to run, in the order of their IDs.
    package let opened: [OpenedGroup]
    /// Groups whose replica may have forgotten something that it acknowledged: it must not vote.
    package let quarantined: [QuarantinedGroup]

    /// Without the replicas of new groups that are in the log, and that the node has not noted to have begun: a crash
    /// came between. They have taken part in nothing, and must not before they are noted.
    ///
    /// - Parameter last: no group up to this one is such a group.
    fileprivate func separated(notedUpTo last: GroupID) -> (RecoveredGroups, unnoted: [GroupID]) {
        let unnoted = opened.filter { $0.group > last && $0.isUntouched }.map(\.group)
        let rest = opened.filter { !unnoted.contains($0.group) }
        return (RecoveredGroups(opened: rest, quarantined: quarantined), unnoted)
    }
}

/// A group as recovery found it, fit to run.
package struct OpenedGroup: Sendable {
    /// The group that was found.
    package let group: GroupID
    /// The ID of this node's replica of the group.
    package let replica: ReplicaID
    /// Term, vote and commit index, as the log has them durably.
    package let hardState: HardState
    /// The point behind which the log begins.
    package let snapshot: SnapshotPoint
    /// The headers of the log's entries, contiguous from behind the snapshot on.
    package let headers: [EntryHeader]
    let appliedIndex: LogIndex
    /// The state has to be fetched from another replica first.
    let isRebuilding: Bool

    /// Whether the replica is one that began with its group, and has promised nothing and heard of nothing.
    fileprivate var isUntouched: Bool {
        hardState == HardState() && snapshot.index == .zero && headers.isEmpty && !isRebuilding
            && snapshot.configuration.member(replica) != nil
    }
}
