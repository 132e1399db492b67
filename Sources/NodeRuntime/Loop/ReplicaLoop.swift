package import Consensus
internal import LogStorage
internal import MailModel
internal import MailStore
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore

/// A replica loop: owns the groups of its lane, and hands what reaches it to the room that is concerned.
///
/// One function, `turn()`: take everything that came, have the rooms do what it asks for, hand over what they produced.
/// A thread calls it in a node, the simulator in a simulation. Nothing here blocks, but for reading old log entries for
/// a follower that lags.
package final class ReplicaLoop {
    /// What the rooms of this loop may touch.
    package let floor: Floor
    var rooms: LoopRooms
    /// Whether what recovery found was taken in.
    private var hasBegun = false
    private var lastTick: Int64

    init(_ floor: Floor, _ rooms: LoopRooms) {
        self.floor = floor
        self.rooms = rooms
        lastTick = floor.nowMilliseconds
    }

    /// Whether every replica that this loop came up with takes part, or was given up.
    package var isSettled: Bool { hasBegun && rooms.recall.isOver }

    /// How many calls of other nodes this loop has proposed and not answered, and how many those may be.
    package var proposedForOthers: (count: Int, maximum: Int) { rooms.calls.proposedForOthers }

    /// The snapshot that is on its way to a group here.
    package func install(of group: GroupID) -> SnapshotInstall? { rooms.installing.install(of: group, floor) }

    /// Takes what came, has the rooms do what it asks for, ticks when a tick is due, and hands over what the turn
    /// produced.
    ///
    /// - Returns: whether there was anything to do.
    @discardableResult
    package func turn() -> Bool {
        let inputs = floor.ways.inbox.drain()
        floor.nowMilliseconds = floor.clock.monotonicMilliseconds()
        for input in inputs { handOut(input) }
        let ticked = tickIfDue()
        rooms.calls.sendReady(floor)
        for (group, batch) in floor.takeProposals() { rooms.calls.propose(batch, to: group, floor) }
        tellRooms()
        rooms.reads.startRounds(floor)
        tellRooms()
        rooms.foreignWatches.sendChanges(floor)
        floor.handOver()
        return !inputs.isEmpty || ticked
    }

    /// How long a thread may sleep before the next tick is due.
    var millisecondsToNextTick: Int64 {
        max(0, lastTick + floor.settings.tickMilliseconds - floor.clock.monotonicMilliseconds())
    }

    /// Has the room that is concerned deal with an input, and tells rooms what came of it.
    private func handOut(_ input: LoopInput) {
        switch input {
        case .received(let messages, let node, _):
            for message in messages {
                receive(message, from: node)
                tellRooms()
            }
            return
        case .lost(let node):
            noteLost(node)
            rooms.calls.noteLost(node, floor)
            rooms.remoteReads.noteLost(node, floor)
            rooms.remoteWatches.noteLost(node, floor)
        case .persisted(let writes):
            floor.logProgress.notePersisted(writes.count, floor.nowMilliseconds)
            for write in writes {
                floor.step(write.group) { $0.persisted(write.sequence, floor.source, into: &$1) }
                tellRooms()
            }
            return
        case .applied(let batches):
            for batch in batches {
                floor.groups.unflushed.insert(batch.group)
                rooms.calls.finishApplied(batch, floor)
                rooms.housekeeping.receive(batch)
                floor.step(batch.group) { $0.applied(upTo: batch.upTo, floor.source, into: &$1) }
                tellRooms()
            }
            return
        case .submit(let call): rooms.calls.submit(call, floor)
        case .read(let call): rooms.reads.enqueue(call, floor)
        case .installing(let input): rooms.installing.finished(input, floor)
        case .rebuild(let input): rooms.rebuild.finished(input, floor)
        case .snapshotPieceRead(let read): rooms.sending.finished(read, floor)
        case .markedStates(let input): rooms.markedStates.finished(input, floor)
        case .durable(let durable): rooms.logCutting.finished(durable, floor)
        case .housekeepingDue(let due): rooms.housekeeping.finished(due, floor)
        case .bodies(let work): rooms.bodies.finished(work, floor)
        case .remoteReads(let input): rooms.remoteReads.finished(input, floor)
        case .foreignReads(let input): rooms.foreignReads.finished(input, floor)
        case .remoteWatches(let input): rooms.remoteWatches.finished(input, floor)
        case .foreignWatches(let input): rooms.foreignWatches.finished(input)
        case .unreadable(let group, let reason): rooms.trouble.noteUnreadable(group, reason: reason, floor)
        case .stopped(let group, let index, let reason): floor.stop(group, at: index, reason: reason)
        case .version(let version): noteVersion(version)
        case .order(let order): follow(order)
        case .question(let question): answer(question)
        }
        tellRooms()
    }

    private func receive(_ message: PeerMessage, from node: NodeID) {
        switch message {
        case .replica(let message):
            guard floor.standing(of: message.group).takesPart, !floor.rest.isLateAnswer(message) else { return }
            floor.step(message.group, from: node, touching: message.isActivity) {
                $0.receive(message, from: node, floor.source, into: &$1)
            }
        case .forward(let group, let request, let payload):
            rooms.calls.receiveForward(payload, for: request, to: group, from: node, floor)
        case .forwardReply(let group, let request, let result):
            rooms.calls.receiveReply(result, to: request, of: group, from: node, floor)
        case .readIndex(let group, let id): rooms.reads.receiveQuestion(id, about: group, from: node)
        case .readIndexReply(let group, let id, let index):
            rooms.reads.receiveAnswer(index, to: id, about: group, from: node, floor)
        case .snapshotPull(let pull): rooms.sending.receivePull(pull, from: node, floor)
        case .snapshotPiece(let piece): rooms.installing.receivePiece(piece, floor)
        case .stranded(let group, let replica):
            rooms.membership.receiveQuestion(of: replica, about: group, from: node, floor)
        case .leftBehind(let group, let replica, let term):
            rooms.membership.receiveWord(thatLeft: replica, in: group, byLeaderOf: term, floor)
        case .contacts(let contacts): rooms.membership.receiveContacts(contacts, floor)
        case .introduction, .founded, .survey: break
        case .recall(let group, let replica, let run):
            rooms.recall.receiveQuestion(of: replica, inRun: run, about: group, from: node, floor)
        case .testimony(let group, let replica, let run, let testimony, let witness):
            rooms.recall.receiveTestimony(
                testimony,
                about: replica,
                inRun: run,
                of: group,
                by: witness,
                from: node,
                floor
            )
        case .join(let group, let replica): rooms.membership.receiveJoin(of: replica, to: group, from: node, floor)
        case .beat(let beat): rooms.rest.receiveBeat(beat, from: node, floor)
        case .resting(let list): rooms.rest.receiveList(list, from: node, floor)
        case .stirred(let groups): rooms.rest.receiveStirred(groups, from: node, floor)
        case .verification(let group, let message): receiveVerification(message, of: group, from: node)
        case .body(let group, let message): rooms.bodies.receive(message, of: group, from: node, floor)
        case .read(let group, let message): receiveRead(message, of: group, from: node)
        case .watch(let group, let message): receiveWatch(message, of: group, from: node)
        }
    }

    private func receiveRead(_ message: ReadMessage, of group: GroupID, from node: NodeID) {
        switch message {
        case .ask(let id, let epoch, let query):
            rooms.foreignReads.receiveQuestion(query, id: id, about: group, atEpoch: epoch, from: node, floor)
        case .more(let id, let offset): rooms.foreignReads.receiveDemand(for: id, at: offset, from: node, floor)
        case .end(let id): rooms.foreignReads.receiveEnd(of: id, from: node)
        case .piece(let id, let offset, let total, let bytes):
            let piece = RemoteReadPiece(offset: Int(offset), total: Int(total), bytes: bytes)
            rooms.remoteReads.receivePiece(piece, of: id, about: group, from: node, floor)
        case .refused(let id, let refusal): rooms.remoteReads.receiveRefusal(refusal, to: id, from: node, floor)
        }
    }

    private func receiveWatch(_ message: WatchMessage, of group: GroupID, from node: NodeID) {
        switch message {
        case .ask(let id, let accounts):
            rooms.foreignWatches.receiveQuestion(about: accounts, id: id, in: group, from: node, floor)
        case .watching(let id): rooms.remoteWatches.receiveConfirmation(of: id, about: group, from: node)
        case .refused(let id): rooms.remoteWatches.receiveRefusal(of: id, about: group, from: node, floor)
        case .changed(let accounts): rooms.remoteWatches.receiveChange(of: accounts, in: group)
        case .allChanged: rooms.remoteWatches.receiveChangeOfAll(in: group)
        }
    }

    private func receiveVerification(_ message: VerificationMessage, of group: GroupID, from node: NodeID) {
        switch message {
        case .ask(let ask): rooms.markedStates.receiveQuestion(ask, of: group, from: node, floor)
        case .rangeAsk(let id, let replica, let sequence, let query):
            rooms.markedStates.receiveRangeQuestion(
                query,
                sequence: sequence,
                in: id,
                of: group,
                to: replica,
                from: node,
                floor
            )
        case .verdict(let id, let replica, let verdict):
            rooms.markedStates.receiveVerdict(verdict, in: id, of: group, over: replica, from: node, floor)
        case .answer(let id, let replica, let status):
            rooms.verification.receiveAnswer(status, to: id, of: group, by: replica, floor)
        case .rangeAnswer(let id, let replica, let sequence, let digest):
            rooms.verification.receiveRangeAnswer(digest, sequence: sequence, to: id, of: group, by: replica, floor)
        }
    }

    private func follow(_ order: LoopOrder) {
        switch order {
        case .begin(let begin): beginGroups(begin)
        case .beginFounded(let founded):
            floor.apply(.open(founded.group))
            floor.admitNew(founded.replica, of: founded.group, founded.configuration, as: .live)
        case .beginAdded(let added): beginAdded(added)
        case .noteBegun(let last): rooms.membership.noteBegun(upTo: last, floor)
        case .replaceMissing: rooms.membership.noteComplete(floor)
        case .health(let health): floor.health = health
        case .directory(let directory):
            let former = floor.directory
            floor.directory = directory
            floor.ways.snapshots.setRate(
                mebibytesPerSecond: directory.policy.scheduler.copyMebibytesPerSecond
            )
            rooms.membership.directoryChanged(from: former, floor)
            rooms.remoteReads.directoryChanged(floor)
        case .handOver(let target): rooms.leadership.handOver(to: target, floor)
        case .balance(let onlyToReturned): rooms.leadership.balance(onlyToReturned: onlyToReturned, floor)
        case .propose(let configuration, let group): floor.proposeConfiguration(configuration, in: group)
        }
    }

    private func answer(_ question: LoopQuestion) {
        switch question {
        case .groups(let selection, let completion): completion(reports(of: selection))
        case .summary(let completion): completion(summary)
        case .problems(let completion): completion(problems)
        case .transferLeadership(let group, let target, let completion):
            completion(floor.transferLeadership(of: group, to: target))
        case .verify(let group, let isScrub, let completion):
            completion(rooms.verification.begin(group, isScrub: isScrub, floor))
        case .verificationCourse(let group, let id, let completion):
            completion(rooms.verification.course(of: group, id, floor))
        case .resign(let completion): completion(rooms.leadership.resign(floor))
        case .holdings(let completion):
            completion(floor.groups.replicas.map { HeldReplica(group: $0.group, isLeader: $0.isLeader) })
        }
    }

    // MARK: The beginning

    /// Takes in what recovery made of the groups of this loop.
    private func beginGroups(_ begin: LoopBegin) {
        for group in begin.opened {
            let raft = RaftNode(
                id: group.replica,
                settings: floor.settings.replica.raft,
                hardState: group.hardState,
                snapshot: group.snapshot,
                headers: group.headers,
                appliedIndex: group.appliedIndex,
                isStateLost: group.isRebuilding,
                seed: floor.electionSeed(of: group.group)
            )
            floor.admit(
                Replica(group: group.group, raft: raft, settings: floor.settings.replica),
                as: .recalling(hasState: !group.isRebuilding)
            )
            rooms.recall.begin(group.group, floor)
        }
        for group in begin.quarantined { floor.giveUp(group.group, reason: group.reason) }
        hasBegun = true
        rooms.membership.noteBegun(upTo: begin.begunUpTo, floor)
        if begin.isComplete { rooms.membership.noteComplete(floor) }
        for (group, index, reason) in begin.stopped { floor.stop(group, at: index, reason: reason) }
    }

    /// Begins a replica of a group that was added. It asks the other members first what it has promised: where the
    /// whole data directory is that of an earlier time, the node does not know that it has begun the replica before.
    private func beginAdded(_ added: FoundedGroup) {
        switch floor.standing(of: added.group) {
        case .absent, .remote: break
        case .recalling, .rebuilding, .installing, .live, .replacing, .leaving, .stopped: return
        }
        floor.apply(.open(added.group))
        floor.admitNew(added.replica, of: added.group, added.configuration, as: .recalling(hasState: true))
        rooms.recall.begin(added.group, floor)
    }

    /// Notes the version of the cluster that the directory's state here names. The version that is known already may be
    /// higher: that state may have been lost, and be on its way through the log again.
    private func noteVersion(_ version: ClusterVersion) {
        if version > floor.version.cluster, version <= floor.version.known.newest { floor.version.cluster = version }
    }

    // MARK: Messages

    private func noteLost(_ node: NodeID) {
        // Only leaders have anything under way, and none of those at rest.
        for group in floor.rest.awake {
            guard let replica = floor.replica(group), replica.isLeader else { continue }
            let members = replica.raft.configuration.members.filter { $0.node == node }
            for member in members {
                // Said again with every attempt to reach a node that is gone: that is no work to stay awake for.
                floor.step(replica.group, touching: false) {
                    _ = $0.control(.unreachable(member.replica), floor.source, into: &$1)
                }
            }
        }
    }

    /// Tells rooms what has happened to them, which may make more happen.
    private func tellRooms() {
        var events = floor.takeEvents()
        while !events.isEmpty {
            for event in events { tellRooms(of: event) }
            events = floor.takeEvents()
        }
    }

    private func tellRooms(of event: FloorEvent) {
        switch event {
        case .readReady(let group, let id, let index): rooms.reads.roundIsReady(id, of: group, at: index, floor)
        case .readRejected(let group, let id): rooms.reads.roundIsRejected(id, of: group, floor)
        case .snapshotOffered(let group, let point, let sender):
            rooms.installing.begin(group, atLeast: point, from: sender, floor)
        case .roleChanged(let group, let role, let term, let leader):
            floor.observers.roles?(group, role, term, leader)
            if group == .directory { floor.ways.agent.put(.scheduler(.leads(role == .leader))) }
            if role == .leader { rooms.membership.noteLed(group, floor) }
            guard leader != nil else { return }
            rooms.calls.leaderFound(of: group, floor)
            rooms.reads.leaderFound(of: group, floor)
            rooms.remoteReads.leaderFound(of: group, floor)
        case .contradicted(let group, let contradiction, let sender):
            rooms.trouble.noteContradiction(contradiction, in: group, by: sender, floor)
        case .roundRefused(let group, let node): rooms.membership.noteRefusal(by: node, in: group, floor)
        case .readHere(let call): rooms.reads.enqueue(call, floor)
        case .readElsewhere(let call): rooms.remoteReads.enqueue(call, floor)
        case .replicaRemoved(let group):
            rooms.calls.replicaRemoved(of: group, floor)
            rooms.foreignReads.replicaRemoved(of: group, floor)
        case .scrubWanted(let group): _ = rooms.verification.begin(group, isScrub: true, floor)
        }
    }

    // MARK: Time

    private func tickIfDue() -> Bool {
        // After a long pause (a stopped process) a few ticks are enough: elections must not be stampeded.
        var ticks = 0
        while floor.nowMilliseconds - lastTick >= floor.settings.tickMilliseconds,
            ticks < CoreSettings.maximumTicksPerTurn
        {
            lastTick += floor.settings.tickMilliseconds
            ticks += 1
            rooms.rest.tickAwake(floor)
            tellRooms()
        }
        let skipped = (floor.nowMilliseconds - lastTick) / floor.settings.tickMilliseconds
        if skipped > 0 { skip(Int(skipped)) }
        guard ticks > 0 else { return false }
        tickRooms()
        return true
    }

    private func tickRooms() {
        rooms.calls.tick(floor)
        rooms.reads.tick(floor)
        rooms.remoteReads.tick(floor)
        rooms.foreignReads.tick(floor)
        rooms.remoteWatches.tick(floor)
        rooms.foreignWatches.tick(floor)
        rooms.installing.tick(floor)
        rooms.sending.tick(floor)
        rooms.recall.tick(floor)
        rooms.rebuild.tick(floor)
        rooms.membership.tick(floor)
        rooms.leadership.tick(floor)
        rooms.verification.tick(floor)
        rooms.markedStates.tick(floor)
        rooms.verification.beginScheduled(floor)
        rooms.bodies.tick(floor)
        rooms.housekeeping.tick(floor)
        rooms.logCutting.tick(floor)
        rooms.version.tick(floor)
        tellRooms()
    }

    /// Followers begin where they stood: elections must not be stampeded. But the time of a lease has passed.
    private func skip(_ ticks: Int) {
        lastTick = floor.nowMilliseconds
        rooms.reads.noteSkip(floor)
        floor.logProgress.skip(Int64(ticks) * floor.settings.tickMilliseconds)
        guard floor.settings.replica.raft.leaseTicks != nil else { return }
        for group in floor.groups.led {
            floor.step(group) { _ = $0.control(.rested(ticks: ticks, heard: []), floor.source, into: &$1) }
        }
        tellRooms()
    }
}
