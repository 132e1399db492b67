internal import Consensus
internal import MailModel
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore

/// Commands: to the leader, wherever it is, under one request ID until it is known what happened.
///
/// A call is sent when it comes in, when another leader is found, and when its time in ``DueCalls`` has come; not
/// otherwise. What a leader in this node has in its log is not proposed again while it leads.
struct CallsRoom {
    /// What of a group's calls is on its way to another node at once, in bytes.
    static let maximumForwardedBytes = 4 << 20
    /// The pauses after a refusal. A leader may be there at any moment: calls are not to wait for it much longer than
    /// an election takes.
    private static let pause = Backoff(firstMilliseconds: 50, maximumMilliseconds: 200)
    /// The longest wait for an answer.
    private static let maximumResendMilliseconds: Int64 = 8_000

    /// The groups with calls: nothing has to look at all groups to find them.
    private var calling = GroupSet()
    /// The groups with calls that may be sent at the end of this turn.
    private var sendable = GroupSet()
    private var due = DueCalls()
    private var forwarded = ForwardedCalls()

    /// How many calls of other nodes this one has proposed and not answered, and how many those may be.
    var proposedForOthers: (count: Int, maximum: Int) { (forwarded.count, ForwardedCalls.maximumCount) }

    // MARK: This node's calls

    /// Takes a call in; one that cannot be taken fails at once.
    mutating func submit(_ call: ClientCall, _ floor: Floor) {
        func refuse(_ failure: ServiceFailure) {
            floor.ways.callBudget.giveBack(call.admittedBytes)
            call.completion.finish(.failure(failure))
        }
        guard let table = floor.groups[call.group]?.calls else { return refuse(.unavailable) }
        // A call that is refused has a number too, so that observers of a node can tell which call is which.
        let sequence = table.takeSequence()
        guard !floor.isStopping else { return refuse(.stopping) }
        let heldBytes = call.command.approximateBytes
        guard table.count < floor.settings.calls.countPerGroup, table.span < floor.settings.calls.spanPerGroup,
            table.count == 0 || table.bytes + heldBytes <= floor.settings.calls.bytesPerGroup
        else { return refuse(.busy) }
        guard !floor.health.isSpaceLow || !call.command.bringsMail else { return refuse(.noSpace) }
        guard let version = floor.version.toWrite(to: call.group) else { return refuse(.unavailable) }
        let envelope = CommandEnvelope(
            request: RequestID(session: floor.place.session, sequence: sequence),
            settledBelow: table.settledBelow,
            timestamp: floor.clock.now(),
            account: call.account,
            command: call.command
        )
        let payload = envelope.encoded(in: version)
        guard decodedEnvelope(payload, floor) != nil else { return refuse(.unavailable) }
        table.append(
            PendingCall(
                sequence: sequence,
                payload: payload,
                heldBytes: heldBytes,
                admittedBytes: call.admittedBytes,
                deadlineMilliseconds: call.deadlineMilliseconds,
                completion: call.completion
            )
        )
        calling.insert(call.group)
        sendable.insert(call.group)
    }

    /// The envelope of a payload as replicas read it; nil where they cannot. Such a payload must not get into a log: to
    /// apply it would end every replica, again at each start.
    private func decodedEnvelope(_ payload: ByteBuffer, _ floor: Floor) -> CommandEnvelope? {
        guard payload.readableBytes <= MailLimits.commandBytes else { return nil }
        return try? CommandEnvelope(decoding: payload, upTo: floor.version.known.newest)
    }

    private func finish(_ call: PendingCall, with result: Result<MailOutcome, ServiceFailure>, _ floor: Floor) {
        floor.ways.callBudget.giveBack(call.admittedBytes)
        call.completion.finish(result)
    }

    /// Sends the calls that are to be sent, as far as the leaders have room: at the end of a turn, so that all calls
    /// that came in the turn go as one batch.
    mutating func sendReady(_ floor: Floor) {
        guard !sendable.isEmpty else { return }
        let groups = sendable
        sendable = GroupSet()
        for group in groups {
            guard let hosted = floor.groups[group], !hosted.calls.isPaused else { continue }
            if let replica = hosted.replica, replica.isLeader {
                proposeReady(hosted.calls, to: replica, floor)
            } else if let target = target(of: hosted, floor), target != floor.node {
                forwardReady(hosted.calls, of: group, to: target, floor)
            }
        }
    }

