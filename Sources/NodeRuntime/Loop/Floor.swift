package import Consensus
internal import MailStore
internal import PeerTransport
package import ReplicaCore
internal import StateStorage

/// What every room of a loop may touch, and all of it: who this node is, the time, the settings, the groups, and the
/// ways out. Rooms never see one another.
package final class Floor {
    let place: Place
    let settings: CoreSettings
    let clock: any NodeClock
    let ways: Ways
    /// Payloads of the log.
    let source: LogPayloadSource
    /// The monotonic clock at the beginning of this turn.
    var nowMilliseconds: Int64
    package internal(set) var groups = HostedGroups()
    /// Which groups rest: stepping one wakes it.
    var rest = RestState()
    package var observers = Observers()
    /// The version that the directory has come to.
    package internal(set) var version: WrittenVersion
    /// Commands that this turn proposes.
    var proposals: [GroupID: ProposalBatch] = [:]
    /// The node takes no new work.
    package var isStopping = false
    /// Messages of this turn.
    private var outgoing = OutgoingBatches()
    /// What replicas have asked for and nobody has performed yet, and whose it is.
    private var effects: [ReplicaEffect] = []
    private var owners: [Owner] = []
    private var nextNumber: UInt64

    /// Which node this is.
    struct Place {
        let node: NodeID
        /// Names this run of the node.
        let session: UInt64
        /// All nodes that this one knows of, itself included, sorted.
        let peers: [NodeID]
    }

    /// Where work goes that is not done in a turn.
    struct Ways {
        /// Back to this loop.
        let inbox: Inbox<LoopInput>
        let network: any PeerNetwork
        let writer: Inbox<LogWriter.Job>
        let applier: Inbox<ApplierLoop.Job>
        /// For what clients wait for.
        let blocking: any BlockingWork
        /// For what takes its time: flushes, scrubs, pieces of snapshots.
        let background: any BlockingWork
        let state: any StateStore
        /// Told once when log or state failed.
        let failed: @Sendable (any Error) -> Void
    }

    private struct Owner {
        let group: GroupID
        /// Behind the last of its effects.
        var end: Int
    }

    init(
        _ place: Place,
        _ settings: CoreSettings,
        _ version: WrittenVersion,
        clock: any NodeClock,
        _ ways: Ways,
        _ source: LogPayloadSource
    ) {
        self.version = version
        self.place = place
        self.settings = settings
        self.clock = clock
        self.ways = ways
        self.source = source
        nowMilliseconds = clock.monotonicMilliseconds()
        nextNumber = place.session
    }

    var node: NodeID { place.node }
    var reader: MailReader { MailReader(store: ways.state) }

    package func replica(_ group: GroupID) -> Replica? { groups[group]?.replica }

    package func standing(of group: GroupID) -> Standing { groups.standing(of: group) }

    /// A number that no question of this node had before, in no run: an answer to an earlier run, still under way, must
    /// not be taken for an answer to this one.
    func takeNumber() -> UInt64 {
        defer { nextNumber &+= 1 }
        return nextNumber
    }

    func send(_ message: PeerMessage, to node: NodeID) { outgoing.add(message, to: node) }

    func send(_ outgoing: Outgoing) { self.outgoing.add(outgoing) }

    /// The turn is over: what it had to say leaves.
    func sendAll() { outgoing.send(over: ways.network) }

    /// Changes a replica, which wakes if it rests. What it asks for is performed when the room has ended.
    ///
    /// - Parameters:
    ///   - other: the node whose message this is about, if it is.
    ///   - touching: whether the group is kept from going to rest for a while.
    @discardableResult
    func step<Result>(
        _ group: GroupID,
        from other: NodeID? = nil,
        touching: Bool = true,
        _ body: (Replica, inout [ReplicaEffect]) -> Result
    ) -> Result? {
        guard let replica = replica(group) else { return nil }
        rest.wake(replica, from: other, source, into: &effects)
        if touching { rest.touched[group] = rest.tick }
        let result = body(replica, &effects)
        if effects.count > owners.last?.end ?? 0 { owners.append(Owner(group: group, end: effects.count)) }
        return result
    }

    /// Changes a replica without waking it.
    func amend(_ group: GroupID, _ body: (Replica, inout [ReplicaEffect]) -> Void) {
        guard let replica = replica(group) else { return }
        body(replica, &effects)
        if effects.count > owners.last?.end ?? 0 { owners.append(Owner(group: group, end: effects.count)) }
    }

    /// Hands out what replicas have asked for, in the order of their asking; performing it may ask for more.
    func performEffects(_ perform: (ReplicaEffect, GroupID) -> Void) {
        var index = 0
        var owner = 0
        while index < effects.count {
            while owners[owner].end <= index { owner += 1 }
            let effect = effects[index]
            index += 1
            perform(effect, owners[owner].group)
        }
        effects.removeAll(keepingCapacity: true)
        owners.removeAll(keepingCapacity: true)
    }
}
