import Consensus
import MailModel
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// Groups go to rest, and wake when they must.
@Suite struct RestTests {
    private static let settleTicks = 140

    /// A cluster whose groups all have leaders and rest.
    private func resting(nodes: Int = 3, groups: UInt32 = 12) throws -> TestCluster {
        let cluster = try TestCluster(nodes: nodes, groups: groups)
        cluster.run(ticks: Self.settleTicks)
        try #require(cluster.allAreLed)
        try #require(cluster.allRest)
        return cluster
    }

    @Test func groupsWithoutWorkRestAndSayNothing() throws {
        let cluster = try resting(groups: 40)
        let before = cluster.nodes.map(\.sentCount)
        cluster.run(ticks: 100)
        #expect(cluster.allRest)
        // One beat to each of the two others at every second tick, whatever the number of groups.
        #expect(zip(cluster.nodes, before).map { $0.sentCount - $1 } == [100, 100, 100])
    }

    @Test func aNodeAloneRests() throws {
        let cluster = try resting(nodes: 1)
        #expect(cluster[1].core?.loop.floor.rest.wakeCount == 0)
    }

    /// Every attempt to reach a node that is gone says so again.
    @Test func groupsRestAlthoughANodeIsGone() throws {
        let cluster = try resting(groups: 12)
        cluster[3].kill()
        for _ in 0..<Self.settleTicks {
            for node in [cluster[1], cluster[2]] { node.core?.inbox.put(.lost(cluster[3].id)) }
            cluster.run(ticks: 1)
        }
        #expect(cluster.allAreLed)
        #expect(cluster.allRest)
    }

    @Test(arguments: [1, 2, 3])
    func groupsOfALostNodeElectAgain(_ lost: Int) throws {
        let cluster = try resting(groups: 30)
        let orphans = cluster.groups.filter { cluster.leader(of: $0) === cluster[lost] }
        try #require(!orphans.isEmpty && orphans.count < 30)
        cluster[lost].kill()
        // Twice the longest election timeout: a vote may be split.
        var ticks = 0
        while !cluster.allAreLed, ticks < 4 * cluster.settings.replica.raft.electionTimeoutTicks {
            cluster.run(ticks: 1)
            ticks += 1
            let awake = cluster.nodes.flatMap { Array($0.core?.loop.floor.rest.awake ?? GroupSet()) }
            #expect(awake.allSatisfy(orphans.contains), "leaders that a quorum follows rest on")
        }
        #expect(cluster.allAreLed)
        cluster.run(ticks: Self.settleTicks)
        #expect(cluster.allRest, "a quorum is enough to rest")
        for node in cluster.nodes {
            guard let loop = node.core?.loop else { continue }
            for group in cluster.groups where loop.replica(group)?.isLeader == true {
                let silent = loop.replica(group)?.raft.status.peers.filter { !$0.isActive }.map(\.replica)
                #expect(silent == [TestCluster.replica(on: NodeID(UInt64(lost)))], "admins see who is gone")
            }
        }
    }

    @Test func aLeaderWithoutAQuorumStepsDown() throws {
        let cluster = try resting()
        cluster[2].kill()
        cluster[3].kill()
        cluster.run(ticks: 8 * cluster.settings.replica.raft.electionTimeoutTicks)
        #expect(cluster.groups.allSatisfy { cluster[1].core?.loop.replica($0)?.isLeader == false })
    }

    @Test func aNodeThatComesBackIsFollowedAtOnce() throws {
        let cluster = try resting()
        cluster[3].kill()
        cluster.run(ticks: Self.settleTicks)
        try #require(cluster.allAreLed && cluster.allRest)
        try cluster.start(cluster[3])
        cluster.run(ticks: 6)
        #expect(cluster.allAreLed)
        cluster.run(ticks: Self.settleTicks)
        #expect(cluster.allAreLed && cluster.allRest)
    }

    /// Faster than anyone could have missed it.
    @Test func aNodeThatStartsAnewInBetweenIsNoticed() throws {
        let cluster = try resting()
        cluster[3].kill()
        try cluster.start(cluster[3])
        cluster.run(ticks: Self.settleTicks)
        #expect(cluster.allAreLed && cluster.allRest)
    }

