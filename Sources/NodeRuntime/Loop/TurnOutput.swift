internal import Consensus

/// What a turn of a loop has for others: it leaves when the turn ends, in one batch for each.
struct TurnOutput {
    var outgoing = OutgoingBatches()
    var writes: [LogWriter.Job] = []
    /// How many of the writes the log writer answers.
    var answeredWrites = 0
    var applies: [ApplierLoop.Job] = []

    /// Hands all of it over. Followers are sent entries before this node's own log has them.
    mutating func handOver(_ ways: Floor.Ways) {
        outgoing.send(over: ways.network)
        answeredWrites = 0
        if !writes.isEmpty {
            ways.writer.put(contentsOf: writes)
            writes.removeAll(keepingCapacity: true)
        }
        guard !applies.isEmpty else { return }
        if ways.appliers.count == 1 {
            ways.appliers[0].put(contentsOf: applies)
        } else {
            var batches: [[ApplierLoop.Job]] = Array(repeating: [], count: ways.appliers.count)
            for job in applies { batches[ApplierLoop.position(of: job.group, among: batches.count)].append(job) }
            for (applier, batch) in zip(ways.appliers, batches) { applier.put(contentsOf: batch) }
        }
        applies.removeAll(keepingCapacity: true)
    }
}
