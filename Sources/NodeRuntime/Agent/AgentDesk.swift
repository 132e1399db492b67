internal import Consensus
internal import MailModel
internal import MailStore
internal import PeerTransport
internal import StateStorage

/// What every room of the agent may touch, and all of it.
package final class AgentDesk {
    let place: Place
    let settings: CoreSettings
    let clock: any NodeClock
    let ways: Ways
    /// Who is told of the membership of this node and of its disk.
    package var observers = Observers()
    /// The monotonic clock at the beginning of this turn.
    var nowMilliseconds: Int64
    /// The version that the cluster is at, as far as this node knows, and those that this program knows.
    var version: WrittenVersion
    /// What this node knows of its cluster, for all its threads.
    let directory: PublishedDirectory
    /// How much room the disk had when it was asked last; nil before.
    var space: DiskSpace?
    /// What was last said of the disk.
    private(set) var health = NodeHealth()

    /// Which node this is.
    struct Place {
        let node: NodeID
        /// All nodes that this one knows of, itself included, sorted.
        let peers: [NodeID]
    }

    /// Where work goes that is not done in a turn.
    struct Ways {
        let inboxes: LoopInboxes
        let network: any PeerNetwork
        let writer: Inbox<LogWriter.Job>
        /// Runs what takes its time: flushes, writes of the node's identity.
        let background: any BlockingWork
        let state: any StateStore
        let gauge: any SpaceGauge
        /// Told once when something failed that the node cannot go on without.
        let failed: @Sendable (any Error) -> Void
    }

    init(
        at place: Place,
        settings: CoreSettings,
        clock: any NodeClock,
        ways: Ways,
        version: WrittenVersion,
        directory: PublishedDirectory
    ) {
        self.place = place
        self.directory = directory
        self.settings = settings
        self.clock = clock
        self.ways = ways
        self.version = version
        nowMilliseconds = clock.monotonicMilliseconds()
    }

    var node: NodeID { place.node }

    func send(_ message: PeerMessage, to node: NodeID) { ways.network.send([message], to: node) }

    /// Has every replica loop know what the disk is like.
    func publish(_ changed: NodeHealth) {
        guard changed != health else { return }
        health = changed
        ways.inboxes.putToAll(.order(.health(changed)))
    }
}
