import Consensus
import MailModel
import NIOCore
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// What a caller gets for a call that another node leads the group of, and when it is sent again.
@Suite struct ForwardTests {
    private static let group = GroupID(1)

    /// `@unchecked Sendable`: a test cluster has one thread.
    private final class Answers: @unchecked Sendable {
        var outcomes: [MailOutcome] = []
        var failures: [ServiceFailure] = []
        var isEmpty: Bool { outcomes.isEmpty && failures.isEmpty }
    }

    /// Messages go from hand to hand; the clock stands still where the cluster is not run.
    private struct Bench {
        let cluster: TestCluster
        let leader: TestNode
        let caller: TestNode
        let third: TestNode
        let answers = Answers()

        init() throws {
            cluster = try TestCluster(groups: 2)
            cluster.run(ticks: 160)
            try #require(cluster.allAreLed)
            leader = try #require(cluster.leader(of: group))
            let others = cluster.nodes.filter { [leader] in $0 !== leader }
            (caller, third) = (others[0], others[1])
            for node in cluster.nodes { _ = node.takeSent() }
        }

        var lastIndex: LogIndex { leader.core?.replica(group)?.raft.lastIndex ?? .zero }

        var calls: CallTable {
            get throws { try #require(caller.core?.loop.groups[group]?.calls) }
        }

        func submit(_ command: MailCommand, through node: TestNode, admittedBytes: Int = 0) {
            let call = ClientCall(
                group: group,
                account: AccountID(1 << 32 | 1),
                command: command,
                deadlineMilliseconds: .max,
                admittedBytes: admittedBytes,
                completion: Completion(on: nil) { [answers] result in
                    switch result {
                    case .success(let outcome): answers.outcomes.append(outcome)
                    case .failure(let failure): answers.failures.append(failure)
                    }
                }
            )
            node.core?.inboxes.put(.submit(call), for: group)
            node.turn()
        }

        func forwards(of node: TestNode) -> [(request: RequestID, target: NodeID, message: PeerMessage)] {
            node.takeSent().compactMap { message, target in
                if case .forward(_, let request, _) = message { (request, target, message) } else { nil }
            }
        }

        func replies(of node: TestNode) -> [ForwardResult] {
            node.takeSent().compactMap { message, _ in
                if case .forwardReply(_, _, let result) = message { result } else { nil }
            }
        }

        func receive(_ message: PeerMessage, from sender: TestNode, _ node: TestNode) {
            node.core?.inboxes.receive([message], from: sender.id)
            node.turn()
        }

        func reply(_ result: ForwardResult, to request: RequestID, from sender: TestNode) {
            receive(.forwardReply(group: group, request: request, result), from: sender, caller)
        }

        func fill(_ node: TestNode) {
            node.core?.inboxes.putToAll(.order(.health(NodeHealth(isSpaceLow: true))))
            node.turn()
        }
    }

    private static func mail(_ number: UInt64 = 1) -> MailCommand {
        .uploadChunk(BodyID(high: 1, low: number), index: 0, bytes: ByteBuffer(repeating: 1, count: 1_000))
    }

    private static let quota = MailCommand.setQuota(bytes: 1)

    // MARK: No space

    /// The caller is told at once, and the call is not sent again.
    @Test func aLeaderWithoutRoomRefusesMail() throws {
        let bench = try Bench()
        bench.fill(bench.leader)
        let before = bench.lastIndex
        bench.submit(Self.mail(), through: bench.caller)
        let forward = try #require(bench.forwards(of: bench.caller).first)
        bench.receive(forward.message, from: bench.caller, bench.leader)
        #expect(bench.replies(of: bench.leader) == [.noSpace] && bench.lastIndex == before)
        bench.reply(.noSpace, to: forward.request, from: bench.leader)
        #expect(bench.answers.failures == [.noSpace])
        #expect(try bench.calls.count == 0 && bench.calls.bytes == 0)
        // An earlier try may have been carried out: its outcome comes too late for the caller.
        bench.reply(.outcome(.done), to: forward.request, from: bench.leader)
        var forwards = 0
        bench.cluster.run(ticks: 40) { message, _, _ in
            if case .forward = message { forwards += 1 }
            return false
        }
        #expect(forwards == 0 && bench.answers.outcomes.isEmpty && bench.answers.failures.count == 1)
    }

