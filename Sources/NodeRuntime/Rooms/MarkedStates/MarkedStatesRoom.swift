package import Consensus
internal import MailModel
package import MailStore
internal import PeerTransport
package import ReplicaCore
internal import StateStorage

/// What reaches ``MarkedStatesRoom`` from the applier and from threads that read.
package enum MarkedStatesInput: Sendable {
    /// The applier has applied the entry at the index, and keeps the state as it was there.
    case marked(GroupID, DigestMark, MarkedState)
    /// The state is past the index already, or a snapshot takes its place.
    case missed(GroupID, DigestMark)
    /// A step of a scrub is over; nil when it cannot go on.
    case scrubbed(GroupID, VerificationID, StateScrub?)
    /// A range of rows was read for a coordinator.
    case rangeRead(GroupID, VerificationID, answer: VerificationMessage, to: NodeID)
}

/// A replica's part in a verification: it keeps its state as it is at an index, tells its digest, and, when it is the
/// one that differs, gives itself up.
struct MarkedStatesRoom {
    /// By group; at most ``VerificationSettings/maximumKept``.
    private var kept: [GroupID: KeptVerification] = [:]
    /// Why and by when the replicas are given up whose rows are condemned (``Doubt``).
    private var condemned: [GroupID: Condemnation] = [:]
    /// A scrub reads at this moment; one at a time in this loop.
    private var isScrubbing = false
    private let states: KeptStates

    init(_ states: KeptStates) { self.states = states }

    /// Whether no state is kept for a comparison.
    var isIdle: Bool { kept.isEmpty }

    /// A coordinator asks for the digest at an index, or asks again.
    mutating func receiveQuestion(_ ask: VerificationAsk, of group: GroupID, from other: NodeID, _ floor: Floor) {
        if let known = kept[group], known.id == ask.id, known.replica == ask.replica {
            kept[group]?.heardMilliseconds = floor.nowMilliseconds
            return tellStatus(of: group, to: other, floor)
        }
        guard let hosted = floor.groups[group], let raft = hosted.replica?.raft, raft.id == ask.replica,
            !floor.isStopping, hosted.standing == .live, hosted.doubt != .condemned,
            kept[group] != nil || kept.count < floor.settings.verification.maximumKept
        else {
            return floor.sendVerification(.answer(ask.id, ask.replica, .unavailable), of: group, to: other)
        }
        letGo(of: group)
        kept[group] = KeptVerification(
            id: ask.id,
            index: ask.index,
            replica: ask.replica,
            coordinator: other,
            isScrub: ask.isScrub,
            sinceMilliseconds: floor.nowMilliseconds,
            heardMilliseconds: floor.nowMilliseconds
        )
        floor.apply(.mark(group, DigestMark(id: ask.id, index: ask.index)))
    }

    mutating func finished(_ input: MarkedStatesInput, _ floor: Floor) {
        switch input {
        case .marked(let group, let mark, let state): noteMarked(state, at: mark, of: group, floor)
        case .missed(let group, let mark):
            guard kept[group]?.id == mark.id else { return }
            kept[group]?.status = .unavailable
            tellStatus(of: group, floor)
        case .scrubbed(let group, let id, let scrub): noteScrub(scrub, of: group, in: id, floor)
        case .rangeRead(let group, let id, let answer, let coordinator):
            if kept[group]?.id == id { kept[group]?.isReading = false }
            floor.sendVerification(answer, of: group, to: coordinator)
        }
    }

    private mutating func noteMarked(_ state: MarkedState, at mark: DigestMark, of group: GroupID, _ floor: Floor) {
        guard var marked = kept[group], marked.id == mark.id, marked.state == nil else { return states.close(state) }
        marked.state = state
        marked.status = .digest(state.digest.value, marked.isScrub ? .running(bytes: 0) : .none)
        marked.scrub = marked.isScrub ? StateScrub(state) : nil
        kept[group] = marked
        tellStatus(of: group, floor)
    }

