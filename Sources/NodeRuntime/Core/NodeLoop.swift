package import Consensus
internal import LogStorage
internal import MailModel
internal import MailStore
internal import NIOCore
internal import PeerTransport
package import ReplicaCore

/// A replica loop: owns its replicas, and routes the calls of this node's clients to their groups.
///
/// One function, `turn()`: take everything that came, step every replica concerned, hand over what all of them
/// produced. A thread calls it in a node, the simulator in a simulation. Nothing here blocks, but for reading old log
/// entries for a follower that lags.
package final class NodeLoop {
    package let floor: Floor
    private var isPerforming = false
    package let stateReads: StateReads
    let maintenance: Maintenance
    let gate: ReadGate
    let keptStates: KeptStates
    package var verification = VerificationState()
    private var bodies = BodiesRoom()
    package internal(set) var versions: VersionState
    let identityStore: any NodeIdentityStore

    /// Forwarded requests that this node proposed, and who wants the answer.
    var foreign: [RequestID: (node: NodeID, sinceMilliseconds: Int64)] = [:]
    /// Groups with calls, with reads, and with entries that the state may not keep durably yet: nothing has to look at
    /// all groups to find those with work.
    var calling = GroupSet()
    var reading = GroupSet()
    var unflushed = GroupSet()
    /// Read rounds of other nodes that this leader is answering.
    var foreignReads: [UInt64: AskedRead] = [:]
    /// Those that came in this turn.
    var askedReads: [AskedRead] = []
    package var installs: [GroupID: SnapshotInstall] = [:]
    var nextTransfer: UInt64 = 1
    var finishedInstalls: UInt64 = 0
    let sources = SnapshotSources()
    var housekeeping: HousekeepingRoom
    var snapshotPace: SnapshotPace

    package var identity: NodeIdentity
    var founding = FoundingState()
    /// Whether what recovery found was taken in.
    var hasBegun = false
    /// Replicas that come from the disk and do not take part before the others were asked what they have promised.
    var recalls: [GroupID: Recall] = [:]
    /// Groups whose replica began on this node and does not vote yet.
    var joining: Set<GroupID> = []
    package internal(set) var unreadable: [GroupID: UnreadableGroup] = [:]
    /// When a contradiction was last told of, by group.
    var contradictedMilliseconds: [GroupID: Int64] = [:]
    /// Replicas begun in this run.
    var attempts: UInt64 = 0
    var nextJoinMilliseconds: Int64 = 0
    var nextAdmissionMilliseconds: Int64 = 0
    /// Below the reserve: no new mail.
    package var isSpaceLow = false
    /// How often each leadership was handed on for want of room.
    var departures: [GroupID: Int] = [:]
    var logProgress = LogProgress()
    /// Since when calls of the state have been under way, on the monotonic clock; nothing in a simulation.
    var stateWatches: [StateWatch] = []
    /// When this process last went on after it had stood still.
    var resumedMilliseconds: Int64 = 0
    var isHanging = false

    private var lastTick: Int64

    struct Dependencies {
        let node: NodeID
        let session: UInt64
        let settings: CoreSettings
        let clock: any NodeClock
        let inbox: Inbox<LoopInput>
        let network: any PeerNetwork
        let writer: Inbox<LogWriter.Job>
        let applier: Inbox<ApplierLoop.Job>
        let blocking: any BlockingWork
        let background: any BlockingWork
        let stateReads: StateReads
        let log: any LogReading
        let maintenance: Maintenance
        let gate: ReadGate
        let keptStates: KeptStates
        let identity: NodeIdentity
        let identityStore: any NodeIdentityStore
        let peers: [NodeID]
        let registration: Registration
        let version: ClusterVersion
        let failed: @Sendable (any Error) -> Void
    }

    init(_ parts: Dependencies) {
        floor = Floor(
            Floor.Place(node: parts.node, session: parts.session, peers: parts.peers),
            parts.settings,
            WrittenVersion(known: parts.registration.node.versions, cluster: parts.version),
            clock: parts.clock,
            Floor.Ways(
                inbox: parts.inbox,
                network: parts.network,
                writer: parts.writer,
                applier: parts.applier,
                blocking: parts.blocking,
                background: parts.background,
                state: parts.maintenance.stateStore,
                failed: parts.failed
            ),
            LogPayloadSource(log: parts.log, failed: parts.failed)
        )
        stateReads = parts.stateReads
        maintenance = parts.maintenance
        gate = parts.gate
        keptStates = parts.keptStates
        identity = parts.identity
        identityStore = parts.identityStore
        versions = VersionState(
            parts.registration,
            mailGroups: parts.identity.mailGroups
        )
        lastTick = floor.nowMilliseconds
        housekeeping = HousekeepingRoom(parts.settings)
        snapshotPace = SnapshotPace(
            bytesPerSecond: parts.settings.snapshotBytesPerSecond,
            pieceBytes: parts.settings.snapshotPieceBytes,
            floor.nowMilliseconds
        )
        // Calls wait for a group also while it has not begun, or its replica here is being replaced.
        for group in identity.groups { floor.groups.insert(group) }
    }

    func add(_ replica: Replica, as standing: Standing) {
        let group = groups.insert(replica.group)
        group.replica = replica
        groups.stand(replica.group, as: standing)
        unflushed.insert(replica.group)
        admitToRest(replica)
    }

    /// Lets go of a replica; what it has under way leads nowhere.
    ///
    /// - Parameter standing: how the group stands without it.
    func remove(_ group: GroupID, leaving standing: Standing) {
        // Whoever counts on its rest is told.
        withReplica(group) { _, _ in }
        rest.awake.remove(group)
        rest.touched[group] = nil
        installs[group] = nil
        recalls[group] = nil
        let hosted = groups.insert(group)
        hosted.reads.restart()
        hosted.replica = nil
        groups.stand(group, as: standing)
    }

    package var replicas: some Sequence<Replica> { groups.replicas }

    /// Changes a replica, which wakes if it rests, and performs what it asks for.
    ///
    /// - Parameters:
    ///   - other: the node whose message this is about, if it is.
    ///   - touching: whether the group is kept from going to rest for a while.
    @discardableResult
    func withReplica<Result>(
        _ group: GroupID,
        from other: NodeID? = nil,
        touching: Bool = true,
        _ body: (Replica, inout [ReplicaEffect]) -> Result
    ) -> Result? {
        let result = floor.step(group, from: other, touching: touching, body)
        performEffects()
        return result
    }

    /// - Returns: whether there was anything to do.
    @discardableResult
    package func turn() -> Bool {
        let inputs = inbox.drain()
        nowMilliseconds = clock.monotonicMilliseconds()
        for input in inputs { take(input) }
        let ticked = tickIfDue()
        proposeBatches()
        startReads()
        floor.sendAll()
        return !inputs.isEmpty || ticked
    }

    /// How long a thread may sleep before the next tick is due.
    var millisecondsToNextTick: Int64 {
        max(0, lastTick + settings.tickMilliseconds - clock.monotonicMilliseconds())
    }

    private func take(_ input: LoopInput) {
        switch input {
        case .received(let messages, let node):
            for message in messages { receive(message, from: node) }
        case .lost(let node): lost(node)
        case .persisted(let writes):
            logProgress.persisted(writes.count, nowMilliseconds)
            for write in writes {
                withReplica(write.group) { $0.persisted(write.sequence, source, into: &$1) }
            }
        case .applied(let batches):
            for batch in batches {
                unflushed.insert(batch.group)
                finishCalls(batch)
                housekeeping.receive(batch)
                withReplica(batch.group) { $0.applied(upTo: batch.upTo, source, into: &$1) }
            }
        case .submit(let call): submit(call)
        case .read(let call): enqueueRead(call)
        case .installed(let group, let transfer, let point): finishInstall(group, transfer, point)
        case .installFailed(let group, let transfer): failInstall(group, transfer)
        case .installContinues(let group, let transfer, let after): continueInstall(group, transfer, after)
        case .durable(let indexes, let installs): compact(indexes, finishedInstalls: installs)
        case .unreadable(let group, let reason): noteUnreadable(group, reason)
        case .housekeepingDue(let due): housekeeping.finished(due, floor)
        case .bodies(let work): bodies.finished(work, floor)
        case .control(let body): body(self)
        }
    }

    private func receive(_ message: PeerMessage, from node: NodeID) {
        switch message {
        case .replica(let message):
            guard standing(of: message.group).takesPart else { return }
            if rest.isLateAnswer(message) { return }
            withReplica(message.group, from: node, touching: message.isActivity) {
                $0.receive(message, from: node, source, into: &$1)
            }
        case .forward(let group, let request, let payload): takeForward(group, request, payload, from: node)
        case .forwardReply(let group, let request, let result): takeReply(group, request, result)
        case .readIndex(let group, let id): askedReads.append(AskedRead(group: group, id: id, node: node))
        case .readIndexReply(let group, let id, let index): takeReadReply(group, id, index)
        case .snapshotPull(let pull): serve(pull, to: node)
        case .snapshotPiece(let piece): take(piece)
        case .introduction(let directory): takeIntroduction(directory, from: node)
        case .founded(let founders, let mailGroups): takeFounded(founders, mailGroups)
        case .recall(let group, let replica, let run): takeRecall(group, replica, run, from: node)
        case .testimony(let group, let replica, let run, let testimony, let witness):
            // What an earlier run of this node asked is answered by what was known then.
            if run == session { takeTestimony(group, replica, testimony, witness, from: node) }
        case .join(let group, let replica): takeJoin(group, replica, from: node)
        case .beat(let beat): take(beat, from: node)
        case .resting(let list): take(list, from: node)
        case .stirred(let groups): takeStirred(groups, from: node)
        case .verification(let group, let message): take(message, of: group, from: node)
        case .body(let group, let message): bodies.receive(message, of: group, from: node, floor)
        }
    }

    private func lost(_ node: NodeID) {
        // Only leaders have anything under way, and none of those at rest.
        for replica in replicas where replica.isLeader && rest.rests[replica.group] == nil {
            let members = replica.raft.configuration.members.filter { $0.node == node }
            for member in members {
                // Said again with every attempt to reach a node that is gone: that is no work to stay awake for.
                withReplica(replica.group, touching: false) {
                    _ = $0.control(.unreachable(member.replica), source, into: &$1)
                }
            }
        }
    }

    private func tickIfDue() -> Bool {
        // After a long pause (a stopped process) a few ticks are enough: elections must not be stampeded.
        var ticks = 0
        while nowMilliseconds - lastTick >= settings.tickMilliseconds, ticks < CoreSettings.maximumTicksPerTurn {
            lastTick += settings.tickMilliseconds
            ticks += 1
            tickAwake()
        }
        let skipped = (nowMilliseconds - lastTick) / settings.tickMilliseconds
        if skipped > 0 { skip(Int(skipped)) }
        guard ticks > 0 else { return false }
        resendCalls()
        resendReads()
        stateReads.expire(nowMilliseconds)
        tendInstalls()
        tendSnapshotPace()
        tendMembership()
        tendHang()
        tendSpace()
        tendVerification()
        bodies.tick(floor)
        housekeeping.tick(floor)
        maintenance.tick(self)
        return true
    }

    /// Followers begin where they stood: elections must not be stampeded. But the time of a lease has passed.
    private func skip(_ ticks: Int) {
        lastTick = nowMilliseconds
        logProgress.skip(Int64(ticks) * settings.tickMilliseconds)
        resumedMilliseconds = nowMilliseconds
        guard settings.replica.raft.leaseTicks != nil else { return }
        for replica in replicas where replica.isLeader {
            withReplica(replica.group) { _ = $0.control(.rested(ticks: ticks, heard: []), source, into: &$1) }
        }
    }

    private func tendMembership() {
        tendFounding()
        tendRegistration()
        tendRecalls()
        tendJoining()
        tendLearners()
    }

    /// Performs what replicas have asked for. Performing may make them ask for more (a read that is ready at once),
    /// which is performed behind it.
    func performEffects() {
        guard !isPerforming else { return }
        isPerforming = true
        floor.performEffects { effect, group in perform(effect, of: group) }
        isPerforming = false
    }

    private func perform(_ effect: ReplicaEffect, of group: GroupID) {
        switch effect {
        case .send(let message): floor.send(message)
        case .write(let write):
            logProgress.wrote(nowMilliseconds)
            writer.put(.write(write))
        case .apply(let entries): applier.put(.apply(group, entries))
        case .readReady(let id, let readIndex): readReady(group, id, readIndex)
        case .readRejected(let id, _): readRejected(group, id)
        case .installSnapshot(let point, let from): beginInstall(group, point, from: from)
        case .roleChanged(let role, let term, let leader): roleChanged(group, role, term, leader)
        case .contradicted(let contradiction, let sender): contradicted(group, contradiction, by: sender)
        }
    }

    private func roleChanged(_ group: GroupID, _ role: RoleKind, _ term: Term, _ leader: NodeID?) {
        floor.observers.roles?(group, role, term, leader)
        if leader != nil { leaderFound(group) }
    }
}

