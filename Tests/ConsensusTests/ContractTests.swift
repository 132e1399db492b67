import Testing

@testable import Consensus

/// What the shell relies on beyond figure 2.
@Suite struct ContractTests {
    // MARK: - Persisting

    @Test func atMostOnePersistPerStepWithRisingNumbers() {
        var f = Fixture()
        var last: UInt64 = 0
        f.lead()
        for size in 1..<20 {
            f.step(.propose(payloadBytes: [UInt32(size)]))
            let persists = f.effects.filter { if case .persist = $0 { true } else { false } }
            #expect(persists.count == 1)
            #expect(f.persisted!.sequence > last)
            last = f.persisted!.sequence
        }
    }

    @Test func anEntryWrittenTwiceIsVouchedForByItsSecondWriteOnly() {
        var f = Fixture()
        f.append(term: 1, after: (0, 0), [1, 1, 1])
        let first = f.persisted!.sequence
        f.append(from: 3, term: 2, after: (1, 1), [2, 2])
        let second = f.persisted!.sequence
        f.step(.persisted(sequence: first))
        #expect(f.node.durableIndex == 1)
        // The same entries again: the answer waits behind the write under way.
        f.append(from: 3, term: 2, after: (1, 1), [2, 2])
        #expect(f.sent.isEmpty)
        #expect(f.persisted?.entries == [])
        f.step(.persisted(sequence: second))
        #expect(f.node.durableIndex == 3)
        f.append(from: 3, term: 2, after: (1, 1), [2, 2])
        #expect(f.sent.map(\.body) == [.appendAccepted(matchIndex: 3)])
        #expect(f.persisted == nil)
    }

    @Test func aTermIsNotShownBeforeItIsDurable() {
        var f = Fixture()
        f.receive(from: 2, term: 5, .heartbeat(commitIndex: 0, readSequence: 0))
        #expect(f.sent.isEmpty)
        #expect(f.waiting.map(\.body) == [.heartbeatResponse(readSequence: 0)])
        f.persist()
        f.receive(from: 2, term: 5, .heartbeat(commitIndex: 0, readSequence: 0))
        #expect(f.sent.map(\.body) == [.heartbeatResponse(readSequence: 0)])
    }

    @Test func aPreVoteChangesNothing() {
        var f = Fixture(term: 3, vote: 2)
        f.receive(from: 3, term: 9, .preVote(lastIndex: 0, lastTerm: 0))
        #expect(f.effects == [.send(Message(from: 1, to: 3, term: 9, body: .preVoteResponse(granted: true)))])
        #expect(f.node.term == 3)
        #expect(f.node.vote == 2)
    }

    /// Of two that ask at the same time one goes on: otherwise each would vote for itself.
    @Test func ofTwoPreCandidatesOneGivesWay() {
        let request = Message.Body.preVote(lastIndex: 0, lastTerm: 0)
        let settings = RaftSettings(preVote: true)
        var lower = Fixture(settings: settings)
        lower.step(.campaign)
        #expect(lower.node.role == .preCandidate)
        lower.receive(from: 2, term: 1, request)
        #expect(lower.sent.map(\.body) == [.preVoteResponse(granted: true)])
        #expect(lower.node.role == .follower)
        lower.receive(from: 2, term: 1, .preVoteResponse(granted: true))
        #expect(lower.node.role == .follower)

        var higher = Fixture(id: 2, settings: settings)
        higher.step(.campaign)
        higher.receive(from: 1, term: 1, request)
        #expect(higher.sent.map(\.body) == [.preVoteResponse(granted: true)])
        #expect(higher.node.role == .preCandidate)
        higher.receive(from: 1, term: 1, .preVoteResponse(granted: true))
        #expect(higher.node.role == .candidate)
    }

    @Test func commitAloneIsNotWorthAWrite() {
        var f = Fixture(terms: [1, 1])
        f.append(term: 1, after: (2, 1), commit: 2)
        #expect(f.persisted == nil)
        #expect(f.effects.contains(.apply(upTo: 2)))
    }

    @Test func nothingIsAppliedBeforeItIsDurableHere() {
        var f = Fixture()
        f.append(term: 1, after: (0, 0), [1, 1], commit: 2)
        #expect(f.node.commitIndex == 2)
        #expect(!f.effects.contains(.apply(upTo: 2)))
        f.persist()
        #expect(f.effects.contains(.apply(upTo: 2)))
    }

