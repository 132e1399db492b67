import Consensus
import MailModel
import MailStore
import NIOCore
import PeerTransport
import ReplicaCore
import StateStorage
import Testing

@testable import NodeRuntime

/// Nodes whose replicas hold the same, or not.
@Suite struct VerificationTests {
    private static let group = GroupID(1)
    private static let messages: [UInt8] = [0, 0, 0, 1, 7]
    private static let meta: [UInt8] = [0, 0, 0, 1, 1]

    /// Three nodes, an account, and a message in its INBOX.
    private func cluster(intervalMilliseconds: Int64 = 0) throws -> TestCluster {
        let cluster = try TestCluster(groups: 3) { settings in
            settings.verification.intervalMilliseconds = intervalMilliseconds
            settings.verification.limits.askMilliseconds = 300
            settings.verification.limits.silenceMilliseconds = 1_000
            settings.verification.limits.gatherMilliseconds = 2_000
            settings.verification.idleMilliseconds = 2_000
        }
        cluster.run(ticks: 100)
        let leader = try #require(cluster.leader(of: Self.group))
        try submit(
            .createAccount(
                address: try #require(AccountAddress("anna@example.org")),
                credential: nil,
                quotaBytes: 0,
                mailboxes: []
            ),
            AccountID(0),
            leader
        )
        cluster.run(ticks: 5)
        let body = ByteBuffer(string: "Subject: one\r\n\r\n")
        let message = NewMessage(
            bodyID: BodyID(high: 1, low: 2),
            internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
            sizeBytes: UInt64(body.readableBytes),
            summary: ByteBuffer(string: "summary"),
            body: .inline(body)
        )
        try submit(.deliver(message, id: nil), AccountID(1 << 32 | 1), leader)
        cluster.run(ticks: 5)
        return cluster
    }

    private func submit(_ command: MailCommand, _ account: AccountID, _ node: TestNode) throws {
        let call = ClientCall(
            group: Self.group,
            account: account,
            command: command,
            deadlineMilliseconds: .max,
            completion: Completion(on: nil) { result in
                if case .failure(let failure) = result { Issue.record("\(failure)") }
            }
        )
        try #require(node.core).inbox.put(.submit(call))
    }

    /// Changes the row of the message; with a digest that fits, only the others can tell.
    private func harm(_ node: TestNode, isCounted: Bool, in cluster: TestCluster) throws {
        var found: ([UInt8], [UInt8])?
        try node.state.scan(from: Self.messages, to: Self.messages + [255], order: .ascending) { key, value in
            found = (key.indices.map { key[$0] }, value.indices.map { value[$0] })
            return false
        }
        var (key, value) = try #require(found)
        value[value.count - 1] ^= 1
        let batch = node.state.makeBatch()
        batch.put(key, value)
        try node.state.write(batch)
        guard isCounted else { return }
        node.kill()
        var meta = try #require(try node.state.get(Self.meta))
        let digest = try recomputedDigest(Self.group, in: node.state)
        meta.setInteger(digest.value, at: meta.readerIndex + 17)
        batch.clear()
        batch.put(Self.meta, meta)
        try node.state.write(batch)
        try cluster.start(node)
        cluster.run(ticks: 100)
    }

    /// - Returns: what the leader found, after so many ticks.
    private func verify(
        _ cluster: TestCluster,
        isScrub: Bool = false,
        ticks: Int = 100,
        isLost: (PeerMessage, NodeID, NodeID) -> Bool = { _, _, _ in false }
    ) throws -> VerificationReport {
        let leader = try #require(cluster.leader(of: Self.group)?.core?.loop)
        let id = try leader.verify(Self.group, isScrub: isScrub).get()
        cluster.run(ticks: ticks, isLost: isLost)
        let note = try #require(leader.floor.groups[Self.group]?.verificationNote)
        #expect(note.origin == id)
        return try #require(note.report)
    }

    private func expectHealed(_ cluster: TestCluster) throws {
        cluster.run(ticks: 200)
        let voters = cluster.leader(of: Self.group)?.core?.loop.replica(Self.group)?.raft.configuration.voters
        #expect(voters?.count == 3)
        let digests = try cluster.nodes.map { node in
            let digest = try MailReader(store: node.state).digest(Self.group)
            #expect(try recomputedDigest(Self.group, in: node.state) == digest.digest)
            return digest.digest
        }
        #expect(Set(digests).count == 1)
        #expect(try verify(cluster, isScrub: true).result == .equal)
    }

    @Test(arguments: [false, true])
    func equalReplicasAreEqual(isScrub: Bool) throws {
        let cluster = try cluster()
        let report = try verify(cluster, isScrub: isScrub)
        #expect(report.result == .equal)
        #expect(report.replicas.count == 3)
        #expect(report.replicas.allSatisfy { $0.scrub == (isScrub ? .intact : .none) })
        // The others know it too, and nothing is kept.
        for node in cluster.nodes {
            let loop = try #require(node.core?.loop)
            #expect(loop.floor.groups[Self.group]?.verificationNote?.index == report.index)
            #expect(loop.rooms.markedStates.isIdle)
            #expect(!loop.rooms.verification.isRunning(Self.group))
        }
    }