/// The floor, for what has no room of its own yet.
extension NodeLoop {
    var node: NodeID { floor.place.node }
    var session: UInt64 { floor.place.session }
    var peers: [NodeID] { floor.place.peers }
    var settings: CoreSettings { floor.settings }
    var clock: any NodeClock { floor.clock }
    var inbox: Inbox<LoopInput> { floor.ways.inbox }
    var network: any PeerNetwork { floor.ways.network }
    var writer: Inbox<LogWriter.Job> { floor.ways.writer }
    var applier: Inbox<ApplierLoop.Job> { floor.ways.applier }
    var blocking: any BlockingWork { floor.ways.blocking }
    var background: any BlockingWork { floor.ways.background }
    var failed: @Sendable (any Error) -> Void { floor.ways.failed }
    var source: LogPayloadSource { floor.source }
    var nowMilliseconds: Int64 {
        get { floor.nowMilliseconds }
        set { floor.nowMilliseconds = newValue }
    }
    package internal(set) var groups: HostedGroups {
        get { floor.groups }
        _modify { yield &floor.groups }
    }
    var rest: RestState {
        get { floor.rest }
        _modify { yield &floor.rest }
    }
    package var isStopping: Bool {
        get { floor.isStopping }
        set { floor.isStopping = newValue }
    }

    package func replica(_ group: GroupID) -> Replica? { floor.replica(group) }
    package func standing(of group: GroupID) -> Standing { floor.standing(of: group) }
    func send(_ message: PeerMessage, to node: NodeID) { floor.send(message, to: node) }
}
