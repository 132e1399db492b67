/// What the leader knows of one peer's log (Raft paper, figure 2: nextIndex and matchIndex).
struct Progress: Sendable {
    enum State: Sendable {
        /// The leader does not know where the logs match. It sends one append at a time, and pauses until the peer
        /// answers the append or a heartbeat.
        case probe(paused: Bool)
        /// The logs match. The leader sends appends ahead of their answers, as far as the window goes.
        case replicate(InflightWindow)
        /// The peer was offered the snapshot at `index` and gets nothing until it has it.
        case snapshot(index: LogIndex, ticksSinceOffer: Int)
    }

    let replica: ReplicaID
    /// The peer's log equals the leader's up to here, durably.
    private(set) var matchIndex = LogIndex.zero
    var nextIndex: LogIndex
    var state: State = .probe(paused: false)
    /// The peer was heard of since the last check of the quorum.
    var isActive: Bool
    /// At some time in this leadership, the peer was not heard of between two checks of the quorum.
    var wasAway = false
    /// When the peer last declined the leadership, in ticks of the leader.
    var declinedAt: UInt64?
    /// The newest commit index that was sent to the peer, so that it is told once.
    var commitIndexSent = LogIndex.zero
    /// The newest round of heartbeats that the peer answered (ReadIndex).
    var readSequence: UInt64 = 0
    /// Whether `matchIndex` rose since the last heartbeat response. If not, what is under way may be lost.
    var isMoving = false

    init(replica: ReplicaID, nextIndex: LogIndex, isActive: Bool) {
        self.replica = replica
        self.nextIndex = nextIndex
        self.isActive = isActive
    }

    /// The peer has everything up to `index`. Answers come late and twice: `matchIndex` never goes back.
    mutating func accept(upTo index: LogIndex) {
        if index > matchIndex {
            matchIndex = index
            isMoving = true
        }
        nextIndex = max(nextIndex, matchIndex.next)
        switch state {
        case .probe:
            if index == matchIndex { becomeReplicate() }
        case .replicate:
            let match = matchIndex
            changeWindow { $0.free(upTo: match) }
        case .snapshot(index: let offered, ticksSinceOffer: _):
            if matchIndex >= offered { becomeReplicate() }
        }
    }

    /// An append at `previousIndex` did not match.
    ///
    /// - Parameter candidate: the last entry of the leader's log that may match the peer's.
    mutating func reject(at previousIndex: LogIndex, candidate: LogIndex) {
        switch state {
        case .replicate:
            // The rejection is late: an acceptance has overtaken it.
            guard previousIndex > matchIndex else { return }
            becomeProbe(paused: false)
        case .probe:
            guard previousIndex == nextIndex.previous else { return }
            nextIndex = max(min(previousIndex, candidate.next), matchIndex.next)
            // A peer that rejects what it accepted has forgotten it, and could ask no replica about it when it
            // started. The leader probes it with every heartbeat, not in a tight loop.
            state = .probe(paused: previousIndex <= matchIndex)
        case .snapshot:
            break
        }
    }

    /// Counts the entries from `nextIndex` on as received, until the peer rejects them.
    ///
    /// - Parameter commitIndex: what was sent with them.
    mutating func noteSent(_ entries: [EntryHeader], commitIndex: LogIndex) {
        guard !entries.isEmpty else { return }
        let last = nextIndex + (entries.count - 1)
        nextIndex = last.next
        commitIndexSent = max(commitIndexSent, min(commitIndex, last))
        let bytes = entries.reduce(0) { $0 + Int($1.payloadBytes) }
        changeWindow { $0.add(last: last, entries: entries.count, bytes: bytes) }
    }

    /// Whether the peer has everything up to `index`, knows that it is committed, and owes no answer.
    func hasAll(upTo index: LogIndex) -> Bool {
        switch state {
        case .replicate(let window): window.isEmpty && matchIndex == index && commitIndexSent >= index
        case .probe, .snapshot: false
        }
    }

    /// Changes the window in place: while `state` holds the window too, every change would copy it.
    mutating func changeWindow(_ change: (inout InflightWindow) -> Void) {
        guard case .replicate(var window) = state else { return }
        state = .probe(paused: true)
        change(&window)
        state = .replicate(window)
    }

    mutating func becomeReplicate() {
        nextIndex = matchIndex.next
        state = .replicate(InflightWindow())
    }

    mutating func becomeProbe(paused: Bool) {
        nextIndex = matchIndex.next
        state = .probe(paused: paused)
    }
}

/// Appends that were sent to a peer and not answered yet, oldest first.
struct InflightWindow: Sendable {
    private var appends: [(last: LogIndex, entries: Int, bytes: Int)] = []
    private var head = 0
    private(set) var entries = 0
    private(set) var bytes = 0

    var isEmpty: Bool { head == appends.count }

    mutating func add(last: LogIndex, entries: Int, bytes: Int) {
        appends.append((last, entries, bytes))
        self.entries += entries
        self.bytes += bytes
    }

    /// Forgets the appends that end at or before `index`.
    mutating func free(upTo index: LogIndex) {
        while head < appends.count, appends[head].last <= index {
            entries -= appends[head].entries
            bytes -= appends[head].bytes
            head += 1
        }
        if head * 2 >= appends.count {
            appends.removeFirst(head)
            head = 0
        }
    }
}