    @Test(arguments: [false, true], [false, true])
    func theReplicaThatDiffersIsNamedAndBuiltAnew(isLeader: Bool, isCounted: Bool) throws {
        let cluster = try cluster()
        let leader = try #require(cluster.leader(of: Self.group))
        let follower = try #require(cluster.nodes.first { $0.id != leader.id })
        let node = isLeader ? leader : follower
        try harm(node, isCounted: isCounted, in: cluster)
        if isLeader, cluster.leader(of: Self.group)?.id != node.id {
            let now = try #require(cluster.leader(of: Self.group)?.core?.loop)
            now.inbox.put(.order(.handOver(to: node.id)))
            cluster.run(ticks: 50)
        }
        let before = try #require(node.core?.loop.replica(Self.group)?.raft.id)
        let report = try verify(cluster, isScrub: !isCounted)
        #expect(report.result == .different)
        let found = try #require(report.replicas.first { $0.node == node.id })
        #expect(found.finding == .condemned)
        // The table of messages, and the only message in it.
        #expect(found.firstKey?.first == 7)
        #expect(found.firstKey?.last == 1)
        #expect(report.replicas.count { $0.finding == .agrees } == 2)
        let after = try #require(node.core?.loop.replica(Self.group)?.raft.id)
        #expect(after != before)
        try expectHealed(cluster)
    }

    /// One of two that answer is wrong: none is given up, and none is copied.
    @Test func withoutAMajorityNothingIsGivenUpAndNothingIsCopied() throws {
        let cluster = try cluster()
        let leader = try #require(cluster.leader(of: Self.group))
        let others = cluster.nodes.filter { $0.id != leader.id }
        try harm(others[0], isCounted: true, in: cluster)
        let away = try #require(
            cluster.nodes.first { $0.id != others[0].id && $0.id != cluster.leader(of: Self.group)?.id }
        )
        let report = try verify(cluster, ticks: 60) { _, from, to in from == away.id || to == away.id }
        #expect(report.result == .disputed)
        for node in cluster.nodes where node.id != away.id {
            #expect(node.core?.loop.floor.groups[Self.group]?.doubt == .suspected)
        }
        // Once the third is there, it is known who is right.
        cluster.run(ticks: 50)
        #expect(try verify(cluster).result == .different)
        for node in cluster.nodes { #expect(node.core?.loop.floor.groups[Self.group]?.doubt == Doubt.none) }
        try expectHealed(cluster)
    }

    @Test func aNodeThatIsAwayIsSaidToBeSilent() throws {
        let cluster = try cluster()
        let leader = try #require(cluster.leader(of: Self.group))
        let away = try #require(cluster.nodes.first { $0.id != leader.id })
        let report = try verify(cluster, ticks: 60) { _, from, to in from == away.id || to == away.id }
        #expect(report.result == .incomplete)
        #expect(report.replicas.first { $0.node == away.id }?.finding == .silent)
    }

    /// Whoever did not hear the question in time is asked again, at another index.
    @Test func aLostQuestionIsAskedAgain() throws {
        let cluster = try cluster()
        var lost = 0
        let report = try verify(cluster, ticks: 150) { message, _, _ in
            guard case .verification(_, .ask) = message, lost < 2 else { return false }
            lost += 1
            return true
        }
        #expect(lost == 2)
        #expect(report.result == .equal)
    }

    @Test func onlyTheLeaderBeginsAndOnlyOnce() throws {
        let cluster = try cluster()
        let leader = try #require(cluster.leader(of: Self.group))
        let other = try #require(cluster.nodes.first { $0.id != leader.id }?.core?.loop)
        #expect(other.verify(Self.group, isScrub: false) == .failure(.notLeader(leader.id)))
        #expect(other.verify(GroupID(77), isScrub: false) == .failure(.noReplica))
        let loop = try #require(leader.core?.loop)
        _ = try loop.verify(Self.group, isScrub: false).get()
        #expect(loop.verify(Self.group, isScrub: false) == .failure(.busy))
    }

    /// Every group has its turn within the interval, rested or not.
    @Test func theScheduleComesToEveryGroup() throws {
        let cluster = try cluster(intervalMilliseconds: 4_000)
        cluster.run(ticks: 160)
        for group in cluster.groups {
            for node in cluster.nodes {
                let note = node.core?.loop.floor.groups[group]?.verificationNote
                #expect(note != nil, "group \(group.rawValue)")
            }
        }
    }

    @Test func theScheduleGoesRound() throws {
        var schedule = VerificationSchedule()
        var led = GroupSet()
        for group in [1, 4, 6] as [UInt32] { led.insert(GroupID(group)) }
        var turns: [GroupID] = []
        for _ in 0..<4 {
            let next = try #require(schedule.group(after: led))
            turns.append(next)
            schedule.last = next
        }
        #expect(turns == [GroupID(1), GroupID(4), GroupID(6), GroupID(1)])
        #expect(schedule.group(after: GroupSet()) == nil)
    }
}
