import Testing

@testable import Consensus

/// One test for each sentence of the rules in figure 2 of the Raft paper (extended version).
@Suite struct Figure2Tests {
    // MARK: - Rules for servers: all servers

    @Test("All servers: If commitIndex > lastApplied: increment lastApplied, apply log[lastApplied] to state machine")
    func appliesWhatIsCommitted() {
        var f = Fixture(terms: [1, 1, 1])
        f.append(term: 1, after: (3, 1), commit: 2)
        #expect(f.effects.contains(.apply(upTo: 2)))
        f.append(term: 1, after: (3, 1), commit: 2)
        #expect(!f.effects.contains(.apply(upTo: 2)))
    }

    @Test(
        """
        All servers: If RPC request or response contains term T > currentTerm: set currentTerm = T, convert to \
        follower
        """,
        arguments: [RoleKind.follower, .candidate, .leader],
        [
            Message.Body.requestVote(lastIndex: 9, lastTerm: 9, byTransfer: false),
            .voteResponse(granted: false),
            .appendEntries(AppendEntries(previousIndex: 0, previousTerm: 0, entries: [], commitIndex: 0)),
            .appendRejected(previousIndex: 0, hintIndex: 0, hintTerm: 0),
            .heartbeat(commitIndex: 0, readSequence: 0),
            .heartbeatResponse(readSequence: 0),
            .appendAccepted(matchIndex: 0),
        ]
    )
    func adoptsHigherTerm(role: RoleKind, body: Message.Body) {
        var f = Fixture()
        switch role {
        case .follower, .preCandidate: break
        case .candidate: f.step(.campaign)
        case .leader: f.lead()
        }
        #expect(f.node.role == role)
        f.receive(from: 3, term: 9, body)
        #expect(f.node.term == 9)
        #expect(f.node.role == .follower)
        #expect(f.persisted?.hardState?.term == 9)
    }

    // MARK: - Followers

    @Test("Followers: Respond to RPCs from candidates and leaders")
    func followerResponds() {
        var f = Fixture()
        f.receive(from: 2, term: 1, .requestVote(lastIndex: 0, lastTerm: 0, byTransfer: false))
        #expect(f.messages.map(\.body) == [.voteResponse(granted: true)])
        f.append(term: 1, after: (0, 0), [1])
        #expect(f.messages.map(\.body) == [.appendAccepted(matchIndex: 1)])
        f.persist()
        f.receive(from: 2, term: 1, .heartbeat(commitIndex: 1, readSequence: 7))
        #expect(f.messages.map(\.body) == [.heartbeatResponse(readSequence: 7)])
    }

    @Test(
        """
        Followers: If election timeout elapses without receiving AppendEntries RPC from current leader or granting \
        vote to candidate: convert to candidate
        """
    )
    func followerBecomesCandidate() {
        var f = Fixture(term: 1)
        for _ in 0..<30 {
            f.append(term: 1, after: (0, 0))
            for _ in 0..<9 { f.step(.tick) }
        }
        #expect(f.node.role == .follower)
        for _ in 0..<20 { f.step(.tick) }
        #expect(f.node.role == .candidate)

        var voter = Fixture(term: 1)
        for term in 2...30 {
            voter.receive(
                from: 2,
                term: Term(UInt64(term)),
                .requestVote(lastIndex: 0, lastTerm: 0, byTransfer: false)
            )
            for _ in 0..<9 { voter.step(.tick) }
            #expect(voter.node.role == .follower)
        }
    }

    // MARK: - Candidates

    @Test(
        """
        Candidates: On conversion to candidate, start election: Increment currentTerm; Vote for self; Reset election \
        timer; Send RequestVote RPCs to all other servers
        """
    )
    func candidateStartsElection() {
        var f = Fixture(voters: 5, terms: [1, 2], term: 4)
        f.step(.campaign)
        #expect(f.node.role == .candidate)
        #expect(f.node.term == 5)
        #expect(f.persisted?.hardState == HardState(term: 5, vote: 1, commitIndex: 0))
        #expect(f.node.election.elapsedTicks == 0)
        let body = Message.Body.requestVote(lastIndex: 2, lastTerm: 2, byTransfer: false)
        #expect(f.waiting == [2, 3, 4, 5].map { Message(from: 1, to: $0, term: 5, body: body) })
        #expect(f.sent.isEmpty, "a request carries a vote and a term: neither is shown before it is durable")
    }

    @Test("Candidates: If votes received from majority of servers: become leader")
    func candidateWins() {
        var f = Fixture(voters: 5)
        f.step(.campaign)
        f.receive(from: 2, term: 1, .voteResponse(granted: true))
        f.receive(from: 2, term: 1, .voteResponse(granted: true))
        f.receive(from: 3, term: 1, .voteResponse(granted: true))
        #expect(f.node.role == .candidate, "its own vote is not durable yet, and no vote counts twice")
        f.persist()
        #expect(f.node.role == .leader)
    }

