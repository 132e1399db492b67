extension RaftNode {
    /// Sends a message of the present term, as soon as what the message promises is durable.
    mutating func send(_ body: Message.Body, to peer: ReplicaID, into effects: inout Effects) {
        let message = Message(from: id, to: peer, term: hardState.term, body: body)
        persists.send(message, vote: hardState.vote, into: &effects)
    }

    /// Ends a step: what it changed is replicated, announced and made durable, each once.
    mutating func finishStep(into effects: inout Effects) {
        if role == .leader { replicate(into: &effects) }
        announced.announceRole(role, term: term, leader: leader, into: &effects)
        // Nothing is applied before this replica's own log has it: else the state could outlive the log.
        let applicable = Mutant.isOn(.appliedBeforeDurable) ? commitIndex : min(commitIndex, durableIndex)
        announced.announceApply(upTo: applicable, into: &effects)
        guard let first = persists.firstIndexToWrite(hardState, lastIndex: log.lastIndex) else { return }
        persists.write(hardState, entries: log.headers(from: first), from: first, into: &effects)
    }

    // MARK: - The log

    mutating func appendToLog(_ headers: [EntryHeader], into effects: inout Effects) {
        guard !headers.isEmpty else { return }
        persists.noteChange(from: log.lastIndex.next)
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
        if reconfigured { configurationChanged(into: &effects) }
    }

    mutating func commit(upTo index: LogIndex) {
        precondition(index >= commitIndex, "the commit index went back")
        precondition(index <= log.lastIndex, "committing what the log does not have")
        hardState.commitIndex = index
    }
}
