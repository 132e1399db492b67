internal import Consensus
public import MailModel
internal import MailStore
internal import Placement

/// A token as admins see it.
public struct JoinTokenReport: Sendable {
    /// 16 hexadecimal digits.
    public let id: String
    /// Milliseconds since 1970, UTC.
    public let expiresMilliseconds: Int64
    /// How many nodes it still lets in.
    public let usesLeft: Int

    init(_ token: JoinToken) {
        id = JoinSecret.name(of: token.id)
        expiresMilliseconds = token.expires.rawValue
        usesLeft = Int(token.uses)
    }
}

extension Node {
    /// What admins have the directory do.
    public var directoryAdministration: DirectoryAdministration { DirectoryAdministration(mail: mail) }
}

/// What admins have the directory do, through one node.
public struct DirectoryAdministration: Sendable {
    let mail: NodeService
    private static let longestTokenSeconds = 30 * 24 * 3_600
    private static let mostTokenUses = 1_000

    /// Makes a token by which nodes can join.
    ///
    /// - Parameters:
    ///   - seconds: how long it lets nodes in, at most 30 days.
    ///   - uses: how many it lets in, at most 1,000.
    /// - Returns: the token, and the secret, which is not kept.
    /// - Throws: ``AdministrationError``: `.invalidArgument`, `.failedPrecondition` where there are too many tokens,
    ///   `.unavailable` where no quorum answers in time.
    public func createJoinToken(
        seconds: Int,
        uses: Int
    ) async throws(AdministrationError) -> (token: JoinTokenReport, secret: String) {
        guard (1...Self.longestTokenSeconds).contains(seconds) else {
            throw AdministrationError(.invalidArgument, "a token lasts from 1 second to 30 days")
        }
        guard (1...Self.mostTokenUses).contains(uses) else {
            throw AdministrationError(.invalidArgument, "a token lets in from 1 to \(Self.mostTokenUses) nodes")
        }
        let secret = JoinSecret()
        let token = JoinToken(
            id: secret.id,
            secretHash: secret.hash,
            expires: Timestamp(milliseconds: mail.now().rawValue + Int64(seconds) * 1_000),
            uses: UInt32(uses)
        )
        switch try await tell(.addToken(token)) {
        case .done: return (JoinTokenReport(token), secret.text)
        case .refused(.tooManyEntries):
            throw AdministrationError(
                .failedPrecondition,
                "there are \(JoinToken.maximumCount) tokens that have not ended; revoke some first"
            )
        case let outcome: throw AdministrationError(.failedPrecondition, "the directory answered \(outcome)")
        }
    }

    /// The tokens that there are, ended ones included.
    ///
    /// - Throws: ``AdministrationError``, `.unavailable` where no quorum answers in time.
    public func joinTokens() async throws(AdministrationError) -> [JoinTokenReport] {
        let reader = mail.reader
        return try await read { try reader.joinTokens() }.map { JoinTokenReport($0) }
    }

    /// Ends a token.
    ///
    /// - Throws: ``AdministrationError``: `.notFound`, `.unavailable` where no quorum answers in time.
    public func revokeJoinToken(_ id: String) async throws(AdministrationError) {
        guard let token = try await joinTokens().first(where: { $0.id == id }),
            let number = UInt64(token.id, radix: 16)
        else {
            throw AdministrationError(.notFound, "there is no token \(id); `staffettactl node token list` shows all")
        }
        guard case .done = try await tell(.removeToken(JoinTokenID(rawValue: number))) else { throw .unavailable }
    }

