public import Consensus
public import NIOCore

/// Limits of one replica.
public struct ReplicaSettings: Sendable {
    /// Limits and timings of the Raft core.
    public var raft: RaftSettings
    /// Bytes of payloads that the own log has durably, kept in memory for followers and the applier.
    public var cacheBytes: Int
    /// Bytes of committed entries handed to the applier and not yet applied.
    public var maxApplyBytes: Int

    public init(raft: RaftSettings = RaftSettings(), cacheBytes: Int = 16 << 20, maxApplyBytes: Int = 8 << 20) {
        self.raft = raft
        self.cacheBytes = cacheBytes
        self.maxApplyBytes = maxApplyBytes
    }
}

/// One replica of one group as a machine: the Raft core, the payloads of its log, what is being applied, and the reads
/// that wait for it. No I/O, no clock. A class, so that nothing of it is copied by accident.
public final class Replica {
    /// The group that this is a replica of.
    public let group: GroupID
    /// The Raft core, to be asked. Only the functions of this class step it.
    public private(set) var raft: RaftNode
    private let settings: ReplicaSettings
    private var cache: PayloadCache
    private var coreEffects = Effects()
    /// The last entry handed to the applier.
    private var handedIndex: LogIndex
    private var applyingBytes = 0
    private var applying: [(last: LogIndex, bytes: Int)] = []
    private var waitingReads: [(id: UInt64, index: LogIndex)] = []
    /// Payloads of the append being received, by the index of the first.
    private var incoming: (first: LogIndex, payloads: [ByteBuffer])?
    /// Payloads of the batch being proposed.
    private var proposed: [ByteBuffer] = []
    /// How many of them are in the log.
    private var acceptedCount = 0
    private var rejection: Rejection?
    private var isInstalling = false
    /// What this replica has heard the others say.
    public private(set) var witnesses = Witnesses()

    /// A replica around a core that was restored from its log. Its payload cache is empty.
    public init(group: GroupID, raft: RaftNode, settings: ReplicaSettings) {
        self.group = group
        self.raft = raft
        self.settings = settings
        cache = PayloadCache(after: raft.lastIndex)
        handedIndex = raft.appliedIndex
        isInstalling = raft.isInstalling
    }

    /// Whether this replica leads the group in its present term.
    public var isLeader: Bool { raft.role == .leader }
    /// The last entry that the state machine has applied.
    public var appliedIndex: LogIndex { raft.appliedIndex }
    /// The last entry that this replica knows to be committed.
    public var commitIndex: LogIndex { raft.commitIndex }
    /// The ID of this replica.
    public var id: ReplicaID { raft.id }
    /// The latest term that this replica has seen.
    public var term: Term { raft.term }
    /// The node of the leader this replica knows.
    public var leaderNode: NodeID? { raft.leader.flatMap { address(of: $0) } }
    /// Payload bytes that the cache holds in memory.
    public var cachedBytes: Int { cache.bytes }
    /// The leadership that this replica holds or follows, when nothing at all is under way here.
    public var restAsLeader: Leadership? { isLeader && isIdle ? raft.restAsLeader : nil }
    /// The leadership that this replica follows, when nothing is under way here.
    public var restAsFollower: Leadership? { !isLeader && isIdle ? raft.restAsFollower : nil }
    private var isIdle: Bool { applying.isEmpty && waitingReads.isEmpty && !isInstalling }
    /// The node of this replica.
    public var node: NodeID? { raft.configuration.member(raft.id)?.node }

    /// One tick of the election clock passed.
    public func tick(_ source: any PayloadSource, into output: inout [ReplicaEffect]) {
        step(.tick, source, into: &output)
    }

    /// Takes in a message of another replica. A message for another replica than this one changes nothing.
    ///
    /// - Parameter node: the node that sent the message.
    public func receive(
        _ message: ReplicaMessage,
        from node: NodeID,
        _ source: any PayloadSource,
        into output: inout [ReplicaEffect]
    ) {
        // A message for a replica that was on this node before tells this one nothing.
        if message.message.to == raft.id {
            witnesses.note(message, from: node) { index, term in
                raft.term == term && isLeader ? raft.term(at: index) ?? .zero : .zero
            }
        }
        if case .appendEntries(let append) = message.message.body {
            // An append whose payloads do not pair with its headers is dropped.
            guard append.entries.count == message.payloads.count else { return }
            incoming = (append.previousIndex.next, message.payloads)
        }
        step(.received(message.message), source, into: &output)
        incoming = nil
    }

    /// Proposes commands as one batch, of which the log takes as many of the first as it has room for.
    ///
    /// - Returns: how many are in the log after this, and why not all; nil where all are.
    public func propose(
        _ payloads: [ByteBuffer],
        _ source: any PayloadSource,
        into output: inout [ReplicaEffect]
    ) -> (accepted: Int, rejection: Rejection?) {
        proposed = payloads
        acceptedCount = 0
        rejection = nil
        step(.propose(payloadBytes: payloads.map { UInt32($0.readableBytes) }), source, into: &output)
        proposed = []
        return (acceptedCount, rejection)
    }

