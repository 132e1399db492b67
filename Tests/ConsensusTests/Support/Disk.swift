@testable import Consensus

/// What survives a crash of a simulated replica.
struct Disk {
    var hardState = HardState()
    var snapshot: SnapshotPoint
    /// The entries after `snapshot.index`.
    var headers: [EntryHeader] = []
    /// What the state machine holds durably.
    var state: [EntryHeader] = []
    /// A snapshot is being written in the place of the state.
    var isStateLost = false

    var lastIndex: LogIndex { snapshot.index + headers.count }

    func term(at index: LogIndex) -> Term? {
        if index == snapshot.index { return snapshot.term }
        guard index > snapshot.index, index <= lastIndex else { return nil }
        return headers[index - snapshot.index - 1].term
    }

    mutating func write(_ persist: Persist) {
        if let hardState = persist.hardState { self.hardState = hardState }
        precondition(persist.firstIndex <= lastIndex.next || persist.entries.isEmpty, "a gap in the log")
        let kept = max(0, persist.firstIndex - snapshot.index - 1)
        if kept < headers.count { headers.removeLast(headers.count - kept) }
        let known = max(0, snapshot.index - persist.firstIndex + 1)
        headers += persist.entries.dropFirst(known)
    }

    mutating func compact(to point: SnapshotPoint) {
        precondition(term(at: point.index) == point.term, "compacting to an unknown entry")
        headers.removeFirst(point.index - snapshot.index)
        snapshot = point
    }

    mutating func install(_ point: SnapshotPoint, state: [EntryHeader]) {
        if term(at: point.index) == point.term {
            compact(to: point)
        } else {
            headers.removeAll()
            snapshot = point
        }
        self.state = state
        isStateLost = false
    }
}
