public import Consensus
public import MailModel
internal import MailStore
internal import ReplicaCore

/// What a verification of a group found, for admins.
public struct GroupVerdict: Hashable, Sendable {
    public enum Result: Hashable, Sendable {
        case equal, incomplete, different, disputed
    }

    public enum Standing: Hashable, Sendable {
        case agrees, givenUp, disputed, silent
    }

    public enum Scrub: Hashable, Sendable {
        case none, intact, harmed, unfinished
    }

    /// A row by its key.
    public struct Row: Hashable, Sendable {
        public let table: String
        /// Without the group; empty for the group's own row.
        public let key: [UInt8]
        public let description: String
    }

    public struct Replica: Hashable, Sendable {
        public let replica: ReplicaID
        public let node: NodeID
        public let isVoter: Bool
        public let standing: Standing
        /// Empty where it did not answer.
        public let digest: String
        public let scrub: Scrub
        /// The first row in which it differs.
        public let row: Row?
    }

    public let group: GroupID
    public let index: LogIndex
    public let result: Result
    /// Empty without a majority.
    public let digest: String
    public let isScrub: Bool
    public let ended: Timestamp
    public let replicas: [Replica]
}

/// How far a verification is.
public struct VerificationProgress: Hashable, Sendable {
    public let answered: Int
    public let replicas: Int
    public let scrubbedBytes: UInt64
    public let isSearching: Bool
}

/// What a node knows of the last verification of a group.
public struct VerificationStanding: Hashable, Sendable {
    public let index: LogIndex
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
    /// - Throws: ``AdministrationError``, or what `progress` throws.
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

extension VerificationStanding {
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
        standing =
            switch found.standing {
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
