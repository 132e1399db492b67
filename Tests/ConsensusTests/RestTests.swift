import Testing

@testable import Consensus

/// When a replica may rest, and what it makes of the time it rested.
@Suite struct RestTests {
    static let settings = RaftSettings(electionTimeoutTicks: 10, heartbeatTicks: 2)

    /// Replica 1, which leads term 1 with a committed and applied log of one entry that all have.
    private func leader(settings: RaftSettings = settings) -> Fixture {
        var fixture = Fixture(settings: settings)
        // With leases, nobody campaigns before an election timeout.
        for _ in 0..<settings.electionTimeoutTicks { fixture.step(.tick) }
        fixture.step(.campaign)
        for voter in [2, 3] as [ReplicaID] {
            fixture.receive(from: voter, term: 1, .preVoteResponse(granted: true))
        }
        fixture.persist()
        fixture.receive(from: 2, term: 1, .voteResponse(granted: true))
        fixture.persist()
        for voter in [2, 3] as [ReplicaID] { fixture.receive(from: voter, term: 1, .appendAccepted(matchIndex: 1)) }
        fixture.step(.applied(upTo: 1))
        return fixture
    }

    private func follower() -> Fixture { .follower(Self.settings) }

    @Test func aLeaderWhoseWholeLogAllHaveMayRest() {
        let fixture = leader()
        #expect(fixture.node.restAsLeader == Leadership(leader: 1, term: 1, lastIndex: 1))
        #expect(fixture.node.restAsFollower == nil)
        #expect(fixture.node.peersAtRest { _ in .present }?.map(\.replica) == [2, 3])
    }

    @Test func aLeaderWithWorkMayNot() {
        var fixture = leader()
        fixture.step(.readIndex(id: 1))
        #expect(fixture.node.restAsLeader == nil)
        fixture = leader()
        fixture.step(.transferLeadership(to: 2))
        #expect(fixture.node.restAsLeader == nil)
        fixture = leader()
        fixture.step(.propose(payloadBytes: [1]))
        #expect(fixture.node.restAsLeader == nil)
        fixture.persist()
        fixture.receive(from: 2, term: 1, .appendAccepted(matchIndex: 2))
        #expect(fixture.node.restAsLeader == nil, "committed, not applied")
        fixture.step(.applied(upTo: 2))
        #expect(fixture.node.restAsLeader != nil)
        #expect(fixture.node.peersAtRest { _ in .present } == nil, "replica 3 has not answered")
        #expect(fixture.node.peersAtRest { $0 == NodeID(3) ? .unclear : .present } == nil)
        #expect(fixture.node.peersAtRest { $0 == NodeID(3) ? .gone : .present } == nil, "heard of lately")
        for _ in 0..<20 {
            fixture.receive(from: 2, term: 1, .heartbeatResponse(readSequence: 0))
            fixture.step(.tick)
        }
        fixture.receive(from: 2, term: 1, .heartbeatResponse(readSequence: 0))
        #expect(fixture.node.peersAtRest { $0 == NodeID(3) ? .gone : .present }?.map(\.replica) == [2])
        #expect(fixture.node.peersAtRest { _ in .gone } == nil, "no quorum")
    }

    @Test func aLeaderWithoutAQuorumMayNot() {
        var fixture = leader()
        for _ in 0..<20 { fixture.step(.tick) }
        #expect(fixture.node.role == .follower)
        fixture = leader(settings: RaftSettings(electionTimeoutTicks: 10, heartbeatTicks: 2, checkQuorum: false))
        fixture.step(.unreachable(2))
        fixture.step(.unreachable(3))
        #expect(fixture.node.peersAtRest { _ in .present } == nil)
    }

    @Test func nobodyRestsOnALease() {
        let fixture = leader(settings: RaftSettings(electionTimeoutTicks: 10, heartbeatTicks: 2, leaseTicks: 5))
        #expect(fixture.node.role == .leader)
        #expect(fixture.node.restAsLeader == nil)
    }

