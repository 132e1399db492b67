public import Consensus

/// Limits and times of a verification.
public struct VerificationLimits: Hashable, Sendable {
    /// How long the replicas have to reach the index.
    public var gatherMilliseconds: Int64
    /// How long they have to compute their digests from their rows.
    public var scrubMilliseconds: Int64
    /// How long the search for the first different row may take.
    public var searchMilliseconds: Int64
    /// A replica that has not told all is asked this often.
    public var askMilliseconds: Int64
    /// A replica that does not answer for so long is not waited for any more.
    public var silenceMilliseconds: Int64
    /// Rows that one question about a range may be about.
    public var rangeRows: UInt32
    /// Bytes of keys and values that one question about a range may be about.
    public var rangeBytes: UInt32

    /// The times and limits of a node in production.
    public init() {
        gatherMilliseconds = 30_000
        scrubMilliseconds = 2 * 3_600_000
        searchMilliseconds = 1_800_000
        askMilliseconds = 1_000
        silenceMilliseconds = 10_000
        rangeRows = 4_096
        rangeBytes = 1 << 20
    }
}

/// The coordinator's side of a verification, as a machine: asks every replica for its digest at one index, compares,
/// and finds the first row in which a replica differs. A verification may end on a node that no longer leads: what was
/// applied at an index does not depend on the leader.
public struct GroupVerification: Hashable, Sendable {
    /// What the node that runs the verification has to do, in the order given.
    public enum Effect: Hashable, Sendable {
        case send(VerificationMessage, to: NodeID)
        /// The report says who is right; the rows that differ may still be looked for.
        case decided(VerificationReport)
        case ended(VerificationReport)
    }

    struct Participant: Hashable, Sendable {
        let replica: ReplicaID
        let node: NodeID
        let isVoter: Bool
        var status = VerificationStatus.waiting
        var heardMilliseconds: Int64
        /// What the replica said last of how much it has read; it stays when the replica has read all.
        var scrubbedBytes: UInt64 = 0
        /// The verification does not wait for this replica any more.
        var isGivenUpOn = false
        /// The replica has said that it gave its state up.
        var hasAccepted = false

        var digest: UInt64? {
            if case .digest(let digest, _) = status { digest } else { nil }
        }

        var scrub: ScrubStatus {
            if case .digest(_, let scrub) = status { scrub } else { .none }
        }

        /// The digest that the replica bears witness for.
        var witness: UInt64? { scrub.isHarmed ? nil : digest }

        var harmedKey: [UInt8]? {
            if case .harmedBody(let key) = scrub { key } else { nil }
        }

        var isSettled: Bool {
            switch status {
            case .waiting: isGivenUpOn
            case .unavailable, .givenUp: true
            case .digest: true
            }
        }
    }

    private enum Phase: Hashable {
        case gathering, scrubbing
        case searching(VerificationReport, DifferenceSearch?)
        case ended
    }

    /// Names this verification in every message of it.
    public let id: VerificationID
    /// The entry behind which the replicas compare their states.
    public let index: LogIndex
    /// Whether the replicas also compute their digests from their rows.
    public let isScrub: Bool
    /// The node whose replica is asked first when several would do.
    private let own: NodeID
    /// The group is not verified again soon: what this verification finds is acted upon.
    private let isLastAttempt: Bool
    private let limits: VerificationLimits
    private(set) var participants: [Participant]
    private var phase = Phase.gathering
    private var deadlineMilliseconds: Int64
    private var nextAskMilliseconds: Int64
    /// When the question about a range was asked last; nil when it has not been.
    private var askedMilliseconds: Int64?

    /// A verification that has asked nobody: the first ``tick(nowMilliseconds:into:)`` asks all.
    ///
    /// - Parameters:
    ///   - configuration: who holds replicas; not a joint one.
    ///   - isLastAttempt: otherwise, what is not certain because a replica was past the index is left open.
    public init(
        id: VerificationID,
        index: LogIndex,
        configuration: Configuration,
        own: NodeID,
        isScrub: Bool,
        isLastAttempt: Bool,
        limits: VerificationLimits,
        nowMilliseconds now: Int64
    ) {
        self.id = id
        self.index = index
        self.own = own
        self.isScrub = isScrub
        self.isLastAttempt = isLastAttempt
        self.limits = limits
        participants = configuration.members.map {
            Participant(
                replica: $0.replica,
                node: $0.node,
                isVoter: configuration.isVoter($0.replica),
                heardMilliseconds: now
            )
        }
        deadlineMilliseconds = now + limits.gatherMilliseconds
        nextAskMilliseconds = now
    }

    /// Bytes that the replicas have scrubbed, and how many of them have said their digest.
    public var progress: (answered: Int, participants: Int, scrubbedBytes: UInt64) {
        let bytes = participants.reduce(UInt64(0)) { $0 &+ $1.scrubbedBytes }
        return (participants.count { $0.digest != nil }, participants.count, bytes)
    }

