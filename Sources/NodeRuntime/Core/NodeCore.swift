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
    package let reader: MailReader

    package struct Environment {
        let node: NodeID
        /// Names this run of the node; never used before.
        let session: UInt64
        let settings: CoreSettings
        let clock: any NodeClock
        let network: any PeerNetwork
        let blocking: any BlockingWork
        /// Told once when log or state failed: the node is to stop acknowledging and end.
        let failed: @Sendable (any Error) -> Void

        package init(
            node: NodeID,
            session: UInt64,
            settings: CoreSettings,
            clock: any NodeClock,
            network: any PeerNetwork,
            blocking: any BlockingWork,
            failed: @escaping @Sendable (any Error) -> Void
        ) {
            self.node = node
            self.session = session
            self.settings = settings
            self.clock = clock
            self.network = network
            self.blocking = blocking
            self.failed = failed
        }
    }

    package init(_ environment: Environment, log: any LogStore, state: any StateStore, groups: [OpenedGroup]) throws {
        let inbox = Inbox<LoopInput>()
        let watchers = AccountWatchers()
        let gate = ReadGate()
        let applier = MailApplier(store: state)
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
            gate: gate,
            loop: inbox,
            watchers: watchers,
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
                log: log.reader,
                maintenance: Maintenance(store: state, failed: environment.failed),
                gate: gate
            )
        )
        for group in groups {
            if group.isRebuilding { gate.close(group.group) } else { try applier.open(group.group) }
            let raft = RaftNode(
                id: group.replica,
                settings: environment.settings.replica.raft,
                hardState: group.hardState,
                snapshot: group.snapshot,
                headers: group.headers,
                appliedIndex: group.appliedIndex,
                isStateLost: group.isRebuilding,
                seed: environment.session ^ (UInt64(group.group.rawValue) &* 0x9e37_79b9_7f4a_7c15)
            )
            loop.add(
                Replica(group: group.group, raft: raft, settings: environment.settings.replica),
                isRebuilding: group.isRebuilding
            )
        }
        self.inbox = inbox
        self.watchers = watchers
        reader = MailReader(store: state)
    }
}

/// A group as recovery found it, fit to run.
package struct OpenedGroup {
    let group: GroupID
    let replica: ReplicaID
    let hardState: HardState
    let snapshot: SnapshotPoint
    let headers: [EntryHeader]
    let appliedIndex: LogIndex
    /// The state has to be fetched from another replica first.
    let isRebuilding: Bool
}