    @Test func aLeaderWithoutRoomTakesWhatBringsNoMail() throws {
        let bench = try Bench()
        bench.fill(bench.leader)
        let before = bench.lastIndex
        bench.submit(Self.quota, through: bench.caller)
        let forward = try #require(bench.forwards(of: bench.caller).first)
        bench.receive(forward.message, from: bench.caller, bench.leader)
        #expect(bench.replies(of: bench.leader).isEmpty && bench.lastIndex == before + 1)
    }

    /// Whoever leads.
    @Test func aNodeWithoutRoomRefusesMailOfItsOwnClients() throws {
        let bench = try Bench()
        bench.fill(bench.caller)
        bench.submit(Self.mail(), through: bench.caller)
        #expect(bench.answers.failures == [.noSpace] && bench.forwards(of: bench.caller).isEmpty)
        bench.submit(Self.quota, through: bench.caller)
        #expect(bench.forwards(of: bench.caller).count == 1 && bench.answers.failures.count == 1)
    }

    // MARK: Busy

    /// The group's calls wait together; those that the leader has not refused are not sent twice. Behind the pause one
    /// goes before all others.
    @Test func aBusyLeaderIsAskedAgainAfterAPause() throws {
        let bench = try Bench()
        for number in 1...2 as ClosedRange<UInt64> { bench.submit(Self.mail(number), through: bench.caller) }
        let first = bench.forwards(of: bench.caller)
        try #require(first.count == 2)
        bench.reply(.busy, to: first[0].request, from: bench.leader)
        bench.submit(Self.mail(3), through: bench.caller)
        #expect(bench.forwards(of: bench.caller).isEmpty, "nothing is sent during the pause")
        #expect(try bench.calls.isPaused && bench.calls.pauses == 1)
        var again: [RequestID] = []
        bench.cluster.run(ticks: 3) { message, _, target in
            guard case .forward(_, let request, _) = message else { return false }
            #expect(target == bench.leader.id)
            again.append(request)
            return true
        }
        #expect(again == [first[0].request])
        #expect(bench.answers.isEmpty)
        bench.cluster.run(ticks: 60)
        #expect(bench.answers.outcomes.count == 3 && bench.answers.failures.isEmpty)
        #expect(try bench.calls.pauses == 0)
    }

    @Test func theWordOfANodeThatIsNotAskedCountsForNothing() throws {
        let bench = try Bench()
        bench.submit(Self.mail(), through: bench.caller)
        let forward = try #require(bench.forwards(of: bench.caller).first)
        for result in [ForwardResult.busy, .notLeader(bench.third.id), .notLeader(nil)] {
            bench.reply(result, to: forward.request, from: bench.third)
        }
        #expect(try !bench.calls.isPaused && bench.calls.hintedLeader == nil)
        #expect(bench.forwards(of: bench.caller).isEmpty)
        // A request of another run of this node.
        let other = RequestID(session: forward.request.session &+ 1, sequence: forward.request.sequence)
        for result in [ForwardResult.busy, .noSpace, .outcome(.done)] {
            bench.reply(result, to: other, from: bench.leader)
        }
        #expect(try bench.answers.isEmpty && !bench.calls.isPaused)
    }

