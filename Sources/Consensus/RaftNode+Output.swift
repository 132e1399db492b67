extension RaftNode {
    /// Ends a step: what it changed is replicated, announced and made durable, each once.
    mutating func finishStep(into effects: inout Effects) {
        if role == .leader { replicate(into: &effects) }
        announced.announceRole(role, term: term, leader: leader, into: &effects)
        // Nothing is applied before this replica's own log has it: else the state could outlive the persistent.log.
        let applicable = Mutant.isOn(.appliedBeforeDurable) ? commitIndex : min(commitIndex, durableIndex)
        announced.announceApply(upTo: applicable, into: &effects)
        persistent.flush(into: &effects)
    }

    mutating func appendToLog(_ headers: [EntryHeader], into effects: inout Effects) {
        if persistent.append(headers, into: &effects) { configurationChanged() }
    }
}
