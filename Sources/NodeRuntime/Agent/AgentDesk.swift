internal import Consensus
internal import MailModel
internal import MailStore
internal import PeerTransport
internal import StateStorage

/// What every room of the agent may touch, and all of it.
package final class AgentDesk {
    let node: NodeID
    /// All nodes that this one knows of, itself included, sorted.
    let peers: [NodeID]
    let settings: CoreSettings
    let clock: any NodeClock
    let inboxes: LoopInboxes
    let network: any PeerNetwork
    let writer: Inbox<LogWriter.Job>
    /// For what takes its time: flushes, writes of the node's identity.
    let background: any BlockingWork
    let state: any StateStore
    let gauge: any SpaceGauge
    /// Told once when something failed that the node cannot go on without.
    let failed: @Sendable (any Error) -> Void
    /// Who is told of the membership of this node and of its disk.
    package var observers = Observers()
    /// The monotonic clock at the beginning of this turn.
    var nowMilliseconds: Int64
    /// The version that the directory has come to.
    var version: WrittenVersion
    /// What was last said of the disk.
    private(set) var health = NodeHealth()

    struct Parts {
        let node: NodeID
        let peers: [NodeID]
        let settings: CoreSettings
        let clock: any NodeClock
        let inboxes: LoopInboxes
        let network: any PeerNetwork
        let writer: Inbox<LogWriter.Job>
        let background: any BlockingWork
        let state: any StateStore
        let gauge: any SpaceGauge
        let version: WrittenVersion
        let failed: @Sendable (any Error) -> Void
    }

    init(_ parts: Parts) {
        node = parts.node
        peers = parts.peers
        settings = parts.settings
        clock = parts.clock
        inboxes = parts.inboxes
        network = parts.network
        writer = parts.writer
        background = parts.background
        state = parts.state
        gauge = parts.gauge
        version = parts.version
        failed = parts.failed
        nowMilliseconds = parts.clock.monotonicMilliseconds()
    }

    func send(_ message: PeerMessage, to node: NodeID) { network.send([message], to: node) }

    /// Has every replica loop know what the disk is like.
    func publish(_ changed: NodeHealth) {
        guard changed != health else { return }
        health = changed
        inboxes.putToAll(.order(.health(changed)))
    }
}
