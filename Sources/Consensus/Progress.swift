/// What the leader knows of one peer's log (Raft paper, figure 2: nextIndex and matchIndex).
struct Progress: Sendable {
    enum State: Sendable {
        /// Where the logs match is not known: one append at a time, and none while `paused`, until it is answered or a
        /// heartbeat comes back.
        case probe(paused: Bool)
        /// The logs match: appends are sent ahead of their answers, as far as the window goes.
        case replicate(InflightWindow)
        /// The peer was offered the snapshot at `index` and gets nothing until it has it.
        case snapshot(index: LogIndex, ticksSinceOffer: Int)
    }

    let replica: ReplicaID
    /// The peer's log equals the leader's up to here, durably.
    private(set) var matchIndex = LogIndex.zero
    var nextIndex: LogIndex
    var state: State = .probe(paused: false)
    /// Heard of since the last check of the quorum.
    var isActive: Bool
    /// Not heard of between two checks of the quorum, at some time in this leadership.
    var wasAway = false
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

    /// Takes in that the peer has everything up to `index`. Answers come late and twice: the match never goes back.
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

    /// Changes the window in place: while the state holds it too, every change would copy it.
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
