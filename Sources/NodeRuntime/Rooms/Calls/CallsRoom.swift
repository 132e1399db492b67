internal import Consensus
internal import MailModel
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore

/// Commands: to the leader, wherever it is, under one request ID until it is known what happened.
struct CallsRoom {
    /// The groups with calls: nothing has to look at all groups to find them.
    private var calling = GroupSet()
    /// Sequence numbers of a node's calls are counted for each group: the same request ID may come for several of them.
    private struct ForwardedRequest: Hashable {
        let group: GroupID
        let request: RequestID
    }

    /// Forwarded requests that this node proposed, and who wants the answer.
    private var foreign: [ForwardedRequest: (node: NodeID, sinceMilliseconds: Int64)] = [:]

    // MARK: This node's calls

    /// Takes a call in; one that cannot be taken fails at once.
    mutating func submit(_ call: ClientCall, _ floor: Floor) {
        guard let table = floor.groups[call.group]?.calls else {
            return call.completion.finish(.failure(.unavailable))
        }
        // Every call has a number, refused or not: whoever watches a node can tell which call is which.
        let sequence = table.takeSequence()
        guard !floor.isStopping else { return call.completion.finish(.failure(.stopping)) }
        guard table.count < floor.settings.maxCallsPerGroup else { return call.completion.finish(.failure(.busy)) }
        guard !floor.health.isSpaceLow || !call.command.bringsMail else {
            return call.completion.finish(.failure(.noSpace))
        }
        guard let version = floor.version.toWrite(to: call.group) else {
            return call.completion.finish(.failure(.unavailable))
        }
        let envelope = CommandEnvelope(
            request: RequestID(session: floor.place.session, sequence: sequence),
            settledBelow: table.count == 0 ? sequence : table.settledBelow,
            timestamp: floor.clock.now(),
            account: call.account,
            command: call.command
        )
        let payload = envelope.encoded(in: version)
        guard decodedEnvelope(payload, floor) != nil else { return call.completion.finish(.failure(.unavailable)) }
        calling.insert(call.group)
        table.append(
            PendingCall(
                sequence: sequence,
                payload: payload,
                deadlineMilliseconds: call.deadlineMilliseconds,
                completion: call.completion,
                sentMilliseconds: nil
            )
        )
        sendUnsent(call.group, floor)
    }

    /// What replicas cannot read must not get into a log: applying it would end every one of them, again at each start.
    private func decodedEnvelope(_ payload: ByteBuffer, _ floor: Floor) -> CommandEnvelope? {
        guard payload.readableBytes <= MailLimits.commandBytes else { return nil }
        return try? CommandEnvelope(decoding: payload, upTo: floor.version.known.newest)
    }

    /// Sends what has not been sent since the leader was last known.
    private func sendUnsent(_ group: GroupID, _ floor: Floor) {
        guard let hosted = floor.groups[group], let leader = hosted.replica?.leaderNode else { return }
        for (index, call) in hosted.calls.calls.enumerated() where call.sentMilliseconds == nil {
            hosted.calls.markSent(at: index, floor.nowMilliseconds)
            if leader == floor.node {
                floor.propose(call.payload, to: group, for: .own(sequence: call.sequence))
            } else {
                let request = RequestID(session: floor.place.session, sequence: call.sequence)
                floor.send(.forward(group: group, request: request, payload: call.payload), to: leader)
            }
        }
    }

    /// Another leader: what was sent to the last one may be lost.
    func leaderFound(of group: GroupID, _ floor: Floor) {
        floor.groups[group]?.calls.markAllUnsent()
        sendUnsent(group, floor)
    }

    /// On every tick: what got no answer in time is sent again, what waited too long is given up.
    mutating func tick(_ floor: Floor) {
        let now = floor.nowMilliseconds
        for group in calling {
            guard let table = floor.groups[group]?.calls, table.count > 0 else {
                calling.remove(group)
                continue
            }
            for call in table.removeExpired(now) { call.completion.finish(.failure(.unavailable)) }
            table.markUnsent(sentBefore: now - floor.settings.resendMilliseconds)
            sendUnsent(group, floor)
        }
        let horizon = now - 2 * floor.settings.callMilliseconds
        if foreign.count > 0 { foreign = foreign.filter { $0.value.sinceMilliseconds >= horizon } }
    }

    /// Proposes what this turn has for a group as one batch.
    mutating func propose(_ batch: ProposalBatch, to group: GroupID, _ floor: Floor) {
        let rejection = floor.step(group) { $0.propose(batch.payloads, floor.source, into: &$1) } ?? nil
        guard let rejection else { return }
        for origin in batch.origins {
            switch origin {
            case .own(let sequence): floor.groups[group]?.calls.markUnsent(sequence)
            case .forwarded(let request, let sender):
                foreign[ForwardedRequest(group: group, request: request)] = nil
                floor.send(.forwardReply(group: group, request: request, answer(to: rejection)), to: sender)
            case .housekeeping: break
            }
        }
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

    /// Another node takes this one for the leader.
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
        // Others write a version because the cluster has come to it.
        if let byte = payload.readableBytesView.first, byte > floor.version.known.newest.rawValue {
            let version = ClusterVersion(rawValue: byte)
            return floor.ways.failed(VersionError(cluster: version, known: floor.version.known))
        }
        guard let envelope = decodedEnvelope(payload, floor) else { return answer(.busy) }
        guard !floor.health.isSpaceLow || !envelope.command.bringsMail else { return answer(.noSpace) }
        foreign[ForwardedRequest(group: group, request: request)] = (sender, floor.nowMilliseconds)
        floor.propose(payload, to: group, for: .forwarded(request, from: sender))
    }

    /// The node that was taken for the leader has answered.
    func receiveReply(_ result: ForwardResult, to request: RequestID, of group: GroupID, _ floor: Floor) {
        guard request.session == floor.place.session, let table = floor.groups[group]?.calls else { return }
        switch result {
        case .outcome(let outcome): table.remove(request.sequence)?.completion.finish(.success(outcome))
        case .noSpace:
            // An earlier try may still be carried out: it is not known that nothing happened.
            table.remove(request.sequence)?.completion.finish(.failure(.noSpace))
        case .notLeader, .busy:
            // Nothing happened there. The next tick, or the next leader, sends it again.
            table.markUnsent(request.sequence)
        }
    }

    /// Answers those who wait for what was applied here, this node's clients and other nodes alike.
    mutating func finishApplied(_ batch: AppliedEntries, _ floor: Floor) {
        let table = floor.groups[batch.group]?.calls
        for (request, outcome) in batch.results {
            if request.session == floor.place.session {
                table?.remove(request.sequence)?.completion.finish(.success(outcome))
            } else if let (node, _) = foreign.removeValue(
                forKey: ForwardedRequest(group: batch.group, request: request)
            ) {
                floor.send(.forwardReply(group: batch.group, request: request, .outcome(outcome)), to: node)
            }
        }
    }
}

extension Completion {
    func finish(_ result: Result<Value, ServiceFailure>) {
        guard let loop else { return body(result) }
        let body = body
        loop.execute { body(result) }
    }
}