    /// Whether it is decided who is right, and the first different rows are being looked for.
    public var isSearching: Bool {
        if case .searching = phase { true } else { false }
    }

    // MARK: Events

    /// Asks again, gives up on replicas that are silent, and ends what takes too long.
    ///
    /// - Parameter now: milliseconds of a clock that never goes back, as in all events.
    public mutating func tick(nowMilliseconds now: Int64, into effects: inout [Effect]) {
        switch phase {
        case .ended: return
        case .gathering, .scrubbing:
            for position in participants.indices where isMissing(participants[position], now) {
                participants[position].isGivenUpOn = true
            }
            if now >= nextAskMilliseconds { askAll(now, into: &effects) }
            advance(now, into: &effects)
        case .searching(let report, let search):
            if now >= nextAskMilliseconds {
                askAll(now, into: &effects)
                pronounce(report, into: &effects)
            }
            if let search {
                pursueSearch(search, now, into: &effects)
            } else if now >= deadlineMilliseconds {
                end(report, into: &effects)
            }
        }
    }

    private mutating func pursueSearch(_ search: DifferenceSearch, _ now: Int64, into effects: inout [Effect]) {
        let replica = search.question.replica
        let heard = participants.first { $0.replica == replica }?.heardMilliseconds ?? 0
        if now >= deadlineMilliseconds || now - heard >= limits.silenceMilliseconds {
            return endSearch(with: .lost, now, into: &effects)
        }
        let isDue = askedMilliseconds.map { now - $0 >= limits.askMilliseconds } ?? true
        if isDue { askQuestion(of: search, now, into: &effects) }
    }

    /// A replica has answered where it stands. Answers of replicas that do not take part change nothing.
    public mutating func receiveStatus(
        _ status: VerificationStatus,
        from replica: ReplicaID,
        nowMilliseconds now: Int64,
        into effects: inout [Effect]
    ) {
        guard let position = participants.firstIndex(where: { $0.replica == replica }) else { return }
        participants[position].heardMilliseconds = now
        switch phase {
        case .ended: return
        case .gathering, .scrubbing:
            participants[position].status = status
            if case .running(let bytes) = participants[position].scrub { participants[position].scrubbedBytes = bytes }
            advance(now, into: &effects)
        case .searching(let report, let search):
            // What was decided stays decided.
            if status == .givenUp { participants[position].hasAccepted = true }
            if search == nil { endWhenAccepted(report, into: &effects) }
        }
    }

    /// A replica has answered what the digest of a run of rows is; `digest` is nil where it no longer keeps its rows.
    ///
    /// - Parameter sequence: the number of the question. An answer to an earlier one changes nothing.
    public mutating func receiveRange(
        _ digest: RangeDigest?,
        sequence: UInt32,
        from replica: ReplicaID,
        nowMilliseconds now: Int64,
        into effects: inout [Effect]
    ) {
        guard case .searching(let report, var search?) = phase else { return }
        if let position = participants.firstIndex(where: { $0.replica == replica }) {
            participants[position].heardMilliseconds = now
        }
        let before = search
        if let outcome = search.receiveRange(digest, sequence: sequence, from: replica) {
            return endSearch(with: outcome, now, into: &effects)
        }
        guard search != before else { return }
        phase = .searching(report, search)
        // Large runs wait for the next tick: the search must not take the disks from those who have mail to read.
        askedMilliseconds = nil
        if !search.isLarge { askQuestion(of: search, now, into: &effects) }
    }

    // MARK: Gathering

    private func isMissing(_ participant: Participant, _ now: Int64) -> Bool {
        now - participant.heardMilliseconds >= limits.silenceMilliseconds || now >= deadlineMilliseconds
    }

    private mutating func askAll(_ now: Int64, into effects: inout [Effect]) {
        nextAskMilliseconds = now + limits.askMilliseconds
        for participant in participants where participant.status != .unavailable {
            let ask = VerificationAsk(id: id, replica: participant.replica, index: index, isScrub: isScrub)
            effects.append(.send(.ask(ask), to: participant.node))
        }
    }

    private mutating func advance(_ now: Int64, into effects: inout [Effect]) {
        switch phase {
        case .gathering:
            guard participants.allSatisfy(\.isSettled) else { return }
            // Where all say the same, and where nobody can say who is right, the rows themselves are asked.
            let digests = Set(participants.compactMap(\.digest))
            let isOpen = digests.count == 1 || VerificationReport.majority(of: participants) == nil
            guard isScrub, isOpen else { return decide(now, into: &effects) }
            phase = .scrubbing
            deadlineMilliseconds = now + limits.scrubMilliseconds
            for position in participants.indices { participants[position].isGivenUpOn = false }
            advance(now, into: &effects)
        case .scrubbing:
            guard !participants.contains(where: { $0.scrub.isRunning && !$0.isGivenUpOn }) else { return }
            decide(now, into: &effects)
        case .searching, .ended: return
        }
    }

