internal import Consensus
internal import MailModel
internal import MailStore
internal import PeerTransport
internal import ReplicaCore
internal import StateStorage

/// A replica's part in a verification: it keeps its state as it is at an index, tells its digest, and, when it is the
/// one that differs, gives itself up.
extension NodeLoop {
    func take(_ message: VerificationMessage, of group: GroupID, from other: NodeID) {
        switch message {
        case .ask(let ask): take(ask, of: group, from: other)
        case .rangeAsk(let id, let replica, let sequence, let query):
            takeRangeAsk(group, id, replica, sequence, query, from: other)
        case .verdict(let id, let replica, let verdict): take(verdict, group, id, replica, from: other)
        case .answer(let id, let replica, let status):
            stepVerification(group, id) { machine, now, effects in
                machine.receiveStatus(status, from: replica, nowMilliseconds: now, into: &effects)
            }
        case .rangeAnswer(let id, let replica, let sequence, let digest):
            stepVerification(group, id) { machine, now, effects in
                machine.receiveRange(digest, sequence: sequence, from: replica, nowMilliseconds: now, into: &effects)
            }
        }
    }

    /// Also to this node itself, by the same way.
    func tell(_ message: VerificationMessage, of group: GroupID, to other: NodeID) {
        let message = PeerMessage.verification(group: group, message)
        if other == node { inbox.put(.received([message], from: node)) } else { send(message, to: other) }
    }

    private func take(_ ask: VerificationAsk, of group: GroupID, from other: NodeID) {
        if var kept = verification.kept[group], kept.id == ask.id, kept.replica == ask.replica {
            kept.heardMilliseconds = nowMilliseconds
            verification.kept[group] = kept
            return tell(.answer(kept.id, kept.replica, kept.status), of: group, to: other)
        }
        guard let raft = replica(group)?.raft, raft.id == ask.replica, !isStopping,
            standing(of: group) == .live, verification.condemned[group] == nil,
            verification.kept[group] != nil || verification.kept.count < settings.verification.maximumKept
        else { return tell(.answer(ask.id, ask.replica, .unavailable), of: group, to: other) }
        letGo(group)
        verification.kept[group] = KeptVerification(
            id: ask.id,
            index: ask.index,
            replica: ask.replica,
            coordinator: other,
            isScrub: ask.isScrub,
            sinceMilliseconds: nowMilliseconds,
            heardMilliseconds: nowMilliseconds
        )
        applier.put(.mark(group, DigestMark(id: ask.id, index: ask.index)))
    }

    /// The applier has come to the index.
    func marked(_ group: GroupID, _ mark: DigestMark, _ state: MarkedState) {
        guard var kept = verification.kept[group], kept.id == mark.id, kept.state == nil else {
            return keptStates.close(state)
        }
        kept.state = state
        kept.status = .digest(state.digest.value, kept.isScrub ? .running(bytes: 0) : .none)
        kept.scrub = kept.isScrub ? StateScrub(state) : nil
        verification.kept[group] = kept
        tellStatus(group)
    }

    /// The state is past the index already, or a snapshot takes its place.
    func missed(_ group: GroupID, _ mark: DigestMark) {
        guard verification.kept[group]?.id == mark.id else { return }
        verification.kept[group]?.status = .unavailable
        tellStatus(group)
    }

    private func tellStatus(_ group: GroupID) {
        guard let kept = verification.kept[group] else { return }
        tell(.answer(kept.id, kept.replica, kept.status), of: group, to: kept.coordinator)
    }

    private func letGo(_ group: GroupID) {
        guard let kept = verification.kept.removeValue(forKey: group), let state = kept.state else { return }
        keptStates.close(state)
    }

    /// On every tick: lets go of what nobody asks about, and reads on.
    func tendMarked() {
        guard !verification.kept.isEmpty || !verification.condemned.isEmpty else { return }
        for group in verification.kept.keys.sorted() {
            guard let kept = verification.kept[group] else { continue }
            let isIdle = nowMilliseconds - kept.heardMilliseconds >= settings.verification.idleMilliseconds
            let isOld = nowMilliseconds - kept.sinceMilliseconds >= settings.verification.keepMilliseconds
            if isIdle || isOld { letGo(group) }
        }
        for group in verification.condemned.keys.sorted() { giveUp(group) }
        scrubOn()
    }

    // MARK: Scrubs

    private func scrubOn() {
        guard !verification.isScrubbing, !isStopping else { return }
        guard let group = verification.kept.keys.sorted().first(where: { verification.kept[$0]?.scrub != nil }),
            let kept = verification.kept[group], let scrub = kept.scrub
        else { return }
        verification.isScrubbing = true
        let bytes = settings.verification.scrubBytes(perMilliseconds: settings.tickMilliseconds)
        let inbox = inbox
        let failed = failed
        background.run {
            var next: StateScrub? = scrub
            do {
                if try next?.step(maximumBytes: bytes) != true { next = nil }
            } catch {
                next = nil
                if let error = error as? StateError, error.kind == .corruption { failed(error) }
            }
            let result = next
            inbox.put(.control { $0.scrubbed(group, kept.id, result) })
        }
    }

