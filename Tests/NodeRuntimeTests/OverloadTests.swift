import Consensus
import MailModel
import NIOCore
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// More calls than a group can take: what waits is bounded, and what waited is done when there is room.
@Suite struct OverloadTests {
    private static let settleTicks = 160
    private static let group = GroupID(1)

    /// `@unchecked Sendable`: a test cluster has one thread.
    private final class Answers: @unchecked Sendable {
        var succeeded = 0
        var failures: [ServiceFailure] = []
    }

    private func cluster(
        loops: [Int] = [1, 1, 1],
        _ change: (inout CoreSettings) -> Void = { _ in }
    ) throws -> TestCluster {
        let cluster = try TestCluster(groups: 2, loops: loops, change)
        cluster.run(ticks: Self.settleTicks)
        try #require(cluster.allAreLed)
        return cluster
    }

    /// Has pieces of a message uploaded through a node, `bytes` each.
    private func submit(
        _ count: Int,
        bytes: Int = 1_000,
        deadline: Int64 = .max,
        through node: TestNode,
        _ answers: Answers
    ) {
        for index in 0..<count {
            let call = ClientCall(
                group: Self.group,
                account: AccountID(1 << 32 | 1),
                command: .uploadChunk(
                    BodyID(high: 1, low: UInt64(index)),
                    index: 0,
                    bytes: ByteBuffer(repeating: 1, count: bytes)
                ),
                deadlineMilliseconds: deadline,
                completion: Completion(on: nil) { result in
                    switch result {
                    case .success: answers.succeeded += 1
                    case .failure(let failure): answers.failures.append(failure)
                    }
                }
            )
            node.core?.inboxes.put(.submit(call), for: Self.group)
        }
    }

    private func table(_ node: TestNode) throws -> CallTable {
        try #require(node.core?.loop(of: Self.group).groups[Self.group]?.calls)
    }

    private func lead(_ cluster: TestCluster) throws -> (leader: TestNode, others: [TestNode]) {
        let leader = try #require(cluster.leader(of: Self.group))
        return (leader, cluster.nodes.filter { $0 !== leader })
    }

    @Test func aBatchThatDoesNotFitIsTakenInPart() throws {
        let cluster = try cluster { $0.replica.raft.maxUncommittedBytes = 10_500 }
        let (leader, _) = try lead(cluster)
        let before = try #require(leader.core?.replica(Self.group)).raft.lastIndex
        let answers = Answers()
        submit(40, through: leader, answers)
        leader.turn()
        let replica = try #require(leader.core?.replica(Self.group))
        #expect(replica.raft.lastIndex - before >= 8, "as many as there is room for")
        #expect(replica.raft.uncommittedBytes <= 10_500)
        cluster.run(ticks: 8)
        #expect(answers.succeeded == 40)
        #expect(replica.raft.lastIndex - before == 40, "each is proposed once")
    }

    /// One call waits for a leader that does not come: neither the calls that are refused meanwhile nor the numbers of
    /// those that were answered fill anything up.
    @Test(arguments: [(count: 4, span: 1_000), (count: 1_000, span: 4)])
    func callsBeyondTheNumberAreRefusedAndKeepNothing(_ limits: (count: Int, span: Int)) throws {
        let cluster = try cluster {
            $0.calls.countPerGroup = limits.count
            $0.calls.spanPerGroup = limits.span
        }
        let (_, others) = try lead(cluster)
        let survivor = others[0]
        for node in cluster.nodes where node !== survivor { node.isStopped = true }
        cluster.run(ticks: 40)
        let answers = Answers()
        for _ in 0..<50 {
            submit(200, bytes: 10, through: survivor, answers)
            survivor.turn()
        }
        let table = try table(survivor)
        #expect(table.count == 4 && table.span == 4)
        #expect(answers.failures == Array(repeating: .busy, count: 9_996))
        for node in cluster.nodes { node.isStopped = false }
        cluster.run(ticks: Self.settleTicks)
        #expect(answers.succeeded == 4 && table.span == 0)
    }