    /// The node that gets a group's calls: the leader, as far as one is known. Where no replica here hears who leads,
    /// one of those that have replicas says so.
    private func target(of hosted: HostedGroup, _ floor: Floor) -> NodeID? {
        if let leader = hosted.calls.hintedLeader ?? hosted.replica?.leaderNode { return leader }
        guard !floor.hearsWhoLeads(hosted) else { return nil }
        let holders = floor.holders(of: hosted.id)
        return holders.isEmpty ? nil : holders[Int(hosted.calls.turn) % holders.count]
    }

    /// The node that was asked is gone, or knows nobody that leads: another one is asked next.
    private func passOver(_ node: NodeID, in hosted: HostedGroup, _ floor: Floor) {
        guard !floor.hearsWhoLeads(hosted), target(of: hosted, floor) == node else { return }
        hosted.calls.hintedLeader = nil
        if target(of: hosted, floor) == node { hosted.calls.turn &+= 1 }
    }

    /// What was under way to a node may be lost. Where a replica here hears who leads, another leader makes the table
    /// send all; elsewhere another node is asked at once. When all were lost, they are asked again after a pause.
    mutating func noteLost(_ node: NodeID, _ floor: Floor) {
        for group in calling {
            guard let hosted = floor.groups[group], hosted.calls.count > 0, !floor.hearsWhoLeads(hosted),
                target(of: hosted, floor) == node
            else { continue }
            passOver(node, in: hosted, floor)
            hosted.calls.makeAllReady()
            sendable.insert(group)
            hosted.calls.losses += 1
            if hosted.calls.losses >= floor.holders(of: group).count {
                hosted.calls.losses = 0
                pause(group, floor)
            }
        }
    }

    /// What the replica had proposed may be lost with it: all calls are sent again, to others.
    mutating func replicaRemoved(of group: GroupID, _ floor: Floor) {
        guard let table = floor.groups[group]?.calls, table.count > 0 else { return }
        table.makeAllReady()
        sendable.insert(group)
    }

    /// Has the calls proposed that are to be sent. Those that the log has no room for wait until something of the group
    /// was applied.
    private func proposeReady(_ table: CallTable, to replica: Replica, _ floor: Floor) {
        var room = replica.raft.proposalRoomBytes
        while let call = table.nextReady, room > 0 {
            room -= call.payload.readableBytes
            table.noteProposed(call.sequence, in: replica.term)
            floor.proposePayload(call.payload, to: replica.group, for: .own(sequence: call.sequence))
        }
    }

    /// Sends the calls that are to be sent to the leader. Those that the window has no room for wait for an answer.
    /// After a refusal one call is sent, and the others when it was carried out: while a group has no leader, not all
    /// that waits goes to and fro.
    private mutating func forwardReady(_ table: CallTable, of group: GroupID, to leader: NodeID, _ floor: Floor) {
        let backoff = Backoff(
            firstMilliseconds: floor.settings.resendMilliseconds,
            maximumMilliseconds: Self.maximumResendMilliseconds
        )
        while table.forwardedBytes < Self.maximumForwardedBytes, let call = table.nextReady {
            let sendings = table.noteForwarded(call.sequence, to: leader)
            let request = RequestID(session: floor.place.session, sequence: call.sequence)
            floor.send(.forward(group: group, request: request, payload: call.payload), to: leader)
            let seed = floor.place.session ^ call.sequence << 8 ^ UInt64(group.rawValue) << 40 ^ UInt64(sendings)
            let delay = backoff.milliseconds(after: sendings, seed: seed)
            due.add(
                .call(sequence: call.sequence, sendings: sendings),
                of: group,
                at: floor.nowMilliseconds + delay
            )
            if table.pauses > 0 { break }
        }
        if due.isCrowded { due.removeStale { Self.isStale($0, floor) } }
    }