    @Test("Candidates: If AppendEntries RPC received from new leader: convert to follower")
    func candidateFollows() {
        var f = Fixture()
        f.step(.campaign)
        f.append(from: 3, term: 1, after: (0, 0))
        #expect(f.node.role == .follower)
        #expect(f.node.leader == 3)
        #expect(f.node.term == 1)
    }

    @Test("Candidates: If election timeout elapses: start new election")
    func candidateTriesAgain() {
        var f = Fixture()
        f.step(.campaign)
        for _ in 0..<20 where f.node.term == 1 { f.step(.tick) }
        #expect(f.node.role == .candidate)
        #expect(f.node.term == 2)
    }

    // MARK: - Leaders

    @Test(
        """
        Leaders: Upon election: send initial empty AppendEntries RPCs (heartbeat) to each server; repeat during idle \
        periods to prevent election timeouts
        """
    )
    func leaderSendsHeartbeats() {
        var f = Fixture()
        f.lead()
        // The first append carries the no-op of the term.
        #expect(f.sent.map(\.to) == [2, 3])
        let idle = Message.Body.heartbeat(commitIndex: 0, readSequence: 0)
        for _ in 0..<30 {
            f.step(.tick)
            #expect(f.sent.map(\.body) == [idle, idle])
        }
    }

    @Test(
        """
        Leaders: If command received from client: append entry to local log, respond after entry applied to state \
        machine
        """
    )
    func leaderTakesCommands() {
        var f = Fixture()
        f.lead()
        f.persist()
        f.step(.propose(payloadBytes: [10, 20]))
        #expect(f.effects.first == .accepted(first: 2, term: 1, count: 2))
        #expect(f.persisted?.entries.map(\.payloadBytes) == [10, 20])
        f.persist()
        #expect(f.node.commitIndex == 0)
        f.receive(from: 2, term: 1, .appendAccepted(matchIndex: 3))
        #expect(f.effects.contains(.apply(upTo: 3)))
    }

    @Test(
        """
        Leaders: If last log index ≥ nextIndex for a follower: send AppendEntries RPC with log entries starting at \
        nextIndex
        """
    )
    func leaderSendsFromNextIndex() {
        var f = Fixture(terms: [1, 1])
        f.lead()
        f.receive(from: 2, term: 2, .appendAccepted(matchIndex: 3))
        f.step(.propose(payloadBytes: [5]))
        let entry = EntryHeader(term: 2, payloadBytes: 5, kind: .command)
        let append = AppendEntries(previousIndex: 3, previousTerm: 2, entries: [entry], commitIndex: 0)
        #expect(f.sent == [Message(from: 1, to: 2, term: 2, body: .appendEntries(append))])
    }

    @Test("Leaders: If successful: update nextIndex and matchIndex for follower")
    func leaderUpdatesProgress() {
        var f = Fixture(terms: [1, 1])
        f.lead()
        f.receive(from: 2, term: 2, .appendAccepted(matchIndex: 3))
        #expect(f.node.peerStatus[0].matchIndex == 3)
        #expect(f.node.peerStatus[0].nextIndex == 4)
        f.receive(from: 2, term: 2, .appendAccepted(matchIndex: 1))
        #expect(f.node.peerStatus[0].matchIndex == 3, "late answers take nothing back")
    }

    @Test("Leaders: If AppendEntries fails because of log inconsistency: decrement nextIndex and retry")
    func leaderRetries() {
        var f = Fixture(terms: [1, 1, 1, 1])
        f.lead()
        f.receive(from: 2, term: 2, .appendRejected(previousIndex: 4, hintIndex: 2, hintTerm: 1))
        #expect(f.node.peerStatus[0].nextIndex == 3)
        guard case .appendEntries(let append)? = f.sent.first?.body else {
            Issue.record("no retry")
            return
        }
        #expect(append.previousIndex == 2)
        #expect(append.entries.count == 3)
    }

    @Test(
        """
        Leaders: If there exists an N such that N > commitIndex, a majority of matchIndex[i] ≥ N, and log[N].term == \
        currentTerm: set commitIndex = N
        """
    )
    func leaderCommits() {
        var f = Fixture(voters: 5, terms: [1, 1], term: 1)
        f.lead()
        f.persist()
        f.receive(from: 2, term: 2, .appendAccepted(matchIndex: 2))
        f.receive(from: 3, term: 2, .appendAccepted(matchIndex: 2))
        #expect(f.node.commitIndex == 0, "entries of an earlier term are not committed by counting (figure 8)")
        f.receive(from: 2, term: 2, .appendAccepted(matchIndex: 3))
        #expect(f.node.commitIndex == 0)
        f.receive(from: 3, term: 2, .appendAccepted(matchIndex: 3))
        #expect(f.node.commitIndex == 3)
    }

    // MARK: - RequestVote RPC, receiver implementation

