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
}
