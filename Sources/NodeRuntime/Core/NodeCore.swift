internal import Consensus
internal import LogStorage
internal import MailModel
internal import MailStore
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore
internal import StateStorage

/// A node below its sockets: replica loop, log writer and applier around a log, a state and a network.
///
/// Nothing in it knows whether these, and the clock, are real. A node gives each of the three parts a thread; the
/// simulator calls their turns.
final class NodeCore {
    let loop: NodeLoop
    let writer: LogWriter
    let applierLoop: ApplierLoop
    let inbox: Inbox<LoopInput>
    let watchers: AccountWatchers
    let reader: MailReader

    struct Environment {
        let node: NodeID
        /// Names this run of the node; never used before.
        let session: UInt64
        let settings: CoreSettings
        let clock: any NodeClock
        let network: any PeerNetwork
        let blocking: any BlockingWork
        /// Told once when log or state failed: the node is to stop acknowledging and end.
        let failed: @Sendable (any Error) -> Void
    }

    init(_ environment: Environment, log: any LogStore, state: any StateStore, groups: [OpenedGroup]) throws {
        let inbox = Inbox<LoopInput>()
        let watchers = AccountWatchers()
        let applier = MailApplier(store: state)
        writer = LogWriter(log: log, network: environment.network, loop: inbox, failed: environment.failed)
        applierLoop = ApplierLoop(
            store: state, applier: applier, loop: inbox, watchers: watchers, failed: environment.failed)
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
                maintenance: Maintenance(store: state, failed: environment.failed)
            )
        )
        for group in groups {
            try applier.open(group.group)
            let raft = RaftNode(
                id: group.replica,
                settings: environment.settings.replica.raft,
                hardState: group.hardState,
                snapshot: group.snapshot,
                headers: group.headers,
                appliedIndex: group.appliedIndex,
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
struct OpenedGroup {
    let group: GroupID
    let replica: ReplicaID
    let hardState: HardState
    let snapshot: SnapshotPoint
    let headers: [EntryHeader]
    let appliedIndex: LogIndex
    /// The state has to be fetched from another replica first.
    let isRebuilding: Bool
}
