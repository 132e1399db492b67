import Testing

@testable import Consensus

/// What no correct peer sends changes nothing, ends no process, and is told of.
@Suite struct ContradictionTests {
    /// The log has three entries, of which two are committed.
    private func follower() -> Fixture {
        var f = Fixture(terms: [1, 1, 2], term: 3, commit: 2)
        f.receive(from: 2, term: 3, .heartbeat(commitIndex: 2, readSequence: 0))
        return f
    }

    private func expect(_ f: Fixture, _ contradiction: Contradiction, sourceLocation: SourceLocation = #_sourceLocation)
    {
        let told = f.effects.filter { if case .apply = $0 { false } else { true } }
        #expect(told == [.contradicted(contradiction, by: 3)], sourceLocation: sourceLocation)
        #expect(f.node.persistent.log.lastIndex == 3, sourceLocation: sourceLocation)
        #expect(f.node.commitIndex == 2, sourceLocation: sourceLocation)
    }

    @Test func aSecondLeaderOfATerm() {
        let entries = AppendEntries(previousIndex: 3, previousTerm: 2, entries: [], commitIndex: 3)
        let point = SnapshotPoint(index: 9, term: 3, configuration: Configuration(voters: []))
        let bodies: [Message.Body] = [
            .heartbeat(commitIndex: 3, readSequence: 0), .appendEntries(entries), .installSnapshot(point), .timeoutNow,
        ]
        for body in bodies {
            var f = follower()
            f.receive(from: 3, term: 3, body)
            expect(f, .twoLeadersInOneTerm)
            #expect(f.node.leader == 2)
        }
    }

    @Test func anotherLeaderBesideThisOne() {
        var f = Fixture(voters: 3, terms: [1, 1, 2], commit: 2)
        f.step(.campaign)
        f.persist()
        f.receive(from: 2, term: 3, .voteResponse(granted: true))
        #expect(f.node.role == .leader)
        f.receive(from: 3, term: 3, .heartbeat(commitIndex: 2, readSequence: 0))
        #expect(f.effects == [.contradicted(.twoLeadersInOneTerm, by: 3)])
        #expect(f.node.role == .leader)
    }

    @Test func aCommittedEntryIsNotReplaced() {
        var f = follower()
        // Also with a term that is new here: it does not count.
        f.append(from: 3, term: 9, after: (1, 1), [9, 9], commit: 3)
        expect(f, .committedEntryChanged)
        #expect(f.node.term == 3)
    }

    @Test func termsInOrder() {
        for terms in [[2, 1], [4], [2, 4]] as [[UInt64]] {
            var f = Fixture(terms: [1, 1, 2], term: 3, commit: 2)
            f.append(from: 3, term: 3, after: (3, 2), terms, commit: 2)
            expect(f, .termsOutOfOrder)
        }
        var f = Fixture(terms: [1, 1, 2], term: 3, commit: 2)
        f.append(from: 3, term: 3, after: (3, 2), [1], commit: 2)
        expect(f, .termsOutOfOrder)
    }

    @Test func noIndexOverflows() {
        var f = Fixture(terms: [1, 1, 2], term: 3, commit: 2)
        f.append(from: 3, term: 3, after: (LogIndex.maximum, 2), [3], commit: 2)
        expect(f, .indexOutOfRange)
    }

    @Test func whatAnOlderLeaderSaysIsOnlyLate() {
        var f = follower()
        f.append(from: 3, term: 2, after: (1, 1), [2, 2], commit: 3)
        #expect(!f.effects.contains { if case .contradicted = $0 { true } else { false } })
    }

    @Test func aSnapshotOfAnotherHistoryStopsHere() {
        var f = follower()
        let configuration = f.node.configuration
        f.receive(from: 2, term: 3, .installSnapshot(SnapshotPoint(index: 9, term: 3, configuration: configuration)))
        let older = SnapshotPoint(index: 2, term: 2, configuration: configuration)
        f.step(.snapshotInstalled(older))
        #expect(f.effects == [.contradicted(.snapshotOfAnotherHistory, by: 2)])
        #expect(f.node.commitIndex == 2)
    }

    /// Whatever numbers a peer sends, the process lives, and what is committed stays.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func noNumbersTrap(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        func number(_ usual: UInt64) -> UInt64 {
            switch random.next() % 6 {
            case 0: LogIndex.maximum.rawValue - random.next() % 3
            case 1: 0
            default: random.next() % usual
            }
        }
        func index() -> LogIndex { LogIndex(number(8)) }
        func term() -> Term { Term(number(6)) }
        for _ in 0..<300 {
            var f = random.next() % 2 == 0 ? follower() : Fixture(terms: [1, 1, 2], term: 3, commit: 2)
            if random.next() % 3 == 0 {
                f.step(.campaign)
                f.persist()
                f.receive(from: 2, term: f.node.term, .voteResponse(granted: true))
            }
            let committed = (1...2).map { f.node.persistent.log.term(at: LogIndex($0)) }
            for _ in 0..<6 {
                let headers = (0..<random.next() % 4).map { _ in
                    EntryHeader(term: term(), payloadBytes: 1, kind: .command)
                }
                let append = AppendEntries(
                    previousIndex: index(),
                    previousTerm: term(),
                    entries: headers,
                    commitIndex: index()
                )
                let point = SnapshotPoint(index: index(), term: term(), configuration: f.node.configuration)
                let bodies: [Message.Body] = [
                    .appendEntries(append), .heartbeat(commitIndex: index(), readSequence: number(9)),
                    .installSnapshot(point), .appendAccepted(matchIndex: index()),
                    .appendRejected(previousIndex: index(), hintIndex: index(), hintTerm: term()),
                    .heartbeatResponse(readSequence: number(9)), .snapshotRejected(index: index()), .timeoutNow,
                    .requestVote(lastIndex: index(), lastTerm: term(), byTransfer: true),
                    .preVote(lastIndex: index(), lastTerm: term()), .voteResponse(granted: true),
                    .preVoteResponse(granted: true),
                ]
                let body = bodies[Int(random.next() % UInt64(bodies.count))]
                f.receive(from: ReplicaID(2 + random.next() % 2), term: term(), body)
            }
            #expect((1...2).map { f.node.persistent.log.term(at: LogIndex($0)) } == committed)
        }
    }
}