    /// What another replica has told this one of itself, and must still know.
    public func testimony(of replica: ReplicaID) -> Testimony { witnesses.testimony(of: replica) }

    /// The node of a replica; for one that the configuration does not know (yet), where its last message came from.
    private func address(of replica: ReplicaID) -> NodeID? {
        raft.configuration.member(replica)?.node ?? witnesses.node(of: replica)
    }

    /// Asks the core for a linearizable read point.
    ///
    /// - Parameter id: never used twice at this replica. `readReady` or `readRejected` names it.
    public func readIndex(
        id: UInt64,
        _ source: any PayloadSource,
        into output: inout [ReplicaEffect]
    ) {
        step(.readIndex(id: id), source, into: &output)
    }

    /// Answers `readReady` once the state machine has applied `index`, which the leader named for a read.
    public func awaitApplied(id: UInt64, index: LogIndex, into output: inout [ReplicaEffect]) {
        if index <= raft.appliedIndex, !isInstalling {
            output.append(.readReady(id: id, index: index))
        } else {
            waitingReads.append((id, index))
        }
    }

    /// The write with this sequence number, and all before it, are durable.
    public func persisted(
        _ sequence: UInt64,
        _ source: any PayloadSource,
        into output: inout [ReplicaEffect]
    ) {
        step(.persisted(sequence: sequence), source, into: &output)
        handOver(source, into: &output)
        // An applier that is behind reads payloads from the log again.
        cache.trim(toBytes: settings.cacheBytes, keepingFrom: raft.durableIndex.next)
    }

    /// The state machine has applied all entries up to `index`.
    public func applied(
        upTo index: LogIndex,
        _ source: any PayloadSource,
        into output: inout [ReplicaEffect]
    ) {
        while let oldest = applying.first, oldest.last <= index {
            applyingBytes -= oldest.bytes
            applying.removeFirst()
        }
        step(.applied(upTo: index), source, into: &output)
        releaseReads(into: &output)
        handOver(source, into: &output)
    }

    /// Steps an event that has no function of its own here: a campaign, a transfer, a change of membership, a rest.
    ///
    /// - Returns: why the core refused it; nil when it did not.
    public func control(
        _ event: Event,
        _ source: any PayloadSource,
        into output: inout [ReplicaEffect]
    ) -> Rejection? {
        rejection = nil
        // The entry of a change of membership has an empty payload: its header says all.
        if case .proposeConfiguration = event { proposed = [ByteBuffer()] }
        step(event, source, into: &output)
        proposed = []
        return rejection
    }

    /// The log no longer holds entries up to `index`.
    public func compacted(
        to point: SnapshotPoint,
        _ source: any PayloadSource,
        into output: inout [ReplicaEffect]
    ) {
        // A leader may now offer snapshots to peers that it could not help before.
        step(.compacted(point), source, into: &output)
    }

    /// A snapshot is live in the state machine, and the log starts behind it.
    public func installed(
        _ point: SnapshotPoint,
        _ source: any PayloadSource,
        into output: inout [ReplicaEffect]
    ) {
        isInstalling = false
        applying.removeAll()
        applyingBytes = 0
        handedIndex = point.index
        step(.snapshotInstalled(point), source, into: &output)
        if cache.first <= point.index || cache.next != raft.lastIndex.next { cache.reset(after: raft.lastIndex) }
        releaseReads(into: &output)
        handOver(source, into: &output)
    }

    // MARK: The core's effects

    private func step(_ event: Event, _ source: any PayloadSource, into output: inout [ReplicaEffect]) {
        coreEffects.removeAll()
        raft.step(event, into: &coreEffects)
        let effects = coreEffects.list
        for effect in effects {
            switch effect {
            case .send(let message): send(message, source, into: &output)
            case .persist(let persist): write(persist, source, into: &output)
            case .accepted(let first, _, let count):
                precondition(count <= proposed.count, "only what is proposed is accepted")
                acceptedCount = count
                fill(upTo: first)
                for payload in proposed.prefix(count) { cache.append(payload) }
            case .rejected(let reason): rejection = reason
            case .apply: handOver(source, into: &output)
            case .readReady(let id, let index): awaitApplied(id: id, index: index, into: &output)
            case .readRejected(let id, let reason): output.append(.readRejected(id: id, reason))
            case .installSnapshot(let point, let from):
                isInstalling = true
                if let node = address(of: from) ?? point.configuration.member(from)?.node {
                    output.append(.installSnapshot(point, from: node))
                }
            case .roleChanged(let role, let term, let leader):
                let node = leader.flatMap { address(of: $0) }
                output.append(.roleChanged(role, term: term, leader: node))
            case .contradicted(let contradiction, let replica):
                output.append(.contradicted(contradiction, by: address(of: replica)))
            case .configurationChanged: output.append(.configurationChanged)
            }
        }
    }