    /// Behind a failover there is nothing uncommitted, and nobody to send anything to.
    @Test func whatWaitsForALeaderIsBoundedInBytes() throws {
        let cluster = try cluster { $0.calls.bytesPerGroup = 100_000 }
        let (leader, others) = try lead(cluster)
        let survivor = others[0]
        for node in cluster.nodes where node !== survivor { node.isStopped = true }
        cluster.run(ticks: 40)
        try #require(leader.isStopped && survivor.core?.replica(Self.group)?.leaderNode == nil)
        let answers = Answers()
        submit(50, bytes: 20_000, through: survivor, answers)
        survivor.turn()
        let table = try table(survivor)
        #expect(table.bytes <= 100_000 && table.count == 4)
        #expect(answers.failures == Array(repeating: .busy, count: 46))
        for node in cluster.nodes { node.isStopped = false }
        cluster.run(ticks: 80)
        #expect(answers.succeeded == 4)
        #expect(table.bytes == 0)
        submit(4, bytes: 20_000, through: survivor, answers)
        cluster.run(ticks: 8)
        #expect(answers.succeeded == 8)
    }

    /// One larger than the bound waits alone, and no other beside it, however small.
    @Test func aSingleCallLargerThanTheBoundIsTaken() throws {
        let cluster = try cluster { $0.calls.bytesPerGroup = 10 }
        let answers = Answers()
        submit(1, bytes: 20_000, through: cluster[1], answers)
        submit(2, bytes: 1, through: cluster[1], answers)
        cluster[1].turn()
        #expect(try table(cluster[1]).count == 1)
        #expect(answers.failures == [.busy, .busy])
        cluster.run(ticks: 8)
        #expect(answers.succeeded == 1)
        submit(1, bytes: 20_000, through: cluster[1], answers)
        cluster.run(ticks: 8)
        #expect(answers.succeeded == 2)
    }

    /// The leader has the calls in its log and does not answer: nothing is gained by having it propose them again.
    @Test(arguments: [true, false]) func whatTheLeaderHasIsNotProposedAgain(_ isForwarded: Bool) throws {
        let cluster = try cluster()
        let (leader, others) = try lead(cluster)
        let node = isForwarded ? others[0] : leader
        for node in cluster.nodes { node.isStateBusy = true }
        let before = try #require(leader.core?.replica(Self.group)).raft.lastIndex
        let answers = Answers()
        submit(100, through: node, answers)
        var forwards = 0
        // Ten seconds.
        cluster.run(ticks: 200) { message, _, _ in
            if case .forward = message { forwards += 1 }
            return false
        }
        #expect(answers.succeeded == 0)
        #expect(forwards <= (isForwarded ? 500 : 0), "each wait is twice as long as the one before")
        let replica = try #require(leader.core?.replica(Self.group))
        #expect(replica.isLeader && replica.raft.lastIndex - before == 100)
        for node in cluster.nodes { node.isStateBusy = false }
        cluster.run(ticks: 4)
        #expect(answers.succeeded == 100 && answers.failures.isEmpty)
    }

    @Test func whatIsOnItsWayToALeaderIsBounded() throws {
        let cluster = try cluster()
        let (leader, others) = try lead(cluster)
        let answers = Answers()
        for node in cluster.nodes { node.isStateBusy = true }
        submit(100, bytes: 200_000, through: others[0], answers)
        var bytes = 0
        cluster.run(ticks: 4) { message, _, target in
            if case .forward(_, _, let payload) = message, target == leader.id { bytes += payload.readableBytes }
            return false
        }
        #expect(bytes > 1 << 20 && bytes <= CallsRoom.maximumForwardedBytes + 256 << 10)
        for node in cluster.nodes { node.isStateBusy = false }
        cluster.run(ticks: 20)
        #expect(answers.succeeded == 100)
    }