    @Test func anotherLeaderEndsThePause() throws {
        let bench = try Bench()
        bench.submit(Self.mail(), through: bench.caller)
        let forward = try #require(bench.forwards(of: bench.caller).first)
        bench.reply(.busy, to: forward.request, from: bench.leader)
        // As if it had refused often.
        let calls = try bench.calls
        calls.isPaused = true
        calls.pauses = 6
        let question = LoopQuestion.transferLeadership(of: Self.group, to: bench.third.id) { #expect($0 == nil) }
        bench.leader.core?.inbox.put(.question(question))
        bench.cluster.run(ticks: 1)
        #expect(bench.cluster.leader(of: Self.group) === bench.third)
        #expect(!calls.isPaused && calls.pauses == 0)
        bench.cluster.run(ticks: 2)
        #expect(bench.answers.outcomes.count == 1)
    }

    @Test func aPauseThatWasEndedEndsNoOther() throws {
        let bench = try Bench()
        bench.submit(Self.mail(1), through: bench.caller)
        let first = try #require(bench.forwards(of: bench.caller).first)
        bench.reply(.busy, to: first.request, from: bench.leader)
        let calls = try bench.calls
        #expect(calls.isPaused)
        // As a new leader does; then that one refuses as well, for longer.
        calls.isPaused = false
        calls.pauses = 5
        bench.submit(Self.mail(2), through: bench.caller)
        let second = try #require(bench.forwards(of: bench.caller).last)
        bench.reply(.busy, to: second.request, from: bench.leader)
        #expect(calls.isPaused)
        bench.cluster.run(ticks: 3)
        #expect(calls.isPaused)
    }

    @Test func aLeaderThatHandsOverIsBusy() throws {
        let bench = try Bench()
        bench.submit(Self.mail(), through: bench.caller)
        let forward = try #require(bench.forwards(of: bench.caller).first)
        let question = LoopQuestion.transferLeadership(of: Self.group, to: bench.third.id) { #expect($0 == nil) }
        bench.leader.core?.inbox.put(.question(question))
        bench.leader.turn()
        let before = bench.lastIndex
        bench.receive(forward.message, from: bench.caller, bench.leader)
        #expect(bench.replies(of: bench.leader) == [.busy] && bench.lastIndex == before)
        // The same call is taken when it comes again: nothing was noted of it.
        bench.third.isStopped = true
        bench.cluster.run(ticks: 40)
        try #require(bench.leader.core?.replica(Self.group)?.isLeader == true)
        #expect(bench.answers.outcomes.count == 1)
    }

    // MARK: What is no call

    /// Applying it would end every replica.
    @Test func whatCannotBeReadIsNotProposed() throws {
        let bench = try Bench()
        let before = bench.lastIndex
        let request = RequestID(session: 7, sequence: 1)
        bench.submit(Self.mail(), through: bench.caller)
        guard case .forward(_, _, let whole) = try #require(bench.forwards(of: bench.caller).first).message else {
            return
        }
        let large = ByteBuffer(repeating: whole.readableBytesView[0], count: MailLimits.commandBytes + 1)
        let cut = try #require(whole.getSlice(at: whole.readerIndex, length: whole.readableBytes - 1))
        for payload in [cut, large, ByteBuffer()] {
            let message = PeerMessage.forward(group: Self.group, request: request, payload: payload)
            bench.receive(message, from: bench.caller, bench.leader)
            #expect(bench.replies(of: bench.leader) == [.busy])
        }
        #expect(bench.lastIndex == before)
    }

    @Test func aNodeThatDoesNotLeadSaysWhoDoes() throws {
        let bench = try Bench()
        bench.submit(Self.mail(), through: bench.caller)
        let forward = try #require(bench.forwards(of: bench.caller).first)
        bench.receive(forward.message, from: bench.caller, bench.third)
        #expect(bench.replies(of: bench.third) == [.notLeader(bench.leader.id)])
        guard case .forward(_, let request, let payload) = forward.message else { return }
        let stray = PeerMessage.forward(group: GroupID(99), request: request, payload: payload)
        bench.receive(stray, from: bench.caller, bench.third)
        #expect(bench.replies(of: bench.third) == [.notLeader(nil)])
    }

    @Test func anOutcomeThatComesTwiceIsToldOnce() throws {
        let bench = try Bench()
        bench.submit(Self.mail(), through: bench.caller)
        let forward = try #require(bench.forwards(of: bench.caller).first)
        for _ in 0..<2 { bench.reply(.outcome(.done), to: forward.request, from: bench.leader) }
        #expect(bench.answers.outcomes == [.done] && bench.answers.failures.isEmpty)
    }

    // MARK: The end

    /// What a call held of the node's budget is given back, however the call ends.
    @Test func aNodeThatStopsTakesNoCalls() throws {
        let bench = try Bench()
        let budget = try #require(bench.caller.core?.callBudget)
        try #require(budget.take(300))
        bench.submit(Self.mail(1), through: bench.caller, admittedBytes: 200)
        let forward = try #require(bench.forwards(of: bench.caller).first)
        bench.caller.core?.inboxes.putToAll(.question(.resign { #expect($0 == 0) }))
        bench.caller.turn()
        bench.submit(Self.mail(2), through: bench.caller, admittedBytes: 100)
        #expect(bench.answers.failures == [.stopping] && bench.forwards(of: bench.caller).isEmpty)
        #expect(budget.usedBytes == 200)
        // What was taken in before is answered all the same.
        bench.reply(.outcome(.done), to: forward.request, from: bench.leader)
        #expect(bench.answers.outcomes == [.done] && budget.usedBytes == 0)
    }
}
