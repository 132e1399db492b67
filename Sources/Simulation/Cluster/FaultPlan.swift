/// What goes wrong in a run, and how often.
struct FaultPlan {
    enum Fault: CaseIterable {
        case crash, crashInWriter, crashAll, partition, oneWayCut, isolate, pause, clockJump, slowDisk, slowLink
        /// Some of the nodes, as those of one vendor or data center, are cut off from the others.
        case site
        case readError, misdirectedRead
        case diskError, stateError, gracefulStop, balance, strand
        case hangingDisk, nearlyFull
        case wipe, rollback, logRollback, bitFlip, lostTail, lostSegment, damagedState
        /// A row is not what was written; the second time with a digest that fits.
        case harmedRow, divergence
        /// A voter becomes a learner, until its leader lets it vote again.
        case demote
        /// A node goes on with the next program, or back to the one before.
        case replaceProgram
        /// Not at a moment: whenever a vote was given, a leader elected, or an entry committed first in a term, or
        /// before the leader's own disk has it.
        case crashAfterVote, crashAfterElection, cutOffAfterCommit, crashAheadOfDisk
    }

    /// Mean time between two faults.
    let meanMicroseconds: Int64
    /// Some runs concentrate on a few kinds.
    let kinds: [Fault]
    let weather: SimNetwork.Weather

    init(_ random: inout SimRandom) {
        meanMicroseconds = random.pick([200_000, 1_000_000, 4_000_000]) ?? 1_000_000
        let chosen = Fault.allCases.filter { _ in random.chance(perMillion: 700_000) }
        kinds = chosen.isEmpty ? Fault.allCases : chosen
        var weather = SimNetwork.Weather()
        weather.lossPerMillion = random.pick([0, 1_000, 20_000, 200_000]) ?? 0
        weather.duplicatesPerMillion = random.pick([0, 10_000, 100_000]) ?? 0
        weather.reorderPerMillion = random.pick([0, 10_000, 200_000]) ?? 0
        weather.spikesPerMillion = random.pick([0, 1_000, 20_000]) ?? 0
        weather.baseDelay = random.pick([100, 1_000, 20_000]) ?? 100
        weather.jitter = random.pick([100, 2_000, 30_000]) ?? 100
        self.weather = weather
    }
}
