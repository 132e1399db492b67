public import Consensus

/// Limits and times of a verification.
public struct VerificationLimits: Hashable, Sendable {
    /// How long the replicas have to reach the index.
    public var gatherMilliseconds: Int64
    /// How long they have to compute their digests from their rows.
    public var scrubMilliseconds: Int64
    /// How long the search for the first different row may take.
    public var searchMilliseconds: Int64
    /// Who has something left to tell is asked this often.
    public var askMilliseconds: Int64
    /// Who does not answer for so long is not waited for any more.
    public var silenceMilliseconds: Int64
    /// Rows and bytes that one question about a range may be about.
    public var rangeRows: UInt32
    public var rangeBytes: UInt32

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
/// and finds the first row in which a replica differs. It may end on a node that no longer leads: what was applied at
/// an index is the same whoever leads.
public struct GroupVerification: Hashable, Sendable {
    public enum Effect: Hashable, Sendable {
        case send(VerificationMessage, to: NodeID)
        /// It is known who is right; which row differs may be still to come.
        case decided(VerificationReport)
        case ended(VerificationReport)
    }

    struct Participant: Hashable, Sendable {
        let replica: ReplicaID
        let node: NodeID
        let isVoter: Bool
        var status = VerificationStatus.waiting
        var heardMilliseconds: Int64
        /// Nobody waits for it any more.
        var isGivenUpOn = false
        /// It knows that it is condemned.
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

    public let id: VerificationID
    public let index: LogIndex
    public let isScrub: Bool
    /// Whose replica is asked first when several would do.
    private let own: NodeID
    /// Nobody will ask again soon: what is found out now is acted upon.
    private let isLastAttempt: Bool
    private let limits: VerificationLimits
    private(set) var participants: [Participant]
    private var phase = Phase.gathering
    private var deadlineMilliseconds: Int64
    private var nextAskMilliseconds: Int64
    /// When the question about a range was asked last; nil when it has not been.
    private var askedMilliseconds: Int64?

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
        let bytes = participants.reduce(UInt64(0)) { sum, participant in
            if case .running(let bytes) = participant.scrub { sum &+ bytes } else { sum }
        }
        return (participants.count { $0.digest != nil }, participants.count, bytes)
    }

    public var isSearching: Bool {
        if case .searching = phase { true } else { false }
    }

    // MARK: Events

    public mutating func tick(nowMilliseconds now: Int64, into effects: inout [Effect]) {
        switch phase {
        case .ended: return
        case .gathering, .scrubbing:
            for position in participants.indices where isMissing(participants[position], now) {
                participants[position].isGivenUpOn = true
            }
            if now >= nextAskMilliseconds { askAll(now, &effects) }
            advance(now, &effects)
        case .searching(let report, let search):
            if now >= nextAskMilliseconds {
                askAll(now, &effects)
                pronounce(report, &effects)
            }
            if let search {
                pursue(search, now, &effects)
            } else if now >= deadlineMilliseconds {
                end(report, &effects)
            }
        }
    }

    private mutating func pursue(_ search: DifferenceSearch, _ now: Int64, _ effects: inout [Effect]) {
        let replica = search.question.replica
        let heard = participants.first { $0.replica == replica }?.heardMilliseconds ?? 0
        if now >= deadlineMilliseconds || now - heard >= limits.silenceMilliseconds {
            return found(.lost, now, &effects)
        }
        let isDue = askedMilliseconds.map { now - $0 >= limits.askMilliseconds } ?? true
        if isDue { ask(search, now, &effects) }
    }

    public mutating func take(
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
            advance(now, &effects)
        case .searching(let report, let search):
            // What was decided stays decided.
            if status == .givenUp { participants[position].hasAccepted = true }
            if search == nil { endWhenAccepted(report, &effects) }
        }
    }

    public mutating func take(
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
        if let outcome = search.take(digest, sequence: sequence, from: replica) {
            return found(outcome, now, &effects)
        }
        guard search != before else { return }
        phase = .searching(report, search)
        // Large runs wait for the next tick: the search must not take the disks from those who have mail to read.
        askedMilliseconds = nil
        if !search.isLarge { ask(search, now, &effects) }
    }

    // MARK: Gathering

    private func isMissing(_ participant: Participant, _ now: Int64) -> Bool {
        now - participant.heardMilliseconds >= limits.silenceMilliseconds || now >= deadlineMilliseconds
    }

    private mutating func askAll(_ now: Int64, _ effects: inout [Effect]) {
        nextAskMilliseconds = now + limits.askMilliseconds
        for participant in participants where participant.status != .unavailable {
            let ask = VerificationAsk(id: id, replica: participant.replica, index: index, isScrub: isScrub)
            effects.append(.send(.ask(ask), to: participant.node))
        }
    }