    /// Whether the call was answered or sent again since, or the pause was ended by a new leader.
    private static func isStale(_ due: DueCalls.Due, _ floor: Floor) -> Bool {
        guard let table = floor.groups[due.group]?.calls else { return true }
        switch due.matter {
        case .call(let sequence, let sendings):
            guard let call = table[sequence] else { return true }
            return call.sendings != sendings || !call.isForwarded
        case .pause(let number): return !table.isPaused || table.pauseNumber != number
        }
    }

    /// The leader takes nothing now: the calls of the group wait, longer each time.
    private mutating func pause(_ group: GroupID, _ floor: Floor) {
        guard let table = floor.groups[group]?.calls, !table.isPaused else { return }
        table.isPaused = true
        table.pauses += 1
        table.pauseNumber += 1
        let seed = floor.place.session ^ UInt64(group.rawValue) << 32 ^ UInt64(table.pauses)
        let delay = Self.pause.milliseconds(after: table.pauses, seed: seed)
        due.add(.pause(number: table.pauseNumber), of: group, at: floor.nowMilliseconds + delay)
    }

    /// The group has another leader: calls that were sent to the last one may be lost, and are sent again.
    mutating func leaderFound(of group: GroupID, _ floor: Floor) {
        guard let table = floor.groups[group]?.calls else { return }
        table.hintedLeader = nil
        table.isPaused = false
        table.pauses = 0
        guard table.count > 0 else { return }
        table.makeAllReady()
        sendable.insert(group)
    }

    /// On every tick: calls that got no answer in time are sent again, calls that waited too long are given up.
    mutating func tick(_ floor: Floor) {
        let now = floor.nowMilliseconds
        for group in calling {
            guard let hosted = floor.groups[group], hosted.calls.count > 0 else {
                calling.remove(group)
                continue
            }
            let table = hosted.calls
            if table.nextReady != nil, !floor.hearsWhoLeads(hosted) { sendable.insert(group) }
            for call in table.removeExpired(now) { finish(call, with: .failure(.unavailable), floor) }
        }
        while let due = due.takeNext(now) {
            guard let hosted = floor.groups[due.group], !Self.isStale(due, floor) else { continue }
            let table = hosted.calls
            switch due.matter {
            case .call(let sequence, _):
                let isSilent = now - table.heardMilliseconds >= floor.settings.resendMilliseconds
                if isSilent, case .forwarded(let node)? = table[sequence]?.place { passOver(node, in: hosted, floor) }
                table.makeReady(sequence)
            case .pause: table.isPaused = false
            }
            sendable.insert(due.group)
        }
        forwarded.forgetOld(every: 2 * floor.settings.callMilliseconds, now)
    }

    /// Proposes what this turn has for a group as one batch, of which the log takes as much as it has room for.
    mutating func propose(_ batch: ProposalBatch, to group: GroupID, _ floor: Floor) {
        let result = floor.step(group) { $0.propose(batch.payloads, floor.source, into: &$1) }
        let accepted = result?.accepted ?? 0
        guard accepted < batch.origins.count else { return }
        let rejection = result?.rejection ?? .notLeader(leader: nil)
        let table = floor.groups[group]?.calls
        for origin in batch.origins[accepted...] {
            switch origin {
            case .own(let sequence): table?.makeReady(sequence)
            case .forwarded(let request, let sender):
                _ = forwarded.remove(request, of: group)
                floor.send(.forwardReply(group: group, request: request, answer(to: rejection)), to: sender)
            case .housekeeping: break
            }
        }
        // Where the log is full, what leaves it makes room; nothing tells of what else is in the way.
        if rejection != .tooManyUncommittedBytes { pause(group, floor) }
    }

    private func answer(to rejection: Rejection) -> ForwardResult {
        switch rejection {
        case .notLeader: .notLeader(nil)
        case .transferring, .tooManyUncommittedBytes, .tooManyPendingReads, .configurationInFlight,
            .unsafeConfiguration, .leaderNotReady,
            .notAVoter:
            .busy
        }
    }

    // MARK: Other nodes' calls