    /// Refusals of one batch are one refusal: the callers wait once, and are all served in the end.
    @Test func aBusyLeaderIsLeftAloneForAWhile() throws {
        let cluster = try cluster { $0.replica.raft.maxUncommittedBytes = 3_000 }
        let (leader, others) = try lead(cluster)
        for node in cluster.nodes { node.isStateBusy = true }
        let answers = Answers()
        submit(200, through: others[0], answers)
        // The followers have nothing of it, so that nothing is committed.
        var forwards = 0
        cluster.run(ticks: 20) { message, sender, _ in
            if case .forward = message { forwards += 1 }
            if case .replica(let message) = message, case .appendEntries = message.message.body {
                return sender == leader.id
            }
            return false
        }
        #expect(try table(others[0]).pauses > 1)
        #expect(forwards < 200 * 8)
        for node in cluster.nodes { node.isStateBusy = false }
        cluster.run(ticks: 200)
        #expect(answers.succeeded == 200 && answers.failures.isEmpty)
    }

    @Test func theHintOfAFormerLeaderIsFollowedAtOnce() throws {
        let cluster = try cluster()
        let (leader, others) = try lead(cluster)
        let (caller, third) = (others[0], others[1])
        let answers = Answers()
        submit(1, through: caller, answers)
        caller.turn()
        let sent = forwards(of: caller)
        try #require(sent.map(\.target) == [leader.id])
        let reply = PeerMessage.forwardReply(group: Self.group, request: sent[0].request, .notLeader(third.id))
        caller.core?.inboxes.receive([reply], from: leader.id)
        caller.turn()
        let again = forwards(of: caller)
        #expect(again.map(\.target) == [third.id] && again.map(\.request) == sent.map(\.request))
        // The word of a node that is not asked any more counts for nothing.
        caller.core?.inboxes.receive([reply], from: leader.id)
        caller.turn()
        #expect(forwards(of: caller).isEmpty)
        // A second wrong hint: there may be no leader now.
        let wrong = PeerMessage.forwardReply(group: Self.group, request: sent[0].request, .notLeader(leader.id))
        caller.core?.inboxes.receive([wrong], from: third.id)
        caller.turn()
        #expect(forwards(of: caller).isEmpty)
        cluster.run(ticks: 20)
        #expect(answers.succeeded == 1)
    }

    private func forwards(of node: TestNode) -> [(request: RequestID, target: NodeID)] {
        node.takeSent().compactMap { message, target in
            if case .forward(_, let request, _) = message { (request, target) } else { nil }
        }
    }

    @Test func aCallIsGivenUpAtItsDeadlineThoughNobodyAnswers() throws {
        let cluster = try cluster()
        let (_, others) = try lead(cluster)
        for node in cluster.nodes { node.isStateBusy = true }
        let answers = Answers()
        let now = try #require(others[0].core?.loop(of: Self.group)).nowMilliseconds
        submit(3, deadline: now + 1_000, through: others[0], answers)
        cluster.run(ticks: 15)
        #expect(answers.failures.isEmpty)
        cluster.run(ticks: 10)
        #expect(answers.failures == [.unavailable, .unavailable, .unavailable])
        #expect(try table(others[0]).count == 0)
    }

    @Test func everyCallIsAnsweredOnceThroughAChangeOfLeaders() throws {
        let cluster = try cluster(loops: [2, 1, 3]) { $0.replica.raft.maxUncommittedBytes = 4_000 }
        let answers = Answers()
        for node in cluster.nodes { submit(60, through: node, answers) }
        let (leader, _) = try lead(cluster)
        for node in cluster.nodes { node.turn() }
        leader.isStopped = true
        cluster.run(ticks: 60)
        leader.isStopped = false
        cluster.run(ticks: 200)
        #expect(answers.succeeded == 180 && answers.failures.isEmpty)
    }
}
