import Testing

@testable import Consensus

/// Several replicas, a network that holds every message until it is told otherwise, and the safety properties of
/// figure 3 of the Raft paper, checked after every step.
struct Cluster {
    var replicas: [SimulatedReplica] = []
    var network: [Message] = []
    var log: [String] = []
    var violations: [String] = []

    /// Who led which term.
    private var leaders: [Term: ReplicaID] = [:]
    /// Every entry that any replica has called committed; the entry at index 1 comes first.
    private(set) var committed: [EntryHeader] = []
    private var readFloors: [UInt64: LogIndex] = [:]
    private var nextRead: UInt64 = 0
    /// How often something happened, so that a test can tell that it tested anything.
    var seen: [String: Int] = [:]
    var recordsEffects = false

    func index(of id: ReplicaID) -> Int { replicas.firstIndex { $0.id == id }! }

    mutating func add(_ id: ReplicaID, settings: RaftSettings, configuration: Configuration) {
        replicas.append(SimulatedReplica(id: id, settings: settings, configuration: configuration))
    }

    mutating func require(_ condition: Bool, _ what: @autoclosure () -> String) {
        if !condition { violations.append(what()) }
    }

    // MARK: - Steps

    mutating func step(_ id: ReplicaID, _ event: Event) {
        let position = index(of: id)
        guard var node = replicas[position].node else { return }
        replicas[position].node = nil
        let commitBefore = node.commitIndex
        let configurationBefore = node.configuration
        let wasLeader = node.role == .leader
        var effects = Effects()
        node.step(event, into: &effects)
        replicas[position].node = node
        // A leader may commit and step down in one step; what it committed it committed as leader.
        let isLeader = wasLeader || node.role == .leader
        for index in indices(after: commitBefore, upTo: node.commitIndex) {
            noteCommitted(index, by: node)
        }
        if isLeader, node.commitIndex > commitBefore {
            checkDurable(node, configurations: [configurationBefore, node.configuration])
        }
        for effect in effects.list { perform(effect, of: event, at: position) }
    }

    private mutating func perform(_ effect: Effect, of event: Event, at position: Int) {
        if recordsEffects, let line = describe(effect) { log.append("  \(replicas[position].id): \(line)") }
        switch effect {
        case .send(let message): release(message, at: position)
        case .persist(let persist):
            if persist.firstIndex <= replicas[position].lastWritten { seen["truncation", default: 0] += 1 }
            replicas[position].writes.append(persist)
        case .apply(let upTo):
            require(upTo >= replicas[position].applyTarget, "apply went back")
            replicas[position].applyTarget = upTo
        case .readReady(let id, let index):
            seen["read", default: 0] += 1
            if case .readIndex(id) = event { seen["lease", default: 0] += 1 }
            if let floor = readFloors[id] { require(index >= floor, "stale read \(id): \(index) < \(floor)") }
        case .installSnapshot(let point, let from): replicas[position].installing = (point, from)
        case .roleChanged(let role, let term, _):
            if role == .leader {
                seen["election", default: 0] += 1
                checkElection(replicas[position].node!, term: term)
            }
        case .contradicted(let contradiction, let sender): Issue.record("\(contradiction) by \(sender)")
        case .accepted, .rejected, .readRejected, .configurationChanged: break
        }
    }

    /// Puts a message on the wire, if what it promises is on the disk.
    private mutating func release(_ message: Message, at position: Int) {
        let disk = replicas[position].disk
        switch message.body {
        case .preVote, .preVoteResponse(granted: true): break
        case .requestVote, .voteResponse(granted: true):
            let vote = message.body.isRequestVote ? message.from : message.to
            require(
                disk.hardState.term > message.term
                    || (disk.hardState.term == message.term && disk.hardState.vote == vote),
                "vote not durable: \(message)"
            )
        case .appendAccepted(let matchIndex):
            require(disk.lastIndex >= matchIndex, "accepted what is not durable: \(message)")
            require(disk.hardState.term >= message.term, "term not durable: \(message)")
        case .preVoteResponse, .voteResponse, .appendEntries, .appendRejected, .heartbeat, .heartbeatResponse,
            .installSnapshot, .snapshotRejected, .timeoutNow:
            require(disk.hardState.term >= message.term, "term not durable: \(message)")
        }
        network.append(message)
    }

    mutating func deliver(at position: Int) {
        let message = network.remove(at: position)
        guard replicas.contains(where: { $0.id == message.to }) else { return }
        step(message.to, .received(message))
    }

    /// Lets the first `count` writes of a replica reach its disk, and sends what waited for them.
    mutating func write(_ id: ReplicaID, count: Int) {
        let position = index(of: id)
        for _ in 0..<min(count, replicas[position].writes.count) {
            let write = replicas[position].writes.removeFirst()
            replicas[position].disk.write(write)
            replicas[position].completed = write.sequence
            for message in write.messages { release(message, at: position) }
        }
    }

    /// Tells the core what has reached the disk.
    mutating func notify(_ id: ReplicaID) {
        let position = index(of: id)
        guard replicas[position].completed > 0 else { return }
        step(id, .persisted(sequence: replicas[position].completed))
    }

    mutating func persist(_ id: ReplicaID, count: Int = .max) {
        write(id, count: count)
        notify(id)
    }

    mutating func apply(_ id: ReplicaID) {
        let position = index(of: id)
        guard let node = replicas[position].node else { return }
        let done = LogIndex(UInt64(replicas[position].state.count))
        let target = replicas[position].applyTarget
        guard target > done, !node.isInstalling else { return }
        for index in indices(after: done, upTo: target) {
            let header = node.header(at: index)
            require(committed[index - .zero - 1] == header, "state machine safety at \(index)")
            require(
                replicas[position].disk.term(at: index) == header.term,
                "applied before it was durable: \(id) \(index)"
            )
            replicas[position].state.append(header)
        }
        step(id, .applied(upTo: target))
    }

