internal import NIOConcurrencyHelpers

/// Since when the log owes a replica loop an answer. The loop writes it, the agent reads it.
final class LogProgress: Sendable {
    private struct State {
        var pending = 0
        var sinceMilliseconds: Int64 = 0
    }

    private let state = NIOLockedValueBox(State())

    func noteWritten(_ count: Int, _ nowMilliseconds: Int64) {
        state.withLockedValue { state in
            if state.pending == 0 { state.sinceMilliseconds = nowMilliseconds }
            state.pending += count
        }
    }

    func notePersisted(_ count: Int, _ nowMilliseconds: Int64) {
        state.withLockedValue { state in
            state.pending -= count
            state.sinceMilliseconds = nowMilliseconds
        }
    }

    /// Takes so much time off the wait: this process did not run then, and could have seen no answer.
    func skip(_ milliseconds: Int64) { state.withLockedValue { $0.sinceMilliseconds += milliseconds } }

    /// How long nothing has come back although something was written.
    func waitMilliseconds(_ nowMilliseconds: Int64) -> Int64 {
        state.withLockedValue { $0.pending > 0 ? nowMilliseconds - $0.sinceMilliseconds : 0 }
    }
}

/// Tells since when a call of the state is under way.
struct StateWatch: Sendable {
    /// What is waited for, as it stands in a sentence.
    let name: String
    /// What may take so many times as long as others before it counts as hanging.
    var patience: Int64 = 1
    let startMilliseconds: @Sendable () -> Int64?
}

/// What the disk of this node is like, for all its replica loops.
///
/// A full disk is foreseen: below a reserve the node takes no new mail in, neither from its own clients nor, for groups
/// that it leads, from others. Reads, flags and expunges go on, and so does what makes room. A disk that hangs looks
/// like one that is slow, for a while: the groups go on without it, and then the node ends.
struct DiskRoom {
    /// One for each replica loop.
    private let logs: [LogProgress]
    /// Since when calls of the state have been under way, on the monotonic clock; nothing in a simulation.
    var stateWatches: [StateWatch] = []
    /// When this process last went on after it had stood still.
    private var resumedMilliseconds: Int64 = 0
    private var slowness = DiskSlowness()

    init(_ logs: [LogProgress]) { self.logs = logs }

    mutating func noteResumed(_ desk: AgentDesk) { resumedMilliseconds = desk.nowMilliseconds }

    /// Looked at with every round of upkeep.
    ///
    /// - Parameter space: nil where the file system does not say: then all stays as it was, since a disk that cannot
    ///   even be asked is none to give the all-clear for.
    func noteSpace(_ space: DiskSpace?, _ desk: AgentDesk) {
        guard let space else { return }
        desk.space = space
        let bytes = space.freeBytes
        var health = desk.health
        let reserve = desk.settings.disk.reservedBytes
        // A tenth more than the reserve ends it, so that it does not come and go.
        health.isSpaceLow = bytes < (health.isSpaceLow ? reserve + reserve / 10 : reserve)
        guard health != desk.health else { return }
        desk.publish(health)
        desk.observers.disk?(
            health.isSpaceLow
                ? .spaceIsLow(freeBytes: bytes, reservedBytes: reserve) : .spaceIsBack(freeBytes: bytes)
        )
    }

    /// On every tick.
    mutating func tick(_ desk: AgentDesk) {
        let wait = longestWait(desk.nowMilliseconds)
        guard wait.countedMilliseconds < desk.settings.disk.hangEndMilliseconds else {
            return desk.ways.failed(DiskHangs(milliseconds: wait.milliseconds, what: wait.what))
        }
        var health = desk.health
        health.isHanging = wait.countedMilliseconds >= desk.settings.disk.hangMilliseconds
        slowness.note(waits: wait.countedMilliseconds >= desk.settings.disk.slowMilliseconds, desk.nowMilliseconds)
        health.isSlow = slowness.isSlow
        let (wasHanging, wasSlow) = (desk.health.isHanging, desk.health.isSlow)
        guard health != desk.health else { return }
        desk.publish(health)
        if health.isSlow != wasSlow { desk.observers.disk?(health.isSlow ? .isSlow : .isQuick) }
        guard health.isHanging != wasHanging else { return }
        desk.observers.disk?(health.isHanging ? .hangs(milliseconds: wait.milliseconds, what: wait.what) : .recovered)
    }

    private struct Wait {
        let milliseconds: Int64
        /// How many times as long as others it may take.
        var patience: Int64 = 1
        let what: String

        /// What settings speak of.
        var countedMilliseconds: Int64 { milliseconds / patience }
    }

    private func longestWait(_ nowMilliseconds: Int64) -> Wait {
        let wait = logs.map { $0.waitMilliseconds(nowMilliseconds) }.max() ?? 0
        var longest = Wait(milliseconds: wait, what: "a write of the log")
        for watch in stateWatches {
            guard let start = watch.startMilliseconds() else { continue }
            // While this process stood still, nobody could have answered.
            let wait = Wait(
                milliseconds: nowMilliseconds - max(start, resumedMilliseconds),
                patience: watch.patience,
                what: watch.name
            )
            if wait.countedMilliseconds > longest.countedMilliseconds { longest = wait }
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

/// What an operator should hear of this node's disk.
package enum DiskEvent: Sendable {
    case spaceIsLow(freeBytes: Int, reservedBytes: Int)
    case spaceIsBack(freeBytes: Int)
    /// Something that was asked of the disk has not come back for so long.
    case hangs(milliseconds: Int64, what: String)
    case recovered
    /// Writes of the log take long again and again: others had better lead.
    case isSlow
    case isQuick
}

/// Whether writes of the log take long so often that others had better lead. One long write in a while is none: a disk
/// is slow when at a third of the looks of the last seconds something had been waiting for long, and quick again when
/// that was so at none of them for much longer, so that leaderships do not come and go.
struct DiskSlowness {
    private static let windowMilliseconds: Int64 = 3_000
    private static let minimumLooks = 10
    private static let recoveryMilliseconds: Int64 = 20_000

    private(set) var isSlow = false
    private var looks: [(milliseconds: Int64, waits: Bool)] = []
    private var lastWaitMilliseconds: Int64 = 0

    /// On every tick.
    ///
    /// - Parameter waits: whether something has been waiting for long.
    mutating func note(waits: Bool, _ nowMilliseconds: Int64) {
        if waits { lastWaitMilliseconds = nowMilliseconds }
        if isSlow {
            if nowMilliseconds - lastWaitMilliseconds >= Self.recoveryMilliseconds { isSlow = false }
            return
        }
        looks.append((nowMilliseconds, waits))
        looks.removeAll { nowMilliseconds - $0.milliseconds > Self.windowMilliseconds }
        let waiting = looks.count { $0.waits }
        if looks.count >= Self.minimumLooks, waiting * 3 >= looks.count {
            isSlow = true
            looks = []
        }
    }
}