    /// Fills in empty payloads for entries without a command, which the core has put in front of `index`.
    private func fill(upTo index: LogIndex) {
        while cache.next < index { cache.append(ByteBuffer()) }
    }

    private func write(_ persist: Persist, _ source: any PayloadSource, into output: inout [ReplicaEffect]) {
        var payloads: [ByteBuffer] = []
        if !persist.entries.isEmpty {
            cachePayloads(of: persist)
            payloads = cache.payloads(from: persist.firstIndex, count: persist.entries.count) ?? []
            precondition(payloads.count == persist.entries.count, "new entries have their payloads in the cache")
        }
        var releases: [Outgoing] = []
        for message in persist.messages {
            if let outgoing = outgoing(message, source) { releases.append(outgoing) }
        }
        output.append(
            .write(
                ReplicaWrite(
                    group: group,
                    sequence: persist.sequence,
                    hardState: persist.hardState,
                    firstIndex: persist.firstIndex,
                    headers: persist.entries,
                    payloads: payloads,
                    releases: releases
                )
            )
        )
    }

    /// Brings the payloads of entries that came from the leader, or that the core made itself, into the cache.
    private func cachePayloads(of persist: Persist) {
        let end = persist.firstIndex + persist.entries.count
        if let incoming {
            cache.truncate(from: persist.firstIndex)
            let skipped = persist.firstIndex - incoming.first
            precondition(skipped >= 0, "the core keeps only what it was sent")
            for payload in incoming.payloads.dropFirst(skipped).prefix(persist.entries.count) { cache.append(payload) }
        }
        if cache.next < end { fill(upTo: end) }
    }

    private func outgoing(_ message: Message, _ source: any PayloadSource) -> Outgoing? {
        guard let node = address(of: message.to) else { return nil }
        guard case .appendEntries(let append) = message.body, !append.entries.isEmpty else {
            return Outgoing(node: node, message: envelope(message, []))
        }
        let first = append.previousIndex.next
        let count = append.entries.count
        guard
            let payloads = cache.payloads(from: first, count: count)
                ?? source.payloads(group: group, first: first, count: count)
        else { return nil }
        return Outgoing(node: node, message: envelope(message, payloads))
    }

    private func envelope(_ message: Message, _ payloads: [ByteBuffer]) -> ReplicaMessage {
        ReplicaMessage(group: group, message: message, payloads: payloads, durableIndex: raft.durableIndex)
    }

    private func send(_ message: Message, _ source: any PayloadSource, into output: inout [ReplicaEffect]) {
        // The core sends its own new entries before it persists them: their payloads must be in the cache by then.
        if case .appendEntries(let append) = message.body {
            fill(upTo: min(append.previousIndex.next + append.entries.count, raft.lastIndex.next))
        }
        if let outgoing = outgoing(message, source) { output.append(.send(outgoing)) }
    }

    /// Hands committed entries to the applier, within the limit of bytes under way.
    private func handOver(_ source: any PayloadSource, into output: inout [ReplicaEffect]) {
        guard !isInstalling else { return }
        // Only entries that are durable here: the state must never get ahead of the log that it is replayed from.
        let ready = Mutant.isOn(.appliedBeforeDurable) ? raft.commitIndex : min(raft.commitIndex, raft.durableIndex)
        while handedIndex < ready, applyingBytes < settings.maxApplyBytes || applying.isEmpty {
            let first = handedIndex.next
            let count = min(ready - handedIndex, 256)
            guard
                let payloads = cache.payloads(from: first, count: count)
                    ?? source.payloads(group: group, first: first, count: count)
            else { return }
            var entries: [CommittedEntry] = []
            entries.reserveCapacity(count)
            var bytes = 0
            for (offset, payload) in payloads.enumerated() {
                if Mutant.isOn(.shortReads), offset > 0, cache.first > first { break }
                let header = raft.header(at: first + offset)
                let command: ByteBuffer? =
                    switch header.kind {
                    case .command: payload
                    case .noop, .configuration: nil
                    }
                entries.append(CommittedEntry(index: first + offset, term: header.term, command: command))
                bytes += payload.readableBytes
            }
            handedIndex = handedIndex + count
            applyingBytes += bytes
            applying.append((handedIndex, bytes))
            output.append(.apply(entries))
        }
    }

    private func releaseReads(into output: inout [ReplicaEffect]) {
        // The rows are not there while a snapshot takes their place.
        guard !waitingReads.isEmpty, !isInstalling else { return }
        let applied = raft.appliedIndex
        waitingReads.removeAll { read in
            guard read.index <= applied else { return false }
            output.append(.readReady(id: read.id, index: read.index))
            return true
        }
    }
}
