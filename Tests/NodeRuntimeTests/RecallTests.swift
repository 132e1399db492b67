import Consensus
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

@Suite struct RecallTests {
    private let group = GroupID(1)

    /// An answer may be under way for longer than a node takes to start again, and the replica may have promised more
    /// in between.
    @Test func whatAnEarlierRunAskedIsNoAnswer() throws {
        let cluster = try TestCluster(groups: 2)
        cluster.run(ticks: 60)
        let node = cluster[3]
        var answers: [PeerMessage] = []
        for _ in 0..<2 {
            node.kill()
            try cluster.start(node)
            cluster.run(ticks: 2) { message, from, _ in
                guard case .testimony(group, _, _, _, _) = message else { return false }
                if from == cluster[1].id { answers.append(message) }
                return true
            }
        }
        let loop = try #require(node.core?.loop)
        let late = try #require(answers.first)
        loop.inbox.put(.received([late], from: cluster[1].id, nil))
        node.turn()
        #expect(loop.rooms.recall.nodesAwaited(by: group) == [cluster[1].id, cluster[2].id])

        let present = try #require(answers.last)
        loop.inbox.put(.received([present], from: cluster[1].id, nil))
        node.turn()
        #expect(loop.rooms.recall.nodesAwaited(by: group) == [cluster[2].id])
    }

    /// Groups move while a node is away: who remembers what its replica has promised may have no replica any more.
    @Test func whoHasLeftTheGroupRemembersWhatItHasHeard() throws {
        let bench = try RemoteBench()
        let group = RemoteBench.group
        let asking = try #require(bench.cluster.leader(of: group))
        let replica = try #require(asking.core?.replica(group)?.id)
        let question = PeerMessage.recall(group: group, replica: replica, run: 7)
        bench.guest.core?.loop.inbox.put(.received([question], from: asking.id, nil))
        bench.run(ticks: 1)
        let answers = bench.heard.compactMap { message, _, to in
            if to == asking.id, case .testimony(group, replica, 7, let testimony, let witness) = message {
                (testimony.term, witness)
            } else {
                nil
            }
        }
        #expect(answers.count == 1)
        #expect(answers.first?.0 ?? .zero > .zero)
        #expect(answers.first?.1 == TestCluster.replica(on: bench.guest.id))
    }
}