    /// - Parameter scrub: nil when it cannot go on.
    private func scrubbed(_ group: GroupID, _ id: VerificationID, _ scrub: StateScrub?) {
        verification.isScrubbing = false
        guard var kept = verification.kept[group], kept.id == id, case .digest(let digest, _) = kept.status else {
            return
        }
        kept.scrub = scrub
        guard let scrub else {
            kept.status = .digest(digest, .unfinished)
            verification.kept[group] = kept
            return tellStatus(group)
        }
        guard let result = scrub.result else {
            kept.status = .digest(digest, .running(bytes: scrub.bytes))
            verification.kept[group] = kept
            return
        }
        kept.scrub = nil
        switch result {
        case .intact: kept.status = .digest(digest, .intact)
        case .harmed(let sum): kept.status = .digest(digest, .harmed(sum: sum))
        case .harmedBody(let key): kept.status = .digest(digest, .harmedBody(key: key))
        }
        verification.kept[group] = kept
        tellStatus(group)
    }

    // MARK: Ranges of rows

    private func takeRangeAsk(
        _ group: GroupID,
        _ id: VerificationID,
        _ replica: ReplicaID,
        _ sequence: UInt32,
        _ query: RangeQuery,
        from other: NodeID
    ) {
        guard var kept = verification.kept[group], kept.id == id, kept.replica == replica, let state = kept.state else {
            return tell(.rangeAnswer(id, replica, sequence: sequence, nil), of: group, to: other)
        }
        // Whoever asks again while it is being read gets the answer of the first time.
        guard !kept.isReading else { return }
        kept.isReading = true
        kept.heardMilliseconds = nowMilliseconds
        verification.kept[group] = kept
        let inbox = inbox
        let failed = failed
        background.run {
            var digest: RangeDigest?
            do {
                let run = try state.run(
                    after: query.after,
                    through: query.through,
                    maximumRows: Int(query.maximumRows),
                    maximumBytes: Int(query.maximumBytes)
                )
                digest = run.map {
                    RangeDigest(
                        count: UInt32(clamping: $0.count),
                        sum: $0.sum,
                        last: $0.last,
                        isComplete: $0.isComplete
                    )
                }
            } catch {
                if let error = error as? StateError, error.kind == .corruption { failed(error) }
            }
            let answer = VerificationMessage.rangeAnswer(id, replica, sequence: sequence, digest)
            inbox.put(
                .control { loop in
                    if loop.verification.kept[group]?.id == id { loop.verification.kept[group]?.isReading = false }
                    loop.tell(answer, of: group, to: other)
                }
            )
        }
    }

    // MARK: Verdicts

    private func take(
        _ verdict: ReplicaVerdict,
        _ group: GroupID,
        _ id: VerificationID,
        _ replica: ReplicaID,
        from other: NodeID
    ) {
        guard let kept = verification.kept[group], kept.id == id, kept.replica == replica, kept.coordinator == other
        else { return }
        verification.kept[group]?.heardMilliseconds = nowMilliseconds
        switch verdict {
        case .agrees:
            verification.suspects.remove(group)
            // The coordinator itself notes more than that.
            if other != node { note(group, kept.index, origin: nil, report: nil) }
            letGo(group)
        case .suspect:
            guard self.replica(group)?.raft.id == replica else { return }
            doubt(group, kept.status)
        case .condemned(let digest): condemn(group, kept, digest)
        }
    }

    func note(_ group: GroupID, _ index: LogIndex, origin: VerificationID?, report: VerificationReport?) {
        verification.notes[group] = VerificationNote(time: clock.now(), index: index, origin: origin, report: report)
    }

    /// Nobody can say who is right, so this replica must not be copied. One whose own rows bear witness against it does
    /// not lead either, if there is another.
    private func doubt(_ group: GroupID, _ status: VerificationStatus) {
        verification.suspects.insert(group)
        sources.dropAll(of: group)
        guard case .digest(_, let scrub) = status, scrub.isHarmed, let replica = replica(group), replica.isLeader,
            replica.raft.status.transferTarget == nil
        else { return }
        _ = transfer(group, to: nil)
    }

    private func condemn(_ group: GroupID, _ kept: KeptVerification, _ digest: UInt64) {
        defer { tellStatus(group) }
        guard kept.status != .givenUp, let raft = replica(group)?.raft, raft.id == kept.replica,
            case .digest(let own, let scrub) = kept.status
        else { return }
        // Whoever is alone has nobody to be built from.
        guard raft.configuration.members.count > 1 else { return }
        let entry = kept.index.rawValue
        let reason =
            own == digest && scrub.isHarmed
            ? "Its rows, read at entry \(entry), are not those that were written."
            : "At entry \(entry) its digest is \(StateDigest(own)), and that of the majority is \(StateDigest(digest))."
        verification.kept[group]?.status = .givenUp
        // What is left to read is needed no more, but the rows may be: the others look for the first that differs.
        verification.kept[group]?.scrub = nil
        verification.condemned[group] = Condemnation(
            replica: kept.replica,
            reason: reason,
            deadlineMilliseconds: nowMilliseconds + settings.verification.handoverMilliseconds
        )
        sources.dropAll(of: group)
        giveUp(group)
    }

    /// A leader hands over first; when it cannot, the others elect.
    private func giveUp(_ group: GroupID) {
        guard let condemned = verification.condemned[group] else { return }
        guard let replica = replica(group), replica.raft.id == condemned.replica else {
            verification.condemned[group] = nil
            return
        }
        if replica.isLeader, nowMilliseconds < condemned.deadlineMilliseconds {
            if replica.raft.status.transferTarget == nil { _ = transfer(group, to: nil) }
            return
        }
        verification.suspects.remove(group)
        verification.condemned[group] = nil
        quarantine(group, reason: condemned.reason)
    }
}
