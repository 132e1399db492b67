import Consensus
import Testing

@testable import NodeRuntime

/// How long the disk is thought to take.
@Suite struct LogProgressTests {
    @Test func waitsFromTheFirstUnansweredWrite() {
        let progress = LogProgress()
        #expect(progress.waitMilliseconds(5_000) == 0)
        progress.noteWritten(1, 1_000)
        progress.noteWritten(1, 4_000)
        #expect(progress.waitMilliseconds(5_000) == 4_000)
        progress.notePersisted(1, 6_000)
        #expect(progress.waitMilliseconds(8_000) == 2_000)
        progress.notePersisted(1, 9_000)
        #expect(progress.waitMilliseconds(99_000) == 0)
    }

    /// A process that is stopped for a minute, and goes on, must not blame its disk and end.
    @Test func pausesOfTheProcessDoNotCount() {
        let progress = LogProgress()
        progress.noteWritten(1, 1_000)
        progress.skip(60_000)
        #expect(progress.waitMilliseconds(61_500) == 500)
    }

    @Test func aNodeThatWasStoppedDuringAWriteGoesOn() throws {
        let cluster = try TestCluster(groups: 2)
        cluster.run(ticks: 60)
        let group = GroupID(1)
        let leader = try #require(cluster.leader(of: group))
        let loop = try #require(leader.core?.loop)
        try leader.createAccounts(0..<1, in: group) {}
        loop.turn()
        try #require(loop.floor.logProgress.waitMilliseconds(loop.nowMilliseconds + 1) == 1)
        cluster.pause(milliseconds: 2 * cluster.settings.disk.hangEndMilliseconds)
        loop.turn()
        leader.core?.agent.turn()
        #expect(!loop.floor.health.isHanging)
        cluster.run(ticks: 20)
        #expect(leader.failure == nil)
    }
}
