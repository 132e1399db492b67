internal import Consensus
internal import MailModel
internal import MailStore
internal import PeerTransport
package import ReplicaCore

/// The coordinator's part in verifications: it has all replicas of a group that this node leads keep their state at one
/// index, compares what they say, and searches for what differs (`Docs/decisions/0010-verification.md`).
struct VerificationRoom {
    /// By group; at most ``VerificationSettings/maximumRunning``.
    private var running: [GroupID: RunningVerification] = [:]
    /// Counts the verifications of this run.
    private var count: UInt64 = 0
    private var schedule = VerificationSchedule()

    func isRunning(_ group: GroupID) -> Bool { running[group] != nil }

    /// Begins to compare the replicas of a group that this node leads.
    mutating func begin(_ group: GroupID, isScrub: Bool, _ floor: Floor) -> Result<VerificationID, VerificationRefusal>
    {
        beginAttempt(Attempt(group: group, isScrub: isScrub, origin: nil, number: 1, isScheduled: false), floor)
    }

    private struct Attempt {
        let group: GroupID
        let isScrub: Bool
        /// The first attempt; nil for that one itself.
        let origin: VerificationID?
        let number: Int
        let isScheduled: Bool
    }

    /// Every replica is told of an index that no log has reached, before the entry for it is sent: on the same way, so
    /// that a replica hears of it in time. Which entry comes to stand there does not matter, nor who leads by then.
    private mutating func beginAttempt(
        _ attempt: Attempt,
        _ floor: Floor
    ) -> Result<VerificationID, VerificationRefusal> {
        let group = attempt.group
        guard let replica = floor.replica(group) else { return .failure(.noReplica) }
        guard replica.isLeader, !floor.isStopping else { return .failure(.notLeader(replica.leaderNode)) }
        let settings = floor.settings.verification
        guard running[group] == nil, running.count < settings.maximumRunning else { return .failure(.busy) }
        // What the leader knows of its peers is up to date once it is awake.
        floor.wake(group)
        guard replica.isLeader else { return .failure(.notLeader(replica.leaderNode)) }
        let configuration = replica.raft.configuration
        guard !configuration.isJoint else { return .failure(.configurationInFlight) }
        count += 1
        let id = VerificationID(floor.place.firstNumber &+ count)
        let machine = GroupVerification(
            id: id,
            index: replica.raft.lastIndex.next,
            configuration: configuration,
            own: floor.node,
            isScrub: attempt.isScrub,
            isLastAttempt: attempt.number >= settings.attempts,
            limits: settings.limits,
            nowMilliseconds: floor.nowMilliseconds
        )
        running[group] = RunningVerification(
            origin: attempt.origin ?? id,
            attempt: attempt.number,
            isScheduled: attempt.isScheduled,
            machine: machine
        )
        step(id, of: group, floor) { machine, now, effects in machine.tick(nowMilliseconds: now, into: &effects) }
        proposeMark(in: group, floor)
        return .success(attempt.origin ?? id)
    }

    /// A command that every version knows, and that finds nothing to do: a replica of an older version, which does not
    /// take part in verifications, can apply it as well.
    private func proposeMark(in group: GroupID, _ floor: Floor) {
        let nothing = MailCommand.purgeUploads(before: Timestamp(milliseconds: 0), from: AccountID(0), limit: 0)
        floor.proposeCommands([(AccountID(0), nothing)], to: group)
    }

    /// A replica, possibly this node's own, has answered.
    mutating func receiveAnswer(
        _ status: VerificationStatus,
        to id: VerificationID,
        of group: GroupID,
        by replica: ReplicaID,
        _ floor: Floor
    ) {
        step(id, of: group, floor) { machine, now, effects in
            machine.receiveStatus(status, from: replica, nowMilliseconds: now, into: &effects)
        }
    }

    /// - Parameter sequence: which question about rows this answers.
    mutating func receiveRangeAnswer(
        _ digest: RangeDigest?,
        sequence: UInt32,
        to id: VerificationID,
        of group: GroupID,
        by replica: ReplicaID,
        _ floor: Floor
    ) {
        step(id, of: group, floor) { machine, now, effects in
            machine.receiveRange(digest, sequence: sequence, from: replica, nowMilliseconds: now, into: &effects)
        }
    }