    private mutating func advance(_ now: Int64, _ effects: inout [Effect]) {
        switch phase {
        case .gathering:
            guard participants.allSatisfy(\.isSettled) else { return }
            // Where all say the same, and where nobody can say who is right, the rows themselves are asked.
            let digests = Set(participants.compactMap(\.digest))
            let isOpen = digests.count == 1 || VerificationReport.majority(of: participants) == nil
            guard isScrub, isOpen else { return decide(now, &effects) }
            phase = .scrubbing
            deadlineMilliseconds = now + limits.scrubMilliseconds
            for position in participants.indices { participants[position].isGivenUpOn = false }
            advance(now, &effects)
        case .scrubbing:
            guard !participants.contains(where: { $0.scrub.isRunning && !$0.isGivenUpOn }) else { return }
            decide(now, &effects)
        case .searching, .ended: return
        }
    }

    // MARK: The verdict

    private mutating func decide(_ now: Int64, _ effects: inout [Effect]) {
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
        pronounce(report, &effects)
        deadlineMilliseconds = now + limits.searchMilliseconds
        search(report, now, &effects)
    }

    /// Tells those with whom something is wrong, as often as needed; the others hear at the end.
    private func pronounce(_ report: VerificationReport, _ effects: inout [Effect]) {
        for replica in report.replicas {
            let verdict: ReplicaVerdict
            switch replica.standing {
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
        report.replicas.contains { $0.replica == participant.replica && $0.standing == .condemned }
    }

    /// Goes on to the next replica of which it is to be found out in what it differs.
    private mutating func search(_ report: VerificationReport, _ now: Int64, _ effects: inout [Effect]) {
        guard let suspect = report.replicas.first(where: { isSearchable($0) }),
            let reference = reference(for: suspect, in: report)
        else {
            phase = .searching(report, nil)
            deadlineMilliseconds = min(deadlineMilliseconds, now + limits.gatherMilliseconds)
            return endWhenAccepted(report, &effects)
        }
        let search = DifferenceSearch(
            reference: reference,
            suspect: suspect.replica,
            maximumRows: limits.rangeRows,
            maximumBytes: limits.rangeBytes
        )
        phase = .searching(report, search)
        ask(search, now, &effects)
    }

    private func isSearchable(_ replica: VerificationReport.Replica) -> Bool {
        switch replica.standing {
        case .condemned, .disputed: replica.firstKey == nil
        case .agrees, .silent: false
        }
    }

    /// Who has it right; without a majority, one that says something else.
    private func reference(for suspect: VerificationReport.Replica, in report: VerificationReport) -> ReplicaID? {
        let others = report.replicas.filter { other in
            guard other.replica != suspect.replica, other.digest != nil else { return false }
            return other.standing == .agrees || report.digest == nil && other.digest != suspect.digest
        }
        return (others.first { $0.node == own } ?? others.first)?.replica
    }

    private mutating func ask(_ search: DifferenceSearch, _ now: Int64, _ effects: inout [Effect]) {
        let question = search.question
        guard let participant = participants.first(where: { $0.replica == question.replica }) else { return }
        askedMilliseconds = now
        effects.append(
            .send(.rangeAsk(id, question.replica, sequence: question.sequence, question.query), to: participant.node)
        )
    }

    private mutating func found(_ outcome: DifferenceSearch.Outcome, _ now: Int64, _ effects: inout [Effect]) {
        guard case .searching(var report, let search?) = phase,
            let position = report.replicas.firstIndex(where: { $0.replica == search.suspect })
        else { return }
        switch outcome {
        case .found(let key): report.replicas[position].firstKey = key
        // No row differs: it is the digest itself that is wrong. An empty key stands for the group's own row.
        case .nothing: report.replicas[position].firstKey = []
        case .lost: return settle(report, &effects, now)
        }
        self.search(report, now, &effects)
    }

    /// Nothing more can be found out.
    private mutating func settle(_ report: VerificationReport, _ effects: inout [Effect], _ now: Int64) {
        phase = .searching(report, nil)
        deadlineMilliseconds = now + limits.gatherMilliseconds
        endWhenAccepted(report, &effects)
    }

    private mutating func endWhenAccepted(_ report: VerificationReport, _ effects: inout [Effect]) {
        guard participants.allSatisfy({ $0.hasAccepted || !isCondemned($0, report) }) else { return }
        end(report, &effects)
    }

    private mutating func end(_ report: VerificationReport, _ effects: inout [Effect]) {
        phase = .ended
        for replica in report.replicas where replica.standing == .agrees {
            effects.append(.send(.verdict(id, replica.replica, .agrees), to: replica.node))
        }
        pronounce(report, &effects)
        effects.append(.ended(report))
    }
}
