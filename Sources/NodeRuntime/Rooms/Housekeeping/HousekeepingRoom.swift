internal import Consensus
internal import MailModel
internal import MailStore
internal import ReplicaCore
internal import StateStorage

/// Retentions that end, and what deleted mailboxes and accounts have left: found by the leader's clock, removed through
/// the log, a bounded piece with each command.
package struct HousekeepingRoom {
    private var pace: HousekeepingPace
    /// How long the oldest row that is still to be removed has been due, by group.
    var backlogMilliseconds: [GroupID: Int64] = [:]

    init(_ settings: CoreSettings) { pace = HousekeepingPace(lookMilliseconds: settings.housekeeping.lookMilliseconds) }

    /// On every tick: looks for what is due.
    mutating func tick(_ floor: Floor) {
        let groups = pace.groupsToLookAt(floor.nowMilliseconds) { Array(floor.groups.led) }
        guard !groups.isEmpty else { return }
        let retention = floor.settings.housekeeping.expungedRetentionMilliseconds
        let times = HousekeepingTimes(now: floor.clock.now(), expungedRetentionMilliseconds: retention)
        let reader = floor.reader
        let ways = floor.ways
        ways.background.run {
            var due: [(group: GroupID, work: HousekeepingDue)] = []
            for group in groups {
                do {
                    due.append((group, try reader.housekeepingDue(in: group, times)))
                } catch let error as StateError {
                    return ways.failed(error)
                } catch {
                    // A row that cannot be read is that group's trouble.
                    ways.inbox.put(.unreadable(group, reason: "\(error)"))
                    due.append((group, HousekeepingDue()))
                }
            }
            ways.inbox.put(.housekeepingDue(due))
        }
    }

    /// Proposes to remove what was found due, where this node still leads.
    mutating func finished(_ due: [(group: GroupID, work: HousekeepingDue)], _ floor: Floor) {
        var found: [GroupID: Int] = [:]
        for (group, work) in due {
            backlogMilliseconds[group] = work.backlogMilliseconds > 0 ? work.backlogMilliseconds : nil
            guard !work.commands.isEmpty, floor.replica(group)?.isLeader == true else { continue }
            if floor.proposeCommands(work.commands, to: group) { found[group] = work.commands.count }
        }
        pace.looked(at: due.map(\.group), found: found, floor.nowMilliseconds)
    }

    /// Counts the commands of housekeeping that were applied.
    mutating func receive(_ applied: AppliedEntries) {
        let count = applied.results.count { request, outcome in
            if request.session == 0, case .purged = outcome { true } else { false }
        }
        if count > 0 { pace.applied(count, in: applied.group) }
    }

    /// How long the oldest row that housekeeping is still to remove has been due, as the leader found when it last
    /// looked; nil for a replica that does not lead.
    func backlogSeconds(of replica: Replica) -> Int64? {
        replica.isLeader ? (backlogMilliseconds[replica.group] ?? 0) / 1_000 : nil
    }
}
