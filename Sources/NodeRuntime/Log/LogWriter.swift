package import Consensus
package import LogStorage
internal import NIOCore
internal import PeerTransport
package import ReplicaCore

/// Makes the writes of all groups durable: one write and one sync for everything that waits.
///
/// `turn()` is the whole of it; a thread calls it in a node, the simulator in a simulation.
package final class LogWriter {
    /// What the log writer has to do. What is to be written goes to the log in the order of the jobs.
    package enum Job: Sendable {
        /// Writes hard state and entries of a replica, tells its loop when they are durable, and releases the messages
        /// that had to wait for it.
        case write(ReplicaWrite)
        /// The log of a group begins behind the point.
        case setSnapshot(GroupID, SnapshotPoint)
        /// Somebody is told when all of it is durable.
        case perform([LogOperation], telling: Reply)
        /// Deletes the oldest segments in which no entry is needed any more.
        case purge
        /// Notes that all writes so far were acknowledged.
        case seal
        /// Time to look after the log: see ``LogWriter/tidy(isBusy:)``.
        case tidy
    }

    /// What is put into an inbox when operations are durable.
    package enum Reply: Sendable {
        case agent(AgentInput)
        case loop(of: GroupID, LoopInput)
    }

    /// A round is written when it holds so many bytes of entries or so many records, whatever else waits: a backlog
    /// becomes several rounds, each with its sync.
    static let roundBytes = 16 << 20
    static let roundRecords = 16_384
    /// Bytes copied forward at once, between two rounds.
    static let copiedBytes = 4 << 20

    /// What the replica loops and the agent have the log writer do.
    package let inbox = Inbox<Job>()
    private let log: any LogStore
    private let network: any PeerNetwork
    private let inboxes: LoopInboxes
    /// More segments than this, and the oldest is given up: what is still needed of it is copied forward.
    private let maximumSegments: Int
    /// When the log has had so many bytes of entries, the agent is told.
    private let flushBytes: Int
    private var unflushedBytes = 0
    private let failed: @Sendable (any Error) -> Void
    private var hasFailed = false
    private(set) var rounds: UInt64 = 0

    init(
        log: any LogStore,
        network: any PeerNetwork,
        inboxes: LoopInboxes,
        maximumSegments: Int,
        flushBytes: Int,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        self.log = log
        self.network = network
        self.inboxes = inboxes
        self.maximumSegments = maximumSegments
        self.flushBytes = flushBytes
        self.failed = failed
    }

    /// Bytes of all log segments; read by the thread that turns.
    var diskBytes: Int { log.diskBytes }

    /// What is written and synced next, and what follows when it is durable.
    private struct Pending {
        var round = LogRound()
        var bytes = 0
        var records = 0
        var done: [PersistedWrite] = []
        var releases = OutgoingBatches()
        var replies: [Reply] = []

        var isFull: Bool { bytes >= LogWriter.roundBytes || records >= LogWriter.roundRecords }

        mutating func add(_ operation: LogOperation) {
            round.append(operation)
            records += 1
        }
    }

    /// Does all jobs that wait, with one sync for each round. The first failure of the log is final: `failed` is told
    /// of it, and no later turn does anything.
    ///
    /// - Returns: whether there was anything to do.
    @discardableResult
    package func turn() -> Bool {
        let jobs = inbox.drain()
        guard !jobs.isEmpty, !hasFailed else { return false }
        do {
            try perform(jobs)
        } catch {
            // The first failed write or sync is final: nothing of this round was acknowledged, nothing will be.
            hasFailed = true
            failed(error)
        }
        return true
    }

    private func perform(_ jobs: [Job]) throws {
        var pending = Pending()
        let before = rounds
        var purge = false
        var seal = false
        var tidy = false
        for job in jobs {
            switch job {
            case .write(let write): try add(write, to: &pending)
            case .setSnapshot(let group, let point):
                pending.add(.setSnapshot(group, point))
                purge = true
            case .perform(let operations, let reply):
                for operation in operations { pending.add(operation) }
                pending.replies.append(reply)
            case .purge: purge = true
            case .seal: seal = true
            case .tidy: tidy = true
            }
            if pending.isFull { try finish(&pending) }
        }
        try finish(&pending)
        if purge { try log.purge() }
        if tidy { try self.tidy(isBusy: rounds != before) }
        if seal { try log.seal() }
    }

    /// A write may be larger than a round. What is durable of it after a part is a log that another leader could have
    /// left as well; only the whole of it is reported, and releases messages.
    private func add(_ write: ReplicaWrite, to pending: inout Pending) throws {
        if let hardState = write.hardState { pending.add(.saveHardState(write.group, hardState)) }
        var first = write.firstIndex
        var part: [LogEntry] = []
        for (header, payload) in zip(write.headers, write.payloads) {
            if pending.isFull {
                pending.round.append(.append(write.group, firstIndex: first, part))
                first = first + part.count
                part = []
                try finish(&pending)
            }
            part.append(LogEntry(header: header, payload: payload))
            pending.bytes += payload.readableBytes
            pending.records += 1
        }
        if !part.isEmpty { pending.round.append(.append(write.group, firstIndex: first, part)) }
        pending.done.append(PersistedWrite(group: write.group, sequence: write.sequence))
        for outgoing in write.releases { pending.releases.addOutgoing(outgoing) }
    }

    /// Makes the round durable, and lets go what waited for that.
    private func finish(_ pending: inout Pending) throws {
        if !pending.round.isEmpty {
            try log.append(pending.round)
            rounds += 1
            noteGrown(pending.bytes)
        }
        pending.releases.send(over: network)
        if !pending.done.isEmpty { inboxes.tellPersisted(pending.done) }
        for reply in pending.replies {
            switch reply {
            case .agent(let input): inboxes.agent.put(input)
            case .loop(let group, let input): inboxes.put(input, for: group)
            }
        }
        pending = Pending()
    }

    private func noteGrown(_ bytes: Int) {
        unflushedBytes += bytes
        guard unflushedBytes >= flushBytes else { return }
        unflushedBytes = 0
        inboxes.agent.put(.logHasGrown)
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

    mutating func addOutgoing(_ outgoing: Outgoing) { add(.replica(outgoing.message), to: outgoing.node) }

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
