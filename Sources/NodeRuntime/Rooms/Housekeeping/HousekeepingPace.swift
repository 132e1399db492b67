internal import Consensus

/// When the leader of a group looks for rows whose time is over, and how fast it has them removed.
///
/// All groups are looked at every ``lookMilliseconds``. Where something was due, the leader looks again as soon as what
/// it proposed is applied, until it finds nothing: a fixed amount per minute would fall behind a steady stream of mail
/// for ever. A few groups at a time, with pauses, so that mail goes first.
struct HousekeepingPace {
    let lookMilliseconds: Int64
    static let pauseMilliseconds: Int64 = 100
    /// Groups that are looked at between two pauses, of those that are behind.
    static let groupsPerRound = 2
    /// Proposals that were not applied by then may have been lost.
    static let patienceMilliseconds: Int64 = 5_000

    private struct Progress {
        /// Commands proposed and not applied yet.
        var outstanding: Int
        var sinceMilliseconds: Int64
    }

    private var behind: [GroupID: Progress] = [:]
    private var nextLookMilliseconds: Int64 = 0
    private var nextRoundMilliseconds: Int64 = 0
    private var isLooking = false
    /// The group after which the next round begins.
    private var last = GroupID(0)

    init(lookMilliseconds: Int64) { self.lookMilliseconds = lookMilliseconds }

    /// The groups to be looked at now; the look must be ended by ``looked(at:found:_:)``.
    ///
    /// - Parameter led: the groups that this node leads, in order.
    mutating func groupsToLookAt(_ nowMilliseconds: Int64, led: () -> [GroupID]) -> [GroupID] {
        guard !isLooking, nowMilliseconds >= nextRoundMilliseconds else { return [] }
        nextRoundMilliseconds = nowMilliseconds + Self.pauseMilliseconds
        var groups: [GroupID]
        if nowMilliseconds >= nextLookMilliseconds {
            nextLookMilliseconds = nowMilliseconds + lookMilliseconds
            groups = led().filter { isReady($0, nowMilliseconds) }
        } else {
            guard !behind.isEmpty else { return [] }
            let ready = behind.keys.sorted().filter { isReady($0, nowMilliseconds) }
            // In turn, so that no group waits for the others to be done.
            groups = Array((ready.filter { $0 > last } + ready.filter { $0 <= last }).prefix(Self.groupsPerRound))
            last = groups.last ?? last
        }
        isLooking = !groups.isEmpty
        return groups
    }

    private func isReady(_ group: GroupID, _ nowMilliseconds: Int64) -> Bool {
        guard let progress = behind[group] else { return true }
        return progress.outstanding <= 0
            || nowMilliseconds - progress.sinceMilliseconds >= Self.patienceMilliseconds
    }

    /// The look is over.
    ///
    /// - Parameter found: the number of commands proposed for each group in which something was due.
    mutating func looked(at groups: [GroupID], found: [GroupID: Int], _ nowMilliseconds: Int64) {
        isLooking = false
        for group in groups {
            behind[group] = found[group].map { Progress(outstanding: $0, sinceMilliseconds: nowMilliseconds) }
        }
    }

    /// Commands of a group's housekeeping were applied.
    mutating func applied(_ count: Int, in group: GroupID) { behind[group]?.outstanding -= count }
}
