internal import Consensus
internal import MailModel
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore

/// Commands: to the leader, wherever it is, under one request ID until it is known what happened.
extension NodeLoop {
    func submit(_ call: ClientCall) {
        guard let table = groups[call.group]?.calls else { return call.completion.finish(.failure(.unavailable)) }
        // Every call has a number, refused or not: whoever watches a node can tell which call is which.
        let sequence = table.takeSequence()
        guard !isStopping else { return call.completion.finish(.failure(.stopping)) }
        guard table.count < settings.maxCallsPerGroup else { return call.completion.finish(.failure(.busy)) }
        guard !isSpaceLow || !call.command.bringsMail else { return call.completion.finish(.failure(.noSpace)) }
        guard let version = floor.version.toWrite(to: call.group) else {
            return call.completion.finish(.failure(.unavailable))
        }
        let envelope = CommandEnvelope(
            request: RequestID(session: session, sequence: sequence),
            settledBelow: table.count == 0 ? sequence : table.settledBelow,
            timestamp: clock.now(),
            account: call.account,
            command: call.command
        )
        let payload = envelope.encoded(in: version)
        guard decoded(payload) != nil else { return call.completion.finish(.failure(.unavailable)) }
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
        sendUnsent(call.group)
    }

    /// What replicas cannot read must not get into a log: applying it would end every one of them, again at each start.
    private func decoded(_ payload: ByteBuffer) -> CommandEnvelope? {
        guard payload.readableBytes <= MailLimits.commandBytes else { return nil }
        return try? CommandEnvelope(decoding: payload, upTo: floor.version.known.newest)
    }

    /// Sends what has not been sent since the leader was last known.
    func sendUnsent(_ group: GroupID) {
        guard let replica = replica(group), let leader = replica.leaderNode, let table = groups[group]?.calls else {
            return
        }
        for (index, call) in table.calls.enumerated() where call.sentMilliseconds == nil {
            groups[group]?.calls.markSent(at: index, nowMilliseconds)
            if leader == node {
                floor.propose(call.payload, to: group, for: .own(sequence: call.sequence))
            } else {
                let request = RequestID(session: session, sequence: call.sequence)
                send(.forward(group: group, request: request, payload: call.payload), to: leader)
            }
        }
    }

    func leaderFound(_ group: GroupID) {
        groups[group]?.calls.markAllUnsent()
        sendUnsent(group)
        groups[group]?.reads.restart()
    }

    /// On every tick: what got no answer in time is sent again, what waited too long is given up.
    func resendCalls() {
        for group in calling {
            guard let table = groups[group]?.calls, table.count > 0 else {
                calling.remove(group)
                continue
            }
            for call in table.removeExpired(nowMilliseconds) {
                call.completion.finish(.failure(.unavailable))
            }
            table.markUnsent(sentBefore: nowMilliseconds - settings.resendMilliseconds)
            sendUnsent(group)
        }
        let horizon = nowMilliseconds - 2 * settings.callMilliseconds
        if foreign.count > 0 { foreign = foreign.filter { $0.value.sinceMilliseconds >= horizon } }
    }

    func proposeBatches() {
        for (group, batch) in floor.takeProposals() { propose(batch, to: group) }
    }

    private func propose(_ batch: ProposalBatch, to group: GroupID) {
        guard let rejection = withReplica(group, { $0.propose(batch.payloads, source, into: &$1) }) ?? nil else {
            return
        }
        for origin in batch.origins {
            switch origin {
            case .own(let sequence): groups[group]?.calls.markUnsent(sequence)
            case .forwarded(let request, let from):
                foreign[request] = nil
                send(.forwardReply(group: group, request: request, answer(to: rejection)), to: from)
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

    func takeForward(_ group: GroupID, _ request: RequestID, _ payload: ByteBuffer, from: NodeID) {
        guard let replica = replica(group), replica.isLeader else {
            send(
                .forwardReply(group: group, request: request, .notLeader(replica(group)?.leaderNode)),
                to: from
            )
            return
        }
        // Others write it because the cluster has come to it.
        if let byte = payload.readableBytesView.first, byte > floor.version.known.newest.rawValue {
            return failed(VersionError(cluster: ClusterVersion(rawValue: byte), known: floor.version.known))
        }
        guard let envelope = decoded(payload) else {
            return send(.forwardReply(group: group, request: request, .busy), to: from)
        }
        guard !isSpaceLow || !envelope.command.bringsMail else {
            return send(.forwardReply(group: group, request: request, .noSpace), to: from)
        }
        foreign[request] = (from, nowMilliseconds)
        floor.propose(payload, to: group, for: .forwarded(request, from: from))
    }

    func takeReply(_ group: GroupID, _ request: RequestID, _ result: ForwardResult) {
        guard request.session == session else { return }
        switch result {
        case .outcome(let outcome): groups[group]?.calls.remove(request.sequence)?.completion.finish(.success(outcome))
        case .noSpace: giveUp(request, group)
        case .notLeader, .busy:
            // Nothing happened there. The next tick, or the next leader, sends it again.
            groups[group]?.calls.markUnsent(request.sequence)
        }
    }

    /// The leader has no room for it. An earlier try may still be carried out: it is not known that nothing happened.
    private func giveUp(_ request: RequestID, _ group: GroupID) {
        groups[group]?.calls.remove(request.sequence)?.completion.finish(.failure(.noSpace))
    }

    /// Answers whoever waits for what was applied here, this node's clients and other nodes alike.
    func finishCalls(_ batch: AppliedEntries) {
        for (request, outcome) in batch.results {
            if request.session == session {
                groups[batch.group]?.calls.remove(request.sequence)?.completion.finish(.success(outcome))
            } else if let (node, _) = foreign.removeValue(forKey: request) {
                send(.forwardReply(group: batch.group, request: request, .outcome(outcome)), to: node)
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