    private mutating func step(
        _ id: VerificationID,
        of group: GroupID,
        _ floor: Floor,
        _ body: (inout GroupVerification, Int64, inout [GroupVerification.Effect]) -> Void
    ) {
        guard let current = running[group], current.machine.id == id else { return }
        var machine = current.machine
        var effects: [GroupVerification.Effect] = []
        body(&machine, floor.nowMilliseconds, &effects)
        running[group]?.machine = machine
        for effect in effects {
            switch effect {
            case .send(let message, let other): floor.sendVerification(message, of: group, to: other)
            case .decided(let report): tellDecision(report, of: group, floor)
            case .ended(let report): end(current, of: group, with: report, floor)
            }
        }
    }

    private func tellDecision(_ report: VerificationReport, of group: GroupID, _ floor: Floor) {
        switch report.result {
        case .equal, .incomplete: break
        case .different, .disputed: floor.observers.verification?(.different(group, report))
        }
    }

    private mutating func end(
        _ ended: RunningVerification,
        of group: GroupID,
        with report: VerificationReport,
        _ floor: Floor
    ) {
        let settings = floor.settings.verification
        if report.isWorthRepeating, report.digest == nil || report.result == .incomplete,
            ended.attempt < settings.attempts
        {
            // A replica that was past the index, or got a snapshot, is soon where the others are.
            running[group]?.againMilliseconds = floor.nowMilliseconds + settings.limits.askMilliseconds
            return
        }
        running[group] = nil
        floor.noteVerification(of: group, at: report.index, origin: ended.origin, report)
        switch report.result {
        case .equal, .incomplete: floor.observers.verification?(.verified(group, report))
        case .different, .disputed: floor.observers.verification?(.searched(group, report))
        }
    }

    /// On every tick.
    mutating func tick(_ floor: Floor) {
        for group in running.keys.sorted() {
            guard let current = running[group] else { continue }
            step(current.machine.id, of: group, floor) { machine, now, effects in
                machine.tick(nowMilliseconds: now, into: &effects)
            }
            guard let again = current.againMilliseconds, floor.nowMilliseconds >= again else { continue }
            running[group] = nil
            let attempt = Attempt(
                group: group,
                isScrub: current.machine.isScrub,
                origin: current.origin,
                number: current.attempt + 1,
                isScheduled: current.isScheduled
            )
            _ = beginAttempt(attempt, floor)
        }
    }

    /// On every tick, behind what is under way.
    mutating func beginScheduled(_ floor: Floor) {
        let interval = floor.settings.verification.intervalMilliseconds
        guard interval > 0, !floor.isStopping else { return }
        let now = floor.nowMilliseconds
        guard let next = schedule.nextMilliseconds else {
            // A node that is started often gets somewhere too, and not always with the same groups.
            schedule.nextMilliseconds = now + min(interval / 2, VerificationSchedule.firstMilliseconds)
            let groups = floor.directory.groups
            schedule.last = groups[Int(floor.place.session % UInt64(groups.count))].id
            return
        }
        // One at a time: a loop has more to do than to look at its groups.
        guard now >= next, !running.values.contains(where: \.isScheduled) else { return }
        let led = floor.groups.led
        guard let group = schedule.group(after: led) else {
            schedule.nextMilliseconds = now + min(interval, VerificationSchedule.idleMilliseconds)
            return
        }
        schedule.nextMilliseconds = now + max(1, interval / Int64(led.count))
        schedule.last = group
        let isScrub = floor.settings.verification.scrubBytesPerSecond > 0
        _ = beginAttempt(Attempt(group: group, isScrub: isScrub, origin: nil, number: 1, isScheduled: true), floor)
    }

    /// How far a verification is that an admin asked for.
    func course(of group: GroupID, _ origin: VerificationID, _ floor: Floor) -> VerificationCourse {
        if let current = running[group], current.origin == origin {
            let progress = current.machine.progress
            return .running(
                VerificationProgress(
                    answered: progress.answered,
                    replicas: progress.participants,
                    scrubbedBytes: progress.scrubbedBytes,
                    isSearching: current.machine.isSearching
                )
            )
        }
        guard let note = floor.groups[group]?.verificationNote, note.origin == origin, let report = note.report else {
            return .unknown
        }
        return .ended(note, report)
    }
}

/// How far a verification is.
package enum VerificationCourse: Sendable {
    case running(VerificationProgress)
    case ended(VerificationNote, VerificationReport)
    /// No verification of that ID is known here.
    case unknown
}