    @Test func aFollowerWithEverythingMayRest() {
        var fixture = follower()
        #expect(fixture.node.restAsFollower == Leadership(leader: 2, term: 1, lastIndex: 1))
        #expect(fixture.node.restAsLeader == nil)
        fixture.append(term: 1, after: (1, 1), [1], commit: 1)
        #expect(fixture.node.restAsFollower == nil, "not durable, not committed")
        fixture.persist()
        #expect(fixture.node.restAsFollower == nil, "not committed")
        fixture.receive(from: 2, term: 1, .heartbeat(commitIndex: 2, readSequence: 0))
        #expect(fixture.node.restAsFollower == nil, "not applied")
        fixture.step(.applied(upTo: 2))
        #expect(fixture.node.restAsFollower?.lastIndex == 2)
        fixture.receive(from: 3, term: 2, .requestVote(lastIndex: 9, lastTerm: 2, byTransfer: true))
        #expect(fixture.node.restAsFollower == nil, "no leader")
    }

    /// Ticks until the first campaign.
    private func ticksUntilCampaign(_ fixture: Fixture) -> Int {
        var fixture = fixture
        var ticks = 0
        while fixture.node.role == .follower {
            fixture.step(.tick)
            ticks += 1
        }
        return ticks
    }

    @Test func aRestWithoutProofCountsAsSilence() {
        let ticks = ticksUntilCampaign(follower())
        #expect(ticks >= 10)
        var fixture = follower()
        fixture.step(.rested(ticks: 8, heard: []))
        #expect(ticksUntilCampaign(fixture) == ticks - 8)
        fixture = follower()
        fixture.step(.rested(ticks: 1_000, heard: []))
        #expect(fixture.effects.isEmpty, "the next tick campaigns")
        #expect(ticksUntilCampaign(fixture) == 1)
    }

    @Test func whatWasHeardWhileAtRestCounts() {
        let ticks = ticksUntilCampaign(follower())
        var fixture = follower()
        fixture.step(.rested(ticks: 1_000, heard: [Heard(2, ticksAgo: 3)]))
        #expect(ticksUntilCampaign(fixture) == ticks - 3)
        fixture = follower()
        fixture.step(.rested(ticks: 1_000, heard: [Heard(3, ticksAgo: 0)]))
        #expect(ticksUntilCampaign(fixture) == 1, "replica 3 does not lead")
    }

    /// It sticks to the leader that was just proven, and to no other.
    @Test func aVoteIsRefusedWhileTheLeaderIsHeard() {
        for (heard, isHeeded) in [([Heard(2, ticksAgo: 2)], false), ([], true)] {
            var fixture = follower()
            fixture.step(.rested(ticks: 1_000, heard: heard))
            fixture.receive(from: 3, term: 2, .requestVote(lastIndex: 9, lastTerm: 1, byTransfer: false))
            #expect((fixture.node.term == 2) == isHeeded)
        }
    }

    @Test func aWokenLeaderAsksAtOnceAndCountsAnew() {
        var fixture = leader()
        fixture.step(.rested(ticks: 1_000, heard: [Heard(2, ticksAgo: 1), Heard(3, ticksAgo: 50)]))
        #expect(fixture.node.status.peers.map(\.isActive) == [true, false])
        fixture.step(.tick)
        #expect(fixture.sent.map(\.to) == [2, 3])
        for _ in 0..<8 { fixture.step(.tick) }
        #expect(fixture.node.role == .leader)
        // Replica 2 was heard of in this count, nobody in the next.
        for _ in 0..<10 { fixture.step(.tick) }
        #expect(fixture.node.role == .leader)
        fixture.step(.tick)
        #expect(fixture.node.role == .follower)
    }

    /// The check that is due comes, and counts what was heard before the rest; the next one counts nobody.
    @Test func aWokenLeaderThatNobodyFollowsStepsDown() {
        var fixture = leader()
        fixture.step(.rested(ticks: 1_000, heard: []))
        for _ in 0..<11 { fixture.step(.tick) }
        #expect(fixture.node.role == .follower)
    }

    /// However short the rests, and however often: the check of the quorum is not put off.
    @Test func manyShortRestsDoNotPutOffTheCheck() {
        var fixture = leader()
        var ticks = 0
        while fixture.node.role == .leader, ticks < 100 {
            fixture.step(.rested(ticks: 1, heard: []))
            fixture.step(.tick)
            ticks += 2
        }
        #expect(ticks <= 20)
    }
}