    mutating func read(_ id: ReplicaID) {
        nextRead += 1
        readFloors[nextRead] = LogIndex(UInt64(committed.count))
        step(id, .readIndex(id: nextRead))
    }

    mutating func compact(_ id: ReplicaID, to index: LogIndex) {
        let position = self.index(of: id)
        guard let node = replicas[position].node, let term = node.term(at: index), index > node.snapshot.index,
            index <= node.appliedIndex
        else { return }
        let point = SnapshotPoint(index: index, term: term, configuration: node.configuration(at: index))
        replicas[position].disk.state = replicas[position].state
        replicas[position].disk.compact(to: point)
        step(id, .compacted(point))
    }

    /// A replica begins to write the snapshot it was offered: from here on it has no state, also after a crash.
    mutating func beginInstall(_ id: ReplicaID) {
        let position = index(of: id)
        guard replicas[position].installing != nil else { return }
        replicas[position].state.removeAll()
        replicas[position].disk.state.removeAll()
        replicas[position].disk.isStateLost = true
        seen["begun", default: 0] += 1
    }

    /// Installs a snapshot as its source has it now: the one that was offered, or, without a state, any that continues
    /// with what the log holds.
    mutating func install(_ id: ReplicaID, from other: ReplicaID? = nil, notifying: Bool = true) {
        let position = index(of: id)
        guard let node = replicas[position].node, node.isInstalling else { return }
        guard replicas[position].writes.isEmpty else { return }
        let isStateLost = replicas[position].disk.isStateLost
        guard let from = other ?? replicas[position].installing?.from else { return }
        let source = replicas[index(of: from)]
        let atLeast = isStateLost ? node.snapshot.index : replicas[position].installing!.point.index
        guard let sourceNode = source.node, !sourceNode.isInstalling, sourceNode.appliedIndex >= atLeast else { return }
        let index = sourceNode.appliedIndex
        let point = SnapshotPoint(
            index: index,
            term: sourceNode.term(at: index)!,
            configuration: sourceNode.configuration(at: index)
        )
        let state = Array(source.state.prefix(Int(index.rawValue)))
        replicas[position].disk.install(point, state: state)
        guard notifying else { return }
        replicas[position].state = state
        replicas[position].applyTarget = max(replicas[position].applyTarget, index)
        replicas[position].installing = nil
        seen["snapshot", default: 0] += 1
        step(id, .snapshotInstalled(point))
    }

    mutating func failInstall(_ id: ReplicaID) {
        let position = index(of: id)
        guard let installing = replicas[position].installing, !replicas[position].disk.isStateLost else { return }
        replicas[position].installing = nil
        step(id, .snapshotFailed(index: installing.point.index))
    }

    // MARK: - Properties

    private func indices(after: LogIndex, upTo: LogIndex) -> [LogIndex] {
        guard upTo > after else { return [] }
        return (after.rawValue + 1...upTo.rawValue).map { LogIndex($0) }
    }

    private mutating func noteCommitted(_ index: LogIndex, by node: RaftNode) {
        // A snapshot commits what it covers; that was checked where the snapshot was taken.
        guard index > node.snapshot.index else { return }
        let header = node.header(at: index)
        if index - .zero <= committed.count {
            require(committed[index - .zero - 1] == header, "two entries committed at \(index)")
        } else {
            require(index - .zero == committed.count + 1, "committed with a gap at \(index)")
            committed.append(header)
            switch header.kind {
            case .command: seen["command", default: 0] += 1
            case .noop: seen["noop", default: 0] += 1
            case .configuration(let configuration):
                seen[configuration.isJoint ? "joint" : "configuration", default: 0] += 1
            }
        }
    }

    /// What a leader commits is on the disks of a quorum.
    private mutating func checkDurable(_ node: RaftNode, configurations: [Configuration]) {
        let index = node.commitIndex
        let term = node.term(at: index)
        let disks = replicas
        let durable = configurations.contains { configuration in
            configuration.quorum.reached { replica in
                guard let other = disks.first(where: { $0.id == replica }) else { return 0 }
                let has = other.disk.term(at: index) == term || other.disk.snapshot.index >= index
                return has ? index.rawValue : 0
            } >= index.rawValue
        }
        require(durable, "committed \(index) without a quorum of disks")
    }

    private mutating func checkElection(_ node: RaftNode, term: Term) {
        if let other = leaders[term] {
            require(other == node.id, "two leaders in \(term): \(other) and \(node.id)")
        }
        leaders[term] = node.id
        for (offset, header) in committed.enumerated() {
            let index = LogIndex(UInt64(offset + 1))
            guard index > node.snapshot.index else { continue }
            guard index <= node.lastIndex, node.header(at: index) == header else {
                require(false, "leader \(node.id) of \(term) lacks committed \(index)")
                return
            }
        }
    }

    /// If two logs have an entry of the same index and term, they are equal up to there.
    mutating func checkLogMatching() {
        let nodes = replicas.compactMap(\.node)
        for (position, a) in nodes.enumerated() {
            for b in nodes[(position + 1)...] {
                var matched = false
                var index = min(a.lastIndex, b.lastIndex)
                while index > a.snapshot.index, index > b.snapshot.index {
                    if matched {
                        require(a.header(at: index) == b.header(at: index), "log matching: \(a.id) \(b.id) \(index)")
                    }
                    if a.term(at: index) == b.term(at: index) { matched = true }
                    index = index.previous
                }
            }
        }
    }
}

extension Message.Body {
    var isRequestVote: Bool {
        if case .requestVote = self { true } else { false }
    }
}
