import StateStorage
import Testing

@testable import NodeRuntime

/// What is done now and then for the state as a whole.
@Suite struct UpkeepTests {
    /// The state is flushed by the bytes of the log, too: what is flushed needs not be applied again at a start.
    @Test(arguments: [1, 1 << 40])
    func aLogThatHasGrownHasTheStateFlushed(_ bytes: Int) throws {
        let cluster = try TestCluster(groups: 3) { settings in
            settings.flush.milliseconds = 1 << 40
            settings.flush.logBytes = bytes
        }
        cluster.run(ticks: 160)
        try #require(cluster.allAreLed)
        for node in cluster.nodes {
            var (rows, flushed) = (0, 0)
            try node.state.scan(from: [], to: nil) { key, _ in
                rows += 1
                if try node.state.get(key, tier: .persisted) != nil { flushed += 1 }
                return true
            }
            #expect(rows > 0)
            #expect((flushed > 0) == (bytes == 1))
        }
    }
}
