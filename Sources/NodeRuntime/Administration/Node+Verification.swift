public import Consensus
public import MailModel
internal import MailStore
internal import ReplicaCore

/// What a verification of a group found, for admins.
public struct GroupVerdict: Hashable, Sendable {
    /// What holds for the group as a whole.
    public enum Result: Hashable, Sendable {
        /// All voters hold the same.
        case equal
        /// Those that answered hold the same; some voters did not answer.
        case incomplete
        /// A majority holds the same, and the others are given up.
        case different
        /// Replicas differ, and no majority says which are right: no replica is given up.
        case disputed
    }

    /// What holds for one replica.
    public enum Finding: Hashable, Sendable {
        case agrees
        /// The replica differs from the majority, and is built anew.
        case givenUp
        /// The replica differs from others, and no majority says which is right.
        case disputed
        /// The replica did not answer in time.
        case silent
    }

    /// What a replica found when it computed its digest from all its rows.
    public enum Scrub: Hashable, Sendable {
        /// No scrub was asked for, or the scrub had not ended with the verification.
        case none
        case intact
        /// Rows or bodies are not those that were written.
        case harmed
        /// The scrub took too long, or the rows could not be read.
        case unfinished
    }

    /// A row by its key.
    public struct Row: Hashable, Sendable {
        /// The table's name, as in `Docs/formats/state.md`.
        public let table: String
        /// Without the group; empty for the group's own row.
        public let key: [UInt8]
        /// The table and what the key names in it, for people.
        public let description: String
    }

    /// One replica, as it answered.
    public struct Replica: Hashable, Sendable {
        /// The replica's ID in its group.
        public let replica: ReplicaID
        /// The node that held the replica when the verification began.
        public let node: NodeID
        /// Whether the replica voted then: the majority is one of voters.
        public let isVoter: Bool
        /// How the replica's digest compares with those of the others.
        public let finding: Finding
        /// In hexadecimal; empty where the replica did not answer.
        public let digest: String
        /// What the replica found in its own rows.
        public let scrub: Scrub
        /// The first row in which the replica differs; nil where none is known.
        public let row: Row?
    }

    /// The group that was verified.
    public let group: GroupID
    /// The entry behind which the replicas' states were compared.
    public let index: LogIndex
    /// What holds for the group as a whole.
    public let result: Result
    /// What a majority of the voters has, in hexadecimal; empty without a majority.
    public let digest: String
    /// Whether the replicas also read all their rows.
    public let isScrub: Bool
    /// The time of day, at the node that coordinated the verification, when it ended.
    public let ended: Timestamp
    /// All replicas of the group's configuration, in its order.
    public let replicas: [Replica]
}

/// How far a verification is.
public struct VerificationProgress: Hashable, Sendable {
    /// How many replicas have told their digest.
    public let answered: Int
    /// How many replicas are asked.
    public let replicas: Int
    /// What the replicas have read so far for their scrubs, together.
    public let scrubbedBytes: UInt64
    /// Whether it is decided which replicas differ, and their first different rows are being looked for.
    public let isSearching: Bool
}

/// What a node knows of the last verification of a group.
public struct LastVerification: Hashable, Sendable {
    /// The entry behind which the replicas' states were compared.
    public let index: LogIndex
    /// The time of day at this node when the verification ended, or when this node was told so.
    public let time: Timestamp
    /// Nil where another node coordinated it.
    public let verdict: GroupVerdict?
}

extension Node {
    /// Compares what the replicas of a group hold.
    ///
    /// - Parameters:
    ///   - isScrub: also read all rows.
    ///   - progress: called about once a second.
    /// - Throws: ``AdministrationError``: `.notFound` without a replica here, `.failedPrecondition` where this node
    ///   does not lead the group, `.unavailable` where too many verifications are under way or this one was
    ///   interrupted; what `progress` throws.
    public func verify(
        _ group: GroupID,
        isScrub: Bool,
        progress: (VerificationProgress) async throws -> Void
    ) async throws -> GroupVerdict {
        let id: VerificationID
        switch await ask(group, { .verify(group, isScrub: isScrub, $0) }) {
        case .success(let begun): id = begun
        case .failure(let refusal): throw error(refusal, group)
        }
        var polls = 0
        while true {
            try await Task.sleep(for: .milliseconds(50))
            switch await ask(group, { .verificationCourse(of: group, id, $0) }) {
            case .running(let current):
                polls += 1
                if polls % 20 == 0 { try await progress(current) }
            case .ended(let note, let report): return GroupVerdict(group, note, report)
            case .unknown:
                throw AdministrationError(.unavailable, "the verification of group \(group.rawValue) was interrupted")
            }
        }
    }

    private func error(_ refusal: VerificationRefusal, _ group: GroupID) -> AdministrationError {
        let number = group.rawValue
        switch refusal {
        case .noReplica: return AdministrationError(.notFound, "this node has no replica of group \(number)")
        case .notLeader(let leader):
            let hint = leader.map { "ask node \($0.rawValue), which leads it" } ?? "it has no leader now"
            return AdministrationError(.failedPrecondition, "this node does not lead group \(number): \(hint)")
        case .busy:
            return AdministrationError(
                .unavailable,
                "a verification of group \(number) or too many others are under way; ask again later"
            )
        case .configurationInFlight:
            return AdministrationError(.unavailable, "the members of group \(number) change now; ask again later")
        }
    }

    /// Groups whose replica here is not copied, because it is not known whether it is right; a sentence each.
    public func verificationProblems() async -> [String] {
        let node = settings.node.rawValue
        return await askAll { .problems($0) }.flatMap(\.doubted).sorted().map { group in
            """
            group \(group.rawValue): the replica on node \(node) differs from others, and no majority says who is \
            right; `staffettactl group verify \(group.rawValue) --scrub` compares again
            """
        }
    }
}

extension LastVerification {
    init(_ group: GroupID, _ note: VerificationNote) {
        index = note.index
        time = note.time
        verdict = note.report.map { GroupVerdict(group, note, $0) }
    }
}

extension GroupVerdict {
    init(_ group: GroupID, _ note: VerificationNote, _ report: VerificationReport) {
        self.group = group
        index = report.index
        ended = note.time
        isScrub = report.isScrub
        digest = report.digest.map { "\(StateDigest($0))" } ?? ""
        result =
            switch report.result {
            case .equal: .equal
            case .incomplete: .incomplete
            case .different: .different
            case .disputed: .disputed
            }
        replicas = report.replicas.map { Replica($0) }
    }
}

extension GroupVerdict.Replica {
    init(_ found: VerificationReport.Replica) {
        replica = found.replica
        node = found.node
        isVoter = found.isVoter
        digest = found.digest.map { "\(StateDigest($0))" } ?? ""
        finding =
            switch found.finding {
            case .agrees: .agrees
            case .condemned: .givenUp
            case .disputed: .disputed
            case .silent: .silent
            }
        scrub =
            switch found.scrub {
            case .none, .running: .none
            case .intact: .intact
            case .harmed, .harmedBody: .harmed
            case .unfinished: .unfinished
            }
        row = found.firstKey.map { key in
            let name = RowName(key: key)
            return GroupVerdict.Row(table: name.table, key: key, description: name.description)
        }
    }
}
