import Testing

@testable import Consensus

/// Replicas whose node stops, and what leaders make of their word.
@Suite struct TransferTests {
    private static let settings = RaftSettings(electionTimeoutTicks: 10, heartbeatTicks: 2)

    private func follower() -> Fixture { .follower(Self.settings) }

    /// Replica 1, which leads term 1 and hands over to replica 2.
    private func leader() -> Fixture {
        var fixture = Fixture()
        fixture.lead()
        let last = fixture.node.lastIndex
        for voter in [2, 3] as [ReplicaID] {
            fixture.receive(from: voter, term: fixture.node.term, .appendAccepted(matchIndex: last))
        }
        fixture.step(.transferLeadership(to: 2))
        return fixture
    }

    private func hasDeclined(_ fixture: Fixture) -> [Bool] { fixture.node.status.peers.map(\.hasDeclined) }

    @Test func aReplicaThatDeclinesSaysSoAndGoesOnFollowing() {
        var fixture = follower()
        fixture.step(.declineLeadership)
        fixture.receive(from: 2, term: 1, .timeoutNow)
        #expect(fixture.messages.map(\.body) == [.voteResponse(granted: false)])
        #expect(fixture.node.role == .follower && fixture.node.term == 1 && fixture.node.leader == 2)
        #expect(fixture.node.restAsFollower != nil)
    }

    @Test func aReplicaThatWaitsToTakeOverDeclinesToo() {
        var fixture = follower()
        let members = [1, 2, 3].map { Member(replica: ReplicaID($0), node: NodeID($0)) }
        let entry = EntryHeader(term: 1, payloadBytes: 0, kind: .configuration(Configuration(voters: members)))
        let append = AppendEntries(previousIndex: 1, previousTerm: 1, entries: [entry], commitIndex: 2)
        fixture.receive(from: 2, term: 1, .appendEntries(append))
        fixture.persist()
        fixture.receive(from: 2, term: 1, .timeoutNow)
        #expect(fixture.node.role == .follower, "the change of members is not applied")
        fixture.step(.declineLeadership)
        fixture.step(.applied(upTo: 2))
        #expect(fixture.node.role == .follower && fixture.node.term == 1)
    }

    /// Half an election timeout later, as one of priority 0 would. The clock goes on where it stood.
    @Test func aReplicaThatDeclinesCampaignsLaterThanOthers() {
        func ticksUntilCampaign(declinesAfter ticks: Int?) -> Int {
            var fixture = follower()
            for tick in 1...40 {
                if tick - 1 == ticks { fixture.step(.declineLeadership) }
                fixture.step(.tick)
                if fixture.node.role != .follower { return tick }
            }
            return 40
        }
        let waits = [0, 5].map { ticksUntilCampaign(declinesAfter: $0) }
        #expect(waits[0] == waits[1])
        #expect(waits[0] >= 15 && waits[0] < 40)
    }

    @Test func aLeaderGoesOnWhenTheTargetDeclines() {
        var fixture = leader()
        fixture.receive(from: 2, term: fixture.node.term, .voteResponse(granted: false))
        #expect(fixture.node.role == .leader && fixture.node.transferTarget == nil)
        #expect(hasDeclined(fixture) == [true, false])
        fixture.step(.propose(payloadBytes: [1]))
        #expect(!fixture.effects.contains(.rejected(.transferring)))
        for _ in 0..<100 { fixture.step(.tick) }
        #expect(hasDeclined(fixture) == [false, false], "it stopped long ago")
    }

    @Test func onlyTheTargetCanDecline() {
        var fixture = leader()
        fixture.receive(from: 3, term: fixture.node.term, .voteResponse(granted: false))
        #expect(fixture.node.transferTarget == 2)
        #expect(hasDeclined(fixture) == [false, false])
        fixture.receive(from: 2, term: fixture.node.term, .voteResponse(granted: true))
        #expect(fixture.node.transferTarget == 2)
    }

    @Test func aTargetThatIsLostIsNotWaitedFor() {
        var fixture = leader()
        fixture.step(.unreachable(3))
        #expect(fixture.node.transferTarget == 2)
        fixture.step(.unreachable(2))
        #expect(fixture.node.transferTarget == 2, "it may have heard, and campaigns then")
        for _ in 0..<fixture.node.settings.heartbeatTicks {
            fixture.step(.unreachable(2))
            fixture.step(.tick)
        }
        #expect(fixture.node.transferTarget == nil)
        #expect(hasDeclined(fixture) == [false, false], "it may be back at once")
    }
}
