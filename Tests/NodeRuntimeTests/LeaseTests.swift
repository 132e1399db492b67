import Consensus
import MailModel
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// Reads that a leader answers alone, for as long as nobody else can lead.
@Suite struct LeaseTests {
    private let group = GroupID(1)

    private func replies(_ node: TestNode) -> [(id: UInt64, index: LogIndex?)] {
        node.takeSent().compactMap { message, _ in
            if case .readIndexReply(group, let id, let index) = message { (id, index) } else { nil }
        }
    }

    /// Its clock went on, others may lead by now; all that it knows of is the question that has waited for it.
    @Test func aLeaderThatWasStoppedAnswersNothingUnderItsLease() throws {
        let cluster = try TestCluster(groups: 2) { $0.replica.raft.leaseTicks = 6 }
        cluster.run(ticks: 60)
        let leader = try #require(cluster.leader(of: group))
        let follower = try #require(cluster.nodes.first { $0 !== leader })
        func ask(_ id: UInt64) {
            leader.core?.inbox.put(.received([.readIndex(group: group, id: id)], from: follower.id, nil))
        }

        ask(7)
        leader.turn()
        let first = replies(leader)
        #expect(first.map(\.id) == [7])
        let known = try #require(first.first?.index)

        leader.isStopped = true
        cluster.run(ticks: 60) { _, _, to in to == leader.id }
        let next = try #require(cluster.nodes.first { $0 !== leader && $0.core?.loop.replica(group)?.isLeader == true })
        #expect(try #require(next.core?.loop.replica(group)?.raft.commitIndex) > known)

        ask(8)
        let reads = Counter()
        leader.core?.inbox.put(
            .read(
                ReadCall(group: group, deadlineMilliseconds: .max, read: { { reads.value += 1 } }, fail: { _ in })
            )
        )
        leader.isStopped = false
        leader.turn()
        #expect(replies(leader).isEmpty)
        #expect(reads.value == 0)

        // As soon as it hears of the others it says that it does not lead, and reads what they have committed.
        cluster.run(ticks: 40)
        #expect(reads.value == 1)
    }
}
