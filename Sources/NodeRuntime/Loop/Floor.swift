package import Consensus
package import MailModel
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
    /// The groups of this loop.
    package internal(set) var groups = HostedGroups()
    /// Which groups rest: stepping one wakes it.
    var rest = RestState()
    /// Who is told of what happens to this loop's groups.
    package var observers = Observers()
    /// The cluster, as far as this node knows it.
    package internal(set) var directory: Directory { didSet { acquaintances = Acquaintances(directory, place) } }
    private var acquaintances: Acquaintances
    /// The version that the cluster is at, as far as this node knows, and those that this program knows.
    package internal(set) var version: WrittenVersion
    /// Commands that this turn proposes.
    var proposals: [GroupID: ProposalBatch] = [:]
    /// The node takes no new work.
    package internal(set) var isStopping = false
    /// What the node says of its disk.
    package internal(set) var health = NodeHealth()
    /// Since when the log owes this loop an answer.
    let logProgress: LogProgress
    /// Messages, writes and work for the applier of this turn.
    private var output = TurnOutput()
    /// What the replica that is being stepped asks for; empty between two steps.
    private var effects: [ReplicaEffect] = []
    /// What rooms are still to be told.
    private var events: [FloorEvent] = []
    private var nextNumber: UInt64

    /// Which node this is.
    struct Place {
        let node: NodeID
        /// Names this run of the node.
        let session: UInt64
        /// The nodes that the settings name, sorted.
        let peers: [NodeID]
        /// Which of the node's replica loops this is, and of how many.
        let lane: UInt8
        let lanes: UInt8

        /// What this loop counts from where another node, or another run of this one, must not take a number for
        /// another.
        var firstNumber: UInt64 { session &+ UInt64(lane) << 48 }
    }

    /// Where work goes that is not done in a turn.
    struct Ways {
        /// Back to this loop.
        let inbox: Inbox<LoopInput>
        let agent: Inbox<AgentInput>
        let network: any PeerNetwork
        let writer: Inbox<LogWriter.Job>
        /// A group belongs to the applier at its ID, modulo their number.
        let appliers: [Inbox<ApplierLoop.Job>]
        /// Runs the reads that clients wait for.
        let blocking: any BlockingWork
        /// Runs what takes its time: flushes, scrubs, pieces of snapshots.
        let background: any BlockingWork
        let state: any StateStore
        /// Calls give their shares back as they are answered.
        let callBudget: CallBudget
        /// The snapshots that other nodes pull.
        let snapshots: SnapshotSources
        /// Told once when log or state failed.
        let failed: @Sendable (any Error) -> Void
    }

    init(
        at place: Place,
        settings: CoreSettings,
        version: WrittenVersion,
        directory: Directory,
        clock: any NodeClock,
        ways: Ways,
        source: LogPayloadSource,
        logProgress: LogProgress
    ) {
        self.logProgress = logProgress
        self.version = version
        self.directory = directory
        acquaintances = Acquaintances(directory, place)
        self.place = place
        self.settings = settings
        self.clock = clock
        self.ways = ways
        self.source = source
        nowMilliseconds = clock.monotonicMilliseconds()
        nextNumber = place.firstNumber
    }

    var node: NodeID { place.node }

    /// The other nodes that this one knows of, sorted: those of the directory, and those of its settings.
    var peers: [NodeID] { acquaintances.others }

    /// Nodes that others have named since the directory was heard of last, as this one has nothing of it.
    var contacts: [NodeID] {
        get { acquaintances.contacts }
        set { acquaintances.contacts = newValue }
    }

    /// Whether a group belongs to this loop.
    func isOfThisLane(_ group: GroupID) -> Bool { Int(group.rawValue) % Int(place.lanes) == Int(place.lane) }

    /// Whether this node is to have a replica of a group. Every node of the cluster has the directory: one that was
    /// decommissioned ends, and while it runs it may have been taken back and not have heard so.
    func isWanted(_ group: GroupID) -> Bool {
        if group == .directory { return true }
        return directory.group(group)?.placing.voters.contains(node) == true
    }

    /// The other nodes that may know of a group, sorted: those that have it or are to have it. A node that has no
    /// directory yet asks all that it can reach: who founded the cluster may have none of it any more.
    func nodesToAsk(about group: GroupID) -> [NodeID] {
        let contacts = group == .directory ? self.contacts : []
        guard directory.index > .zero, let record = directory.group(group) else {
            return contacts.isEmpty ? peers : Set(peers + contacts).sorted()
        }
        let known = Set(record.holders + record.placing.voters + contacts).subtracting([node])
        return known.isEmpty ? peers : known.sorted()
    }

    /// The other nodes.
    private struct Acquaintances {
        /// Sorted.
        let others: [NodeID]
        var contacts: [NodeID] = []

        init(_ directory: Directory, _ place: Place) {
            others = Set(directory.members + place.peers).subtracting([place.node]).sorted()
        }
    }

    var reader: MailReader { MailReader(store: ways.state) }

    /// All groups of this loop, in order, for callers that look at all of them.
    package var hostedGroups: [HostedGroup] { groups.all }

    /// This node's replica of a group; nil where there is none now.
    package func replica(_ group: GroupID) -> Replica? { groups[group]?.replica }

    /// How far a group can be used on this node.
    package func standing(of group: GroupID) -> Standing { groups.standing(of: group) }

    /// A number that no question of this node had before, in no run: an answer to an earlier run, still under way, must
    /// not be taken for an answer to this one.
    func takeNumber() -> UInt64 {
        defer { nextNumber &+= 1 }
        return nextNumber
    }

    func send(_ message: PeerMessage, to node: NodeID) { output.outgoing.add(message, to: node) }

    /// Hands a job to the log writer when the turn ends.
    func write(_ job: LogWriter.Job) { output.writes.append(job) }

    /// Hands a job to the applier when the turn ends.
    func apply(_ job: ApplierLoop.Job) { output.applies.append(job) }

    /// Has rooms told of something when the room that calls this has ended.
    func tell(_ event: FloorEvent) { events.append(event) }

    /// The turn is over: what it produced leaves. Followers are sent entries before this node's own log has them.
    func handOver() {
        if output.answeredWrites > 0 { logProgress.noteWritten(output.answeredWrites, nowMilliseconds) }
        output.handOver(ways)
    }

    /// Changes a replica, which wakes if it rests. What it wants sent, written and applied is noted for the end of the
    /// turn; what rooms must know of it becomes an event.
    ///
    /// - Parameters:
    ///   - other: the node whose message this is about, if it is.
    ///   - touching: whether the group is kept from going to rest for a while.
    /// - Returns: what `body` returns; nil where there is no replica.
    @discardableResult
    func step<Result>(
        _ group: GroupID,
        from other: NodeID? = nil,
        touching: Bool = true,
        _ body: (Replica, inout [ReplicaEffect]) -> Result
    ) -> Result? {
        guard let hosted = groups[group], let replica = hosted.replica else { return nil }
        let hasWoken = rest.wake(replica, from: other, source, into: &effects)
        if touching || hasWoken { hosted.touchedTick = rest.tick }
        let result = body(replica, &effects)
        carryOutEffects(of: group)
        return result
    }

    /// Wakes a replica that rests: what it knows of the others is up to date then.
    func wake(_ group: GroupID, from other: NodeID? = nil) { step(group, from: other) { _, _ in } }

    /// Changes a replica without waking it.
    func amend(_ group: GroupID, _ body: (Replica, inout [ReplicaEffect]) -> Void) {
        guard let replica = replica(group) else { return }
        body(replica, &effects)
        carryOutEffects(of: group)
    }

    private func carryOutEffects(of group: GroupID) {
        observers.changes?(group)
        guard !effects.isEmpty else { return }
        for effect in effects {
            switch effect {
            case .send(let message): output.outgoing.addOutgoing(message)
            case .write(let write):
                output.answeredWrites += 1
                output.writes.append(.write(write))
            case .apply(let entries): output.applies.append(.apply(group, entries))
            case .readReady(let id, let index): events.append(.readReady(group, id: id, index))
            case .readRejected(let id, _): events.append(.readRejected(group, id: id))
            case .installSnapshot(let point, let sender):
                events.append(.snapshotOffered(group, point, from: sender))
            case .configurationChanged: groups.noteChange(of: group)
            case .roleChanged(let role, let term, let leader):
                groups.noteChange(of: group)
                events.append(.roleChanged(group, role, term, leader: leader))
            case .contradicted(let contradiction, let sender):
                events.append(.contradicted(group, contradiction, by: sender))
            }
        }
        effects.removeAll(keepingCapacity: true)
    }

    /// What rooms are to be told, in the order in which it happened; telling them may make more of it.
    func takeEvents() -> [FloorEvent] {
        guard !events.isEmpty else { return [] }
        var taken: [FloorEvent] = []
        swap(&taken, &events)
        return taken
    }
}

/// What a node says of its disk to its replica loops.
package struct NodeHealth: Hashable, Sendable {
    /// Below the reserve: no new mail.
    package var isSpaceLow = false
    /// Log or state have not answered for so long that the leaderships are given up.
    package var isHanging = false
    /// Writes of the log take long: others had better lead.
    package var isSlow = false

    /// What other nodes are told of the disk. One that is slow and full counts as full: others lead in either case, and
    /// a full disk takes no replicas as well.
    var diskCondition: DiskCondition { isSpaceLow ? .full : isHanging || isSlow ? .slow : .well }
}
