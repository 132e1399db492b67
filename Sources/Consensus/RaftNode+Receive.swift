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
            handlePreVote(message, lastIndex: lastIndex, lastTerm: lastTerm, into: &effects)
            return
        case .preVoteResponse(let granted):
            handlePreVoteResponse(message, granted: granted, into: &effects)
            return
        case .requestVote(_, _, let byTransfer):
            if ignores(message, byTransfer: byTransfer) { return }
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
        if message.term > term { becomeFollower(term: message.term, leader: nil, into: &effects) }
        dispatch(message, into: &effects)
    }

    /// Whether a message cannot come from a replica that follows the protocol, and why.
    private func contradiction(in message: Message) -> Contradiction? {
        guard message.term >= term else { return nil }
        let isSecondLeader = message.term == term && isSecondLeader(message.from)
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

    /// Whether `sender`, which says that it leads the present term, is not the replica that does.
    private func isSecondLeader(_ sender: ReplicaID) -> Bool {
        switch role {
        case .leader: true
        case .preCandidate, .candidate: false
        case .follower: leader != nil && leader != sender
        }
    }

    /// Handles a message of the current term.
    private mutating func dispatch(_ message: Message, into effects: inout Effects) {
        switch message.body {
        case .preVote, .preVoteResponse:
            preconditionFailure("handled before")
        case .requestVote(let lastIndex, let lastTerm, _):
            handleRequestVote(message, lastIndex: lastIndex, lastTerm: lastTerm, into: &effects)
        case .voteResponse(let granted):
            handleVoteResponse(message, granted: granted, into: &effects)
        case .appendEntries(let append):
            follow(message.from, into: &effects)
            let answer = persistent.receiveAppend(append, into: &effects)
            persistent.send(answer, to: message.from, into: &effects)
        case .heartbeat(let commitIndex, let readSequence):
            follow(message.from, into: &effects)
            handleHeartbeat(
                commitIndex: commitIndex,
                readSequence: readSequence,
                from: message.from,
                into: &effects
            )
        case .installSnapshot(let point):
            follow(message.from, into: &effects)
            handleOffer(point, from: message.from, into: &effects)
        case .timeoutNow:
            follow(message.from, into: &effects)
            timeoutNow(into: &effects)
        case .appendAccepted(let matchIndex):
            handleAccepted(matchIndex: matchIndex, from: message.from, into: &effects)
        case .appendRejected(let previousIndex, let hintIndex, let hintTerm):
            handleRejected(previousIndex, hintIndex: hintIndex, hintTerm: hintTerm, from: message.from)
        case .heartbeatResponse(let readSequence):
            handleHeartbeatResponse(readSequence: readSequence, from: message.from, into: &effects)
        case .snapshotRejected(let index):
            handleSnapshotRejected(index: index, from: message.from)
        }
    }

    /// Follows `sender`, which leads the current term.
    private mutating func follow(_ sender: ReplicaID, into effects: inout Effects) {
        switch role {
        case .leader:
            preconditionFailure("two leaders in one term, which was looked at before")
        case .preCandidate, .candidate:
            becomeFollower(term: term, leader: sender, into: &effects)
        case .follower:
            precondition(leader == nil || leader == sender, "two leaders in one term, which was looked at before")
            let isNew = leader != sender
            leader = sender
            // The election timeout depends on who leads.
            if isNew { resetElectionTimer() } else { clock.electionElapsed = 0 }
        }
        clock.ticksSinceLeader = 0
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