    // MARK: The verdict

    private mutating func decide(_ now: Int64, into effects: inout [Effect]) {
        for position in participants.indices where participants[position].scrub.isRunning {
            if let digest = participants[position].digest {
                participants[position].status = .digest(digest, .unfinished)
            }
        }
        let report = VerificationReport(self)
        if !isLastAttempt, report.isWorthRepeating, report.digest == nil || report.result == .incomplete {
            phase = .ended
            return effects.append(.ended(report))
        }
        effects.append(.decided(report))
        pronounce(report, into: &effects)
        deadlineMilliseconds = now + limits.searchMilliseconds
        searchNext(in: report, now, into: &effects)
    }

    /// Tells the replicas that differ, as often as needed. The others hear at the end.
    private func pronounce(_ report: VerificationReport, into effects: inout [Effect]) {
        for replica in report.replicas {
            let verdict: ReplicaVerdict
            switch replica.finding {
            case .agrees, .silent: continue
            case .disputed: verdict = .suspect
            case .condemned:
                guard let digest = report.digest, !hasAccepted(replica.replica) else { continue }
                verdict = .condemned(digest: digest)
            }
            effects.append(.send(.verdict(id, replica.replica, verdict), to: replica.node))
        }
    }

    private func hasAccepted(_ replica: ReplicaID) -> Bool {
        participants.contains { $0.replica == replica && $0.hasAccepted }
    }

    private func isCondemned(_ participant: Participant, _ report: VerificationReport) -> Bool {
        report.replicas.contains { $0.replica == participant.replica && $0.finding == .condemned }
    }

    /// Looks for the first different row of the next replica that differs.
    private mutating func searchNext(in report: VerificationReport, _ now: Int64, into effects: inout [Effect]) {
        guard let suspect = report.replicas.first(where: { isSearchable($0) }),
            let reference = reference(for: suspect, in: report)
        else {
            phase = .searching(report, nil)
            deadlineMilliseconds = min(deadlineMilliseconds, now + limits.gatherMilliseconds)
            return endWhenAccepted(report, into: &effects)
        }
        let search = DifferenceSearch(
            reference: reference,
            suspect: suspect.replica,
            maximumRows: limits.rangeRows,
            maximumBytes: limits.rangeBytes
        )
        phase = .searching(report, search)
        askQuestion(of: search, now, into: &effects)
    }

    private func isSearchable(_ replica: VerificationReport.Replica) -> Bool {
        switch replica.finding {
        case .condemned, .disputed: replica.firstKey == nil
        case .agrees, .silent: false
        }
    }

    /// A replica with the majority's digest; without a majority, one whose digest differs from the suspect's.
    private func reference(for suspect: VerificationReport.Replica, in report: VerificationReport) -> ReplicaID? {
        let others = report.replicas.filter { other in
            guard other.replica != suspect.replica, other.digest != nil else { return false }
            return other.finding == .agrees || report.digest == nil && other.digest != suspect.digest
        }
        return (others.first { $0.node == own } ?? others.first)?.replica
    }

    private mutating func askQuestion(of search: DifferenceSearch, _ now: Int64, into effects: inout [Effect]) {
        let question = search.question
        guard let participant = participants.first(where: { $0.replica == question.replica }) else { return }
        askedMilliseconds = now
        effects.append(
            .send(.rangeAsk(id, question.replica, sequence: question.sequence, question.query), to: participant.node)
        )
    }

    private mutating func endSearch(with outcome: DifferenceSearch.Outcome, _ now: Int64, into effects: inout [Effect])
    {
        guard case .searching(var report, let search?) = phase,
            let position = report.replicas.firstIndex(where: { $0.replica == search.suspect })
        else { return }
        switch outcome {
        case .found(let key): report.replicas[position].firstKey = key
        // No row differs: it is the digest itself that is wrong. An empty key stands for the group's own row.
        case .nothing: report.replicas[position].firstKey = []
        case .lost: return stopSearching(report, now, into: &effects)
        }
        searchNext(in: report, now, into: &effects)
    }

    /// Looks for no more rows: what is left is to hear that the condemned replicas know.
    private mutating func stopSearching(_ report: VerificationReport, _ now: Int64, into effects: inout [Effect]) {
        phase = .searching(report, nil)
        deadlineMilliseconds = now + limits.gatherMilliseconds
        endWhenAccepted(report, into: &effects)
    }

    private mutating func endWhenAccepted(_ report: VerificationReport, into effects: inout [Effect]) {
        guard participants.allSatisfy({ $0.hasAccepted || !isCondemned($0, report) }) else { return }
        end(report, into: &effects)
    }

    private mutating func end(_ report: VerificationReport, into effects: inout [Effect]) {
        phase = .ended
        for replica in report.replicas where replica.finding == .agrees {
            effects.append(.send(.verdict(id, replica.replica, .agrees), to: replica.node))
        }
        pronounce(report, into: &effects)
        effects.append(.ended(report))
    }
}
