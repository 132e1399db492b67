package import Consensus
internal import MailModel
internal import MailStore
internal import PeerTransport
package import ReplicaCore

/// The coordinator's part in a verification.
extension NodeLoop {
    /// Begins to compare the replicas of a group that this node leads.
    package func verify(_ group: GroupID, isScrub: Bool) -> Result<VerificationID, VerificationRefusal> {
        beginVerification(group, isScrub: isScrub, origin: nil, attempt: 1, isScheduled: false)
    }

    /// Every replica is told of an index that no log has reached, before the entry for it is sent: on the same way, so
    /// that a replica hears of it in time. Which entry comes to stand there does not matter, nor who leads by then.
    private func beginVerification(
        _ group: GroupID,
        isScrub: Bool,
        origin: VerificationID?,
        attempt: Int,
        isScheduled: Bool
    ) -> Result<VerificationID, VerificationRefusal> {
        guard let replica = replica(group) else { return .failure(.noReplica) }
        guard replica.isLeader, !isStopping else { return .failure(.notLeader(replica.leaderNode)) }
        guard verification.running[group] == nil,
            verification.running.count < settings.verification.maximumRunning
        else { return .failure(.busy) }
        // Whoever rests wakes, and has its peers up to date.
        withReplica(group) { _, _ in }
        guard replica.isLeader else { return .failure(.notLeader(replica.leaderNode)) }
        let configuration = replica.raft.configuration
        guard !configuration.isJoint else { return .failure(.configurationInFlight) }
        verification.count += 1
        let id = VerificationID(session &+ verification.count)
        let machine = GroupVerification(
            id: id,
            index: replica.raft.lastIndex.next,
            configuration: configuration,
            own: node,
            isScrub: isScrub,
            isLastAttempt: attempt >= settings.verification.attempts,
            limits: settings.verification.limits,
            nowMilliseconds: nowMilliseconds
        )
        verification.running[group] = RunningVerification(
            origin: origin ?? id,
            attempt: attempt,
            isScheduled: isScheduled,
            machine: machine
        )
        stepVerification(group, id) { machine, now, effects in machine.tick(nowMilliseconds: now, into: &effects) }
        proposeMark(group)
        return .success(origin ?? id)
    }

    /// A command that every version knows, and that finds nothing to do: a replica of an older version, which does not
    /// take part in verifications, can apply it as well.
    private func proposeMark(_ group: GroupID) {
        let nothing = MailCommand.purgeUploads(before: Timestamp(milliseconds: 0), from: AccountID(0), limit: 0)
        floor.propose([(AccountID(0), nothing)], to: group)
    }

    func stepVerification(
        _ group: GroupID,
        _ id: VerificationID,
        _ body: (inout GroupVerification, Int64, inout [GroupVerification.Effect]) -> Void
    ) {
        guard let running = verification.running[group], running.machine.id == id else { return }
        var machine = running.machine
        var effects: [GroupVerification.Effect] = []
        body(&machine, nowMilliseconds, &effects)
        verification.running[group]?.machine = machine
        for effect in effects {
            switch effect {
            case .send(let message, let other): tell(message, of: group, to: other)
            case .decided(let report): decided(group, report)
            case .ended(let report): ended(group, running, report)
            }
        }
    }

    private func decided(_ group: GroupID, _ report: VerificationReport) {
        switch report.result {
        case .equal, .incomplete: break
        case .different, .disputed: floor.observers.verification?(.different(group, report))
        }
    }

    private func ended(_ group: GroupID, _ running: RunningVerification, _ report: VerificationReport) {
        if report.isWorthRepeating, report.digest == nil || report.result == .incomplete,
            running.attempt < settings.verification.attempts
        {
            // Whoever was past the index, or got a snapshot, is soon where the others are.
            verification.running[group]?.againMilliseconds =
                nowMilliseconds + settings.verification.limits.askMilliseconds
            return
        }
        verification.running[group] = nil
        note(group, report.index, origin: running.origin, report: report)
        switch report.result {
        case .equal, .incomplete: floor.observers.verification?(.verified(group, report))
        case .different, .disputed: floor.observers.verification?(.searched(group, report))
        }
    }

    private func repeatVerification(_ group: GroupID, _ running: RunningVerification) {
        verification.running[group] = nil
        _ = beginVerification(
            group,
            isScrub: running.machine.isScrub,
            origin: running.origin,
            attempt: running.attempt + 1,
            isScheduled: running.isScheduled
        )
    }

    /// On every tick.
    func tendVerification() {
        for group in verification.running.keys.sorted() {
            guard let running = verification.running[group] else { continue }
            stepVerification(group, running.machine.id) { machine, now, effects in
                machine.tick(nowMilliseconds: now, into: &effects)
            }
            if let again = running.againMilliseconds, nowMilliseconds >= again { repeatVerification(group, running) }
        }
        tendMarked()
        beginScheduled()
    }

    /// A snapshot from another node was not taken.
    func snapshotRefused(_ group: GroupID, _ error: DecodingError) {
        floor.observers.verification?(.snapshotRefused(group, "\(error)"))
    }

    // MARK: The schedule

    private func beginScheduled() {
        let interval = settings.verification.intervalMilliseconds
        guard interval > 0, !isStopping else { return }
        let next = verification.schedule.nextMilliseconds
        guard let next else {
            // A node that is started often gets somewhere too, and not always with the same groups.
            verification.schedule.nextMilliseconds =
                nowMilliseconds + min(interval / 2, VerificationSchedule.firstMilliseconds)
            verification.schedule.last = GroupID(UInt32(truncatingIfNeeded: session) % (identity.mailGroups + 1))
            return
        }
        guard nowMilliseconds >= next else { return }
        let led = replicas.filter(\.isLeader).map(\.group)
        guard let group = verification.schedule.group(after: led) else {
            verification.schedule.nextMilliseconds =
                nowMilliseconds + min(interval, VerificationSchedule.idleMilliseconds)
            return
        }
        // One at a time: a node has more to do than to look at itself.
        guard !verification.running.values.contains(where: \.isScheduled) else { return }
        verification.schedule.nextMilliseconds = nowMilliseconds + max(1, interval / Int64(led.count))
        verification.schedule.last = group
        let isScrub = settings.verification.scrubBytesPerSecond > 0
        _ = beginVerification(group, isScrub: isScrub, origin: nil, attempt: 1, isScheduled: true)
    }
}

/// Whose turn it is: all groups that a node leads, one after the other, evenly over the interval.
struct VerificationSchedule {
    /// The first one after a start comes no later.
    static let firstMilliseconds: Int64 = 600_000
    /// A node that leads nothing looks again after this.
    static let idleMilliseconds: Int64 = 10_000

    var nextMilliseconds: Int64?
    /// The group that was verified last.
    var last = GroupID.directory

    /// - Parameter led: the groups that the node leads, in order.
    func group(after led: [GroupID]) -> GroupID? { led.first { $0 > last } ?? led.first }
}
