package import Consensus
package import LogStorage
internal import PeerTransport
package import ReplicaCore

/// Makes the writes of all groups durable: one write and one sync for everything that waits.
///
/// `turn()` is the whole of it; a thread calls it in a node, the simulator in a simulation.
package final class LogWriter {
    package enum Job: Sendable {
        case write(ReplicaWrite)
        /// The log of a group begins behind the point.
        case setSnapshot(GroupID, SnapshotPoint)
        /// `then` is told when all of it is durable.
        case perform([LogOperation], then: @Sendable () -> Void)
        case purge
        case seal
        /// Time to look after the log: see ``LogWriter/tidy(isBusy:)``.
        case tidy
    }

    /// Bytes copied forward at once, between two rounds.
    static let copiedBytes = 4 << 20

    package let inbox = Inbox<Job>()
    private let log: any LogStore
    private let network: any PeerNetwork
    private let loop: Inbox<LoopInput>
    /// More segments than this, and the oldest is given up: what is still needed of it is copied forward.
    private let maximumSegments: Int
    private let failed: @Sendable (any Error) -> Void
    private var hasFailed = false
    private(set) var rounds: UInt64 = 0

    init(
        log: any LogStore,
        network: any PeerNetwork,
        loop: Inbox<LoopInput>,
        maximumSegments: Int,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        self.log = log
        self.network = network
        self.loop = loop
        self.maximumSegments = maximumSegments
        self.failed = failed
    }

    /// Bytes of all log segments; read by the thread that turns.
    var diskBytes: Int { log.diskBytes }

    /// - Returns: whether there was anything to do.
    @discardableResult
    package func turn() -> Bool {
        let jobs = inbox.drain()
        guard !jobs.isEmpty, !hasFailed else { return false }
        var round = LogRound()
        var done: [PersistedWrite] = []
        var releases = OutgoingBatches()
        var followUps: [@Sendable () -> Void] = []
        var purge = false
        var seal = false
        var tidy = false
        for job in jobs {
            switch job {
            case .write(let write):
                if let hardState = write.hardState { round.append(.saveHardState(write.group, hardState)) }
                if !write.headers.isEmpty {
                    let entries = zip(write.headers, write.payloads).map { LogEntry(header: $0, payload: $1) }
                    round.append(.append(write.group, firstIndex: write.firstIndex, entries))
                }
                done.append(PersistedWrite(group: write.group, sequence: write.sequence))
                for outgoing in write.releases { releases.add(outgoing) }
            case .setSnapshot(let group, let point):
                round.append(.setSnapshot(group, point))
                purge = true
            case .perform(let operations, let then):
                for operation in operations { round.append(operation) }
                followUps.append(then)
            case .purge: purge = true
            case .seal: seal = true
            case .tidy: tidy = true
            }
        }
        do {
            if !round.isEmpty {
                try log.append(round)
                rounds += 1
            }
            releases.send(over: network)
            if !done.isEmpty { loop.put(.persisted(done)) }
            for followUp in followUps { followUp() }
            if purge { try log.purge() }
            if tidy { try self.tidy(isBusy: !round.isEmpty) }
            if seal { try log.seal() }
        } catch {
            // The first failed write or sync is final: nothing of this round was acknowledged, nothing will be.
            hasFailed = true
            failed(error)
        }
        return true
    }

    /// Gives up the oldest segment when a group that lags or rests would keep it for ever, and notes in a pause that
    /// all so far was acknowledged.
    private func tidy(isBusy: Bool) throws {
        if log.isOldestSegmentWorthCopying(beyond: maximumSegments) {
            _ = try log.compact(maxBytes: Self.copiedBytes)
        } else if !isBusy {
            try log.seal()
        }
    }
}

/// Messages gathered per node, in order, so that each node gets one batch.
struct OutgoingBatches {
    private var nodes: [NodeID] = []
    private var batches: [[PeerMessage]] = []

    mutating func add(_ outgoing: Outgoing) { add(.replica(outgoing.message), to: outgoing.node) }

    mutating func add(_ message: PeerMessage, to node: NodeID) {
        if let index = nodes.firstIndex(of: node) {
            batches[index].append(message)
        } else {
            nodes.append(node)
            batches.append([message])
        }
    }

    mutating func send(over network: any PeerNetwork) {
        for (node, batch) in zip(nodes, batches) { network.send(batch, to: node) }
        nodes.removeAll(keepingCapacity: true)
        batches.removeAll(keepingCapacity: true)
    }
}
