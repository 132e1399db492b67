package import Consensus
package import LogStorage
internal import MailModel
package import MailStore
internal import NIOCore
package import PeerTransport
internal import ReplicaCore
package import StateStorage

/// A node below its sockets: replica loop, log writer and applier around a log, a state and a network.
///
/// Nothing in it knows whether these, and the clock, are real. A node gives each of the three parts a thread; the
/// simulator calls their turns.
package final class NodeCore {
    package let loop: NodeLoop
    package let writer: LogWriter
    package let applierLoop: ApplierLoop
    package let inbox: Inbox<LoopInput>
    let watchers: AccountWatchers
    let keptStates: KeptStates
    let stateReads: StateReads
    let gate: ReadGate
    package let reader: MailReader

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
        let inbox = Inbox<LoopInput>()
        let watchers = AccountWatchers()
        let gate = ReadGate()
        let applier = MailApplier(store: state, newestVersion: known.newest)
        let keptStates = KeptStates()
        let stateReads = StateReads()
        writer = LogWriter(
            log: log,
            network: environment.network,
            loop: inbox,
            maximumSegments: environment.settings.maximumLogSegments,
            failed: environment.failed
        )
        applierLoop = ApplierLoop(
            store: state,
            applier: applier,
            keptStates: keptStates,
            gate: gate,
            loop: inbox,
            watchers: watchers,
            known: known,
            failed: environment.failed
        )
        loop = NodeLoop(
            NodeLoop.Dependencies(
                node: environment.node,
                session: environment.session,
                settings: environment.settings,
                clock: environment.clock,
                inbox: inbox,
                network: environment.network,
                writer: writer.inbox,
                applier: applierLoop.inbox,
                blocking: environment.blocking,
                background: environment.background,
                stateReads: stateReads,
                log: log.reader,
                maintenance: Maintenance(store: state, gauge: environment.gauge, failed: environment.failed),
                gate: gate,
                keptStates: keptStates,
                identity: environment.identity,
                identityStore: environment.identityStore,
                peers: environment.peers,
                registration: environment.registration,
                version: version,
                failed: environment.failed
            )
        )
        var unreadable: [(group: GroupID, index: LogIndex, reason: String)] = []
        for group in recovered.opened {
            guard !group.isRebuilding else {
                gate.close(group.group)
                continue
            }
            do {
                try applier.open(group.group)
            } catch let error as DecodingError {
                unreadable.append((group.group, group.appliedIndex.next, "\(error)"))
            }
        }
        self.inbox = inbox
        self.watchers = watchers
        self.keptStates = keptStates
        self.stateReads = stateReads
        self.gate = gate
        let stopped = unreadable
        inbox.put(
            .control { loop in
                loop.begin(recovered)
                for (group, index, reason) in stopped { loop.floor.stop(group, at: index, reason: reason) }
            }
        )
    }
}

extension NodeLoop {
    /// The first thing that a loop does.
    fileprivate func begin(_ recovered: RecoveredGroups) {
        for group in recovered.opened {
            let raft = RaftNode(
                id: group.replica,
                settings: settings.replica.raft,
                hardState: group.hardState,
                snapshot: group.snapshot,
                headers: group.headers,
                appliedIndex: group.appliedIndex,
                isStateLost: group.isRebuilding,
                seed: floor.electionSeed(of: group.group)
            )
            floor.admit(
                Replica(group: group.group, raft: raft, settings: settings.replica),
                as: .recalling(hasState: !group.isRebuilding)
            )
            rooms.recall.begin(group.group, floor)
        }
        for group in recovered.quarantined { floor.giveUp(group.group, reason: group.reason) }
        hasBegun = true
        if identity.isComplete { replaceMissing() } else { completeFounding() }
    }
}

/// What recovery made of a node's log and state.
package struct RecoveredGroups: Sendable {
    package let opened: [OpenedGroup]
    /// They may have forgotten something that they acknowledged: they must not vote.
    package let quarantined: [QuarantinedGroup]
}

/// A group as recovery found it, fit to run.
package struct OpenedGroup: Sendable {
    package let group: GroupID
    package let replica: ReplicaID
    package let hardState: HardState
    package let snapshot: SnapshotPoint
    package let headers: [EntryHeader]
    let appliedIndex: LogIndex
    /// The state has to be fetched from another replica first.
    let isRebuilding: Bool
}
