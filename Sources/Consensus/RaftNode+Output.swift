extension RaftNode {
    /// Sends now what promises nothing that is not durable yet; the rest waits for this step's persist.
    mutating func send(_ body: Message.Body, to peer: ReplicaID, into effects: inout Effects) {
        let message = Message(from: id, to: peer, term: hardState.term, body: body)
        if isDurable(body) {
            effects.append(.send(message))
        } else {
            deferred.append(message)
        }
    }

    /// Whether everything that `body` promises has reached the disk.
    private func isDurable(_ body: Message.Body) -> Bool {
        // A term that is shown to others must survive a crash.
        guard persists.durableTerm == hardState.term else { return false }
        switch body {
        case .requestVote: return persists.durableVote == hardState.vote
        case .voteResponse(let granted): return !granted || persists.durableVote == hardState.vote
        case .appendAccepted(let matchIndex): return matchIndex <= persists.durableIndex
        case .preVote, .preVoteResponse, .appendEntries, .appendRejected, .heartbeat, .heartbeatResponse,
            .installSnapshot, .snapshotRejected, .timeoutNow:
            return true
        }
    }

    /// Ends a step: what it changed is replicated, announced and made durable, each once.
    mutating func finishStep(into effects: inout Effects) {
        if role == .leader { replicate(into: &effects) }
        announce(into: &effects)
        persist(into: &effects)
    }

    private mutating func announce(into effects: inout Effects) {
        if role != announced.role || term != announced.term || leader != announced.leader {
            effects.append(.roleChanged(role, term: term, leader: leader))
            announced.role = role
            announced.leader = leader
        }
        // Nothing is applied before this replica's own log has it: else the state could outlive the log.
        let applicable =
            Mutant.isOn(.appliedBeforeDurable) ? commitIndex : min(commitIndex, persists.durableIndex)
        if applicable > announced.applyIndex {
            effects.append(.apply(upTo: applicable))
            announced.applyIndex = applicable
        }
    }

    private mutating func persist(into effects: inout Effects) {
        precondition(term >= announced.term, "the term went back")
        precondition(term > announced.term || announced.vote == nil || vote == announced.vote, "a vote was changed")
        let hardStateChanged = term != announced.term || vote != announced.vote
        guard hardStateChanged || firstChangedIndex != nil || !deferred.isEmpty else { return }
        // A persist without content only keeps its messages behind the writes that are under way.
        let first = firstChangedIndex ?? log.lastIndex.next
        let entries = log.headers(from: first)
        let sequence = persists.enqueue(hardState: hardState, lastIndex: entries.isEmpty ? nil : log.lastIndex)
        effects.append(
            .persist(
                Persist(
                    sequence: sequence,
                    hardState: hardStateChanged || !entries.isEmpty ? hardState : nil,
                    firstIndex: first,
                    entries: entries,
                    messages: deferred
                )
            )
        )
        announced.term = term
        announced.vote = vote
        firstChangedIndex = nil
        deferred.removeAll(keepingCapacity: true)
    }

    // MARK: - The log

    mutating func appendToLog(_ headers: [EntryHeader], into effects: inout Effects) {
        guard !headers.isEmpty else { return }
        noteChange(from: log.lastIndex.next)
        var reconfigured = false
        for header in headers {
            log.append(header)
            if case .configuration = header.kind { reconfigured = true }
        }
        if reconfigured { configurationChanged(into: &effects) }
    }

    mutating func truncateLog(from index: LogIndex, into effects: inout Effects) {
        precondition(index > commitIndex, "truncating what is committed")
        let reconfigured = log.configurationIndex >= index
        log.truncate(from: index)
        persists.truncate(from: index)
        noteChange(from: index)
        if reconfigured { configurationChanged(into: &effects) }
    }

    mutating func noteChange(from index: LogIndex) {
        firstChangedIndex = min(firstChangedIndex ?? index, index)
    }

    mutating func commit(upTo index: LogIndex) {
        precondition(index >= commitIndex, "the commit index went back")
        precondition(index <= log.lastIndex, "committing what the log does not have")
        hardState.commitIndex = index
    }
}
