internal import Consensus
internal import LogStorage
internal import MailModel
internal import MailStore
internal import NodeRuntime
internal import PeerTransport
internal import StateStorage

/// What a log says of one replica.
struct LogFacts: Equatable {
    /// What of it is kept says nothing of what was said.
    struct Entries: Equatable {
        let snapshot: LogIndex
        let terms: [Term]

        func term(at index: LogIndex) -> Term? {
            index > snapshot && index - snapshot <= terms.count ? terms[index - snapshot - 1] : nil
        }

        static func == (_: Entries, _: Entries) -> Bool { true }
    }

    let replica: ReplicaID
    let term: Term
    let vote: ReplicaID?
    let lastIndex: LogIndex
    let lastTerm: Term
    let entries: Entries
    let isIntact: Bool

    init(_ group: RecoveredGroup) {
        replica = group.replica
        term = group.hardState.term
        vote = group.hardState.vote
        lastIndex = group.lastIndex
        lastTerm = group.entries.last?.term ?? group.snapshot.term
        entries = Entries(snapshot: group.snapshot.index, terms: group.entries.map(\.term))
        isIntact = group.verdict == .intact
    }

    init(_ group: OpenedGroup) {
        replica = group.replica
        term = group.hardState.term
        vote = group.hardState.vote
        lastIndex = group.snapshot.index + group.headers.count
        lastTerm = group.headers.last?.term ?? group.snapshot.term
        entries = Entries(snapshot: group.snapshot.index, terms: group.headers.map(\.term))
        isIntact = true
    }

    /// Whether a replica that comes up knows all of this: the state may say what the log has lost.
    func areKnown(to group: OpenedGroup) -> Bool {
        let own = LogFacts(group)
        guard own.replica == replica, own.lastIndex >= lastIndex else { return false }
        if own.term == term, let entryTerm = own.entries.term(at: lastIndex), entryTerm != lastTerm { return false }
        return own.term > term || (own.term == term && own.vote == vote)
    }
}

/// Some of the first 64 groups, in order.
struct ChangedGroups: Sequence, IteratorProtocol {
    private var bits: UInt64 = 0

    mutating func insert(_ group: GroupID) {
        precondition(group.rawValue < 64, "a simulation has at most 64 groups")
        bits |= 1 << UInt64(group.rawValue)
    }

    mutating func next() -> GroupID? {
        guard bits != 0 else { return nil }
        defer { bits &= bits - 1 }
        return GroupID(UInt32(bits.trailingZeroBitCount))
    }
}

