import Consensus
import MailModel
import MailStore
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// Reads see all that was acknowledged before they were asked for.
@Suite struct ReadTests {
    private let group = GroupID(1)

    private func isEntries(_ message: PeerMessage) -> Bool {
        guard case .replica(let message) = message, case .appendEntries(let append) = message.message.body else {
            return false
        }
        return !append.entries.isEmpty
    }

    /// It may be under way for longer than the node is down, and says nothing of what was written since.
    @Test func anAnswerToAnEarlierRunOfTheNodeServesNoRead() throws {
        let cluster = try TestCluster(groups: 2)
        cluster.run(ticks: 60)
        let leader = try #require(cluster.leader(of: group))
        let follower = try #require(cluster.nodes.first { $0 !== leader })
        let reads = Counter()
        let read = ReadCall(group: group, deadlineMilliseconds: .max, read: { { reads.value += 1 } }, fail: { _ in })
        var answers: [PeerMessage] = []
        func isAnswer(_ message: PeerMessage, _: NodeID, _: NodeID) -> Bool {
            guard case .readIndexReply(group, _, _?) = message else { return false }
            answers.append(message)
            return true
        }
        follower.core?.inbox.put(.read(read))
        cluster.run(ticks: 1, isLost: isAnswer)
        let late = try #require(answers.first)

        follower.kill()
        let written = Counter()
        try leader.createAccounts(0..<5, in: group) { written.value += 1 }
        cluster.run(ticks: 10)
        try #require(written.value == 5)
        try cluster.start(follower)
        cluster.run(ticks: 60) { message, _, to in to == follower.id && isEntries(message) }
        let loop = try #require(follower.core?.loop)
        try #require(loop.isSettled && loop.replica(group)?.leaderNode == leader.id)
        answers = []
        loop.inbox.put(.read(read))
        cluster.run(ticks: 1) { message, from, to in
            isAnswer(message, from, to) || (to == follower.id && isEntries(message))
        }
        try #require(!answers.isEmpty)
        loop.inbox.put(.received([late], from: leader.id, nil))
        follower.turn()
        #expect(reads.value == 0)
        cluster.run(ticks: 60)
        #expect(reads.value == 1)
        #expect(loop.replica(group)?.appliedIndex == leader.core?.loop.replica(group)?.appliedIndex)
    }

    /// A leader that cannot answer does not remember more questions than its limit, and leaves none without an answer.
    @Test func whoAskedFirstIsToldToAskAgainWhenTooManyAsk() throws {
        let cluster = try TestCluster(groups: 2)
        cluster.run(ticks: 60)
        let leader = try #require(cluster.leader(of: group))
        let other = try #require(cluster.nodes.first { $0 !== leader })
        _ = leader.takeSent()
        leader.core?.loop.rooms.reads.maximumForeign = 8
        let questions = (0..<9).map { PeerMessage.readIndex(group: group, id: $0) }
        leader.core?.inboxes.receive(questions, from: other.id)
        leader.turn()
        let answers = leader.takeSent().compactMap { message, _ -> (id: UInt64, index: LogIndex?)? in
            guard case .readIndexReply(group, let id, let index) = message else { return nil }
            return (id, index)
        }
        #expect(answers.map(\.id) == [0, 1, 2, 3])
        #expect(answers.allSatisfy { $0.index == nil })
    }

    /// A node that does not lead, and is taken for the leader, is asked less and less often.
    @Test func aNodeThatAlwaysRefusesIsAskedAfterPauses() throws {
        let cluster = try TestCluster(groups: 2)
        cluster.run(ticks: 60)
        let leader = try #require(cluster.leader(of: group))
        let follower = try #require(cluster.nodes.first { $0 !== leader })
        let reads = Counter()
        let read = ReadCall(group: group, deadlineMilliseconds: .max, read: { { reads.value += 1 } }, fail: { _ in })
        _ = follower.takeSent()
        follower.core?.inbox.put(.read(read))
        var questions = 0
        for _ in 0..<1_000 {
            follower.turn()
            for (message, target) in follower.takeSent() where target == leader.id {
                guard case .readIndex(group, let id) = message else { continue }
                questions += 1
                let answer = PeerMessage.readIndexReply(group: group, id: id, index: nil)
                follower.core?.inbox.put(.received([answer], from: leader.id, nil))
            }
        }
        #expect(questions == 1, "no time has passed")
        cluster.run(ticks: 20)
        #expect(reads.value == 1)
    }
}
