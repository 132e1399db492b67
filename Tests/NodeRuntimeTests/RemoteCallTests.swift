import Consensus
import MailModel
import MailStore
import NIOCore
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// What a node does for its clients of a group of which it has no replica: calls.
@Suite struct RemoteCallTests {
    /// Each call is carried out once, though messages are lost and the leader dies.
    @Test(arguments: [1, 2, 3] as [UInt64]) func callsAreCarriedOutOnce(_ seed: UInt64) throws {
        let bench = try RemoteBench { $0.callMilliseconds = 60_000 }
        let (_, account) = try bench.makeAccount()
        var generator = SplitMix64(seed: seed)
        var calls: [Heard<MailOutcome>] = []
        func add(_ count: Int) {
            for _ in 0..<count {
                let command = RemoteBench.message(UInt64(calls.count + 1))
                calls.append(bench.submit(command, account: account.id, through: bench.guest))
            }
        }
        func isLost(_ message: PeerMessage, _ from: NodeID, _ to: NodeID) -> Bool {
            switch message {
            case .forward, .forwardReply: Int.random(in: 0..<6, using: &generator) == 0
            default: false
            }
        }
        for round in 0..<10 {
            add(4)
            bench.run(ticks: 3, isLost: isLost)
            if round == 4 { bench.cluster.leader(of: RemoteBench.group)?.kill() }
        }
        for _ in 0..<100 where calls.contains(where: { $0.value == nil }) { bench.run(ticks: 10, isLost: isLost) }
        let done = calls.count { if case .success(.appended)? = $0.value { true } else { false } }
        #expect(done == calls.count, "all are carried out before their deadlines")
        #expect(calls.allSatisfy { $0.count == 1 })
        let answer = bench.query(.mailbox(.inbox), of: account, through: bench.guest)
        bench.run(ticks: 40)
        #expect(RemoteBench.messages(in: answer.value) == UInt32(calls.count))
        #expect(bench.guest.core?.callBudget.usedBytes == 0)
    }