    // MARK: - Restarting

    @Test func aSnapshotOfANewerTermThanTheHardStateRaisesIt() {
        let configuration = Configuration(voters: [Member(replica: 1, node: NodeID(1))])
        var node = RaftNode(
            id: 1,
            settings: Fixture.settings,
            hardState: HardState(term: 3, vote: 2, commitIndex: 4),
            snapshot: SnapshotPoint(index: 10, term: 5, configuration: configuration),
            headers: [],
            appliedIndex: 10,
            seed: 1
        )
        #expect(node.term == 5)
        #expect(node.vote == nil)
        var effects = Effects()
        node.step(.tick, into: &effects)
        guard case .persist(let persist)? = effects.list.last else {
            Issue.record("not made durable")
            return
        }
        #expect(persist.hardState == HardState(term: 5, vote: nil, commitIndex: 10))
    }

    @Test func aVoteIsRememberedAcrossARestart() {
        var f = Fixture(term: 4, vote: 3)
        f.receive(from: 2, term: 4, .requestVote(lastIndex: 9, lastTerm: 4, byTransfer: false))
        #expect(f.sent.map(\.body) == [.voteResponse(granted: false)])
    }

    /// The longest time that a follower of `leader` waits, in many tries, when 2 is the favourite.
    private func longestWait(leader: ReplicaID) -> Int {
        let members = [1, 2, 3].map { id in
            Member(replica: ReplicaID(UInt64(id)), node: NodeID(UInt64(id)), priority: id == 2 ? 200 : 100)
        }
        var longest = 0
        for seed in 0..<400 {
            var node = RaftNode(
                id: 1,
                settings: Fixture.settings,
                hardState: HardState(),
                snapshot: SnapshotPoint(index: 0, term: 0, configuration: Configuration(voters: members)),
                headers: [],
                appliedIndex: .zero,
                seed: UInt64(seed)
            )
            var effects = Effects()
            // The first tells of the leader, the second finds it known.
            for _ in 0..<2 {
                let body = Message.Body.heartbeat(commitIndex: 0, readSequence: 0)
                node.step(.received(Message(from: leader, to: 1, term: 1, body: body)), into: &effects)
            }
            var ticks = 0
            while node.role == .follower {
                node.step(.tick, into: &effects)
                ticks += 1
            }
            longest = max(longest, ticks)
        }
        return longest
    }

    @Test func whoIsGoneIsNotWaitedFor() {
        let base = Fixture.settings.electionTimeoutTicks
        #expect(longestWait(leader: 2) == 2 * base - 1)
        #expect(longestWait(leader: 3) == 2 * base - 1 + base / 4)
    }

    // MARK: - Snapshots

    /// A follower of replica 2 in term 3, that is about to install the snapshot at 10.
    private func installing() -> (Fixture, Configuration) {
        var f = Fixture(terms: [1, 1, 2, 2], term: 3)
        let configuration = f.node.configuration
        let point = SnapshotPoint(index: 10, term: 3, configuration: configuration)
        f.receive(from: 2, term: 3, .installSnapshot(point))
        #expect(f.effects.contains(.installSnapshot(point, from: 2)))
        return (f, configuration)
    }

    @Test func aSnapshotThatDoesNotContinueTheLogEndsIt() {
        var (f, configuration) = installing()
        f.step(.snapshotInstalled(SnapshotPoint(index: 12, term: 3, configuration: configuration)))
        #expect(f.persisted?.firstIndex == 13)
        #expect(f.persisted?.entries == [])
        #expect(f.node.lastIndex == 12)
        #expect(f.node.commitIndex == 12)
        #expect(f.messages.map(\.body) == [.appendAccepted(matchIndex: 12)])
    }

    @Test func aSnapshotOfANewerTermIsNotAcceptedToAnOldLeader() {
        var (f, configuration) = installing()
        f.step(.snapshotInstalled(SnapshotPoint(index: 12, term: 5, configuration: configuration)))
        #expect(f.messages.isEmpty)
        #expect(f.node.term == 5)
        #expect(f.node.leader == nil)
        #expect(f.persisted?.hardState?.term == 5)
    }