    @Test("RequestVote receiver 1: Reply false if term < currentTerm")
    func voteRejectsOldTerm() {
        var f = Fixture(term: 5)
        f.receive(from: 2, term: 4, .requestVote(lastIndex: 9, lastTerm: 4, byTransfer: false))
        #expect(f.sent == [Message(from: 1, to: 2, term: 5, body: .voteResponse(granted: false))])
        #expect(f.node.vote == nil)
    }

    struct VoteCase: Sendable {
        let vote: UInt64?
        let lastIndex: LogIndex
        let lastTerm: Term
        let granted: Bool
    }

    @Test(
        """
        RequestVote receiver 2: If votedFor is null or candidateId, and candidate's log is at least as up-to-date as \
        receiver's log, grant vote
        """,
        arguments: [
            VoteCase(vote: nil, lastIndex: 3, lastTerm: 2, granted: true),
            VoteCase(vote: 2, lastIndex: 3, lastTerm: 2, granted: true),
            VoteCase(vote: 3, lastIndex: 3, lastTerm: 2, granted: false),
            VoteCase(vote: nil, lastIndex: 2, lastTerm: 2, granted: false),
            VoteCase(vote: nil, lastIndex: 9, lastTerm: 1, granted: false),
            VoteCase(vote: nil, lastIndex: 1, lastTerm: 3, granted: true),
        ]
    )
    func vote(_ given: VoteCase) {
        var f = Fixture(terms: [1, 1, 2], term: 4, vote: given.vote)
        f.receive(
            from: 2,
            term: 4,
            .requestVote(lastIndex: given.lastIndex, lastTerm: given.lastTerm, byTransfer: false)
        )
        #expect(f.messages == [Message(from: 1, to: 2, term: 4, body: .voteResponse(granted: given.granted))])
        #expect(f.node.vote == (given.granted ? 2 : given.vote.map { ReplicaID($0) }))
    }

    // MARK: - AppendEntries RPC, receiver implementation

    @Test("AppendEntries receiver 1: Reply false if term < currentTerm")
    func appendRejectsOldTerm() {
        var f = Fixture(terms: [1], term: 5)
        f.append(term: 4, after: (1, 1), [4])
        #expect(
            f.sent.map(\.body) == [.appendRejected(previousIndex: 1, hintIndex: 1, hintTerm: 1)] && f.sent[0].term == 5
        )
        #expect(f.logTerms == [1])
    }

    @Test(
        """
        AppendEntries receiver 2: Reply false if log doesn't contain an entry at prevLogIndex whose term matches \
        prevLogTerm
        """
    )
    func appendRejectsMismatch() {
        var f = Fixture(terms: [1, 1, 2])
        f.append(term: 3, after: (5, 3), [3])
        f.persist()
        f.append(term: 3, after: (5, 3), [3])
        #expect(f.sent.map(\.body) == [.appendRejected(previousIndex: 5, hintIndex: 3, hintTerm: 2)])
        f.append(term: 3, after: (3, 1), [3])
        #expect(f.sent.map(\.body) == [.appendRejected(previousIndex: 3, hintIndex: 2, hintTerm: 1)])
        #expect(f.logTerms == [1, 1, 2])
    }

    @Test(
        """
        AppendEntries receiver 3: If an existing entry conflicts with a new one (same index but different terms), \
        delete the existing entry and all that follow it
        """
    )
    func appendTruncates() {
        var f = Fixture(terms: [1, 1, 2, 2, 2])
        f.append(term: 3, after: (2, 1), [3])
        #expect(f.logTerms == [1, 1, 3])
        #expect(f.persisted?.firstIndex == 3)
        #expect(f.waiting.map(\.body) == [.appendAccepted(matchIndex: 3)])
    }

    @Test("AppendEntries receiver 4: Append any new entries not already in the log")
    func appendAppends() {
        var f = Fixture(terms: [1, 1, 1])
        f.append(term: 1, after: (1, 1), [1, 1, 1])
        #expect(f.logTerms == [1, 1, 1, 1])
        #expect(f.persisted?.firstIndex == 4)
        f.append(term: 1, after: (0, 0), [1])
        #expect(f.logTerms == [1, 1, 1, 1], "an old append takes nothing away")
        #expect(f.sent.map(\.body) == [.appendAccepted(matchIndex: 1)], "what is durable is answered at once")
    }

    @Test(
        """
        AppendEntries receiver 5: If leaderCommit > commitIndex, set commitIndex = min(leaderCommit, index of last new \
        entry)
        """
    )
    func appendCommits() {
        var f = Fixture(terms: [1, 1, 1, 1])
        f.append(term: 1, after: (1, 1), [1], commit: 4)
        #expect(f.node.commitIndex == 2)
        f.append(term: 1, after: (4, 1), [1], commit: 3)
        #expect(f.node.commitIndex == 3)
        f.append(term: 1, after: (5, 1), commit: 1)
        #expect(f.node.commitIndex == 3)
    }
}
