internal import Consensus
internal import ReplicaCore

/// Since when the log owes an answer.
struct LogProgress {
    private var pending = 0
    private var sinceMilliseconds: Int64 = 0

    mutating func wrote(_ nowMilliseconds: Int64) {
        if pending == 0 { sinceMilliseconds = nowMilliseconds }
        pending += 1
    }

    mutating func persisted(_ count: Int, _ nowMilliseconds: Int64) {
        pending -= count
        sinceMilliseconds = nowMilliseconds
    }

    /// So much time has passed in which nobody could have seen an answer: this process did not run either.
    mutating func skip(_ milliseconds: Int64) { sinceMilliseconds += milliseconds }

    /// How long nothing has come back although something was written.
    func waitMilliseconds(_ nowMilliseconds: Int64) -> Int64 { pending > 0 ? nowMilliseconds - sinceMilliseconds : 0 }
}

/// Tells since when somebody waits for the state.
struct StateWatch: Sendable {
    /// What is waited for, as it stands in a sentence.
    let name: String
    /// What may take so many times as long as others before it counts as hanging.
    var patience: Int64 = 1
    let startMilliseconds: @Sendable () -> Int64?
}

/// A disk that hangs looks like one that is slow, for a while: the groups go on without it, and then the node ends.
extension NodeLoop {
    /// On every tick.
    func tendHang() {
        let (milliseconds, what) = longestWait()
        guard milliseconds >= floor.settings.hangMilliseconds else {
            if floor.health.isHanging { floor.observers.disk?(.recovered) }
            floor.health.isHanging = false
            return
        }
        guard milliseconds < floor.settings.hangEndMilliseconds else {
            return floor.ways.failed(DiskHangs(milliseconds: milliseconds, what: what))
        }
        if !floor.health.isHanging { floor.observers.disk?(.hangs(milliseconds: milliseconds, what: what)) }
        floor.health.isHanging = true
    }

    private func longestWait() -> (milliseconds: Int64, what: String) {
        var longest = (milliseconds: floor.logProgress.waitMilliseconds(floor.nowMilliseconds), what: "a write of the log")
        for watch in stateWatches {
            guard let start = watch.startMilliseconds() else { continue }
            // While this process stood still, nobody could have answered.
            let wait = (floor.nowMilliseconds - max(start, resumedMilliseconds)) / watch.patience
            if wait > longest.milliseconds { longest = (wait, watch.name) }
        }
        return longest
    }
}

/// The disk has not answered for longer than a node waits.
struct DiskHangs: Error, CustomStringConvertible {
    let milliseconds: Int64
    let what: String
    var description: String { "the disk has not finished \(what) for \(milliseconds / 1_000) s" }
}
