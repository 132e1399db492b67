internal import Consensus
internal import MailModel
internal import MailStore
internal import ReplicaCore
internal import StateStorage

/// Retentions that end, and what deleted mailboxes and accounts have left: found by the leader's clock, removed through
/// the log, a bounded piece with each command.
extension NodeLoop {
    /// On every tick.
    func tendHousekeeping() {
        let groups = housekeeping.groupsToLookAt(nowMilliseconds) { replicas.filter(\.isLeader).map(\.group) }
        guard !groups.isEmpty else { return }
        let times = HousekeepingTimes(now: clock.now())
        let reader = MailReader(store: maintenance.stateStore)
        let inbox = inbox
        let failed = failed
        background.run {
            var due: [(group: GroupID, work: HousekeepingDue)] = []
            for group in groups {
                do {
                    due.append((group, try reader.housekeepingDue(in: group, times)))
                } catch let error as StateError {
                    return failed(error)
                } catch {
                    // A row that cannot be read is that group's trouble.
                    let reason = "\(error)"
                    inbox.put(.control { $0.noteUnreadable(group, reason) })
                    due.append((group, HousekeepingDue()))
                }
            }
            let found = due
            inbox.put(.control { $0.takeDueHousekeeping(found) })
        }
    }

    /// Proposes what was found, where this node still leads.
    private func takeDueHousekeeping(_ due: [(group: GroupID, work: HousekeepingDue)]) {
        var found: [GroupID: Int] = [:]
        for (group, work) in due {
            housekeepingBacklogs[group] = work.backlogMilliseconds > 0 ? work.backlogMilliseconds : nil
            guard !work.commands.isEmpty, replica(group)?.isLeader == true else { continue }
            if propose(work.commands, to: group) { found[group] = work.commands.count }
        }
        housekeeping.looked(at: due.map(\.group), found: found, nowMilliseconds)
    }

    /// Proposes commands that nobody waits for.
    ///
    /// - Returns: whether the cluster's version is known, without which nothing is written.
    @discardableResult
    func propose(_ commands: [HousekeepingDue.Command], to group: GroupID) -> Bool {
        guard let version = versions.written(to: group) else { return false }
        for (account, command) in commands {
            let envelope = CommandEnvelope(
                request: RequestID(session: 0, sequence: 0),
                settledBelow: 0,
                timestamp: clock.now(),
                account: account,
                command: command
            )
            proposals[group, default: ProposalBatch()].payloads.append(envelope.encoded(in: version))
            proposals[group]?.origins.append(.housekeeping)
        }
        return true
    }

    /// What was applied tells how far housekeeping has come.
    func noteHousekeeping(_ batch: AppliedEntries) {
        let count = batch.results.count { request, outcome in
            if request.session == 0, case .purged = outcome { true } else { false }
        }
        if count > 0 { housekeeping.applied(count, in: batch.group) }
    }
}