    /// Another node takes this one for the leader, and forwards a call. Leaders propose it; others say who leads.
    mutating func receiveForward(
        _ payload: ByteBuffer,
        for request: RequestID,
        to group: GroupID,
        from sender: NodeID,
        _ floor: Floor
    ) {
        func answer(_ result: ForwardResult) {
            floor.send(.forwardReply(group: group, request: request, result), to: sender)
        }
        guard let replica = floor.replica(group), replica.isLeader else {
            return answer(.notLeader(floor.replica(group)?.leaderNode))
        }
        // Other nodes write a version only when the cluster is at it: this program is too old for the cluster.
        if let byte = payload.readableBytesView.first, byte > floor.version.known.newest.rawValue {
            let version = ClusterVersion(rawValue: byte)
            return floor.ways.failed(VersionError(cluster: version, known: floor.version.known))
        }
        guard let envelope = decodedEnvelope(payload, floor) else { return answer(.busy) }
        guard !floor.health.isSpaceLow || !envelope.command.bringsMail else { return answer(.noSpace) }
        switch forwarded.note(request, of: group, from: sender, in: replica.term) {
        case .known: break
        case .full: answer(.busy)
        case .new: floor.proposePayload(payload, to: group, for: .forwarded(request, from: sender))
        }
    }

    /// The node that was taken for the leader has answered.
    mutating func receiveReply(
        _ result: ForwardResult,
        to request: RequestID,
        of group: GroupID,
        from node: NodeID,
        _ floor: Floor
    ) {
        guard request.session == floor.place.session, let table = floor.groups[group]?.calls else { return }
        table.heardMilliseconds = floor.nowMilliseconds
        // Whoever does not lead may name a leader that is lost, again and again.
        if result.isOfLeader { table.losses = 0 }
        switch result {
        case .outcome(let outcome):
            guard let call = table.remove(request.sequence) else { return }
            table.pauses = 0
            finish(call, with: .success(outcome), floor)
        case .noSpace:
            // An earlier try may still be carried out: it is not known that nothing happened.
            guard let call = table.remove(request.sequence) else { return }
            finish(call, with: .failure(.noSpace), floor)
        case .busy:
            // The word of a node that is not asked any more counts for nothing.
            guard table[request.sequence]?.place == .forwarded(to: node) else { return }
            table.makeReady(request.sequence)
            pause(group, floor)
        case .notLeader(let leader):
            guard table[request.sequence]?.place == .forwarded(to: node) else { return }
            table.makeReady(request.sequence)
            follow(leader, by: node, of: group, floor)
        }
        sendable.insert(group)
    }

    /// A node that was asked does not lead. One hint is followed at once; where that is wrong as well, there may be no
    /// leader for a while.
    private mutating func follow(_ leader: NodeID?, by node: NodeID, of group: GroupID, _ floor: Floor) {
        guard let hosted = floor.groups[group], !hosted.calls.isPaused else { return }
        let table = hosted.calls
        if let leader, leader != floor.node, table.hintedLeader == nil {
            table.hintedLeader = leader
        } else if table.hintedLeader != leader || leader == nil {
            passOver(node, in: hosted, floor)
            table.hintedLeader = nil
            pause(group, floor)
        }
    }

    /// Answers those who wait for what was applied here, this node's clients and other nodes alike.
    mutating func finishApplied(_ batch: AppliedEntries, _ floor: Floor) {
        guard let table = floor.groups[batch.group]?.calls else { return }
        for (request, outcome) in batch.results {
            if request.session == floor.place.session {
                guard let call = table.remove(request.sequence) else { continue }
                table.pauses = 0
                finish(call, with: .success(outcome), floor)
            } else if let node = forwarded.remove(request, of: batch.group) {
                floor.send(.forwardReply(group: batch.group, request: request, .outcome(outcome)), to: node)
            }
        }
        if table.count > 0 { sendable.insert(batch.group) }
    }
}

extension PendingCall {
    fileprivate var isForwarded: Bool {
        switch place {
        case .forwarded: true
        case .ready, .proposed: false
        }
    }
}

extension ForwardResult {
    /// Whether the node that answers leads the group.
    fileprivate var isOfLeader: Bool { if case .notLeader = self { false } else { true } }
}