    /// Its log is whole: others may need it to commit what the snapshot's sender is to apply.
    @Test func theLogStaysOpenWhileASnapshotIsInstalled() {
        var (f, configuration) = installing()
        f.append(term: 3, after: (4, 2), [3, 3], commit: 4)
        #expect(f.node.lastIndex == 6)
        f.persist()
        f.append(term: 3, after: (6, 3), [], commit: 6)
        #expect(f.sent.map(\.body) == [.appendAccepted(matchIndex: 6)])
        #expect(f.node.commitIndex == 6)
        #expect(f.node.appliedIndex == 0)
        // From somebody who does not know yet that 5 and 6 are committed.
        f.step(.snapshotInstalled(SnapshotPoint(index: 4, term: 2, configuration: configuration)))
        #expect(f.node.appliedIndex == 4)
        #expect(f.node.commitIndex == 6)
        #expect(f.node.firstIndex == 5)
        #expect(f.node.lastIndex == 6)
    }

    @Test func noOtherSnapshotIsTakenAndNobodyStandsWhileOneIsInstalled() {
        var (f, configuration) = installing()
        f.receive(from: 2, term: 3, .installSnapshot(SnapshotPoint(index: 11, term: 3, configuration: configuration)))
        #expect(f.effects.isEmpty)
        f.step(.campaign)
        for _ in 0..<100 { f.step(.tick) }
        #expect(f.node.role == .follower)
        f.step(.snapshotFailed(index: 10))
        for _ in 0..<20 where f.node.role == .follower { f.step(.tick) }
        #expect(f.node.role == .candidate)
    }

    /// No leader has said so; another replica's log begins there.
    @Test func whatIsCommittedElsewhereIsCommittedHereWhereTheEntryIsTheSame() {
        var f = Fixture()
        f.append(term: 2, after: (0, 0), [1, 1, 2])
        f.persist()
        f.step(.committed(3, 1))
        f.step(.committed(4, 2))
        #expect(f.node.commitIndex == 0)
        f.step(.committed(2, 1))
        #expect(f.node.commitIndex == 2)
        f.step(.committed(1, 1))
        #expect(f.node.commitIndex == 2)
        f.step(.committed(3, 2))
        #expect(f.node.commitIndex == 3)
    }

    @Test func aLogThatReachesTheSnapshotNeedsNone() {
        var f = Fixture(terms: [1, 1, 2, 2], term: 2)
        let point = SnapshotPoint(index: 3, term: 2, configuration: f.node.configuration)
        f.receive(from: 2, term: 2, .installSnapshot(point))
        #expect(f.node.commitIndex == 3)
        #expect(f.sent.map(\.body) == [.appendAccepted(matchIndex: 3)])
    }

    // MARK: - Configurations

    @Test func noChangeBeforeAnEntryOfTheOwnTermIsCommitted() {
        var f = Fixture()
        f.lead()
        let next = Configuration(voters: [1, 2].map { Member(replica: $0, node: NodeID($0.rawValue)) })
        f.step(.proposeConfiguration(next))
        #expect(f.effects == [.rejected(.leaderNotReady)])
        f.persist()
        f.receive(from: 2, term: 1, .appendAccepted(matchIndex: 1))
        f.step(.proposeConfiguration(next))
        #expect(f.effects.contains(.configurationChanged(Fixture().node.configuration.joint(with: next))))
    }

    @Test func inEveryStepTheMajoritiesMeet() {
        var random = SplitMix64(seed: 3)
        for _ in 0..<2000 {
            let everyone = (1...6).map { ReplicaID(UInt64($0)) }
            func some(_ random: inout SplitMix64) -> Configuration {
                let voters = everyone.filter { _ in random.below(2) == 0 }
                return Configuration(voters: voters.map { Member(replica: $0, node: NodeID($0.rawValue)) })
            }
            let (old, new) = (some(&random), some(&random))
            guard !old.voters.isEmpty, !new.voters.isEmpty else { continue }
            let next = old.hasSameVoters(as: new) ? new : old.joint(with: new)
            #expect(next.isWellFormed)
            // Whoever agrees under both configurations: no two disjoint sets may decide.
            for set in 0..<64 {
                let inside = { (replica: ReplicaID) -> Bool? in set & (1 << (replica.rawValue - 1)) != 0 }
                let outside = { (replica: ReplicaID) -> Bool? in set & (1 << (replica.rawValue - 1)) == 0 }
                let bothWin = old.quorum.voteResult(inside) == .won && next.quorum.voteResult(outside) == .won
                if bothWin { Issue.record("\(old) and \(next) can decide apart") }
            }
            if next.isJoint {
                #expect(next.leavingJoint == new)
            }
        }
    }