/// One machine: what survives a crash (disk, state), and the node that runs on it now, if any.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimNode: SpaceGauge, @unchecked Sendable {
    let position: Int
    /// The number of the node that the machine is: another one when it was wiped and has joined anew.
    private(set) var id: NodeID
    var disk = MemoryDisk()
    let state: SimStateStore
    let clock: SimClock
    var logID: UInt64 { identity.saved.directory }
    let identity: SimIdentity
    /// What the machine held at some earlier time.
    var image: Image?
    var losses = Losses()

    /// Rises with every start.
    var incarnation: UInt64 = 0
    var core: NodeCore?
    /// The store as the gateways of this run see it.
    var service: NodeService?
    var endpoint: SimEndpoint?
    /// The groups whose replicas have changed since the loops were looked at.
    private var changed = ChangedGroups()
    /// Turns already on the queue.
    var turns = Array(repeating: false, count: NodePart.count)
    /// The process is stopped until then; its clock goes on.
    var pausedUntil: Int64 = 0
    var troubles = DiskTroubles()
    /// Set by the node when its log or state failed.
    var failure: String?
    /// Calls submitted by this run, by group: the sequence number that the next one gets is one higher.
    var submitted: [GroupID: UInt64] = [:]
    /// Groups that rest here although nobody leads them as they think, and since which of its ticks.
    var restsFalselySince: [GroupID: UInt64] = [:]
    var versions = Versions()

    /// A copy of all that a machine keeps.
    struct Image {
        let disk: MemoryDisk
        let state: MemoryStateStore.Image
        let identity: NodeIdentity
    }

    /// What was done to the disk and is not made good yet.
    struct Losses {
        /// The state was given up, and is to begin anew.
        var isStateDamaged = false
        /// The replicas may give themselves up for what was done to the disk.
        var isExcused = false
        /// Groups that were removed here because they went on without the replica, and that have not begun again.
        var left: Set<GroupID> = []
        /// The groups of which the disk does not hold what it held, and whose replicas were not given up yet.
        var forgotten: [GroupID: LogFacts] = [:]
    }

    /// What is wrong with the disk for a while.
    struct DiskTroubles {
        /// Writes of the log take long until then.
        var slowUntil: Int64 = 0
        /// No write of the log ends before this time.
        var hangingUntil: Int64 = 0
        /// Hardly any room is left.
        var isNearlyFull = false
        /// Whether the next turn of the log writer ends in a crash, and how.
        var nextWrite = WriteFate.normal
    }

    /// The newest cluster versions that programs of this machine know.
    struct Versions {
        /// Of the program that is started next.
        var newest = ClusterVersion.first
        /// Of the program that runs: the next one is started when it has ended.
        var running = ClusterVersion.first
        /// What the directory heard last from this node.
        var told: ClusterVersion?
    }

    enum WriteFate {
        case normal
        /// Power is lost after the sync, before anything is sent.
        case crashAfterSync
        /// Power is lost between write and sync.
        case crashBeforeSync
    }

    init(_ position: Int, mailGroups: Int, state: SimStateStore, clock: SimClock) {
        self.position = position
        id = NodeID(UInt64(position + 1))
        identity = SimIdentity(directory: 0x1000 + UInt64(position), mailGroups: UInt32(mailGroups))
        self.state = state
        self.clock = clock
    }

    /// Gives the machine the number under which it is let in.
    func becomeNode(_ id: NodeID) {
        guard id != self.id else { return }
        identity.formerIDs.append(self.id)
        self.id = id
        losses.left = []
    }

    /// How the node will name the next call, if its service lets it in.
    func nextRequest(to group: GroupID) -> RequestID {
        submitted[group, default: 0] += 1
        return RequestID(session: session, sequence: submitted[group, default: 0])
    }

    var isUp: Bool { core != nil }

    /// What the program that runs here knows.
    var knownVersions: KnownVersions { KnownVersions(.first, versions.running) }

    /// What the node tells the directory of itself.
    func registration(labels: [Label]) -> Registration {
        Registration(
            clusterID: 1,
            node: NodeDescription(
                id: id.rawValue,
                peerAddress: "sim:\(id.rawValue)",
                labels: labels,
                versions: knownVersions
            )
        )
    }
    /// For who watches: its reads do not count, and none fails.
    var reader: MailReader { MailReader(store: state.memory) }

    /// Notes that the replica of a group may have changed.
    func noteChange(of group: GroupID) { changed.insert(group) }

    /// The groups whose replicas may have changed since this was asked last, in order.
    func takeChanged() -> ChangedGroups {
        defer { changed = ChangedGroups() }
        return changed
    }

    func space() -> DiskSpace? {
        let capacity = 1 << 40
        return DiskSpace(freeBytes: troubles.isNearlyFull ? 0 : capacity / 2, capacityBytes: capacity)
    }

    /// Whether a turn of the part is on the queue.
    func isScheduled(_ part: NodePart) -> Bool { turns[part.number] }

    /// Calls `body` with the parts that have something to do and no turn on the queue.
    func forEachWaitingPart(of core: NodeCore, _ body: (NodePart) -> Void) {
        forEachWaitingReceiver(of: core, body)
        func visit(_ part: NodePart, _ isEmpty: Bool) {
            if !isEmpty, !isScheduled(part) { body(part) }
        }
        visit(.writer, core.writer.inbox.isEmpty)
        for position in core.appliers.indices { visit(.applier(position), core.appliers[position].inbox.isEmpty) }
        visit(.installer, core.installer.inbox.isEmpty)
    }

    /// The same of those parts that messages of other nodes go to.
    func forEachWaitingReceiver(of core: NodeCore, _ body: (NodePart) -> Void) {
        let inboxes = core.inboxes
        for (lane, inbox) in inboxes.loops.enumerated() where !inbox.isEmpty && !isScheduled(.loop(lane)) {
            body(.loop(lane))
        }
        if !inboxes.agent.isEmpty, !isScheduled(.agent) { body(.agent) }
    }

    /// How long it takes until a part that has something to do gets to it, in microseconds.
    func delay(of part: NodePart, _ now: Int64, _ timing: inout SimRandom) -> Int64 {
        switch part {
        case .agent: return timing.between(5...500)
        case .loop: return timing.between(5...120)
        case .applier: return timing.time(20...3_000)
        // An installer that flushes is far behind the appliers; pieces of a snapshot come one by one, and many.
        case .installer: return timing.time(timing.chance(perMillion: 50_000) ? 20_000...400_000 : 20...3_000)
        case .writer:
            let isSlow = troubles.slowUntil > now
            return max(0, troubles.hangingUntil - now)
                + (isSlow ? timing.time(20_000...800_000) : timing.time(100...4_000))
        }
    }

    /// How long what a paused node would do is put off. It may go on earlier than was said.
    func restOfPause(_ now: Int64) -> Int64 { min(max(0, pausedUntil - now), 50_000) }

    /// Each run of a node has other threads.
    func settings(from settings: CoreSettings) -> CoreSettings {
        var settings = settings
        let choice = SplitMix64.mix(session)
        settings.threads.loops = 1 + Int(choice % UInt64(NodePart.maximumLoops))
        settings.threads.appliers = 1 + Int((choice >> 32) % UInt64(NodePart.maximumAppliers))
        return settings
    }

    /// Names this run of the node for ever.
    var session: UInt64 { SplitMix64.mix(UInt64(position + 1) << 32 | incarnation) | 1 }
}

/// What a machine's data directory says of itself.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimIdentity: NodeIdentityStore, @unchecked Sendable {
    private(set) var saved: NodeIdentity
    /// Whether the cluster knows this machine: it may come later than the others.
    var isMember = true { didSet { if !isMember { isFounder = false } } }
    /// Whether it was there when the cluster began.
    private(set) var isFounder = true
    /// The numbers of the nodes that the machine was before.
    var formerIDs: [NodeID] = []
    /// Whom a machine that came later was told of when it was let in.
    var contacts: [NodeID] = []

    init(directory: UInt64, mailGroups: UInt32) {
        saved = NodeIdentity(directory: directory, mailGroups: mailGroups)
    }

    func save(_ identity: NodeIdentity) { saved = identity }
    func saveContacts(_ contacts: [JoinContact]) { self.contacts = contacts.map(\.node) }
    func restore(_ identity: NodeIdentity) { saved = identity }

    /// As a new, empty directory has it.
    func wipe(directory: UInt64) { saved = NodeIdentity(directory: directory, mailGroups: saved.mailGroups) }
}
