public import Consensus

/// What one replica has told another of itself. A replica tells only what is durable, so it must still know that after
/// any restart: a replica that does not has lost a part of its log, or came up with an old image of its disk.
public struct Testimony: Hashable, Sendable {
    /// The newest term that the replica was in.
    public var term: Term
    /// How far the replica said, in that term, that its log is durable: matching its leader's, or as the leader.
    public var index: LogIndex
    /// The term of the entry there; zero where the replica that testifies does not know it.
    public var entryTerm: Term
    /// The newest term in which the replica voted for the replica that testifies.
    public var voteTerm: Term

    public init(term: Term = .zero, index: LogIndex = .zero, entryTerm: Term = .zero, voteTerm: Term = .zero) {
        self.term = term
        self.index = index
        self.entryTerm = entryTerm
        self.voteTerm = voteTerm
    }

    /// Whether a replica with this memory has forgotten something that it said.
    ///
    /// Within a term a log is only cut beyond what was said to match; a later term may have cut it anywhere, but then
    /// the replica knows that term. An image of the same term, but of before its leader replaced an entry, may be as
    /// long as what was said, and differ.
    ///
    /// - Parameters:
    ///   - termAt: the terms of its entries; `nil` for those that it no longer has.
    ///   - voter: the replica that testifies.
    public func isForgotten(
        term: Term,
        vote: ReplicaID?,
        lastIndex: LogIndex,
        termAt: (LogIndex) -> Term?,
        voter: ReplicaID?
    ) -> Bool {
        if self.term > term { return true }
        if self.term == term, index > lastIndex { return true }
        if self.term == term, entryTerm > .zero, let own = termAt(index), own != entryTerm { return true }
        return voteTerm == term && voteTerm > .zero && vote != voter
    }
}

/// What a replica has heard of each of the others, as long as its node runs.
public struct Witnesses: Sendable {
    private struct Entry {
        let replica: ReplicaID
        var node: NodeID
        var testimony: Testimony
    }

    /// More replicas than a group ever has at once. Beyond that, the replica that was heard of first is forgotten.
    private static let maximumEntries = 32

    private var entries: [Entry] = []

    /// - Parameter ownTerm: the term of the entry at an index, where the replica that testifies leads in a term;
    ///   otherwise zero.
    mutating func note(
        _ message: ReplicaMessage,
        from node: NodeID,
        ownTerm: (_ index: LogIndex, _ ledTerm: Term) -> Term
    ) {
        switch message.message.body {
        case .preVote, .preVoteResponse:
            // Pre-votes name a term that no replica is in yet.
            return
        case .requestVote, .voteResponse, .appendEntries, .appendAccepted, .appendRejected, .heartbeat,
            .heartbeatResponse, .installSnapshot, .snapshotRejected, .timeoutNow:
            break
        }
        let position = position(of: message.message.from, node)
        entries[position].node = node
        entries[position].testimony.take(message, ownTerm: ownTerm)
    }

    private mutating func position(of replica: ReplicaID, _ node: NodeID) -> Int {
        if let position = entries.firstIndex(where: { $0.replica == replica }) { return position }
        if entries.count == Self.maximumEntries { entries.removeFirst() }
        entries.append(Entry(replica: replica, node: node, testimony: Testimony()))
        return entries.count - 1
    }

    /// What was heard of a replica; of one that nothing was heard of, a testimony that says nothing.
    public func testimony(of replica: ReplicaID) -> Testimony {
        entries.first { $0.replica == replica }?.testimony ?? Testimony()
    }

    func node(of replica: ReplicaID) -> NodeID? { entries.first { $0.replica == replica }?.node }
}

extension Testimony {
    fileprivate mutating func take(
        _ envelope: ReplicaMessage,
        ownTerm: (_ index: LogIndex, _ ledTerm: Term) -> Term
    ) {
        let message = envelope.message
        if message.term > term {
            term = message.term
            index = .zero
            entryTerm = .zero
        }
        guard message.term == term else { return }
        switch message.body {
        case .appendAccepted(let matchIndex):
            guard matchIndex > index else { return }
            index = matchIndex
            // The match is with this leader's log. A leader that lost its term may have another entry there by now.
            entryTerm = ownTerm(matchIndex, term)
        case .voteResponse(true): voteTerm = term
        case .appendEntries, .heartbeat:
            guard envelope.durableIndex > index else { return }
            index = envelope.durableIndex
            // A leader replaces no entry in its term.
            entryTerm = .zero
        case .preVote, .preVoteResponse, .requestVote, .voteResponse(false), .appendRejected, .heartbeatResponse,
            .installSnapshot, .snapshotRejected, .timeoutNow:
            break
        }
    }
}
