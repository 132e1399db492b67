import Consensus
import MailModel
import NIOConcurrencyHelpers
import NIOPosix
import Testing

@testable import NodeRuntime

/// A state that does not answer costs the leaderships, and then the node; its clients are answered in time.
@Suite struct HangTests {
    private func hang(_ node: TestNode, since milliseconds: Int64?, patience: Int64 = 1) {
        let watch = StateWatch(name: "a read of the state", patience: patience) { milliseconds }
        node.core?.agent.disk.stateWatches = [watch]
    }

    @Test func aStateThatHangsCostsTheLeaderships() throws {
        let cluster = try TestCluster(groups: 3)
        cluster.run(ticks: 60)
        let group = GroupID(1)
        let leader = try #require(cluster.leader(of: group))
        let loop = try #require(leader.core?.loop)
        let said = NIOLockedValueBox<[String]>([])
        leader.core?.agent.desk.observers.disk = { event in
            if case .hangs(_, let what) = event { said.withLockedValue { $0.append(what) } }
        }
        hang(leader, since: loop.nowMilliseconds)
        cluster.run(ticks: Int(cluster.settings.disk.hangMilliseconds / cluster.settings.tickMilliseconds) + 40)
        #expect(said.withLockedValue { $0 } == ["a read of the state"])
        #expect(cluster.leader(of: group)?.id != leader.id)
        #expect(loop.floor.health.isHanging)
        hang(leader, since: nil)
        cluster.run(ticks: 2)
        #expect(!loop.floor.health.isHanging)
        #expect(leader.failure == nil)
    }

    @Test(arguments: [1, 2])
    func aStateThatHangsForLongEndsTheNode(patience: Int64) throws {
        let cluster = try TestCluster(groups: 2)
        cluster.run(ticks: 60)
        let node = cluster[1]
        let loop = try #require(node.core?.loop)
        node.expectsFailure = true
        hang(node, since: loop.nowMilliseconds, patience: patience)
        let limit = patience * cluster.settings.disk.hangEndMilliseconds
        cluster.run(ticks: Int(limit / cluster.settings.tickMilliseconds) + 4)
        #expect("\(try #require(node.failure))".contains("has not finished a read of the state for \(60 * patience) s"))
    }

    @Test func aReadThatHangsIsAnsweredAtItsDeadline() {
        let reads = StateReads()
        let failures = Counter()
        let first = reads.begin(deadlineMilliseconds: 100) { _ in failures.value += 1 }
        let second = reads.begin(deadlineMilliseconds: 200) { _ in failures.value += 10 }
        reads.expire(99)
        #expect(failures.value == 0)
        reads.expire(150)
        #expect(failures.value == 1)
        // It comes back after all, and is not answered a second time.
        #expect(!reads.end(first))
        #expect(reads.end(second))
        reads.expire(500)
        #expect(failures.value == 1)
    }

    @Test func aPoolTellsSinceWhenItWorks() async throws {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let watched = BlockingPool(pool: pool, clock: SystemClock())
        #expect(watched.oldestStartMilliseconds() == nil)
        let gate = ConditionLock(value: 0)
        watched.run {
            gate.lock(whenValue: 1)
            gate.unlock(withValue: 2)
        }
        while watched.oldestStartMilliseconds() == nil { await Task.yield() }
        gate.lock(whenValue: 0)
        gate.unlock(withValue: 1)
        while watched.oldestStartMilliseconds() != nil { await Task.yield() }
        try await pool.shutdownGracefully()
    }

    /// A disk that cannot even be asked gives no all-clear.
    @Test func theReserveStaysWhileTheDiskDoesNotSay() throws {
        let cluster = try TestCluster(nodes: 1, groups: 2)
        cluster.run(ticks: 40)
        let core = try #require(cluster[1].core)
        func isSpaceLow(after bytes: Int?) -> Bool {
            core.agent.inbox.put(.space(bytes.map { DiskSpace(freeBytes: $0, capacityBytes: 1 << 40) }))
            cluster[1].turn()
            return core.loop.floor.health.isSpaceLow
        }
        #expect(isSpaceLow(after: cluster.settings.disk.reservedBytes - 1))
        #expect(isSpaceLow(after: nil))
        #expect(!isSpaceLow(after: cluster.settings.disk.reservedBytes * 2))
    }
}
