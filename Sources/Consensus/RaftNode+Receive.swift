extension RaftNode {
    /// Brings the term up to date (figure 2, all servers) and hands the message to whom it concerns.
    mutating func receive(_ message: Message, into effects: inout Effects) {
        // Meant for a replica that was on this node before: replica IDs are not reused, nodes are.
        guard message.to == id else { return }
        if let contradiction = contradiction(in: message) {
            effects.append(.contradicted(contradiction, by: message.from))
            return
        }
        // Pre-votes are outside of terms; a vote request is weighed before it may raise the term.
        switch message.body {
        case .preVote(let lastIndex, let lastTerm):
            election.receivePreVote(message, lastIndex: lastIndex, lastTerm: lastTerm, &persistent, into: &effects)
            return
        case .preVoteResponse(let granted):
            if !granted, message.term > term {
                becomeFollower(term: message.term, into: &effects)
            } else {
                election.receivePreVoteResponse(message, isGranted: granted, &persistent, into: &effects)
            }
            return
        case .requestVote(_, _, let byTransfer):
            if message.term > term, !byTransfer, election.sticksToLeader { return }
        case .voteResponse, .appendEntries, .appendAccepted, .appendRejected, .heartbeat, .heartbeatResponse,
            .installSnapshot, .snapshotRejected, .timeoutNow:
            break
        }
        if message.term < term {
            // The sender of a stale request is told that its term is over; stale answers are dropped.
            if let answer = persistent.log.answer(toOldTerm: message.body) {
                persistent.send(answer, to: message.from, into: &effects)
            }
            return
        }
        if message.term > term { becomeFollower(term: message.term, into: &effects) }
        dispatch(message.body, from: message.from, into: &effects)
    }

    /// Whether a message cannot come from a replica that follows the protocol, and why.
    private func contradiction(in message: Message) -> Contradiction? {
        guard message.term >= term else { return nil }
        let isSecondLeader = message.term == term && election.isSecondLeader(message.from)
        switch message.body {
        case .appendEntries(let append):
            if isSecondLeader { return .twoLeadersInOneTerm }
            return persistent.log.contradiction(in: append, of: message.term, commitIndex: commitIndex)
        case .heartbeat, .installSnapshot, .timeoutNow: return isSecondLeader ? .twoLeadersInOneTerm : nil
        case .preVote, .preVoteResponse, .requestVote, .voteResponse, .appendAccepted, .appendRejected,
            .heartbeatResponse, .snapshotRejected:
            return nil
        }
    }

    /// Handles a message of the current term.
    private mutating func dispatch(_ body: Message.Body, from sender: ReplicaID, into effects: inout Effects) {
        switch body {
        case .preVote, .preVoteResponse:
            preconditionFailure("handled before")
        case .requestVote(let index, let lastTerm, _):
            election.receiveRequestVote(from: sender, lastIndex: index, lastTerm: lastTerm, &persistent, into: &effects)
        case .voteResponse(let granted):
            receiveVoteResponse(from: sender, isGranted: granted, into: &effects)
        case .appendEntries(let append):
            follow(sender)
            let answer = persistent.receiveAppend(append, into: &effects)
            persistent.send(answer, to: sender, into: &effects)
        case .heartbeat(let commitIndex, let readSequence):
            follow(sender)
            persistent.receiveCommitIndex(commitIndex)
            persistent.send(.heartbeatResponse(readSequence: readSequence), to: sender, into: &effects)
        case .installSnapshot(let point):
            follow(sender)
            installation.receiveOffer(of: point, from: sender, &persistent, into: &effects)
        case .timeoutNow:
            follow(sender)
            takeOver(into: &effects)
        case .appendAccepted(let matchIndex):
            receiveAccepted(upTo: matchIndex, from: sender, into: &effects)
        case .appendRejected(let previousIndex, let hintIndex, let hintTerm):
            guard role == .leader else { return }
            let candidate = persistent.log.lastIndex(upTo: hintIndex, termUpTo: hintTerm)
            replication.receiveRejected(at: previousIndex, candidate: candidate, from: sender)
        case .heartbeatResponse(let readSequence):
            receiveHeartbeatResponse(readRound: readSequence, from: sender, into: &effects)
        case .snapshotRejected(let index):
            if role == .leader { replication.receiveSnapshotRejected(at: index, from: sender) }
        }
    }

    /// Follows `sender`, which leads the current term.
    private mutating func follow(_ sender: ReplicaID) {
        if role == .follower, leader == sender {
            election.hearLeader()
        } else {
            election.follow(sender, as: id, in: configuration)
        }
    }
}

extension HeaderLog {
    /// What tells the sender of a request that its term is over; nil for all other messages.
    fileprivate func answer(toOldTerm request: Message.Body) -> Message.Body? {
        switch request {
        case .requestVote: .voteResponse(granted: false)
        case .appendEntries(let append):
            .appendRejected(previousIndex: append.previousIndex, hintIndex: lastIndex, hintTerm: lastTerm)
        case .heartbeat: .heartbeatResponse(readSequence: 0)
        case .installSnapshot(let point): .snapshotRejected(index: point.index)
        case .preVote, .preVoteResponse, .voteResponse, .appendAccepted, .appendRejected, .heartbeatResponse,
            .snapshotRejected, .timeoutNow:
            nil
        }
    }
}