    /// Where a group's voters are to be after a change.
    ///
    /// - Throws: ``AdministrationError``: `.failedPrecondition` where a node cannot take a replica, none would be left,
    ///   or one value of a label would hold a majority that none holds now.
    static func placing(
        of record: GroupRecord,
        adding added: [NodeID],
        removing removed: [NodeID],
        mayFormMajority: Bool,
        _ directory: Directory
    ) throws(AdministrationError) -> Placing {
        for node in added {
            guard let state = directory.node(node)?.state, state == .active else {
                throw AdministrationError(
                    .failedPrecondition,
                    "node \(node.rawValue) is \(directory.node(node)?.state.name ?? "gone"), and takes no replica"
                )
            }
            guard !record.placing.voters.contains(node) else {
                throw AdministrationError(
                    .failedPrecondition,
                    "group \(record.id.rawValue) has a replica on node \(node.rawValue), or gets one"
                )
            }
        }
        for node in removed where !record.placing.voters.contains(node) {
            throw AdministrationError(
                .notFound,
                "group \(record.id.rawValue) is to have no replica on node \(node.rawValue)"
            )
        }
        let voters = record.placing.voters.filter { !removed.contains($0) } + added
        guard !voters.isEmpty, voters.count <= Placing.maximumVoters else {
            throw AdministrationError(
                .failedPrecondition,
                "group \(record.id.rawValue) would have \(voters.count) voters: "
                    + "1 to \(Placing.maximumVoters) are allowed"
            )
        }
        if !mayFormMajority { try checkMajorities(of: voters, in: record, directory) }
        // Who takes the preferred leader's place leads in its place.
        let former = record.placing.preferredLeader
        let isLeaving = former.map { removed.contains($0) } ?? false
        return Placing(
            voters: voters,
            preferredLeader: isLeaving ? added.first ?? voters.first : former,
            mayFormMajority: mayFormMajority
        )
    }

    /// No value of a label gets a majority of the voters that has none now.
    private static func checkMajorities(
        of voters: [NodeID],
        in record: GroupRecord,
        _ directory: Directory
    ) throws(AdministrationError) {
        func labelled(_ nodes: [NodeID]) -> [LabelledVoter] {
            nodes.map { LabelledVoter(node: $0, labels: directory.labels(of: $0)) }
        }
        let new = MajorityCheck.findingsOfChange(
            from: labelled(record.placing.voters),
            to: labelled(voters),
            spread: directory.policy.rule(ofPool: record.pool).spread
        )
        guard new.isEmpty else {
            let reasons = new.map(\.description).joined(separator: "; ")
            throw AdministrationError(
                .failedPrecondition,
                "group \(record.id.rawValue) would stop with one value of a label: \(reasons). "
                    + "--allow-majority does it all the same"
            )
        }
    }

    /// What happened to the cluster, the oldest first.
    ///
    /// - Parameters:
    ///   - sequence: only events behind this one; 0 for the last ones that there are.
    ///   - limit: at most so many.
    /// - Throws: ``AdministrationError``, `.unavailable` where no quorum answers in time.
    public func events(after sequence: UInt64, limit: Int) async throws(AdministrationError) -> [NumberedEvent] {
        let reader = mail.reader
        return try await read {
            let last = try reader.lastEvent()
            let first = sequence == 0 && last > UInt64(limit) ? last - UInt64(limit) : sequence
            return try reader.events(after: first, limit: limit)
        }
    }

    /// What the directory says, no older than this call; nil before the cluster is founded.
    func directory() async throws(AdministrationError) -> Directory? {
        let reader = mail.reader
        return try await read { try reader.directory() }
    }

    /// The directory, no older than this call.
    ///
    /// - Throws: ``AdministrationError``, `.unavailable` where no quorum answers in time.
    func current() async throws(AdministrationError) -> Directory {
        let reader = mail.reader
        guard let directory = try await read({ try reader.directory() }) else { throw .unavailable }
        return directory
    }

    /// Reads what the directory says, no older than this call: every node has the directory.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws(AdministrationError) -> Value {
        let result = await withCheckedContinuation { continuation in
            let completion = Completion<Value>(on: nil) { continuation.resume(returning: $0) }
            mail.read(.directory, completion, body)
        }
        guard case .success(let value) = result else { throw .unavailable }
        return value
    }

    /// Has the directory carry out a command.
    ///
    /// - Throws: ``AdministrationError``, `.unavailable` where no quorum answers in time.
    func tell(_ command: DirectoryCommand) async throws(AdministrationError) -> MailOutcome {
        guard
            case .success(let outcome) = await mail.submit(
                .directory(command),
                to: .directory,
                account: AccountID(0)
            )
        else { throw .unavailable }
        return outcome
    }
}