    @Test(arguments: [
        Configuration(voters: []),
        Configuration(members: [Member(replica: 1, node: NodeID(1))], voters: [1, 2]),
        Configuration(members: [Member(replica: 1, node: NodeID(1))], voters: [1, 1]),
        Configuration(members: [Member(replica: 1, node: NodeID(1))], voters: [1], learners: [1]),
        Configuration(
            members: [Member(replica: 1, node: NodeID(1)), Member(replica: 2, node: NodeID(2))],
            voters: [1]
        ),
        Configuration(
            members: [1, 2, 4].map { Member(replica: $0, node: NodeID($0.rawValue)) },
            voters: [1, 4],
            outgoingVoters: [1, 2]
        ),
    ])
    func unsafeConfigurationsAreRefused(_ configuration: Configuration) {
        var f = Fixture()
        f.lead()
        f.persist()
        f.receive(from: 2, term: 1, .appendAccepted(matchIndex: 1))
        f.step(.proposeConfiguration(configuration))
        #expect(f.effects == [.rejected(.unsafeConfiguration)])
    }

    // MARK: - Reads

    @Test func anAnswerToAnOlderRoundServesNoNewerRead() {
        var f = Fixture()
        f.lead()
        f.persist()
        f.receive(from: 2, term: 1, .appendAccepted(matchIndex: 1))
        f.step(.readIndex(id: 1))
        f.step(.readIndex(id: 2))
        f.receive(from: 2, term: 1, .heartbeatResponse(readSequence: 1))
        #expect(f.effects.contains(.readReady(id: 1, index: 1)))
        f.receive(from: 3, term: 1, .heartbeatResponse(readSequence: 1))
        #expect(!f.effects.contains(.readReady(id: 2, index: 1)))
        f.receive(from: 3, term: 1, .heartbeatResponse(readSequence: 2))
        #expect(f.effects.contains(.readReady(id: 2, index: 1)))
    }

    /// The others commit without the leader's disk, and it holds in memory what that does not have.
    @Test func whatTheLeadersOwnDiskDoesNotHaveIsLimited() {
        var settings = Fixture.settings
        settings.maxUncommittedBytes = 100
        var f = Fixture(settings: settings)
        f.lead()
        f.persist()
        f.step(.propose(payloadBytes: [60]))
        let write = f.persisted!.sequence
        for follower in [ReplicaID(2), 3] { f.receive(from: follower, term: 1, .appendAccepted(matchIndex: 2)) }
        #expect(f.node.commitIndex == 2)
        f.step(.propose(payloadBytes: [60]))
        #expect(f.effects == [.rejected(.tooManyUncommittedBytes)])
        f.step(.persisted(sequence: write))
        f.step(.propose(payloadBytes: [60]))
        #expect(f.effects.contains(.accepted(first: 3, term: 1, count: 1)))
    }

    @Test func readsThatWaitAreLimited() {
        var settings = Fixture.settings
        settings.maxPendingReads = 2
        var f = Fixture(settings: settings)
        f.lead()
        f.persist()
        f.receive(from: 2, term: 1, .appendAccepted(matchIndex: 1))
        f.step(.readIndex(id: 1))
        f.step(.readIndex(id: 2))
        f.step(.readIndex(id: 3))
        #expect(f.effects == [.readRejected(id: 3, .tooManyPendingReads)])
    }

    @Test func aMessageForAnotherReplicaIsIgnored() {
        var f = Fixture()
        let body = Message.Body.heartbeat(commitIndex: 0, readSequence: 0)
        f.step(.received(Message(from: 2, to: 9, term: 5, body: body)))
        #expect(f.effects.isEmpty)
        #expect(f.node.term == 0)
    }