    /// - Parameter other: nil for the coordinator.
    private func tellStatus(of group: GroupID, to other: NodeID? = nil, _ floor: Floor) {
        guard let marked = kept[group] else { return }
        let answer = VerificationMessage.answer(marked.id, marked.replica, marked.status)
        floor.sendVerification(answer, of: group, to: other ?? marked.coordinator)
    }

    private mutating func letGo(of group: GroupID) {
        guard let marked = kept.removeValue(forKey: group), let state = marked.state else { return }
        states.close(state)
    }

    /// On every tick: lets go of what nobody asks about, and reads on.
    mutating func tick(_ floor: Floor) {
        guard !kept.isEmpty || !condemned.isEmpty else { return }
        let settings = floor.settings.verification
        for group in kept.keys.sorted() {
            guard let marked = kept[group] else { continue }
            let isIdle = floor.nowMilliseconds - marked.heardMilliseconds >= settings.idleMilliseconds
            let isOld = floor.nowMilliseconds - marked.sinceMilliseconds >= settings.keepMilliseconds
            if isIdle || isOld { letGo(of: group) }
        }
        for group in condemned.keys.sorted() { giveUp(group, floor) }
        scrubOn(floor)
    }

    // MARK: Scrubs

    private mutating func scrubOn(_ floor: Floor) {
        guard !isScrubbing, !floor.isStopping else { return }
        guard let group = kept.keys.sorted().first(where: { kept[$0]?.scrub != nil }),
            let marked = kept[group], let scrub = marked.scrub
        else { return }
        isScrubbing = true
        let bytes = floor.settings.verification.scrubBytes(
            perMilliseconds: floor.settings.tickMilliseconds,
            loops: Int(floor.place.lanes)
        )
        let inbox = floor.ways.inbox
        let failed = floor.ways.failed
        floor.ways.background.run {
            var next: StateScrub? = scrub
            do {
                if try next?.step(maximumBytes: bytes) != true { next = nil }
            } catch {
                next = nil
                if let error = error as? StateError, error.kind == .corruption { failed(error) }
            }
            inbox.put(.markedStates(.scrubbed(group, marked.id, next)))
        }
    }

    private mutating func noteScrub(_ scrub: StateScrub?, of group: GroupID, in id: VerificationID, _ floor: Floor) {
        isScrubbing = false
        guard var marked = kept[group], marked.id == id, case .digest(let digest, _) = marked.status else { return }
        marked.scrub = scrub
        guard let scrub else {
            marked.status = .digest(digest, .unfinished)
            kept[group] = marked
            return tellStatus(of: group, floor)
        }
        guard let result = scrub.result else {
            marked.status = .digest(digest, .running(bytes: scrub.bytes))
            kept[group] = marked
            return
        }
        marked.scrub = nil
        switch result {
        case .intact: marked.status = .digest(digest, .intact)
        case .harmed(let sum): marked.status = .digest(digest, .harmed(sum: sum))
        case .harmedBody(let key): marked.status = .digest(digest, .harmedBody(key: key))
        }
        kept[group] = marked
        tellStatus(of: group, floor)
    }

    // MARK: Ranges of rows

    /// A coordinator asks for the digest of a range of rows.
    ///
    /// - Parameter sequence: which question this is; the answer names it.
    mutating func receiveRangeQuestion(
        _ query: RangeQuery,
        sequence: UInt32,
        in id: VerificationID,
        of group: GroupID,
        to replica: ReplicaID,
        from other: NodeID,
        _ floor: Floor
    ) {
        guard let marked = kept[group], marked.id == id, marked.replica == replica, let state = marked.state else {
            return floor.sendVerification(.rangeAnswer(id, replica, sequence: sequence, nil), of: group, to: other)
        }
        // A coordinator that asks again while the rows are being read gets the answer of the first time.
        guard !marked.isReading else { return }
        kept[group]?.isReading = true
        kept[group]?.heardMilliseconds = floor.nowMilliseconds
        let inbox = floor.ways.inbox
        let failed = floor.ways.failed
        floor.ways.background.run {
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
            inbox.put(.markedStates(.rangeRead(group, id, answer: answer, to: other)))
        }
    }