    /// The first call finds the leader, and later ones go there at once.
    @Test func theLeaderIsRemembered() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        let leader = try #require(bench.cluster.leader(of: RemoteBench.group))
        func targets() -> [NodeID] {
            let call = bench.submit(.setQuota(bytes: 0), account: account.id, through: bench.guest)
            bench.run(ticks: 10)
            #expect(call.value == .success(.done))
            return bench.heard.compactMap { message, from, to in
                if case .forward = message, from == bench.guest.id { to } else { nil }
            }
        }
        #expect(targets().last == leader.id)
        #expect(targets() == [leader.id])
    }

    /// However long a group has had no leader: a call goes to the next one soon, and until then not all calls go to and
    /// fro.
    @Test func aNewLeaderIsFoundSoon() throws {
        let bench = try RemoteBench { $0.callMilliseconds = 60_000 }
        let (_, account) = try bench.makeAccount()
        for node in bench.holders.dropLast() { node.kill() }
        let calls = (0..<20).map { number in
            bench.submit(RemoteBench.message(UInt64(number)), account: account.id, through: bench.guest)
        }
        let second = 1_000 / Int(bench.cluster.settings.tickMilliseconds)
        bench.run(ticks: 10 * second) { message, from, to in
            guard from == bench.guest.id, case .forward = message, bench.cluster.nodes[Int(to.rawValue) - 1].core == nil
            else { return false }
            bench.guest.core?.inboxes.lost(to)
            return true
        }
        #expect(calls.allSatisfy { $0.value == nil })
        let forwards = bench.heard.count { if case .forward = $0.message { $0.from == bench.guest.id } else { false } }
        #expect((10...300).contains(forwards), "\(forwards)")
        for node in bench.holders.dropLast() { try bench.cluster.start(node) }
        for _ in 0..<10 * second where bench.cluster.leader(of: RemoteBench.group) == nil { bench.run(ticks: 1) }
        try #require(bench.cluster.leader(of: RemoteBench.group) != nil)
        bench.run(ticks: second / 2)
        #expect(calls.allSatisfy { if case .success(.appended)? = $0.value { true } else { false } })
    }

    /// A replica that hears of no leader any more, as one that was taken out of its group may, keeps no client waiting
    /// for it: those who have others lead the call to the leader, and answer the read.
    @Test func whereTheReplicaHearsOfNoLeaderOthersAreAsked() throws {
        let bench = try RemoteBench { $0.callMilliseconds = 60_000 }
        let (_, account) = try bench.makeAccount()
        let leader = try #require(bench.cluster.leader(of: RemoteBench.group))
        let deaf = try #require(bench.holders.first { $0.id != leader.id })
        func isLost(_ message: PeerMessage, _ from: NodeID, _ to: NodeID) -> Bool {
            guard from == deaf.id || to == deaf.id else { return false }
            switch message {
            case .forward, .forwardReply, .read: return false
            default: return true
            }
        }
        // An election timeout is up to 24 ticks, and others are asked another 12 later.
        bench.run(ticks: 26, isLost: isLost)
        let call = bench.submit(.setQuota(bytes: 0), account: account.id, through: deaf)
        let read = bench.query(.mailbox(.inbox), of: account, through: deaf)
        bench.run(ticks: 24, isLost: isLost)
        #expect(call.value == .success(.done))
        #expect(RemoteBench.messages(in: read.value) == 0)
        // From then on nobody waits.
        let next = bench.submit(.setQuota(bytes: 0), account: account.id, through: deaf)
        bench.run(ticks: 8, isLost: isLost)
        #expect(next.value == .success(.done))
    }

    /// A node that is known to be lost is not waited for.
    @Test func aLostLeaderIsLeftAtOnce() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        let first = bench.submit(.setQuota(bytes: 0), account: account.id, through: bench.guest)
        bench.run(ticks: 10)
        #expect(first.value == .success(.done))
        let leader = try #require(bench.cluster.leader(of: RemoteBench.group))
        leader.kill()
        bench.run(ticks: 60)
        try #require(bench.cluster.leader(of: RemoteBench.group) != nil)
        let second = bench.submit(.setQuota(bytes: 0), account: account.id, through: bench.guest)
        bench.run(ticks: 1)
        bench.guest.core?.inboxes.lost(leader.id)
        bench.run(ticks: 5)
        #expect(second.value == .success(.done))
    }

    /// Nodes that cannot be reached are asked one after the other, and not in a circle without an end.
    @Test func whereAllAreLostTheyAreAskedAgainAfterAPause() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        let call = bench.submit(.setQuota(bytes: 0), account: account.id, through: bench.guest)
        var asked: [NodeID] = []
        func isCut(_ message: PeerMessage, _ from: NodeID, _ to: NodeID) -> Bool {
            guard case .forward = message, from == bench.guest.id else { return false }
            asked.append(to)
            bench.guest.core?.inboxes.lost(to)
            return true
        }
        bench.run(ticks: 1, isLost: isCut)
        for _ in 0..<100 {
            bench.guest.turn()
            for (message, to) in bench.guest.takeSent() { _ = isCut(message, bench.guest.id, to) }
        }
        #expect(asked.count == bench.holders.count && Set(asked) == Set(bench.holders.map(\.id)))
        // The pauses grow, and then stay as they are.
        let ticks = 100
        bench.run(ticks: ticks, isLost: isCut)
        let milliseconds = ticks * Int(bench.cluster.settings.tickMilliseconds)
        #expect(call.value == nil && asked.count >= 2 * bench.holders.count)
        #expect(asked.count <= (4 + milliseconds / 150) * bench.holders.count)
        bench.run(ticks: 60)
        #expect(call.value == .success(.done))
    }

    @Test func aNodeWithoutAReplicaKnowsNoLeader() throws {
        let bench = try RemoteBench()
        let request = RequestID(session: 1, sequence: 1)
        let forward = PeerMessage.forward(group: RemoteBench.group, request: request, payload: ByteBuffer())
        bench.guest.core?.inboxes.receive([forward], from: NodeID(1))
        bench.guest.turn()
        let replies = bench.guest.takeSent().compactMap { message, _ in
            if case .forwardReply(_, request, let result) = message { result } else { nil }
        }
        #expect(replies == [.notLeader(nil)])
    }

    @Test func callsAreGivenUpAtTheirDeadline() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        for node in bench.holders { node.kill() }
        let call = bench.submit(.setQuota(bytes: 0), account: account.id, through: bench.guest)
        bench.run(ticks: 295)
        #expect(call.value == nil)
        bench.run(ticks: 10)
        #expect(call.value == .failure(.unavailable) && call.count == 1)
        #expect(bench.guest.core?.callBudget.usedBytes == 0)
    }
}