    @Test func aLeaseRunsFromWhenTheQuestionWasSent() {
        var settings = Fixture.settings
        settings.checkQuorum = true
        settings.leaseTicks = 3
        var f = Fixture(settings: settings)
        for _ in 0..<20 where f.node.role == .follower { f.step(.tick) }
        f.persist()
        f.receive(from: 2, term: f.node.term, .voteResponse(granted: true))
        f.persist()
        f.receive(from: 2, term: f.node.term, .appendAccepted(matchIndex: 1))
        f.step(.tick)
        guard case .heartbeat(_, let round)? = f.sent.first?.body else {
            Issue.record("no heartbeat")
            return
        }
        f.step(.tick)
        f.step(.tick)
        // Two ticks late: one is left.
        f.receive(from: 2, term: f.node.term, .heartbeatResponse(readSequence: round))
        f.step(.readIndex(id: 1))
        #expect(f.effects == [.readReady(id: 1, index: 1)])
        f.step(.tick)
        f.step(.readIndex(id: 2))
        #expect(!f.effects.contains(.readReady(id: 2, index: 1)))
    }

    // MARK: - Followers

    @Test func aQuietFollowerSaysOneWordPerHeartbeat() {
        var f = Fixture(term: 1)
        f.receive(from: 2, term: 1, .heartbeat(commitIndex: 0, readSequence: 0))
        for _ in 0..<100 {
            f.step(.tick)
            #expect(f.effects.isEmpty)
            f.receive(from: 2, term: 1, .heartbeat(commitIndex: 0, readSequence: 0))
            #expect(f.effects.count == 1)
        }
    }

    @Test func whatIsCommittedIsAcceptedUnseenEvenIfCompacted() {
        var f = Fixture(terms: [1, 1, 1, 1], commit: 3)
        f.step(.applied(upTo: 3))
        f.step(.compacted(SnapshotPoint(index: 3, term: 1, configuration: f.node.configuration)))
        f.append(term: 1, after: (0, 0), [1, 1])
        #expect(f.sent.map(\.body) == [.appendAccepted(matchIndex: 3)])
        f.append(term: 1, after: (1, 1), [1, 1, 1])
        #expect(f.sent.map(\.body) == [.appendAccepted(matchIndex: 4)])
    }

    @Test func aLateRejectionIsIgnored() {
        var f = Fixture(terms: [1, 1, 1, 1])
        f.lead()
        f.receive(from: 2, term: 2, .appendRejected(previousIndex: 4, hintIndex: 2, hintTerm: 1))
        #expect(f.sent.count == 1)
        f.receive(from: 2, term: 2, .appendRejected(previousIndex: 4, hintIndex: 2, hintTerm: 1))
        #expect(f.sent.isEmpty)
    }

    /// A disk that forgot, of which nobody knew at the start: else leader and follower would shout at each other as
    /// fast as they can.
    @Test func whoRejectsWhatItHadAcceptedIsOfferedItWithHeartbeatsOnly() {
        var f = Fixture(terms: [1, 1, 1, 1])
        f.lead()
        f.persist()
        f.receive(from: 2, term: 2, .appendAccepted(matchIndex: 5))
        f.step(.unreachable(2))
        f.receive(from: 2, term: 2, .heartbeatResponse(readSequence: 0))
        f.step(.propose(payloadBytes: [1]))
        f.receive(from: 2, term: 2, .appendRejected(previousIndex: 5, hintIndex: 2, hintTerm: 1))
        #expect(f.sent.isEmpty)
        #expect(f.node.peerStatus[0].matchIndex == 5)
        f.receive(from: 2, term: 2, .heartbeatResponse(readSequence: 0))
        #expect(f.sent.count == 1)
    }

    @Test func aLeaderUnderCheckQuorumIgnoresVoteRequests() {
        var settings = Fixture.settings
        settings.checkQuorum = true
        var f = Fixture(settings: settings)
        for _ in 0..<20 where f.node.role == .follower { f.step(.tick) }
        f.persist()
        f.receive(from: 2, term: 1, .voteResponse(granted: true))
        #expect(f.node.role == .leader)
        f.receive(from: 3, term: 7, .requestVote(lastIndex: 9, lastTerm: 6, byTransfer: false))
        #expect(f.node.role == .leader)
        #expect(f.effects.isEmpty)
        f.receive(from: 3, term: 7, .requestVote(lastIndex: 9, lastTerm: 6, byTransfer: true))
        #expect(f.node.role == .follower)
        #expect(f.node.vote == 3)
    }

    @Test func anAnswerBeyondTheLeadersLogCountsForNothing() {
        var f = Fixture()
        f.lead()
        f.persist()
        f.receive(from: 2, term: 1, .appendAccepted(matchIndex: 99))
        #expect(f.node.commitIndex == 0)
        #expect(f.node.peerStatus[0].matchIndex == 0)
    }
}
