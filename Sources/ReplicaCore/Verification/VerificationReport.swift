public import Consensus

/// What a verification found.
public struct VerificationReport: Hashable, Sendable {
    /// What holds for the group as a whole.
    public enum Result: Hashable, Sendable {
        /// All voters hold the same.
        case equal
        /// Those that answered hold the same; some voters did not answer.
        case incomplete
        /// A majority holds the same, and the others are given up.
        case different
        /// Replicas differ, and no majority says who is right: no replica is given up.
        case disputed
    }

    /// What holds for one replica.
    public enum Finding: Hashable, Sendable {
        case agrees
        /// The replica differs from the majority and is given up.
        case condemned
        /// The replica differs from others, and no majority says who is right.
        case disputed
        /// The replica did not answer in time.
        case silent
    }

    /// One replica, as it answered.
    public struct Replica: Hashable, Sendable {
        /// The replica.
        public let replica: ReplicaID
        /// The node that held it when the verification began.
        public let node: NodeID
        /// Whether it voted then: the majority is one of voters.
        public let isVoter: Bool
        /// How its digest compares with the others'.
        public var finding: Finding
        /// The digest that the replica answered; nil where it did not answer.
        public let digest: UInt64?
        /// What it found in its own rows.
        public let scrub: ScrubStatus
        /// The first key in which the replica differs, without the group; nil where that is not known.
        public var firstKey: [UInt8]?
    }

    /// The verification that this reports on.
    public let id: VerificationID
    /// The entry behind which the states were compared.
    public let index: LogIndex
    /// Whether digests were computed from rows.
    public let isScrub: Bool
    /// What holds for the group as a whole.
    public let result: Result
    /// What a majority of the voters has.
    public let digest: UInt64?
    /// All replicas of the configuration, in its order.
    public var replicas: [Replica]
    /// A voter could have answered at another index.
    public let isWorthRepeating: Bool
}

extension VerificationReport {
    /// Who is right: what a majority of all voters has, of those whose own rows do not bear witness against them.
    init(_ verification: GroupVerification) {
        id = verification.id
        index = verification.index
        isScrub = verification.isScrub
        let participants = verification.participants
        let majority = Self.majority(of: participants)
        let spoiled = majority == nil ? SpoiledReplica(participants) : nil
        let digest = majority ?? spoiled?.digest
        self.digest = digest
        let isBlind = Mutant.isOn(.differencesIgnored)
        let witnesses = Set(participants.compactMap(\.witness))
        replicas = participants.map { participant in
            var finding = Finding.silent
            if participant.digest != nil, isBlind {
                finding = .agrees
            } else if let spoiled {
                finding = spoiled.finding(of: participant)
            } else if participant.digest != nil {
                if digest != nil {
                    finding = participant.witness == digest ? .agrees : .condemned
                } else {
                    // Where all others say the same, only those are in doubt whose rows are not what they say.
                    finding = participant.scrub.isHarmed || witnesses.count > 1 ? .disputed : .agrees
                }
            }
            return Replica(
                replica: participant.replica,
                node: participant.node,
                isVoter: participant.isVoter,
                finding: finding,
                digest: participant.digest,
                scrub: participant.scrub,
                firstKey: participant.harmedKey
            )
        }
        isWorthRepeating = participants.contains { $0.isVoter && $0.status == .unavailable }
        if replicas.contains(where: { $0.finding == .condemned || $0.finding == .disputed }) {
            result = digest == nil ? .disputed : .different
        } else {
            let isSomebodySilent = replicas.contains { $0.isVoter && $0.finding == .silent }
            result = isSomebodySilent || digest == nil ? .incomplete : .equal
        }
    }

    /// The digest that a majority of the voters bears witness for.
    static func majority(of participants: [GroupVerification.Participant]) -> UInt64? {
        let voters = participants.count(where: \.isVoter)
        return participants.lazy.compactMap(\.witness).first { digest in
            2 * participants.count { $0.isVoter && $0.witness == digest } > voters
        }
    }
}

/// The replica to be given up where so many have bytes of messages that a disk has spoiled, which say nothing against
/// their rows, that those without are no majority. One goes at a time: its successor gets the bytes from those that
/// have them, and the others are left to vote.
private struct SpoiledReplica {
    /// What a majority of the voters has, those with spoiled bytes too.
    let digest: UInt64
    private let replica: ReplicaID

    /// Nil where that is no way out: no majority has the same rows, nobody has all bytes, or those that are left would
    /// be no majority.
    init?(_ participants: [GroupVerification.Participant]) {
        let voters = participants.count(where: \.isVoter)
        let answered = participants.count { $0.isVoter && $0.digest != nil }
        guard 2 * (answered - 1) > voters, let digest = Self.agreed(participants, voters) else { return nil }
        let isSomebodyWhole = participants.contains { $0.isVoter && $0.witness == digest }
        var first: ReplicaID?
        for participant in participants where participant.isVoter && participant.harmedKey != nil {
            guard participant.digest == digest else { continue }
            first = first.map { min($0, participant.replica) } ?? participant.replica
        }
        guard isSomebodyWhole, let first else { return nil }
        self.digest = digest
        replica = first
    }

    /// The digest of a majority of the voters, by replicas whose rows nothing speaks against.
    private static func agreed(_ participants: [GroupVerification.Participant], _ voters: Int) -> UInt64? {
        for one in participants where one.isVoter && one.hasSaneRows {
            guard let digest = one.digest else { continue }
            let count = participants.count { $0.isVoter && $0.hasSaneRows && $0.digest == digest }
            if 2 * count > voters { return digest }
        }
        return nil
    }

    func finding(of participant: GroupVerification.Participant) -> VerificationReport.Finding {
        guard let own = participant.digest else { return .silent }
        if participant.replica == replica { return .condemned }
        return own == digest && !participant.scrub.isHarmed ? .agrees : .disputed
    }
}

extension GroupVerification.Participant {
    /// Whether nothing speaks against the rows, whatever is with the bytes of messages.
    fileprivate var hasSaneRows: Bool { harmedKey != nil || !scrub.isHarmed }
}
