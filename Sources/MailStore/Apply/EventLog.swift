internal import MailModel

/// What happened to the cluster, in rows of group 0: the last ``MailModel/DirectoryEvent/maximumCount`` of them.
struct EventLog {
    let scope: CommandScope

    func add(_ event: DirectoryEvent) throws {
        let key = DirectoryRows.lastEventKey
        let old = try scope.lookUp(key)
        let sequence = (try old.map { try DirectoryRows.lastEvent(in: $0) } ?? 0) + 1
        scope.putLookedUp(key, row: DirectoryRows.lastEventRow(sequence), replacing: old)
        let numbered = NumberedEvent(sequence: sequence, time: scope.timestamp, event: event)
        let eventKey = DirectoryRows.eventKey(sequence)
        scope.putLookedUp(eventKey, row: DirectoryRows.eventRow(numbered), replacing: try scope.lookUp(eventKey))
        guard sequence > DirectoryEvent.maximumCount else { return }
        let oldest = DirectoryRows.eventKey(sequence - DirectoryEvent.maximumCount)
        if let row = try scope.lookUp(oldest) { scope.deleteLookedUp(oldest, old: row) }
    }
}
