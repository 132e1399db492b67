internal import StateStorage

/// What has to be done now and then for log and state as a whole: flushing, tidying, asking how much room there is.
struct UpkeepRoom {
    private var nextMilliseconds: Int64 = 0
    private var flushedMilliseconds: Int64 = 0
    private var isBusy = false
    private var hasLogGrown = false

    /// Space of bodies that are gone is given back in pieces of some milliseconds, for so long in each round: a tenth
    /// of the time, so that mail goes first, and what else is to be done in a round is done.
    private static let (reclaimPieceBytes, reclaimMilliseconds): (Int, Int64) = (256 << 10, 200)

    /// On every tick.
    mutating func tick(_ desk: AgentDesk) {
        let now = desk.nowMilliseconds
        guard now >= nextMilliseconds, !isBusy else { return }
        nextMilliseconds = now + desk.settings.maintenanceMilliseconds
        desk.ways.writer.put(.tidy)
        // Only what is flushed may leave the log: that is what makes room.
        let isDue = now - flushedMilliseconds >= desk.settings.flush.milliseconds
        let flushes = desk.health.isSpaceLow || isDue || hasLogGrown
        if flushes {
            flushedMilliseconds = now
            hasLogGrown = false
        }
        isBusy = true
        let inbox = desk.ways.inboxes.agent
        let (gauge, state, failed, clock) = (desk.ways.gauge, desk.ways.state, desk.ways.failed, desk.clock)
        desk.ways.background.run {
            inbox.put(.space(gauge.space()))
            do {
                if flushes { try state.flush() }
                let end = clock.monotonicMilliseconds() + Self.reclaimMilliseconds
                while clock.monotonicMilliseconds() < end {
                    guard try state.reclaimSpace(maximumBytes: Self.reclaimPieceBytes) else { break }
                }
            } catch {
                failed(error)
            }
            inbox.put(.upkeepIsOver)
        }
    }

    /// What a start would have to read and apply again becomes much.
    mutating func noteGrownLog() { hasLogGrown = true }

    mutating func finished() { isBusy = false }
}
