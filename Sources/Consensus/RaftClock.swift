/// What ticks count. All numbers are ticks.
struct RaftClock: Sendable {
    /// Since this replica began.
    var now: UInt64 = 0
    /// Since a follower's or candidate's timer was set, or since a leader last looked whether a quorum hears it.
    var electionElapsed = 0
    /// Since a leader's last heartbeats.
    var heartbeatElapsed = 0
    /// Since a leader was heard of, at most as long as that matters.
    var ticksSinceLeader = 0
    /// When ``electionElapsed`` has come this far, a follower campaigns: drawn anew with every timer.
    var electionTimeout = 0
    /// Where election timeouts are drawn from.
    var random: SplitMix64
}