    @Test func workWakesItsGroupOnly() throws {
        let cluster = try resting()
        let group = GroupID(5)
        let wakes = cluster.nodes.map { $0.core?.loop.floor.rest.wakeCount ?? 0 }
        let address = try #require(AccountAddress("someone@example.org"))
        let call = ClientCall(
            group: group,
            account: AccountID(0),
            command: .createAccount(address: address, credential: nil, quotaBytes: 0, mailboxes: []),
            deadlineMilliseconds: .max,
            completion: Completion(on: nil) { outcome in #expect((try? outcome.get()) != nil) }
        )
        cluster[1].core?.inbox.put(.submit(call))
        cluster.run(ticks: 1)
        #expect(cluster.nodes.map { $0.core?.loop.floor.rest.awake.count } == [1, 1, 1])
        cluster.run(ticks: Self.settleTicks)
        #expect(cluster.allRest)
        #expect(cluster.nodes.map { $0.core?.loop.replica(group)?.raft.commitIndex.rawValue } == [2, 2, 2])
        #expect(zip(cluster.nodes, wakes).map { ($0.core?.loop.floor.rest.wakeCount ?? 0) - $1 } == [1, 1, 1])
    }

    /// On a machine that has too much to do, answers to heartbeats come when the leader has long gone to rest.
    @Test func aLateAnswerToAHeartbeatWakesNobody() throws {
        let cluster = try resting()
        let group = try #require(cluster.groups.first { cluster.leader(of: $0) === cluster[1] })
        let loop = try #require(cluster[1].core?.loop)
        let term = try #require(loop.replica(group)?.raft.term)
        func answer(_ term: Term) -> PeerMessage {
            let message = Message(
                from: TestCluster.replica(on: NodeID(2)),
                to: TestCluster.replica(on: NodeID(1)),
                term: term,
                body: .heartbeatResponse(readSequence: 0)
            )
            return .replica(ReplicaMessage(group: group, message: message))
        }
        loop.inbox.put(.received([answer(term), answer(.zero)], from: NodeID(2), nil))
        loop.turn()
        #expect(loop.floor.rest.rests[group] != nil)
        loop.inbox.put(.received([answer(term.next)], from: NodeID(2), nil))
        loop.turn()
        #expect(loop.floor.rest.rests[group] == nil, "of a newer term, it is news")
    }

    /// The word that a group rests is lost: the digests differ, the list puts it right.
    @Test func lostAnnouncementsAreMadeUpFor() throws {
        let cluster = try TestCluster(groups: 12)
        var lost = 0
        cluster.run(ticks: 2 * Self.settleTicks) { message, _, to in
            guard case .resting(let list) = message, list.range == nil, to == NodeID(2) else { return false }
            lost += 1
            return true
        }
        #expect(lost > 0)
        #expect(cluster.allAreLed && cluster.allRest)
    }

    /// The old leader is heard, and leads no more; the new one is not heard.
    @Test func aFollowerDoesNotRestOnALeaderThatWasReplaced() throws {
        let cluster = try resting()
        let group = try #require(cluster.groups.first { cluster.leader(of: $0) === cluster[1] })
        let isCut = { (from: NodeID, to: NodeID) in Set([from, to]) == [NodeID(2), NodeID(3)] }
        cluster[1].core?.inbox.put(.question(.transferLeadership(of: group, to: NodeID(2)) { _ in }))
        cluster.run(ticks: 2 * cluster.settings.replica.raft.electionTimeoutTicks) { _, from, to in isCut(from, to) }
        #expect(cluster[2].core?.loop.replica(group)?.isLeader == true)
        let stranded = try #require(cluster[3].core?.loop)
        #expect(stranded.floor.rest.rests[group] == nil, "its leader's node is there, but does not stand for it")
        #expect(stranded.replica(group)?.leaderNode == nil)
        cluster.run(ticks: Self.settleTicks)
        #expect(cluster.allAreLed && cluster.allRest)
    }

    /// Nobody believes what was announced of a leadership that it does not know.
    @Test func announcementsThatDoNotFitAreRefused() throws {
        let cluster = try resting()
        let loop = try #require(cluster[2].core?.loop)
        let wrong = [RestSetTests.resting(1, leader: 101, term: 9), RestSetTests.resting(77)]
        loop.rooms.rest.receiveList(RestList(groups: wrong, range: nil), from: NodeID(1), loop.floor)
        #expect(loop.floor.rest.neighbors[0].stirred == [GroupID(1), GroupID(77)])
        #expect(loop.floor.rest.rests[GroupID(77)] == nil)
    }
}