    // MARK: Verdicts

    /// The coordinator has decided over a replica of this node.
    mutating func receiveVerdict(
        _ verdict: ReplicaVerdict,
        in id: VerificationID,
        of group: GroupID,
        over replica: ReplicaID,
        from other: NodeID,
        _ floor: Floor
    ) {
        guard let marked = kept[group], marked.id == id, marked.replica == replica, marked.coordinator == other else {
            return
        }
        kept[group]?.heardMilliseconds = floor.nowMilliseconds
        switch verdict {
        case .agrees:
            if floor.groups[group]?.doubt == .suspected { floor.groups.doubt(group, as: .none) }
            // The coordinator itself notes more than that.
            if other != floor.node { floor.noteVerification(of: group, at: marked.index, origin: nil, nil) }
            letGo(of: group)
        case .suspect:
            guard floor.replica(group)?.raft.id == replica else { return }
            suspect(group, by: marked.status, floor)
        case .condemned(let digest): condemn(group, marked: marked, majority: digest, floor)
        }
    }

    /// No majority says which replicas are right, so the rows of this one must not be copied. A leader whose own rows
    /// bear witness against it hands its leadership over as well.
    private func suspect(_ group: GroupID, by status: VerificationStatus, _ floor: Floor) {
        floor.groups.doubt(group, as: .suspected)
        floor.ways.snapshots.dropAll(of: group)
        guard case .digest(_, let scrub) = status, scrub.isHarmed, let replica = floor.replica(group),
            replica.isLeader, replica.raft.status.transferTarget == nil
        else { return }
        _ = floor.transferLeadership(of: group, to: nil)
    }

    private mutating func condemn(
        _ group: GroupID,
        marked: KeptVerification,
        majority digest: UInt64,
        _ floor: Floor
    ) {
        defer { tellStatus(of: group, floor) }
        guard marked.status != .givenUp, let raft = floor.replica(group)?.raft, raft.id == marked.replica,
            case .digest(let own, let scrub) = marked.status
        else { return }
        // A replica that is alone has no other to be built from.
        guard raft.configuration.members.count > 1 else { return }
        let entry = marked.index.rawValue
        let reason =
            own == digest && scrub.isHarmed
            ? "Its rows, read at entry \(entry), are not those that were written."
            : "At entry \(entry) its digest is \(StateDigest(own)), and that of the majority is \(StateDigest(digest))."
        kept[group]?.status = .givenUp
        // What is left to read is needed no more, but the rows may be: the others look for the first that differs.
        kept[group]?.scrub = nil
        condemned[group] = Condemnation(
            replica: marked.replica,
            reason: reason,
            deadlineMilliseconds: floor.nowMilliseconds + floor.settings.verification.handoverMilliseconds
        )
        floor.groups.doubt(group, as: .condemned)
        floor.ways.snapshots.dropAll(of: group)
        giveUp(group, floor)
    }

    /// A leader hands over first; when it cannot, the others elect.
    private mutating func giveUp(_ group: GroupID, _ floor: Floor) {
        guard let sentence = condemned[group] else { return }
        guard let replica = floor.replica(group), replica.raft.id == sentence.replica else {
            condemned[group] = nil
            return
        }
        if replica.isLeader, floor.nowMilliseconds < sentence.deadlineMilliseconds {
            if replica.raft.status.transferTarget == nil { _ = floor.transferLeadership(of: group, to: nil) }
            return
        }
        condemned[group] = nil
        floor.giveUp(group, reason: sentence.reason)
    }
}
